"""What does each command do? One module a command: options in, a result written."""
