"""How does a watch run? Samples of processes at intervals, and where each of them goes."""
