"""The processes of `rssbound oom`: sizes from the command line, or running processes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from rssbound.bounds.reading.ranking import Subject
from rssbound.bounds.scenario.process_size import ProcessSize, SizeRange
from rssbound.bounds.scenario.scenario import resolve
from rssbound.cli.inputs.process import PROC, process_of, with_process
from rssbound.cli.output import say
from rssbound.errors import InputError
from rssbound.live.procfs import is_in_container

if TYPE_CHECKING:
    import click

    from rssbound.bounds import Scenario
    from rssbound.topology import Topology

__all__ = ("subject_of_process", "subject_of_size", "total_pages")


def subject_of_size(name: str, size: int, scenario: Scenario, machine: Topology) -> Subject:
    """Make a process of a size in bytes, which covers its four counters and its page tables."""
    page_size = resolve(scenario, machine).page_size
    most = SizeRange(0, size)
    sized = replace(scenario, rss=ProcessSize(most, {"swap": most}))
    return Subject(name, -(-size // page_size), sized)


def subject_of_process(
    context: click.Context, pid: int, scenario: Scenario, machine: Topology
) -> Subject:
    """Read a running process: its true size, its threads and CPUs, its oom_score_adj.

    RSS comes from smaps_rollup, which walks the page tables. Without permission for that it comes
    from status, with a warning. InputError if there is no such process.
    """
    process = process_of(pid)
    for line in process.unread:
        say(f"warning: process {pid}: {line}")
    try:
        status = _lines(pid, "status")
        adj = int(_text(pid, "oom_score_adj"))
    except OSError as error:
        raise InputError(f"--pid {pid}: {error.strerror}") from None
    rss = _walked(pid)
    if rss is None:
        rss = status.get("VmRSS", 0)
    swap, tables = status.get("VmSwap", 0), status.get("VmPTE", 0)
    whole = SizeRange(0, rss)
    sized = replace(scenario, rss=ProcessSize(whole, {"swap": SizeRange(0, swap)}))
    sized = with_process(context, sized, machine, process, stays=False)
    name = f"{pid} ({process.name})"
    is_init = pid == 1 and not is_in_container()
    return Subject(name, (rss + swap + tables) // process.page_size, sized, adj, is_init)


def total_pages(page_size: int) -> int:
    """Give RAM plus swap of this machine in pages, which oom_score_adj is a fraction of."""
    try:
        with open(f"{PROC}/meminfo", encoding="ascii") as file:
            found = _sizes(file.read())
    except OSError as error:
        raise InputError(f"{PROC}/meminfo: {error.strerror}") from None
    return (found.get("MemTotal", 0) + found.get("SwapTotal", 0)) // page_size


def _walked(pid: int) -> int | None:
    """Give RSS as counted in the page tables, in bytes; None, with a warning, without access."""
    try:
        return _lines(pid, "smaps_rollup").get("Rss")
    except OSError as error:
        say(
            f"warning: process {pid}: smaps_rollup: {error.strerror}; using status, which can be "
            "inexact itself (run as its user or as root)"
        )
        return None


def _lines(pid: int, name: str) -> dict[str, int]:
    return _sizes(_text(pid, name))


def _sizes(text: str) -> dict[str, int]:
    """Read the lines `Name:  N kB`, as bytes."""
    found = re.findall(r"^(\w+):\s*(\d+) kB$", text, re.MULTILINE)
    return {name: int(kib) * 1024 for name, kib in found}


def _text(pid: int, name: str) -> str:
    with open(f"{PROC}/{pid}/{name}", encoding="utf-8", errors="replace") as file:
        return file.read()
