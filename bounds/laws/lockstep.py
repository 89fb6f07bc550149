"""The law of precise - approximate of a process whose places all advance together.

After t pages at each place everything is known: E(t) = places * t - what is handed on, a sawtooth
with a period. Looked at between two rounds, at a time that is unrelated to it, every phase is
equally likely.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING

from rssbound.bounds.laws.table import Table, table_of

if TYPE_CHECKING:
    from rssbound.bounds.laws.caches import Caches

__all__ = ("law_of_lockstep",)


def law_of_lockstep(caches: Caches) -> Table:
    """Give the law over one period, behind the first, in which a lag may show."""
    period = caches.period
    rounds = Counter(caches.kept(pages) for pages in range(period, 2 * period))
    apart = gcd(*(value - min(rounds) for value in rounds)) or 1
    return table_of({value: Fraction(times, period) for value, times in rounds.items()}, apart)
