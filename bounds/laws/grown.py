"""The law of precise - approximate of a process that has grown to n pages, one page at a time.

    E = n - (what all caches have handed on),   each page at a place chosen uniformly

The counts of the places are multinomial: independent Poisson numbers of mean n / places, given that
their sum is n. So with S the sum and R the handed on pages of independent counts,

    P(E = n - r) = P(S = n, R = r) / P(S = n)
    P(S = n, R = r) = 1/(K W) * sum over a < K, w < W of
                      exp(-2 pi i (a n / K + w r / (W step))) * A(2 pi a / K, 2 pi w / (W step))

with A(theta, psi) = E exp(i theta S + i psi R): a finite Fourier sum, exact but for rounding, and
for what lies outside K values of S and W of R, less than rounding. A is a product over independent
caches. It is found in one of two ways: from the values that each cache may hand on, or from the
frequencies that are left of its remainder when counts are widely spread. Derived in docs/theory.md.
"""

from __future__ import annotations

from cmath import exp as complex_exp
from cmath import rect
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import acos, ceil, exp, floor, lgamma, log, log1p, pi, prod, sin, sqrt
from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.laws.caches import Cache, Caches, Item, Node
from rssbound.bounds.laws.distribution import Distribution, Part
from rssbound.bounds.laws.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rssbound.bounds.laws.caches import Below

    Spectrum = Callable[[int, int], complex]
    Terms = Callable[[int], list[complex]]

__all__ = ("law_of_growth",)

SMALL = 36.0
"""exp(-SMALL), 2e-16, is less than rounding."""

SETTLED = 30.0
"""What is left of the start, exp(-SETTLED) or 1e-13 of a cache's law, is not printed."""

QUIET = 16
"""So many frequencies at least must count for nothing before the rest are left out."""

COST_OF_HARMONIC = 6
"""A harmonic takes about as long as so many products of values."""

MOST_DIRECT = 512
"""Up to here a Fourier sum is added up term by term."""


@lru_cache(maxsize=64)
def law_of_growth(caches: Caches, pages: int) -> Table:
    """Give the law of what caches keep of so many pages; probabilities are right to 1e-9."""
    plain, late = _without_lag(caches, pages)
    if late:
        return law_of_growth(plain, pages).moved(late)
    if _is_settled(caches, pages):
        return _settled(caches, pages)
    first, last = _handed_on(caches, pages)
    if first == last:
        return Table(pages - caches.step * last, 1, (1.0,))
    window = last - first + 1
    if window > MOST_DIRECT:
        window = 1 << (window - 1).bit_length()
    sums = _Sums(pages, _whole_of(pages), window)
    way = _by_values if _values_are_cheaper(caches, sums) else _by_frequencies
    amplitudes = _summed(caches, sums, way(caches, sums))
    chances = _inverted(amplitudes, sums, range(last, first - 1, -1))
    return Table(pages - caches.step * last, caches.step, tuple(chances))


def _without_lag(caches: Caches, pages: int) -> tuple[Caches, int]:
    """Give caches without lags, where each has handed on before, and what they are behind."""
    behind = sum(copies * cache.lag for copies, cache in caches.leaves())
    if not behind or not all(
        _has_handed_on(cache, pages * cache.places / caches.places) for _, cache in caches.leaves()
    ):
        return caches, 0
    below = tuple(
        (copies, replace(node, lag=0) if isinstance(node, Cache) else node)
        for copies, node in caches.below
    )
    return replace(caches, below=below), behind


def _has_handed_on(cache: Cache, mean: float) -> bool:
    """Tell whether a cache to which so many pages come has surely been full once.

    Fewer than M of m pages have a probability below exp(-(m - M)^2 / 2m), Chernoff's bound.
    """
    spare = mean - cache.modulus
    if spare > 0 and spare * spare / (2 * mean) > SMALL + SETTLED:
        return True
    return _counts(mean)[0][0] >= cache.modulus


# -- the long run


def _is_settled(caches: Caches, pages: int) -> bool:
    """Tell whether nothing is left of the start: the first harmonic of every cache is gone.

    A page goes to a cache with probability q, so after n pages the harmonic exp(2 pi i / M) of what
    came has the size |1 + q (exp(2 pi i / M) - 1)|^n; all others are smaller.
    """
    return all(
        node.modulus == 1 or pages * _decay(node, caches.places) < -SETTLED
        for _, node in caches.nodes()
    )


