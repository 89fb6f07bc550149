"""How far can one file be from another, both read at the same moment?

    a file reads max(sum of its counters now, the peaks that it remembers)

A sum of counters is cheap or true. Cheap sums lack the same residuals, so two of them are equal, as
two true ones are; a cheap sum is off by up to the error of a reading from a true one. A peak that
only one of the two remembers may be any amount above what the other reads. docs/theory.md derives
the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.interval import EXACT, Interval, worst_of
from rssbound.bounds.reading.catalogue import APPROXIMATE

if TYPE_CHECKING:
    from rssbound.bounds.reading.accuracy import Reading

__all__ = ("difference", "sum_now")

REMEMBERS = {"hwm": 1, "maxrss": 2}
"""How much a peak remembers: VmHWM what was since exec, ru_maxrss what was before it too."""

SUM_NOW = {"hwm": "status", "maxrss": "stat"}
"""The interface that adds counters up as a peak does for the moment when it is read."""


def sum_now(interface: str) -> str:
    """Give the interface that reads what an interface adds up now: itself, but for peaks."""
    return SUM_NOW.get(interface, interface)


def difference(file: str, other: str, now: tuple[Reading, Reading]) -> Interval:
    """Give how far `file` can read below (under) and above (over) `other` at one moment, in pages.

    `now` are the readings of what the two add up now (`sum_now`). Where these are guesses, both
    sides are the largest of what may be. None on a side where only one file remembers a peak.
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
    """Compare two sums of the same counters, in every way that guesses leave open.

    A commit made all interfaces precise that it names: of two of these both are so, or neither is.
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
