"""Run the counter functions of a kernel source tree, statement by statement.

Nothing here knows about levels, batches or bounds: the input is C, the output is values. So the
executed tree is an independent way to each bound: it shares no definition and no parser with
others.
"""
