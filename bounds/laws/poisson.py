"""Independent Poisson counts in place of multinomial ones, without negligible values.

Given their sum, Poisson counts are multinomial. A finite Fourier sum selects S = n pages, with
enough frequencies that values of S further away are below rounding.
"""

from __future__ import annotations

from cmath import rect
from functools import lru_cache
from math import ceil, exp, floor, lgamma, log, pi, sqrt

from rssbound.records import dataclass

__all__ = ("SMALL", "Sums", "central_chance", "chance_of", "counts_of", "whole_of")

SMALL = 36.0
"""exp(-SMALL), 2e-16, is below rounding."""


@dataclass(frozen=True)
class Sums:
    """The size of the sums: pages, the number of distinct values of S, and of R / step."""

    pages: int
    whole: int
    window: int

    def turn(self, count: int, number: int) -> complex:
        """Give exp(2 pi i count number / whole)."""
        return rect(1.0, 2 * pi * (count * number % self.whole) / self.whole)


def whole_of(pages: int) -> int:
    """Give an odd width around the mean n outside which the probability of S is below rounding.

    P(S >= n + t) <= exp(-t^2 / (2 (n + t / 3))), and P(S <= n - t) is smaller.
    """
    reserve = SMALL + log(2 * pi * (pages + 1)) / 2
    return ceil(sqrt(2 * reserve * pages) + reserve) | 1


@lru_cache(maxsize=64)
def counts_of(mean: float) -> tuple[tuple[int, float], ...]:
    """Give the Poisson law as counts and probabilities, without negligible counts."""
    mode = floor(mean)
    above, below = [1.0], [1.0]
    while above[-1] > exp(-SMALL - 6):
        above.append(above[-1] * mean / (mode + len(above)))
    while below[-1] > exp(-SMALL - 6) and len(below) <= mode:
        below.append(below[-1] * (mode + 1 - len(below)) / mean)
    chances = below[:0:-1] + above
    total, first = sum(chances), mode - len(below) + 1
    return tuple((first + at, chance / total) for at, chance in enumerate(chances))


def chance_of(count: float, mean: float) -> float:
    """Give a Poisson probability, to a few digits."""
    return exp(count * log(mean) - mean - lgamma(count + 1))


def central_chance(pages: int) -> float:
    """Give the probability that a Poisson number equals its mean; Stirling's series from 20 on."""
    if pages < 20:
        return exp(pages * log(max(pages, 1)) - pages - lgamma(pages + 1))
    series = 1 / (12 * pages) - 1 / (360 * pages**3) + 1 / (1260 * pages**5)
    return exp(-series) / sqrt(2 * pi * pages)
