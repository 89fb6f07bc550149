"""Why believe a bound? Witness, search, theorem and evaluated formula, held against each other."""
