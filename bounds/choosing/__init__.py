"""Choose a batch or a shape of tree: all that fit a budget, and the best."""
