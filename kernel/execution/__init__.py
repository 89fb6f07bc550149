"""What do the counter functions of a kernel source tree do? They are run, statement by statement.

Nothing here knows of levels, batches or bounds: C goes in, values come out. That makes the executed
tree a road to each bound that shares neither a definition nor a parser with the other roads.
"""