def _decay(node: Node, places: int) -> float:
    """Give the logarithm of what one page leaves of a cache's first harmonic."""
    share = node.places / places
    lost = 4 * share * (1 - share) * sin(pi / node.modulus) ** 2
    return log1p(-min(lost, 1 - 1e-15)) / 2


def _settled(caches: Caches, pages: int) -> Table:
    """Give the law of the long run, of those values that a process of this size can have.

    What all caches keep is uniform modulo the step, and the size says what it is modulo the step.
    """
    law = Distribution(
        tuple(Part(copies, node.modulus // node.step, node.step) for copies, node in caches.nodes())
    )
    step, far = caches.step, ceil(10 * law.stddev)
    low = max(law.low, floor(law.mean) - far)
    first = low + (pages - low) % step
    values = range(first, min(law.high, ceil(law.mean) + far) + 1, step)
    return Table(
        first, step, tuple(step * (law.cdf(value) - law.cdf(value - 1)) for value in values)
    )


# -- the sums


@dataclass(frozen=True, slots=True)
class _Sums:
    """The size of the sums: pages, values of S that are told apart, values of R / step."""

    pages: int
    whole: int
    window: int

    def turn(self, count: int, number: int) -> complex:
        """Give exp(2 pi i count number / whole)."""
        return rect(1.0, 2 * pi * (count * number % self.whole) / self.whole)


def _whole_of(pages: int) -> int:
    """Give an odd number: S is so far from its mean n with a chance that is less than rounding.

    P(S >= n + t) <= exp(-t^2 / (2 (n + t / 3))), and P(S <= n - t) is smaller.
    """
    reserve = SMALL + log(2 * pi * (pages + 1)) / 2
    return ceil(sqrt(2 * reserve * pages) + reserve) | 1


def _summed(caches: Caches, sums: _Sums, terms: Terms) -> list[complex]:
    """Sum over the frequencies of S, those of the other sign with them.

    It ends where the bound of `_numbers` says so, and mostly before: when nothing has counted for
    half as long as it took to get there.
    """
    amplitudes = [0j] * sums.window
    least = exp(-SMALL) / sqrt(2 * pi * (sums.pages + 1))
    counted = 0
    for number in _numbers(caches, sums):
        found = terms(number)
        if max(map(abs, found)) > least:
            counted = number
        elif number > QUIET + 3 * counted // 2:
            break
        factor = (2 if number else 1) * sums.turn(-number, sums.pages)
        amplitudes = [total + factor * term for total, term in zip(amplitudes, found, strict=True)]
    return amplitudes


def _inverted(amplitudes: list[complex], sums: _Sums, handed_on: range) -> list[float]:
    """Give the probabilities of multiples of the step that were handed on, given the sum."""
    window = sums.window
    scale = sums.whole * window * _poisson(sums.pages)
    if window > MOST_DIRECT:
        values = _transformed(amplitudes)
        return [max(0.0, values[value % window].real / scale) for value in handed_on]
    turns = [rect(1.0, -2 * pi * at / window) for at in range(window)]
    return [
        max(
            0.0,
            sum(
                (amplitude * turns[at * value % window]).real
                for at, amplitude in enumerate(amplitudes)
            )
            / scale,
        )
        for value in handed_on
    ]


def _transformed(values: list[complex]) -> list[complex]:
    """Give sum over k of values[k] exp(-2 pi i j k / size) for each j; size is a power of two."""
    size = len(values)
    if size == 1:
        return values
    even, odd = _transformed(values[::2]), _transformed(values[1::2])
    turned = [rect(1.0, -2 * pi * at / size) * value for at, value in enumerate(odd)]
    pairs = list(zip(even, turned, strict=True))
    return [a + b for a, b in pairs] + [a - b for a, b in pairs]


def _poisson(pages: int) -> float:
    """Give the probability that a Poisson number is its mean; Stirling's series from 20 on."""
    if pages < 20:
        return exp(pages * log(max(pages, 1)) - pages - lgamma(pages + 1))
    series = 1 / (12 * pages) - 1 / (360 * pages**3) + 1 / (1260 * pages**5)
    return exp(-series) / sqrt(2 * pi * pages)


# -- what counts of the sums


def _handed_on(caches: Caches, pages: int) -> tuple[int, int]:
    """Give the fewest and most steps that can have been handed on, but for what never happens."""
    first = max(0, -((caches.most - pages) // caches.step))
    last = pages // caches.step
    if first == last or not all(isinstance(node, Cache) for _, node in caches.below):
        return first, last
    mean, variance, widest = 0.0, 0.0, 0.0
    for copies, cache in caches.leaves():
        law = _handing(cache, pages * cache.places / caches.places)
        middle = sum(value * chance for value, chance in law.items())
        mean += copies * middle
        variance += copies * sum((value - middle) ** 2 * chance for value, chance in law.items())
        widest = max(widest, max(law) - min(law))
    # Bernstein; given S = n a chance grows by 1 / P(S = n) at most
    reserve = SMALL + log(2 * pi * (pages + 1)) / 2
    far = widest * reserve / 3 + sqrt((widest * reserve / 3) ** 2 + 2 * reserve * variance)
    first = max(first, floor((mean - far) / caches.step))
    last = min(last, ceil((mean + far) / caches.step))
    return min(first, last), last


def _handing(cache: Cache, mean: float) -> dict[int, float]:
    """Give the law of what one cache has handed on, but for what never happens."""
    law: dict[int, float] = {}
    for count, chance in _counts(mean):
        handed = _handed(cache, count)
        law[handed] = law.get(handed, 0.0) + chance
    return law


def _handed(cache: Cache, count: int) -> int:
    return count - count % cache.modulus - (cache.lag if count >= cache.modulus else 0)


@lru_cache(maxsize=64)
def _counts(mean: float) -> tuple[tuple[int, float], ...]:
    """Give the Poisson law, as counts and their probabilities, but for what never happens."""
    mode = floor(mean)
    above, below = [1.0], [1.0]
    while above[-1] > exp(-SMALL - 6):
        above.append(above[-1] * mean / (mode + len(above)))
    while below[-1] > exp(-SMALL - 6) and len(below) <= mode:
        below.append(below[-1] * (mode + 1 - len(below)) / mean)
    chances = below[:0:-1] + above
    total, first = sum(chances), mode - len(below) + 1
    return tuple((first + at, chance / total) for at, chance in enumerate(chances))


def _numbers(caches: Caches, sums: _Sums) -> Iterator[int]:
    """Yield the frequencies of S, from 0 on, until all that follow are less than rounding.

    |A| is at most the product, over all nodes of any one level, of what `_variation` over
    sin(theta / 2) bounds; that falls as theta grows.
    """
    least = -SMALL - log(2 * pi * (sums.pages + 1)) / 2
    levels = [
        [
            (copies, _variation(node, sums.pages * node.places / caches.places))
            for copies, node in of
        ]
        for of in _levels(caches.below)
    ]
    for number in range(sums.whole // 2 + 1):
        half = sin(pi * number / sums.whole)
        if half and least > min(
            sum(copies * log(min(1.0, variation / half)) for copies, variation in level)
            for level in levels
        ):
            return
        yield number


def _levels(below: Below) -> Iterator[Below]:
    """Yield the nodes of each level, from the top down, with how many there are of each."""
    while below:
        yield below
        below = tuple(
            (copies * more, deeper)
            for copies, node in below
            if isinstance(node, Item)
            for more, deeper in node.below
        )


def _variation(node: Node, mean: float) -> float:
    """Bound sin(theta / 2) times the sum, over what a node hands on, of |E exp(i theta S)| there.

    A sum of p_s exp(i theta s) is at most the total variation of p over 2 sin(theta / 2). Here p_s
    is the Poisson chance of s, which rises and falls once, times that of handing on so much of s:
    the chance of at least q moduli grows with s, from 0 at q moduli to 1 where all below is full.
    """
    far = sqrt(2 * SMALL * mean) + SMALL
    gap = node.most - (node.modulus - node.step)
    blocks = range(
        max(1, floor((mean - far - gap) / node.modulus)), ceil((mean + far) / node.modulus) + 1
    )
    nearest = (min(max(mean, block * node.modulus), block * node.modulus + gap) for block in blocks)
    return _chance(floor(mean), mean) + sum(_chance(count, mean) for count in nearest)


def _chance(count: float, mean: float) -> float:
    """Give a Poisson probability, to some digits."""
    return exp(count * log(mean) - mean - lgamma(count + 1))


# -- A from the values that are handed on


def _by_values(caches: Caches, sums: _Sums) -> Terms:
    """Give A for all frequencies of R: multiply generating functions, value by value."""
    turns = [rect(1.0, 2 * pi * at / sums.window) for at in range(sums.window)]
    mean = sums.pages / caches.places

    def terms(number: int) -> list[complex]:
        known: dict[int, dict[int, complex]] = {}
        found = [1 + 0j] * sums.window
        for copies, node in caches.below:
            steps = [
                (value // caches.step, size)
                for value, size in _vector(node, mean, sums, number, known).items()
            ]
            found = [
                term
                * sum([size * turns[value * at % sums.window] for value, size in steps]) ** copies
                for at, term in enumerate(found)
            ]
        return found

    return terms


def _vector(
    node: Node, mean: float, sums: _Sums, number: int, known: dict[int, dict[int, complex]]
) -> dict[int, complex]:
    """Give E exp(i theta S) on each value that a node hands on; `mean` is of one place's count.

    `known` has those that were found, for kinds of nodes that stand below several others.
    """
    if id(node) not in known:
        vector: dict[int, complex] = {}
        if isinstance(node, Cache):
            for count, chance in _counts(mean * node.places):
                handed = _handed(node, count)
                vector[handed] = vector.get(handed, 0j) + chance * sums.turn(count, number)
        else:
            came = _Row(0, node.step, [1 + 0j])
            for copies, below in node.below:
                row = _row_of(_vector(below, mean, sums, number, known), node.step)
                came = _product(came, _power(row, copies))
            for at, amplitude in enumerate(came.sizes):
                value = came.first + at * came.step
                handed = value - value % node.modulus
                vector[handed] = vector.get(handed, 0j) + amplitude
        known[id(node)] = vector
    return known[id(node)]


class _Row(NamedTuple):
    """Amplitudes of the values first, first + step, .."""

    first: int
    step: int
    sizes: list[complex]


def _row_of(vector: dict[int, complex], step: int) -> _Row:
    first, last = min(vector), max(vector)
    return _Row(first, step, [vector.get(value, 0j) for value in range(first, last + 1, step)])


def _power(row: _Row, copies: int) -> _Row:
    """Give the amplitudes of the sum of several independent nodes that are alike."""
    if copies == 1:
        return row
    half = _power(row, copies // 2)
    whole = _product(half, half)
    return _product(whole, row) if copies % 2 else whole


def _product(a: _Row, b: _Row) -> _Row:
    """Give the amplitudes of the sum of two independent nodes, but for what never happens."""
    few, many = sorted((a.sizes, b.sizes), key=len)
    width = len(many)
    sizes = [0j] * (len(few) + width - 1)
    for at, size in enumerate(few):
        sizes[at : at + width] = [
            total + size * other for total, other in zip(sizes[at : at + width], many, strict=True)
        ]
    never = exp(-SMALL - 6)
    counted = [at for at, size in enumerate(sizes) if abs(size) > never] or [0]
    low, high = counted[0], counted[-1]
    return _Row(a.first + b.first + low * a.step, a.step, sizes[low : high + 1])


# -- A from the frequencies that are left


def _by_frequencies(caches: Caches, sums: _Sums) -> Terms:
    """Give A for all frequencies of R: expand each remainder in harmonics.

    exp(i psi (v - v mod M)) = sum over h of D(psi + 2 pi h / M) exp(i (psi + 2 pi h / M) v), and a
    Poisson count has no harmonics left that are far from a whole turn.
    """
    mean, turns = sums.pages / caches.places, sums.window * caches.step
    spectra = [(copies, _spectrum(node, mean, sums.whole, turns)) for copies, node in caches.below]
    return lambda number: [
        prod((spectrum(number, at) ** copies for copies, spectrum in spectra), start=1 + 0j)
        for at in range(sums.window)
    ]


def _spectrum(node: Node, mean: float, whole: int, turns: int) -> Spectrum:
    """Give E exp(i theta S + i psi R) of a node; theta is number / whole turns, psi at / turns.

    It is a sum over the harmonics of what the node keeps; those that are left are near a turn.
    """
    modulus, harmonics, apart = node.modulus, node.modulus // node.step, turns // node.modulus
    reach = _reach(node, mean)
    weight_of = lru_cache(maxsize=None)(partial(_mean_turn, modulus, node.step, turns))
    below = _spectrum_below(node, mean, whole, turns)

    def spectrum(number: int, at: int) -> complex:
        turn = number / whole + at / turns
        low, high = ceil((-turn - reach) * modulus), floor((-turn + reach) * modulus)
        found = 0j
        for harmonic in range(low, min(high, low + harmonics - 1) + 1):
            moved = (at + harmonic * apart) % turns
            if weight := weight_of(moved):
                found += weight * below(number, moved)
        return found

    return spectrum


def _spectrum_below(node: Node, mean: float, whole: int, turns: int) -> Spectrum:
    """Give E exp(i theta S + i psi V), V what comes to a node: pages, or what is handed to it."""
    if isinstance(node, Item):
        kinds = [(copies, _spectrum(below, mean, whole, turns)) for copies, below in node.below]
        return lambda number, at: prod(
            (spectrum(number, at) ** copies for copies, spectrum in kinds), start=1 + 0j
        )
    came, circle = mean * node.places, whole * turns

    def of_count(number: int, at: int) -> complex:
        part = (number * turns + at * whole) % circle
        angle = 2 * pi * ((part if 2 * part <= circle else part - circle) / circle)
        return complex_exp(came * (rect(1.0, angle) - 1))

    return of_count


def _mean_turn(modulus: int, step: int, turns: int, at: int) -> complex:
    """Give D: the mean of exp(-i psi r) over the remainders r = 0, step, .., modulus - step."""
    if step * at % turns == 0:
        return 1 + 0j
    if modulus * at % turns == 0:
        return 0j
    size = sin(pi * (modulus * at % (2 * turns)) / turns) / (
        modulus // step * sin(pi * (step * at % (2 * turns)) / turns)
    )
    return rect(size, -pi * ((modulus - step) * at % (2 * turns)) / turns)


def _reach(node: Node, mean: float) -> float:
    """Give how far from a turn, as a part of one, the harmonics of a node may be left."""
    left = SMALL + 6
    if isinstance(node, Item):
        left += sum(copies * _excess(below, mean) for copies, below in node.below)
    rest = left / (mean * node.places)
    return acos(1 - rest) / (2 * pi) if rest < 2 else 0.5


def _excess(node: Node, mean: float) -> float:
    """Give c of |A| <= exp(c - count * (1 - cos d)), d the way to the nearest harmonic.

    The nearest harmonic of each side is as far as d at least, and each further one is a whole
    step further: 1 - cos grows by 1 - cos of that step.
    """
    came, half = mean * node.places, pi / node.modulus
    steps = range(node.modulus // node.step)
    excess = log(2 * sum(exp(-2 * came * sin(half * step) ** 2) for step in steps))
    if isinstance(node, Item):
        excess += sum(copies * _excess(below, mean) for copies, below in node.below)
    return excess


# -- which way


def _values_are_cheaper(caches: Caches, sums: _Sums) -> bool:
    """Tell which way takes fewer steps for each frequency of S; only values know lags."""
    if any(isinstance(node, Cache) for _, node in caches.below):
        return True
    mean = sums.pages / caches.places
    by_values = sum(_products(node, mean) for _, node in caches.below)
    by_frequencies = sum(_harmonics(node, mean) for _, node in caches.below)
    return by_values < COST_OF_HARMONIC * sums.window * by_frequencies


def _products(node: Node, mean: float) -> float:
    """Estimate the terms of a node's generating function, those below it, and their products."""
    if isinstance(node, Cache):
        return 2 * _spread(mean * node.places)
    gap = sum(copies * below.most for copies, below in node.below)
    values = (_spread(mean * node.places) + gap) / node.step
    return values**2 / 4 + sum(_products(below, mean) for _, below in node.below)


def _spread(mean: float) -> float:
    """Give about how many values a Poisson number may have."""
    return 2 * sqrt(2 * SMALL * mean) + SMALL


def _harmonics(node: Node, mean: float) -> float:
    """Estimate the harmonics of a node that are near a turn, with those of all below."""
    near = min(node.modulus // node.step, 1 + 2 * _reach(node, mean) * node.modulus)
    below = node.below if isinstance(node, Item) else ()
    return near * (1 + sum(_harmonics(deeper, mean) for _, deeper in below))
