"""A tolerance, in every format: bytes, KiB and pages, too low and too high."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.bounds.designs import BESIDE_COUNTERS
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import (
    bytes_text,
    counted,
    printable,
    side_bytes,
    side_pages,
)
from rssbound.cli.render.words import PROMISE, cpus_words, error_words

if TYPE_CHECKING:
    from rssbound.bounds.reading.tolerance import Tolerance
    from rssbound.bounds.scenario.scenario import Resolved
    from rssbound.cli.inputs.process import Process
    from rssbound.cli.render import Style
    from rssbound.topology import Topology

__all__ = ("Question", "Situation", "render")

GUESS = (
    "guess: the release does not show which fixes were backported. rssbound interfaces --probe "
    "measures it on the machine."
)


GUESS_BESIDE = "guess: the release is a vendor's and does not show which changes were backported."


class Question(NamedTuple):
    """Subject of a tolerance: a file, a change of it, or two files against each other."""

    file: str
    against: str | None = None
    assume: str | None = None
    change: bool = False

    @property
    def words(self) -> str:
        """The question in words."""
        if self.against is not None:
            return f"{self.file} against {self.against}, both read at the same moment"
        if self.change:
            return (
                f"the difference of two readings of {self.file}, compared with the true difference"
            )
        return f"a reading of {self.file}, compared with the true value"


class Situation(NamedTuple):
    """Context: a machine, the name of its kernel, a scenario, a running process if any."""

    machine: Topology
    kernel: str
    scenario: Resolved
    process: Process | None


def render(
    question: Question,
    found: Tolerance,
    alone: Tolerance | None,
    situation: Situation,
    format_: str,
    style: Style,
) -> str:
    """Give a tolerance in a format.

    `alone` is the tolerance while nothing else updates the process; None if it is the same.
    """
    return render_as(
        format_,
        style,
        sheet=lambda: _sheet(question, found, alone, situation),
        document=lambda: _document(question, found, alone, situation),
    )


def _document(
    question: Question, found: Tolerance, alone: Tolerance | None, situation: Situation
) -> dict[str, Any]:
    machine, scenario, process = situation.machine, situation.scenario, situation.process
    return {
        "kind": "rssbound.tolerance",
        "format_version": "1.0",
        "host": machine.name,
        "kernel": machine.kernel,
        "page_size": found.page_size,
        "scenario": {
            "cpus": str(scenario.cpus),
            "updaters": scenario.updaters,
            "threads": scenario.threads,
        },
        "process": None if process is None else _process(process),
        "file": question.file,
        "change": question.change,
        "against": question.against,
        "assume": question.assume,
        "guess": found.guess,
        **_sides(found),
        "own_updates": None if alone is None else _sides(alone),
        "caveats": list(found.caveats),
    }


def _process(process: Process) -> dict[str, Any]:
    return {
        "pid": process.pid,
        "name": process.name,
        "threads": process.threads,
        "cpus": str(process.cpus),
        "cpuset": None if process.cpuset is None else str(process.cpuset),
        "rss_bytes": dict(process.rss),
    }


def _sides(found: Tolerance) -> dict[str, Any]:
    size = found.page_size
    return {"under": _side(found.under, size), "over": _side(found.over, size)}


def _side(size: int | None, page_size: int) -> dict[str, int] | None:
    if size is None:
        return None
    return {"bytes": size, "kib": size // 1024, "pages": size // page_size}


# -- for people


def _sheet(
    question: Question, found: Tolerance, alone: Tolerance | None, situation: Situation
) -> Sheet:
    scenario, process = situation.scenario, situation.process
    threads = f"one process with {counted(scenario.threads, 'thread')} "
    of = f"{'' if question.file in BESIDE_COUNTERS else threads}on {cpus_words(scenario.cpus)}"
    headlines = [
        f"{situation.machine.name}, {situation.kernel}: {of}, once updates have settled",
        *([_process_words(process)] if process else []),
        f"{question.words}{f'; assuming: {question.assume}' if question.assume else ''}",
    ]
    columns = (
        Column("", "", ("size", "bytes", "KiB", "pages"), numeric=False),
        Column("", "too low by", _cells(found.pages.under, found.page_size)),
        Column("", "too high by", _cells(found.pages.over, found.page_size)),
    )
    footlines = [f"{text}." for text in found.caveats]
    if alone is not None:
        words = error_words(alone.pages, alone.page_size)
        footlines.insert(0, f"{PROMISE[0].upper()}{PROMISE[1:]}: {words}.")
    if found.guess:
        footlines.append(GUESS_BESIDE if question.file in BESIDE_COUNTERS else GUESS)
    return Sheet(tuple(map(printable, headlines)), Table("", columns), tuple(footlines))


def _process_words(process: Process) -> str:
    """Describe a process as /proc shows it now."""
    sizes = ", ".join(f"{name} {bytes_text(size)}" for name, size in process.rss.items())
    named = f"process {process.pid} ({process.name})"
    return named + f", as /proc shows now: {sizes}" * bool(sizes)


def _cells(pages: int | None, page_size: int) -> tuple[str, ...]:
    """Give one side in every unit."""
    size = None if pages is None else pages * page_size
    return (
        side_bytes(pages, page_size),
        side_pages(size),
        side_pages(None if size is None else size // 1024),
        side_pages(pages),
    )
