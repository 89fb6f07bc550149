"""How wrong is a counter usually? The exact law under a workload, and runs beside it."""
