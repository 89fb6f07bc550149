"""Why believe a bound? Witness, search, theorem and evaluated formula must agree."""
