"""The true size of the process, by counter and in total.

A reading is never below zero, so it lacks at most the true value:

    under of a counter <= its size,   under of a sum <= the sum of what its counters can lack,
    the bound of the sum, and the size of the process

A size is a range, and under follows from its highest value. Over does not depend on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.counter.counters import COUNTERS, METRICS, TYPICAL
from rssbound.bounds.counter.interval import Interval
from rssbound.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ("ProcessSize", "Resident", "SizeRange", "capped", "faults_of", "grown_to", "resident_of")

RSS = METRICS["rss"]

MOST_BYTES = 1 << 64
"""A size larger than any address space."""


class SizeRange(NamedTuple):
    """From a lowest to a highest size, inclusive; bytes or pages, depending on the owner."""

    low: int
    high: int


@dataclass(frozen=True)
class ProcessSize:
    """The given sizes in bytes: of RSS, None if it is not given, and of some counters.

    A counter that is not named can have any size.
    """

    total: SizeRange | None = None
    counters: Mapping[str, SizeRange] = field(default_factory=dict)


@dataclass(frozen=True)
class Resident:
    """A process's size in pages: of RSS, None if it is not known, and of the counters known."""

    total: SizeRange | None = None
    counters: Mapping[str, SizeRange] = field(default_factory=dict)

    def most_of(self, counter: str) -> int | None:
        """Give the most pages that a counter can have; None: any number."""
        known = self.counters.get(counter)
        rest = self.total.high if self.total and counter in RSS else None
        return _least(known.high if known else None, rest)


def resident_of(size: ProcessSize, page_size: int) -> Resident:
    """Give a size in pages; a part of a page counts as one."""

    def pages(bytes_: SizeRange) -> SizeRange:
        return SizeRange(-(-bytes_.low // page_size), -(-bytes_.high // page_size))

    return Resident(
        pages(size.total) if size.total else None,
        {counter: pages(known) for counter, known in size.counters.items()},
    )


def faults_of(size: ProcessSize) -> list[str]:
    """List the faults of a size, each with the allowed values."""
    total = {} if size.total is None else {"the process": size.total}
    faults = [
        f"rss: {known.low} to {known.high} bytes of {name}; give the lower first, 0 or more"
        for name, known in {**total, **size.counters}.items()
        if not 0 <= known.low <= known.high
    ]
    faults += [
        f"rss: {known.high} bytes of {name}; no address space has more than {MOST_BYTES}"
        for name, known in {**total, **size.counters}.items()
        if known.high > MOST_BYTES
    ]
    faults += [
        f"rss: unknown counter {counter!r}; known: {', '.join(COUNTERS)}"
        for counter in size.counters
        if counter not in COUNTERS
    ]
    least = sum(known.low for counter, known in size.counters.items() if counter in RSS)
    if size.total and least > size.total.high:
        faults.append(
            f"rss: the counters have {least} bytes together, but the process has {size.total.high}"
        )
    return faults


def capped(
    bound: Interval,
    counters: Iterable[str],
    bounds: Mapping[str, Interval],
    resident: Resident | None,
) -> Interval:
    """Bound the error of a sum of counters of a process of a known size, in pages.

    `bound` is that of the sum for any size, `bounds` that of each counter. If there is no bound,
    the size of the process is one.
    """
    if resident is None:
        return bound
    lacking = {
        counter: _least(bounds[counter].under, resident.most_of(counter)) for counter in counters
    }
    of_rss = _together(lacking[counter] for counter in lacking if counter in RSS)
    beside = _together(lacking[counter] for counter in lacking if counter not in RSS)
    total = resident.total.high if resident.total else None
    under = _least(bound.under, _together((_least(of_rss, total), beside)))
    return Interval(under, bound.over)


def grown_to(resident: Resident | None, counters: Iterable[str]) -> dict[str, int] | None:
    """Give the pages that each of some counters has grown to, at the highest of its range.

    Pages of the process that no named counter has belong to the counter TYPICAL. None if the size
    of none of these counters is known.
    """
    if resident is None:
        return None
    sizes = {counter: known.high for counter, known in resident.counters.items()}
    if resident.total and TYPICAL not in sizes:
        named = sum(pages for counter, pages in sizes.items() if counter in RSS)
        sizes[TYPICAL] = max(0, resident.total.high - named)
    chosen = {counter: sizes[counter] for counter in counters if counter in sizes}
    return chosen or None


def _least(*amounts: int | None) -> int | None:
    """Give the smallest of some amounts; None is no limit."""
    return min((amount for amount in amounts if amount is not None), default=None)


def _together(amounts: Iterable[int | None]) -> int | None:
    """Add amounts; with None (no limit) the sum is None."""
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total
