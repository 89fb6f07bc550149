"""How does a bound change? Over CPUs, over batches, level by level."""
