"""DuckDB against Spark on this machine, and where they cross."""

from __future__ import annotations

import shutil

from case import RSSBOUND, Command, table, time_text
from fleets import make

TITLE = "DuckDB and Spark"

EXTRAS = ("spark",) if shutil.which("java") else ()
ORDERS = (3, 5, 6, 7)
ENGINES = {"duckdb": (), "spark": ("--engine", "spark", "--master", "local[2]")}
NOTES = """\
Fleets as above, one run each. Times are what passes by the clock on two CPUs. Spark
(`--engine spark --master local[2]`) runs in a process of Java that it starts first.
"""


def reason():
    """Say why this part cannot be measured here; "" if it can."""
    if shutil.which("java") is None:
        return "there is no Java (Debian package openjdk-17-jre-headless)"
    return ""


def commands(folder):
    """List what is timed: each engine on each fleet."""
    listed = []
    for order in ORDERS:
        fleet = folder / f"{order}.parquet"
        make(folder, order, fleet)
        for engine, options in ENGINES.items():
            words = ("fleet", str(fleet), *options, "-o", str(folder / f"{order}-{engine}.parquet"))
            listed.append(
                Command(_name(engine, order), (*RSSBOUND, *words), once=True, by_clock=True)
            )
    return listed


def _name(engine, order):
    return f"{engine}, 10^{order} rows"


def report(results):
    """Give the results in Markdown."""
    found = {order: [results.get(_name(engine, order)) for engine in ENGINES] for order in ORDERS}
    rows = [[f"10^{order}", *map(time_text, times)] for order, times in found.items()]
    both = {order: times for order, times in found.items() if all(times)}
    crossed = [order for order, (ours, spark) in both.items() if spark.seconds <= ours.seconds]
    where = (
        f"Spark is as fast as DuckDB from 10^{crossed[0]} rows."
        if crossed
        else f"They do not cross: Spark is slower up to 10^{max(both, default=0)} rows."
    )
    return "\n".join([NOTES, table(["rows", *ENGINES], rows), f"{where}\n"])
