"""How is a sheet printed? As a table, as plain text, as Markdown."""
