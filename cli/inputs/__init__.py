"""What was asked on the command line? Options, machines, kernel source trees, measurements."""
