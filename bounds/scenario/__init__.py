"""The question: CPUs, threads, batches and kernel constants, checked and converted to numbers."""
