"""What is asked? CPUs, threads, batches and kernel constants, checked and put in numbers."""
