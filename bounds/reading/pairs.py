"""The largest difference of two files that are read at the same moment.

    a file reads max(sum of its counters now, the peaks that it remembers)

A sum of counters is cheap or true. Two cheap sums lack the same residuals, so they are equal. Two
true sums are equal too. A cheap and a true sum differ by up to the error of a reading. A peak that
only one of the two files remembers can be any amount above the other file. docs/theory.md has the
proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.interval import EXACT, Interval, worst_of
from rssbound.bounds.reading.catalogue import APPROXIMATE

if TYPE_CHECKING:
    from rssbound.bounds.reading.accuracy import Reading

__all__ = ("difference", "sum_now")

REMEMBERS = {"hwm": 1, "maxrss": 2}
"""How far back a peak goes: VmHWM to exec, ru_maxrss to before it."""

SUM_NOW = {"hwm": "status", "maxrss": "stat"}
"""The interface with the sum of counters that a peak includes at the moment of the read."""


def sum_now(interface: str) -> str:
    """Give the interface with an interface's current sum: itself, except for peaks."""
    return SUM_NOW.get(interface, interface)


def difference(file: str, other: str, now: tuple[Reading, Reading]) -> Interval:
    """Give how far `file` can read below (under) and above (over) `other` at one moment, in pages.

    `now` are the readings of the current sums of the two (`sum_now`). If these are guesses, both
    sides are the largest possible. None on a side where only one file remembers a peak.
    """
    if file == other:
        return EXACT
    sums = _difference_of_sums(*now)
    remembers, of_other = REMEMBERS.get(file, 0), REMEMBERS.get(other, 0)
    return Interval(
        under=sums.under if remembers >= of_other else None,
        over=sums.over if of_other >= remembers else None,
    )


def _difference_of_sums(first: Reading, second: Reading) -> Interval:
    """Compare two sums of the same counters, in every case that guesses leave open.

    A commit made all interfaces precise that it names, so either both of two of these are, or none.
    """
    cheap = first.sums
    dear = Interval(cheap.over, cheap.under)
    same_fix = first.interface.fix is second.interface.fix
    return worst_of(
        EXACT if is_cheap == is_other_cheap else cheap if is_cheap else dear
        for is_cheap in _may_be_cheap(first)
        for is_other_cheap in _may_be_cheap(second)
        if is_cheap == is_other_cheap or not same_fix or None is first.interface.fix
    )


def _may_be_cheap(reading: Reading) -> set[bool]:
    is_cheap = reading.accuracy.kind == APPROXIMATE
    return {True, False} if reading.accuracy.guess and reading.interface.fix else {is_cheap}
