"""How is a result written as a program? Formulas in C, Python and SQL, witnesses in C."""
