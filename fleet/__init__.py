"""How wrong can RSS be on each machine of a fleet? One row in, one row out, in the rows' order.

An engine finds the distinct machines among the rows, each is bounded once and exactly, and the
engine joins the bounds back to the rows.

    sources.py   which files are meant, and what each of them is
    mending.py   text that DuckDB cannot read whole
    columns.py   the columns that are read, and those that are added
    shapes.py    what one distinct machine is, and its bounds
    plan.py      the statements, the same for every engine
    engines/     DuckDB in this process; Spark on a cluster
"""
