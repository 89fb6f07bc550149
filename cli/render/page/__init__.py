"""How does everything fit on one page? HTML without scripts and without network access."""
