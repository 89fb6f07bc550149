"""The law of a sum of many independent residuals: exact moments, exact quantiles.

    S = shift + sum of parts,  each part `copies` independent draws

where a draw is uniform on equally spaced values, or is 0 with probability 1 - busy.

Mean and variance are exact fractions. The distribution function of a sum of n draws is

    P(S <= s) = 1/K * sum over k < K of phi(2 pi k / K) * sum over j <= s of exp(-2 pi i j k / K)

for any K larger than the range: a finite Fourier sum, exact up to rounding. K values around the
mean are enough if the probability outside them is below rounding. The characteristic function phi
is a product of n factors sin(m x) / (m sin x), so for many draws only a few dozen terms matter. For
few draws the sum is counted with integers instead: the generating function is a product of (1 -
x^a) over powers of 1 - x, and its coefficients are binomial.
"""

from __future__ import annotations

from cmath import rect
from collections import Counter
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import count, pairwise
from math import ceil, comb, exp, floor, gcd, isqrt, log, pi, prod, sin, sqrt
from typing import TYPE_CHECKING

from rssbound.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ("Distribution", "Part")

FEW_DRAWS = 24
"""Sums of at most this many draws are counted with integers."""

NEGLIGIBLE = 1e-18
"""A smaller term of the Fourier sum does not change a double."""

MOST_SECANTS = 12
"""The search for a quantile switches to bisection after this many steps."""

NEAR = 0.03
"""Below this, five terms of the series of log(sin(x) / x) give full double precision."""


@dataclass(frozen=True)
class Part:
    """`copies` independent draws, each 0, or with probability `busy` one of `points` values.

    The values are first, first + step, .., first + step * (points - 1), all equally likely.
    """

    copies: int
    points: int
    step: int = 1
    first: int = 0
    busy: Fraction = Fraction(1)

    @property
    def low(self) -> int:
        """The smallest value of one draw."""
        return self.first if self.busy == 1 else min(0, self.first)

    @property
    def top(self) -> int:
        """The largest value of one draw."""
        return self.first + self.step * (self.points - 1)

    @property
    def mean(self) -> Fraction:
        """Of the sum of all draws."""
        middle = Fraction(self.copies * (self.first + self.top), 2)
        return middle if self.busy == 1 else self.busy * middle

    @property
    def variance(self) -> Fraction:
        """Of the sum of all draws."""
        around = Fraction(self.copies * self.step**2 * (self.points**2 - 1), 12)
        if self.busy == 1:
            return around
        idle = self.busy * (1 - self.busy) * Fraction(self.first + self.top, 2) ** 2
        return self.busy * around + self.copies * idle


