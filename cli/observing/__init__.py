"""Where does a watch go? Paced looks at processes, and what each of them is shown on or kept in."""
