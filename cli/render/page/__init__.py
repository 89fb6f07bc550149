"""How is everything put on one page? HTML without a script or a network."""