@dataclass(frozen=True)
class Distribution:
    """The law of a whole number S = shift + sum of parts, in pages."""

    parts: tuple[Part, ...]
    shift: int = 0

    @cached_property
    def low(self) -> int:
        """The smallest possible value of S."""
        return self.shift + sum(part.copies * part.low for part in self.parts)

    @cached_property
    def high(self) -> int:
        """The largest possible value of S."""
        return self.shift + sum(part.copies * part.top for part in self.parts)

    @cached_property
    def mean(self) -> Fraction:
        """E S, exact."""
        return self.shift + sum((part.mean for part in self.parts), Fraction(0))

    @cached_property
    def variance(self) -> Fraction:
        """Var S, exact."""
        return sum((part.variance for part in self.parts), Fraction(0))

    @cached_property
    def stddev(self) -> float:
        """Square root of the variance."""
        return sqrt(self.variance)

    def cdf(self, pages: int) -> float:
        """Give P(S <= pages)."""
        return self._function(pages)

    def quantile(self, share: float) -> int:
        """Give the smallest value that S does not exceed with probability `share`."""
        start = _normal(share, float(self.mean), self.stddev)
        return _first(self._function, share, self.low, self.high, start)

    def size_quantile(self, share: float) -> int:
        """Give the smallest value that |S| does not exceed with probability `share`."""
        most, mean, stddev = max(abs(self.low), abs(self.high)), abs(float(self.mean)), self.stddev
        aside = mean > 2 * stddev
        start = _normal(share if aside else (1 + share) / 2, mean if aside else 0.0, stddev)
        below = self._function
        return _first(lambda size: below(size) - below(-size - 1), share, 0, most, start)

    def masses(self, bins: int) -> list[tuple[int, int, float]]:
        """Give (first, last, probability) of bins of equal width that hold all but a millionth."""
        first, last = self.quantile(5e-7), self.quantile(1 - 5e-7)
        width = max(1, -(-(last - first + 1) // bins))
        starts = range(first, last + 1, width)
        function = self._function
        below = [function(start - 1) for start in (*starts, starts[-1] + width)]
        return [
            (start, start + width - 1, after - before)
            for start, (before, after) in zip(starts, pairwise(below), strict=True)
        ]

    @cached_property
    def _function(self) -> Callable[[int], float]:
        """Give the distribution function; S - low takes only multiples of a step."""
        moving = [part.step for part in self.parts if part.points > 1]
        idle = [part.first for part in self.parts if part.busy != 1]
        low, high, step = self.low, self.high, gcd(*moving, *idle) or 1
        parts = tuple(
            replace(part, step=part.step // step, first=(part.first - part.low) // step)
            for part in self.parts
            if part.copies and part.low < part.top
        )
        below = _distribution_function(parts)
        return lambda at: below((at - low) // step) if low <= at < high else float(at >= high)


@lru_cache(maxsize=64)
def _distribution_function(parts: tuple[Part, ...]) -> Callable[[int], float]:
    """Give P(sum <= s) for draws whose smallest sum is 0 and whose common step is 1."""
    joined = _telescoped(parts)
    counted = _counted(joined) if sum(part.copies for part in joined) <= FEW_DRAWS else None
    return counted or _fourier(joined)


def _first(
    probability: Callable[[int], float], share: float, low: int, high: int, start: Guess
) -> int:
    """Find the first integer at which an increasing probability reaches a share.

    A guess is corrected by the secant through the last two, and by bisection if that takes long. A
    share that is reached exactly, as 1/2 is by a symmetric law, must not be missed by rounding.
    """
    goal = share - 1e-12
    guess, slope, last = round(start.at), start.slope, None
    for tries in count():
        if low >= high:
            return low
        guess = min(max(guess, low), high - 1) if tries < MOST_SECANTS else (low + high) // 2
        found = probability(guess)
        if found >= goal:
            high = guess
        else:
            low = guess + 1
        if last and found != last[1] and guess != last[0]:
            slope = (found - last[1]) / (guess - last[0])
        last = guess, found
        guess += floor((goal - found) / slope) + (found < goal)
    raise AssertionError  # pragma: no cover (only a return ends the loop)


@dataclass(frozen=True)
class Guess:
    """The range of a quantile, and the probability of one page there."""

    at: float
    slope: float


def _normal(share: float, mean: float, stddev: float) -> Guess:
    """Guess a quantile from the normal law (Abramowitz and Stegun 26.2.22, within 0.003)."""
    rest = max(min(share, 1 - share), 1e-12)
    t = sqrt(-2 * log(rest))
    z = t - (2.30753 + 0.27061 * t) / (1 + t * (0.99229 + 0.04481 * t))
    slope = exp(-z * z / 2) / (sqrt(2 * pi) * max(stddev, 1.0))
    return Guess(mean + (z if share > 0.5 else -z) * stddev, slope)


def _telescoped(parts: tuple[Part, ...]) -> list[Part]:
    """Join draws whose sum is uniform: below 32 and on 0, 32, .., 224 give uniform below 256.

    The levels of a tree become draws of step 1, which leaves fewer terms to sum.
    """
    joined: Counter[int] = Counter()
    left: list[Part] = []
    for part in sorted(parts, key=lambda part: part.step):
        plain = part.busy == 1
        if plain and part.step == 1:
            joined[part.points] += part.copies
        elif plain and joined[part.step] >= part.copies:
            joined[part.step] -= part.copies
            joined[part.step * part.points] += part.copies
        else:
            left.append(part)
    return [Part(copies, points) for points, copies in joined.items() if copies] + left


# -- with integers


def _counted(parts: list[Part]) -> Callable[[int], float] | None:
    """Count the draws whose sum is at most s; None for mixtures of several kinds of draws.

    A uniform draw has the generating function (1 - x^points) / (1 - x) / points.
    """
    if len(parts) == 1 and parts[0].busy != 1:
        return _mixed(parts[0])
    if any(part.busy != 1 or part.step != 1 for part in parts):
        return None
    draws = sum(part.copies for part in parts)
    terms = _expanded({part.points: part.copies for part in parts})
    total = prod(part.points**part.copies for part in parts)

    def below(most: int) -> float:
        ways = sum(
            sign * comb(most - start + draws, draws)
            for start, sign in terms.items()
            if start <= most
        )
        return float(Fraction(ways, total))

    return below


def _mixed(part: Part) -> Callable[[int], float]:
    """Sum over the number of busy draws."""
    draws = range(part.copies + 1)
    weights = [
        comb(part.copies, busy) * part.busy**busy * (1 - part.busy) ** (part.copies - busy)
        for busy in draws
    ]
    laws = [
        Distribution((Part(busy, part.points, part.step),), busy * part.first) for busy in draws
    ]
    return lambda most: sum(
        float(weight) * law.cdf(most) for weight, law in zip(weights, laws, strict=True)
    )


def _expanded(powers: Mapping[int, int]) -> dict[int, int]:
    """Multiply out the product of (1 - x^a)^power: exponent -> coefficient."""
    terms = {0: 1}
    for base, power in powers.items():
        grown: Counter[int] = Counter()
        for start, sign in terms.items():
            for taken in range(power + 1):
                grown[start + base * taken] += sign * comb(power, taken) * (-1) ** taken
        terms = dict(grown)
    return terms


# -- with a Fourier sum


def _fourier(parts: list[Part]) -> Callable[[int], float]:
    start, points = _window(parts)
    angles, values = _characteristic(parts, points)
    offset = float(sum(part.mean for part in parts) - start)
    terms = [
        (angle / 2, value * rect(2 / points, angle * offset) / sin(angle / 2))
        for angle, value in zip(angles, values, strict=True)
    ]

    def below(most: int) -> float:
        last = most - start
        if not 0 <= last < points:
            return float(last >= 0)
        found = (last + 1) / points
        for half, value in terms:
            # the sum of exp(-2 i j half) for j <= last
            found += (value * rect(sin(half * (last + 1)), -half * last)).real
        return min(1.0, max(0.0, found))

    return below


def _window(parts: list[Part]) -> tuple[int, int]:
    """Give the first value and the odd number of values that hold all but a negligible share.

    P(|S - E S| >= t) <= 2 exp(-t^2 / 2 V). A draw that is never idle adds its variance to V,
    because log E exp(u (X - E X)), a sum of log(1 + u^2 / c^2) over zeros i c, is at most u^2 Var X
    / 2; else a quarter of its squared range (Hoeffding). Probability outside the window is counted
    inside it, a whole number of windows away.
    """
    highest = sum(part.copies * part.top for part in parts)
    spread = sum(
        part.copies
        * (part.step**2 * (part.points**2 - 1) / 12 if part.busy == 1 else part.top**2 / 4)
        for part in parts
    )
    most = isqrt(ceil(2 * log(2 / NEGLIGIBLE) * spread)) + 1
    mean = sum(part.mean for part in parts)
    first = max(0, floor(mean) - most)
    return first, (min(highest, ceil(mean) + most) - first + 1) | 1


def _characteristic(parts: list[Part], points: int) -> tuple[list[float], list[complex]]:
    """Give the frequencies that matter, and the characteristic function of S - E S at them."""
    angles: list[float] = []
    values: list[complex] = []
    factors = [_factor(part, points) for part in parts]
    for number in range(1, (points + 1) // 2):
        angle = 2 * pi * number / points
        value = prod([factor(number) for factor in factors], start=1 + 0j)
        if abs(value) < NEGLIGIBLE and _all_from(parts, angle / 2) < NEGLIGIBLE:
            break
        angles.append(angle)
        values.append(value)
    return angles, values


def _all_from(parts: list[Part], half: float) -> float:
    """Bound the absolute value of the characteristic function from a frequency upwards."""
    most = 1.0
    for part in parts:
        if part.step == 1:
            busy = float(part.busy)
            most *= (1 - busy + busy * _most_from(part.points, half)) ** part.copies
    return most


def _most_from(points: int, half: float) -> float:
    """Bound |sin(m x) / (m sin x)| for all x from `half` to pi / 2.

    The first lobe falls to 0 at pi / m, and the later ones are below 1 / (m sin x).
    """
    if half * points >= pi:
        return 1 / (points * sin(half))
    return min(1.0, max(sin(points * half) / sin(half), 1 / sin(pi / points)) / points)


def _factor(part: Part, points: int) -> Callable[[int], complex]:
    """Give the characteristic function of a part's draws, centred on their mean, by frequency."""
    busy, middle = float(part.busy), (part.first + part.top) / 2

    def never_idle(number: int) -> complex:
        half = pi * number * part.step / points
        if part.points * half < NEAR:
            # a power of a million would amplify the rounding of a factor near 1
            return exp(part.copies * (_log_sinc(part.points * half) - _log_sinc(half)))
        return _spread(part.points, number * part.step, points) ** part.copies

    def sometimes(number: int) -> complex:
        angle, spread = 2 * pi * number / points, _spread(part.points, number * part.step, points)
        idle = (1 - busy) * rect(1.0, -angle * busy * middle)
        moved: complex = idle + busy * spread * rect(1.0, angle * (1 - busy) * middle)
        return moved**part.copies

    return never_idle if part.busy == 1 else sometimes


def _spread(points: int, number: int, whole: int) -> float:
    """Give sin(m x) / (m sin x) for x = pi * number / whole, and its limit at multiples of pi."""
    turns, rest = divmod(number, whole)
    if not rest:
        return -1.0 if turns * (points - 1) % 2 else 1.0
    return sin(pi * (points * number % (2 * whole)) / whole) / (
        points * sin(pi * (number % (2 * whole)) / whole)
    )


def _log_sinc(x: float) -> float:
    """Give log(sin(x) / x) for |x| < NEAR, with full relative precision."""
    y = x * x
    return -y * (1 / 6 + y * (1 / 180 + y * (1 / 2835 + y * (1 / 37800 + y / 467775))))
