"""How does a bound change over CPUs and batches, and level by level?"""
