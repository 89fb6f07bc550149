"""Split counting: each thread caches what its page faults add (SPLIT_RSS_COUNTING).

    one counter: under = 66 * T * max(0, most pages one fault adds to it)
                 over  = 66 * T * max(0, most pages one fault takes from it)
    a sum:       the same with what one fault adds to the sum, because each fault is spent once

Assumes that pages enter the cache through page faults only. vm_insert_page and vm_insert_pages
(TCP zero-copy receive, packet rings) add pages without an event and have no bound.

Why 66: check_sync_rss_stat runs at the start of a fault and syncs when events++ > 64, which is the
66th call after a sync. A thread whose last sync was inside a fault holds that fault's pages and
those of 65 more. All four counters of a thread share the one event counter.

Why over: a sum of clamped counters is too high where a thread's cache takes from one counter what
it adds to another, and the first part reads as 0. So each fault adds what it takes, at most 1.

Source: commit 34e55232e59f ("mm: avoid false sharing of mm_counter") (in v2.6.34), gone with commit
f1a7941243c1 (in v6.2); TASK_RSS_EVENTS_THRESH in mm/memory.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.arithmetic import maximum
from rssbound.bounds.consumers import COUNTERS
from rssbound.bounds.design import Design, Kernels, Update
from rssbound.bounds.interval import Interval, Level

if TYPE_CHECKING:
    from rssbound.bounds.arithmetic import Quantity
    from rssbound.bounds.quantities import Quantities

__all__ = ("DESIGN",)

TASK_RSS_EVENTS_THRESH = 64
FAULTS_PER_SYNC = TASK_RSS_EVENTS_THRESH + 2


class Fault(NamedTuple):
    """What one page fault does to its thread's cache: pages added to and taken from counters."""

    adds: dict[str, Quantity]
    takes: dict[str, int]


def faults(q: Quantities) -> tuple[Fault, ...]:
    """List the kinds of faults that differ in what they count; v6.1, mm/memory.c."""
    return (
        Fault({"anon": 1}, {}),  # do_anonymous_page; a write fault on a private mapping
        Fault({"file": q.fault_pages}, {}),  # filemap_map_pages: fault-around
        Fault({"shmem": q.fault_pages}, {}),
        Fault({"anon": 1}, {"file": 1}),  # wp_page_copy of a page of the page cache
        Fault({"anon": 1}, {"shmem": 1}),
        Fault({"anon": 1}, {"swap": 1}),  # do_swap_page
    )


def levels(q: Quantities, counters: tuple[str, ...]) -> tuple[Level, ...]:
    """One cache for each thread, whatever is summed; see the module's first lines."""
    most_added: Quantity = 0
    most_taken = 0
    for fault in faults(q):
        added = sum(fault.adds.get(counter, 0) for counter in counters)
        taken = sum(fault.takes.get(counter, 0) for counter in counters)
        most_added = maximum(most_added, added - taken)
        most_taken = max(most_taken, taken)
    low, high = -FAULTS_PER_SYNC * most_taken, FAULTS_PER_SYNC * most_added
    return (Level("thread", q.threads, low, high, shared=True),)


def published(q: Quantities) -> Interval:
    """64 pages a thread, "at worst" (Shakeel Butt, commit f1a7941243c1)."""
    return Interval(TASK_RSS_EVENTS_THRESH * q.threads, TASK_RSS_EVENTS_THRESH * q.threads)


def memory_bytes(q: Quantities) -> Quantity:
    """Give four atomic_long_t in mm_struct and a task_rss_stat of five ints in each thread."""
    return 8 * len(COUNTERS) + 20 * q.threads


def update(_: Quantities) -> Update:
    """A plain addition; every 66th fault of a thread syncs all four counters."""
    return Update(
        "one addition to the thread's own cache",
        "sync_mm_rss: up to four atomic operations on the process's counters",
        len(COUNTERS),
        0,
        FAULTS_PER_SYNC,
    )


DESIGN = Design(
    id="per-thread",
    title="split counting, a cache in each thread",
    kernels=Kernels("2.6.34-6.1", first=(2, 6, 34), last=(6, 1)),
    source="commit 34e55232e59f (v2.6.34) to v6.1, mm/memory.c",
    levels=levels,
    published=published,
    memory_bytes=memory_bytes,
    update=update,
    note="no bound with vm_insert_page users",
)
