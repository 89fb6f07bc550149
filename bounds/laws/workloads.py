"""What a process does to its counters, as laws: growth, churn, hop.

    growth  page faults, one page each; each at a place chosen uniformly
    churn   with equal probability a page fault or the removal of one page; place chosen uniformly
    hop     the process comes to a place chosen uniformly and, with equal probability, maps a region
            there, one fault a page, or unmaps a region at once that was mapped elsewhere; sizes are
            uniform on [w, 2w), w a whole number of the counter's periods

A place is a CPU, for split counting a thread. All choices are independent of each other and of the
counter's state, and the process is large: its precise value never comes near 0.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from rssbound.bounds.counter.executable import Update

__all__ = ("CHURN", "GROWTH", "HOP", "WORKLOADS", "Burst", "bursts")

GROWTH, CHURN, HOP = "growth", "churn", "hop"
WORKLOADS = (GROWTH, CHURN, HOP)

MOST_BURST = 2000
"""Updates of growth and churn between two looks at the counter: a random number up to this."""


class Burst(NamedTuple):
    """Updates between two looks at the counter.

    `by_itself`: who takes pages away does so by munmap, which makes split counting hand over.
    Otherwise pages are reclaimed, or unmapped by others.
    """

    updates: list[Update]
    by_itself: bool


def bursts(workload: str, places: Sequence[int], period: int, random: Random) -> Iterator[Burst]:
    """Yield the updates of a workload without end; `period` is the w of `hop`, in pages."""
    while True:
        if workload == HOP:
            yield Burst(_stop(random.choice(places), period, random), by_itself=True)
            continue
        length = random.randint(1, MOST_BURST)
        where = random.choices(places, k=length)
        pages = random.choices((1, -1), k=length) if workload == CHURN else repeat(1)
        yield Burst(list(zip(where, pages, strict=False)), by_itself=False)


def _stop(place: int, period: int, random: Random) -> list[Update]:
    size = random.randrange(period, 2 * period)
    return [(place, 1)] * size if random.random() < 0.5 else [(place, -size)]
