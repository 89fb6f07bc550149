"""What is seen of one process at one moment, and what follows from it: no files, no clock.

The cheap value is read before and after the precise one. Where it stayed the same, the process is
taken to have stood still, and precise - cheap is the error of the cheap value. Where a process grew
or shrank meanwhile, two files were read at two moments, and the difference is that of the growth
too: then they are read again, a few times, and what cannot be told is not told.
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
    "UNTOLD",
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

ABOVE, BELOW, UNTOLD = "above", "below", "cannot tell"
VERDICTS = (ABOVE, BELOW, UNTOLD)
"""What the cheap value says of a threshold, given how wrong it can be."""


class Sample(NamedTuple):
    """One process at one moment. Pages throughout; None is not known, or no bound.

    time               seconds since the epoch
    approximate_pages  RSS as the cheap file has it
    precise_pages      RSS as the precise file has it; None where that was not read
    difference_pages   precise - approximate: above 0 the cheap value reads too low; None also where
                       the process changed too much between the reads
    bound_under_pages  most that the cheap value can read too low, no more than the process has
    bound_over_pages   most that it can read too high
    verdict            of the cheap value on the threshold: ABOVE, BELOW, UNTOLD; None without one
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
"""Names of what a sample says, in the order in which it is recorded."""


class Bracket(NamedTuple):
    """The precise value between two cheap ones, pages."""

    before: int
    precise: int
    after: int

    @property
    def nearest(self) -> int:
        """The cheap value that is nearer to the precise one."""
        return min(self.before, self.after, key=lambda cheap: abs(self.precise - cheap))

    @property
    def difference(self) -> int:
        """How much more the precise value is than the nearest cheap one."""
        return self.precise - self.nearest

    @property
    def moved(self) -> int:
        """How far the cheap value moved meanwhile."""
        return abs(self.after - self.before)


class Compared(NamedTuple):
    """What brackets come to: the pair that tells most, and its difference if they tell it."""

    approximate: int
    precise: int
    difference: int | None


def compared(brackets: Sequence[Bracket], bound: Interval) -> Compared:
    """Say what some brackets, one after the other, tell of the cheap value's error; one at least.

    A difference within the bound is that of the bracket that moved least. One beyond the bound is
    told only where all brackets show it and no movement explains it: every precise value is further
    from every cheap one than the bound and all the movement that was seen. Else nothing is told.
    """
    within = [bracket for bracket in brackets if is_within(bracket.difference, bound)]
    told = within or (brackets if _all_beyond(brackets, bound) else ())
    chosen = min(told or brackets, key=lambda bracket: bracket.moved)
    return Compared(chosen.nearest, chosen.precise, chosen.difference if told else None)


def is_within(difference: int, bound: Interval) -> bool:
    """Return whether precise - cheap is a difference that may be, pages."""
    under = bound.under is None or difference <= bound.under
    return under and (bound.over is None or -difference <= bound.over)


def _all_beyond(brackets: Sequence[Bracket], bound: Interval) -> bool:
    """Return whether all precise values are beyond the bound of all cheap ones, on one side.

    By more than all of them swung meanwhile.
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
    """Give the share of the bound that a difference uses, of the side it is on; None if unknown."""
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
    """Say what a cheap value tells of a threshold, both in pages: ABOVE, BELOW or UNTOLD.

    The truth is in [approximate - over, approximate + under]. What equals the threshold is below.
    """
    if bound.under is not None and approximate + bound.under <= threshold:
        return BELOW
    if bound.over is not None and approximate - bound.over > threshold:
        return ABOVE
    return UNTOLD
