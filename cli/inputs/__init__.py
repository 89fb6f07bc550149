"""What does a command read? Options, machines, processes, kernel source trees, measurements."""
