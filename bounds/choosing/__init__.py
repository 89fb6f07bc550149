"""Choose a batch or a shape of tree: those that fit a budget, and the best."""
