"""Fleets of 10^3 to 10^7 rows, Parquet to Parquet, against DuckDB's copy of the same file."""

from __future__ import annotations

import subprocess
import sys

import duckdb
from case import RSSBOUND, Command, against, budgets, table, time_text
from installed import PYTHON

TITLE = "Fleets"

ORDERS = (3, 4, 5, 6, 7)
SHAPES = 1000
MADE = 6
"""Larger fleets repeat this one with other names and sizes."""
MOST_MIB = 2048
BUDGET_ORDER = 6
NOTES = """\
Fleets of `examples/make_fleet.py`, {shapes} distinct machines (fewer rows have fewer); a copy is
DuckDB's `COPY (FROM fleet) TO file`. Times are what passes by the clock on two CPUs. The budget for
10^{order} rows is 3 copies and one second.
"""


def commands(folder):
    """List the timed commands: a copy and `fleet` on each fleet."""
    listed = []
    for order in ORDERS:
        fleet, out = folder / f"{order}.parquet", folder / f"{order}.out.parquet"
        make(folder, order, fleet)
        code = f"import duckdb; duckdb.execute(\"COPY (FROM '{fleet}') TO '{out}'\")"
        once = order > BUDGET_ORDER
        listed += [
            Command(_name("copy", order), (PYTHON, "-c", code), once=once, by_clock=True),
            Command(
                _name("fleet", order),
                (*RSSBOUND, "fleet", str(fleet), "-o", str(out)),
                once=once,
                by_clock=True,
            ),
        ]
    return listed


def make(folder, order, fleet):
    """Write the fleet of 10^order rows."""
    if order <= MADE:
        rows, shapes = 10**order, min(SHAPES, 10**order // 10)
        made = (
            sys.executable,
            "examples/make_fleet.py",
            "--rows",
            str(rows),
            "--shapes",
            str(shapes),
        )
        subprocess.run([*made, "-o", str(fleet)], check=True)
        return
    duckdb.execute(
        "COPY (SELECT * REPLACE (name || '-' || i AS name, rss + i * 4096 AS rss) "
        f"FROM range({10 ** (order - MADE)}) t(i), '{folder}/{MADE}.parquet') TO '{fleet}'"
    )


def _name(what, order):
    return f"{what}, 10^{order} rows"


def report(results):
    """Give the results in Markdown."""
    rows = []
    for order in ORDERS:
        copy, fleet = (results.get(_name(what, order)) for what in ("copy", "fleet"))
        peak = f"{fleet.mib:.0f} MiB" if fleet else "-"
        rows.append([f"10^{order}", time_text(copy), time_text(fleet), peak])
    heads = ["rows", "DuckDB's copy", "`fleet`", "most memory"]
    notes = NOTES.format(shapes=f"{SHAPES:,}", order=BUDGET_ORDER)
    return "\n".join([notes, table(heads, rows), budgets(_budgets(results))])


def _budgets(results):
    copy, fleet = (results.get(_name(what, BUDGET_ORDER)) for what in ("copy", "fleet"))
    largest = results.get(_name("fleet", ORDERS[-1]))
    rows = [against(f"MiB for 10^{ORDERS[-1]} rows", largest and largest.mib, MOST_MIB)]
    if copy:
        what = f"seconds for 10^{BUDGET_ORDER} rows"
        rows.insert(0, against(what, fleet and fleet.seconds, 3 * copy.seconds + 1))
    return rows
