"""Which readers of RSS add up all slots, judged by the functions that they call.

get_mm_counter_sum, get_mm_rss_sum, percpu_counter_sum*, *precise_sum*    precise
get_mm_counter, get_mm_rss, percpu_counter_read*, *approximate_sum*       approximate

The calls in the tree's own get_mm_counter, get_mm_rss and their _sum forms decide, before their
names.

The tracepoint kmem:rss_stat reads what TP_fast_assign calls or, if it gets a count as an argument,
what the updates in include/linux/mm.h pass. Up to 6.1 that is the shared counter after the update,
without the pages in per-thread slots.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from rssbound.bounds.scenario.kernel_constants import READ, Finding, ReaderFound
from rssbound.errors import Location
from rssbound.kernel.csource import CSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("readers_in",)

READERS = {
    "status": ("fs/proc/task_mmu.c", "task_mem"),
    "statm": ("fs/proc/task_mmu.c", "task_statm"),
    "stat": ("fs/proc/array.c", "do_task_stat"),
    "oom_badness": ("mm/oom_kill.c", "oom_badness", "badness"),
    "oom_report": ("mm/oom_kill.c", "dump_task", "dump_tasks"),
}
"""Interface -> file and function that fill it, by its newest name first."""

PRECISE = re.compile(r"get_mm_(counter|rss)_sum|percpu_counter_sum\w*|\w*precise_sum\w*")
APPROXIMATE = re.compile(r"get_mm_(counter|rss)|percpu_counter_read\w*|\w*approximate_sum\w*")
WRAPPERS = ("get_mm_counter", "get_mm_counter_sum", "get_mm_rss", "get_mm_rss_sum")
"""Functions of UPDATES_FILE that read counters, callees first."""

HANDED = re.compile(r"atomic(64|_long)_(add|inc|dec)_return\w*")
NOT_RSS = "total_vm"
"""What the OOM killer used before 2.6.36, instead of RSS."""

TRACE = "trace"
TRACE_FILE = "include/trace/events/kmem.h"
TRACE_EVENT = re.compile(rb"^TRACE_EVENT\(rss_stat,", re.MULTILINE)
UPDATES_FILE = "include/linux/mm.h"
UPDATE = "mm_trace_rss_stat"


def readers_in(
    open_: Callable[[str], CSource | None],
) -> Iterator[tuple[str, ReaderFound | Finding]]:
    """Yield each interface and how its function reads, or why this is not known.

    A function that calls both is approximate: one of its values is.
    """
    wrappers = _wrappers(open_(UPDATES_FILE))
    for interface, (path, *names) in READERS.items():
        source = open_(path)
        if source is None:
            yield interface, _unknown(interface, Location(path, 0), "the file is missing")
            continue
        found = _reader(interface, source, names, wrappers)
        if found is not None:
            yield interface, found
    trace = _tracepoint(open_, wrappers)
    if trace is not None:
        yield TRACE, trace


def _wrappers(source: CSource | None) -> dict[str, str]:
    """Give how the tree's own WRAPPERS read, if their code shows it."""
    wrappers: dict[str, str] = {}
    if source is None:
        return wrappers
    for name in WRAPPERS:
        functions = source.functions(name)
        called = {called for function in functions for called, _ in source.calls(function)}
        how = {accuracy for accuracy in map(partial(_accuracy, wrappers), called) if accuracy}
        if how:
            wrappers[name] = "approximate" if "approximate" in how else "precise"
    return wrappers


def _accuracy(wrappers: Mapping[str, str], name: str) -> str | None:
    """Give how a function reads: by its code if it is one of the wrappers, else by its name."""
    if name in wrappers:
        return wrappers[name]
    if APPROXIMATE.fullmatch(name) or HANDED.fullmatch(name):
        return "approximate"
    return "precise" if PRECISE.fullmatch(name) else None


def _reader(
    interface: str, source: CSource, names: list[str], wrappers: Mapping[str, str]
) -> ReaderFound | Finding | None:
    """Give how the function of an interface reads; None if it does not read RSS."""
    functions = next(filter(None, map(source.functions, names)), [])
    called = [call for function in functions for call in source.calls(function)]
    how = _how(source, called, wrappers)
    if how is not None:
        return how
    if any(NOT_RSS in source.word(function) for function in functions):
        return None
    if functions:
        why = f"{names[0]} calls no known reader of RSS"
        return _unknown(interface, source.location(functions[0]), why)
    return _unknown(interface, Location(source.path, 0), f"{names[0]} cannot be found")


def _how(
    source: CSource, called: list[tuple[str, Node]], wrappers: Mapping[str, str]
) -> ReaderFound | None:
    """Give how some calls read, and where; None if none of them reads."""
    for accuracy in ("approximate", "precise"):
        for name, call in called:
            if _accuracy(wrappers, name) == accuracy:
                return ReaderFound(accuracy, source.location(call))
    return None


def _tracepoint(
    open_: Callable[[str], CSource | None], wrappers: Mapping[str, str]
) -> ReaderFound | Finding | None:
    """Give what the tracepoint reports; "absent" if there is none, None without the file."""
    source = open_(TRACE_FILE)
    if source is None:
        return None
    start = TRACE_EVENT.search(source.text)
    if start is None:
        return ReaderFound("absent", Location(TRACE_FILE, 0))
    lines = source.text[: start.start()].count(b"\n")
    body = source.text[start.start() :].partition(b"\nTRACE_EVENT(")[0]
    event = CSource(TRACE_FILE, b"\n" * lines + body)
    updates = open_(UPDATES_FILE)
    handed = [] if updates is None else _traced(updates)
    found = _how(event, event.calls(event.root), wrappers)
    if found is None and updates is not None:
        found = _how(updates, handed, wrappers)
    why = "its code does not show what it reports"
    return found or _unknown(TRACE, Location(TRACE_FILE, lines + 1), why)


def _traced(source: CSource) -> list[tuple[str, Node]]:
    """List the calls in functions that pass a count to the tracepoint."""
    calls = (source.calls(function) for function in source.nodes("function_definition"))
    return [call for listed in calls if UPDATE in dict(listed) for call in listed]


def _unknown(interface: str, location: Location, why: str) -> Finding:
    text = f"{why}; it is not known whether {interface} is precise"
    return Finding(*location, text, f"{READ}{interface}")
