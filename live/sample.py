"""A sample of one process, and the conclusions from it, without I/O or a clock.

The cheap value is read before and after the precise one. If it has not changed, the process is
assumed not to have changed, and precise - cheap is the error of the cheap value. If a process grew
or shrank between the reads, the difference includes this change. The files are then read again, a
few times, and a difference that stays uncertain is reported as unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds.counter.interval import Interval

__all__ = (
    "ABOVE",
    "BELOW",
    "FIELDS",
    "UNDECIDED",
    "VERDICTS",
    "Bracket",
    "Compared",
    "Sample",
    "compared",
    "is_outside",
    "is_within",
    "share_of_bound",
    "verdict_on",
)

ABOVE, BELOW, UNDECIDED = "above", "below", "cannot tell"
VERDICTS = (ABOVE, BELOW, UNDECIDED)
"""The verdict of a cheap value on a threshold, given the bounds of its error."""


class Sample(NamedTuple):
    """One process at one moment, in pages; None means unknown or no bound.

    time               seconds since the epoch
    approximate_pages  RSS in the cheap file
    precise_pages      RSS in the precise file; None if it was not read
    difference_pages   precise - approximate: above 0 the cheap value reads too low; None also if
                       the process changed too much between the reads
    bound_under_pages  most that the cheap value can be too low, at most the RSS of the process
    bound_over_pages   most that the cheap value can be too high
    verdict            of the cheap value: ABOVE, BELOW, UNDECIDED; None without a threshold
    """

    time: float
    pid: int
    comm: str
    threads: int
    cpus: str
    approximate_pages: int
    precise_pages: int | None
    difference_pages: int | None
    bound_under_pages: int | None
    bound_over_pages: int | None
    page_size: int
    design: str
    kernel: str
    verdict: str | None


FIELDS = Sample._fields
"""Names of the fields of a sample, in the order of a record."""


class Bracket(NamedTuple):
    """A precise value between two cheap values, in pages."""

    before: int
    precise: int
    after: int

    @property
    def nearest(self) -> int:
        """The cheap value that is closer to the precise one."""
        return min(self.before, self.after, key=lambda cheap: abs(self.precise - cheap))

    @property
    def difference(self) -> int:
        """The precise value minus the closer cheap value."""
        return self.precise - self.nearest

    @property
    def moved(self) -> int:
        """By how much the cheap value changed between the reads."""
        return abs(self.after - self.before)


class Compared(NamedTuple):
    """The result of some brackets: the best pair of values, and its difference if it is known."""

    approximate: int
    precise: int
    difference: int | None


def compared(brackets: Sequence[Bracket], bound: Interval) -> Compared:
    """Derive the cheap value's error from one or more successive brackets.

    A difference within the bound is taken from the bracket that moved least. A difference beyond
    the bound is given only if all brackets show it and no movement explains it: every precise value
    differs from every cheap value by more than the bound plus all observed movement. Otherwise the
    difference is unknown.
    """
    within = [bracket for bracket in brackets if is_within(bracket.difference, bound)]
    decisive = within or (brackets if _all_beyond(brackets, bound) else ())
    chosen = min(decisive or brackets, key=lambda bracket: bracket.moved)
    return Compared(chosen.nearest, chosen.precise, chosen.difference if decisive else None)


def is_within(difference: int, bound: Interval) -> bool:
    """Return whether the bound allows the difference precise - cheap, in pages."""
    under = bound.under is None or difference <= bound.under
    return under and (bound.over is None or -difference <= bound.over)


def _all_beyond(brackets: Sequence[Bracket], bound: Interval) -> bool:
    """Return whether all precise values are beyond the bound of all cheap ones, on one side.

    The excess must be larger than the range of all values.
    """
    if len(brackets) < 2:
        return False
    cheap = [value for bracket in brackets for value in (bracket.before, bracket.after)]
    precise = [bracket.precise for bracket in brackets]
    swing = max(cheap) - min(cheap) + max(precise) - min(precise)
    low, high = min(precise) - max(cheap) - swing, min(cheap) - max(precise) - swing
    return not is_within(max(low, 0), bound) or not is_within(-max(high, 0), bound)


def is_outside(sample: Sample) -> bool:
    """Return whether a sample contradicts its bound."""
    difference = sample.difference_pages
    if difference is None:
        return False
    under, over = sample.bound_under_pages, sample.bound_over_pages
    return (under is not None and difference > under) or (over is not None and -difference > over)


def share_of_bound(sample: Sample) -> float | None:
    """Give the difference as a share of the bound on its side; None if unknown."""
    difference = sample.difference_pages
    if difference is None:
        return None
    if difference == 0:
        return 0.0
    bound = sample.bound_under_pages if difference > 0 else sample.bound_over_pages
    if bound is None:
        return None
    return abs(difference) / bound if bound else float("inf")


def verdict_on(approximate: int, bound: Interval, threshold: int) -> str:
    """Give the verdict of a cheap value on a threshold, both in pages: ABOVE, BELOW or UNDECIDED.

    The true value is in [approximate - over, approximate + under]; equal to the threshold is below.
    """
    if bound.under is not None and approximate + bound.under <= threshold:
        return BELOW
    if bound.over is not None and approximate - bound.over > threshold:
        return ABOVE
    return UNDECIDED
