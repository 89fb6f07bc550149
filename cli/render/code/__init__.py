"""How does a result become a program? Formulas in C, Python and SQL, witnesses in C."""
