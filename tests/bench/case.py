"""The parts of a benchmark: the timed commands, and tables of the results."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from installed import COMMAND, PYTHON

if TYPE_CHECKING:
    from collections.abc import Mapping

RSSBOUND = (COMMAND,)
CLICK = (PYTHON, "-c", "import click")
RICH = (PYTHON, "-c", "import click, rich.console, rich.table")

FLOOR = "import click"
RICH_FLOOR = "import click, rich.console, rich.table"


class Command(NamedTuple):
    """A process: its name in the tables, its arguments and its environment variables.

    `once` is for long ones: one run, without a warm-up. `by_clock` is for those that use several
    CPUs: the time that passes, on two CPUs.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = MappingProxyType({})
    once: bool = False
    by_clock: bool = False


class Measured(NamedTuple):
    """Median time, and the most memory that a run held."""

    seconds: float
    mib: float


Results = dict[str, Measured]
"""Name of a command -> its result; commands that failed or took too long are missing."""


def floors():
    """The processes to which budgets are relative; each part of the benchmark times them too."""
    return [Command(FLOOR, CLICK), Command(RICH_FLOOR, RICH)]


def table(heads, rows):
    """Give a Markdown table; all columns but the first are numbers."""
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def budgets(rows):
    """Give a table of budgets; each row is of `against` or `ratio`."""
    return table(["budget", "found", "at most", ""], rows) if rows else ""


def against(what, found, most, why=""):
    """Give the row of a budget: the result, the limit, and by how much it is missed."""
    if found is None:
        return [what, "-", f"{most:,.2f}", "not measured"]
    row = [what, f"{found:,.2f}", f"{most:,.2f}"]
    if found <= most:
        return [*row, "met"]
    return [*row, f"missed by {found / most - 1:.1%}. {why}".strip()]


def ratio(what, ours, theirs, most, why=""):
    """Give the row of a budget that is a ratio of two results; None if one is missing."""
    found = ours.seconds / theirs if ours and theirs else None
    return against(what, found, most, why)


def time_text(measured):
    """Give a time for a table; a dash for what was not measured."""
    if measured is None:
        return "-"
    seconds = measured.seconds
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.0f} s"
