"""Whether a bound is worse than before: records, changes, reasons, limits, allowances."""
