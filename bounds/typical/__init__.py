"""How wrong is a counter usually? The exact law under a workload, and simulations to check it."""
