"""How is a result drawn? Charts, as SVG and PNG, and as bars in a terminal."""
