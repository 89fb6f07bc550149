"""What does each result say? One module a result: its words, its rows, its document."""
