"""The error of each file: interfaces, the releases that made them precise, tolerances."""
