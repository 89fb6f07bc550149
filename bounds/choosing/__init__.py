"""Which batch, which shape of tree? What fits a budget, and what is best."""
