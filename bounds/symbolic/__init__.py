"""What is the bound in symbols? Formulas, how they grow, where two of them cross."""
