"""Levels of slots, and the error interval that they add up to.

    precise - approximate = sum of all residuals,  so with `items` slots of residual low..high each
    under = max(precise - approximate) =  sum over levels of items * high
    over  = max(approximate - precise) = -sum over levels of items * low

Assumes that residuals are independent of each other, within a level and between levels; the design
that states the levels says why. All figures are pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.records import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from rssbound.bounds.counter.arithmetic import Quantity

__all__ = ("EXACT", "UNBOUNDED", "Interval", "Level", "error_of", "times", "worst_of")


@dataclass(frozen=True)
class Interval:
    """The error of an approximate value: it reads at most `under` too low, `over` too high.

    Pages, both >= 0 (or expressions in symbols); None where there is no bound.
    """

    under: Quantity | None
    over: Quantity | None


EXACT = Interval(0, 0)
UNBOUNDED = Interval(None, None)


@dataclass(frozen=True)
class Level:
    """A level of identical slots: their number, and the lowest and highest residual in pages.

    Residuals are `step` apart. `shared` slots serve all counters of a process together: a sum of
    counters has as many of them as one counter. `item_of` gives the slot of the level that a CPU
    uses, if CPUs have one.
    """

    name: str
    items: Quantity
    low: Quantity
    high: Quantity
    step: Quantity = 1
    shared: bool = False
    item_of: Callable[[int], Hashable] | None = field(default=None, compare=False, repr=False)


def error_of(levels: Iterable[Level]) -> Interval:
    """Add up what the levels keep back."""
    under: Quantity = 0
    over: Quantity = 0
    for level in levels:
        under += level.items * level.high
        over -= level.items * level.low
    return Interval(under, over)


def worst_of(intervals: Iterable[Interval]) -> Interval:
    """Give the largest under and the largest over, separately."""
    sides = [(interval.under, interval.over) for interval in intervals]
    return Interval(*(None if None in side else max(side) for side in zip(*sides, strict=True)))


def times(levels: Iterable[Level], counters: int) -> tuple[Level, ...]:
    """Give the levels of a sum of several counters with their own slots."""
    if counters == 1:
        return tuple(levels)
    return tuple(
        level if level.shared else replace(level, items=level.items * counters) for level in levels
    )
