"""What a process does to its counters, as laws.

    growth  page faults, one page each; each at a place chosen uniformly
    churn   with equal probability a page fault or the removal of one page; place chosen uniformly
    hop     the process moves to a place chosen uniformly and, with equal probability, maps a region
            there, one fault a page, or unmaps at once a region that was mapped elsewhere; sizes are
            uniform on [w, 2w), w a whole number of the counter's periods
    huge    huge pages, each in one update; each at a place chosen uniformly
    lockstep  page faults at all places in turn, as a loop with a static schedule first touches an
            array; read between two rounds, at a time that does not depend on the counter

A place is a CPU, or a thread for split counting. All choices are independent of each other and of
the counter's state, and the process is large: its precise value never comes near 0. `growth` and
`huge` also have laws for a process of any size.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from rssbound.bounds.counter.executable import Update

__all__ = (
    "CHURN",
    "GROWING",
    "GROWTH",
    "HOP",
    "HUGE",
    "LOCKSTEP",
    "SCATTERED",
    "WORKLOADS",
    "Burst",
    "Sizes",
    "bursts",
)

GROWTH, CHURN, HOP, HUGE, LOCKSTEP = "growth", "churn", "hop", "huge", "lockstep"
WORKLOADS = (GROWTH, CHURN, HOP, HUGE, LOCKSTEP)

SCATTERED = (GROWTH, CHURN, HOP)
"""Workloads of single pages at independently chosen places."""

GROWING = (GROWTH, HUGE)
"""Workloads that have a law for a process of a given size."""

MOST_BURST = 2000
"""Updates of growth and churn between two reads of the counter: a random number up to this."""


@dataclass(frozen=True)
class Burst:
    """Updates between two reads of the counter.

    `by_munmap`: the process removes pages by munmap, which makes split counting flush. Otherwise
    pages are reclaimed, or unmapped by others. `huge`: each update maps a huge page.
    """

    updates: list[Update]
    by_munmap: bool = False
    huge: bool = False


@dataclass(frozen=True)
class Sizes:
    """Parameters of a workload, in pages: the w of `hop`, and a huge page."""

    period: int
    huge_pages: int


def bursts(workload: str, places: Sequence[int], sizes: Sizes, random: Random) -> Iterator[Burst]:
    """Yield the updates of a workload without end."""
    while True:
        yield _burst(workload, places, sizes, random)


def _burst(workload: str, places: Sequence[int], sizes: Sizes, random: Random) -> Burst:
    if workload == HOP:
        return Burst(_stop(random.choice(places), sizes.period, random), by_munmap=True)
    length = random.randint(1, MOST_BURST)
    if workload == LOCKSTEP:
        return Burst([(place, 1) for place in places] * -(-length // len(places)))
    where = random.choices(places, k=length)
    if workload == HUGE:
        return Burst([(place, sizes.huge_pages) for place in where], huge=True)
    pages = random.choices((1, -1), k=length) if workload == CHURN else repeat(1)
    return Burst(list(zip(where, pages, strict=False)))


def _stop(place: int, period: int, random: Random) -> list[Update]:
    size = random.randrange(period, 2 * period)
    return [(place, 1)] * size if random.random() < 0.5 else [(place, -size)]
