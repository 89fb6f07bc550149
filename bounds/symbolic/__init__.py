"""What is the bound in symbols? Formulas, how they grow, and where two of them cross."""
