"""Is a bound worse than before? Records, changes and their reasons, limits, allowances."""
