"""Bounds for every machine of a fleet: one output row for each input row, in the same order.

An engine finds the distinct machines among the rows, the exact bounds of each are computed once,
and the engine joins them back to the rows.

    sources.py   the input files and their formats
    mending.py   repairs text that DuckDB cannot read completely
    columns.py   the columns that are read, and those that are added
    shapes.py    one distinct machine and its bounds
    plan.py      the SQL statements, the same for every engine
    engines/     DuckDB in this process; Spark on a cluster
"""
