"""The law of a whole number as a table: values a step apart, and the probability of each."""

from __future__ import annotations

from bisect import bisect_left
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from math import fsum, sqrt
from typing import TYPE_CHECKING, Protocol

from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ("Law", "Table", "sum_of", "table_of")

ROUNDING = 1e-12
"""Slack, so that rounding does not miss a share that is reached exactly."""

NEVER = 1e-18
"""Values at either end of a sum that are less likely than this are dropped."""


class Law(Protocol):
    """The law of an integer, in pages: the interface of every law."""

    @property
    def low(self) -> int:
        """The smallest value."""
        ...

    @property
    def high(self) -> int:
        """The largest value."""
        ...

    @property
    def mean(self) -> Fraction:
        """The expected value."""
        ...

    @property
    def stddev(self) -> float:
        """Square root of the variance."""
        ...

    def cdf(self, pages: int, /) -> float:
        """Give the probability of at most `pages` pages."""
        ...

    def quantile(self, share: float, /) -> int:
        """Give the smallest value that is not exceeded with probability `share`."""
        ...

    def size_quantile(self, share: float, /) -> int:
        """Give the smallest size that is not exceeded with probability `share`."""
        ...

    def masses(self, bins: int, /) -> list[tuple[int, int, float]]:
        """Give (first, last, probability) of bins of equal width that hold all but a millionth."""
        ...


@dataclass(frozen=True)
class Table:
    """The values are first, first + step, ..; `chances` are their probabilities, which add to 1."""

    first: int
    step: int
    chances: tuple[float | Fraction, ...]

    @property
    def low(self) -> int:
        """The smallest value."""
        return self.first

    @property
    def high(self) -> int:
        """The largest value."""
        return self.first + self.step * (len(self.chances) - 1)

    @property
    def values(self) -> range:
        """All values."""
        return range(self.first, self.high + 1, self.step)

    @property
    def mean(self) -> Fraction:
        """The expected value; exact where the probabilities are fractions."""
        places = sum((Fraction(at * chance) for at, chance in enumerate(self.chances)), Fraction(0))
        return self.first + self.step * places

    @property
    def variance(self) -> Fraction:
        """The variance."""
        middle = (self.mean - self.first) / self.step
        return self.step**2 * sum(
            (Fraction(chance) * (at - middle) ** 2 for at, chance in enumerate(self.chances)),
            Fraction(0),
        )

    @property
    def stddev(self) -> float:
        """Square root of the variance."""
        return sqrt(self.variance)

    def cdf(self, pages: int) -> float:
        """Give the probability of at most `pages` pages."""
        at = (pages - self.first) // self.step
        return 0.0 if at < 0 else self._below[min(at, len(self._below) - 1)]

    def quantile(self, share: float) -> int:
        """Give the smallest value that is not exceeded with probability `share`."""
        at = bisect_left(self._below, share - ROUNDING)
        return self.values[min(at, len(self.chances) - 1)]

    def size_quantile(self, share: float) -> int:
        """Give the smallest size that is not exceeded with probability `share`."""
        chances: dict[int, float] = {}
        for value, chance in zip(self.values, self.chances, strict=True):
            chances[abs(value)] = chances.get(abs(value), 0.0) + float(chance)
        sizes = sorted(chances)
        below = list(accumulate(chances[size] for size in sizes))
        return sizes[min(bisect_left(below, share - ROUNDING), len(sizes) - 1)]

    def masses(self, bins: int) -> list[tuple[int, int, float]]:
        """Give (first, last, probability) of bins of equal width that hold all but a millionth."""
        first, last = self.quantile(5e-7), self.quantile(1 - 5e-7)
        width = max(1, -(-(last - first + 1) // bins))
        return [
            (start, start + width - 1, self.cdf(start + width - 1) - self.cdf(start - 1))
            for start in range(first, last + 1, width)
        ]

    def moved(self, pages: int, times: int = 1) -> Table:
        """Give the law of `times` the number plus `pages`."""
        return Table(self.first * times + pages, self.step * times, self.chances)

    @cached_property
    def _below(self) -> list[float]:
        return [float(total) for total in accumulate(self.chances)]


def table_of(chances: Mapping[int, float | Fraction], step: int = 1) -> Table:
    """Make a table from probabilities by value; values differ by multiples of `step`."""
    first, last = min(chances), max(chances)
    every = range(first, last + 1, step)
    return Table(first, step, tuple(chances.get(value, 0) for value in every))


def sum_of(laws: Iterable[Table]) -> Table:
    """Give the law of the sum of independent numbers whose values have the same step."""
    first, step, chances = 0, 1, [1.0]
    for law in laws:
        if len(law.chances) > 1:
            step = law.step
        first += law.first
        chances = _convolved(chances, [float(chance) for chance in law.chances])
        while chances[0] < NEVER:
            first += step
            del chances[0]
        while chances[-1] < NEVER:
            del chances[-1]
    return Table(first, step, tuple(chances))


def _convolved(a: list[float], b: list[float]) -> list[float]:
    turned = b[::-1]
    size = len(b)
    return [
        fsum(
            left * right
            for left, right in zip(
                a[max(0, at - size + 1) : at + 1], turned[max(0, size - 1 - at) :], strict=False
            )
        )
        for at in range(len(a) + size - 1)
    ]
