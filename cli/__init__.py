"""The command line: one module for each command, one in `render/` for each output format."""
