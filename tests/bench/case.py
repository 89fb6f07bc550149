"""The parts of a benchmark: the timed commands, and tables of the results."""

from __future__ import annotations

import os
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

PYTHON = os.path.realpath(sys.executable)
RSSBOUND = (PYTHON, "-m", "rssbound")
CLICK = (PYTHON, "-c", "import click")
RICH = (PYTHON, "-c", "import click, rich.console, rich.table")

FLOOR = "import click"
RICH_FLOOR = "import click, rich"


class Command(NamedTuple):
    """A process: its name in the tables, its arguments and its environment variables.

    `once` is for long ones: one run, without a warm-up. `by_clock` is for those that use several
    CPUs in several processes: the time that passes, on all CPUs.
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


def against(what, found, most, why=""):
    """Give the row of a budget: the result, the limit, and by how much it is missed."""
    if found <= most:
        return [what, f"{found:.2f}", f"{most:.2f}", "met"]
    return [what, f"{found:.2f}", f"{most:.2f}", f"missed by {found / most - 1:.0%}. {why}".strip()]


def time_text(measured):
    """Give a time for a table; a dash for what was not measured."""
    if measured is None:
        return "-"
    seconds = measured.seconds
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.0f} s"
