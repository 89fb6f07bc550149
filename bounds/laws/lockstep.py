"""The law of precise - approximate of a process whose places all advance together.

After t pages at each place the error is determined: E(t) = places * t - flushed pages, a periodic
sawtooth. The counter is read between two rounds, at a time that does not depend on it, so every
phase is equally likely.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING

from rssbound.bounds.laws.distribution import Distribution, Part
from rssbound.bounds.laws.slots import Slot
from rssbound.bounds.laws.table import table_of

if TYPE_CHECKING:
    from rssbound.bounds.laws.slots import Slots
    from rssbound.bounds.laws.table import Law

__all__ = ("law_of_lockstep",)


def law_of_lockstep(slots: Slots, counters: int = 1) -> Law:
    """Give the law of the sum of several counters that advance together.

    It covers one period after the first, because a lag can change the first.
    """
    bias = counters * slots.bias
    if len(slots.below) == 1:
        ((copies, node),) = slots.below
        if isinstance(node, Slot):
            return Distribution((_of_alike(counters * copies, node),), -bias)  # pyright: ignore[reportReturnType] # cached_property
    period = slots.period
    rounds = Counter(counters * slots.kept(pages) for pages in range(period, 2 * period))
    lowest = min(rounds)
    apart = gcd(*(value - lowest for value in rounds)) or 1
    law = table_of({value: Fraction(times, period) for value, times in rounds.items()}, apart)
    return law.moved(-bias)


def _of_alike(copies: int, slot: Slot) -> Part:
    """Give the law of identical slots: each keeps every possible value equally often."""
    apart = gcd(slot.places, slot.modulus)
    return Part(1, slot.modulus // apart, copies * apart, copies * slot.lag)
