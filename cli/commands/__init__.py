"""The commands, one module each: read options, write a result."""
