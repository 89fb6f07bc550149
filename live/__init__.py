"""How wrong is RSS of the processes that run here? What /proc says, again and again."""
