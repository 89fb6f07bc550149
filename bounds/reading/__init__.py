"""Which file is how wrong? Interfaces, the releases that made them precise, tolerances."""
