"""How are residuals distributed? Workloads, the law of one level, the law of a sum."""
