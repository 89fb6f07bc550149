"""What does a design state? Caches, levels, counters, and a model of each that can be run."""
