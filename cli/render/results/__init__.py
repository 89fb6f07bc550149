"""The results, one module each: text, rows and document."""
