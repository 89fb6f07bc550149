"""The law of precise - approximate of a process that has grown to n pages, one page at a time.

    E = n - (pages that all slots have flushed),   each page at a place chosen uniformly

The counts of the places are multinomial: independent Poisson variables of mean n / places, given
that their sum is n. So, with S the sum and R the flushed pages of independent counts,

    P(E = n - r) = P(S = n, R = r) / P(S = n)
    P(S = n, R = r) = 1/(K W) * sum over a < K, w < W of
                      exp(-2 pi i (a n / K + w r / (W step))) * A(2 pi a / K, 2 pi w / (W step))

with A(theta, psi) = E exp(i theta S + i psi R): a finite Fourier sum. It is exact up to rounding:
the probability outside K values of S and W of R is below rounding. A is a product over independent
slots. It is computed in one of two ways: from the values that each slot can flush, or, when
counts are widely spread, from the frequencies of its remainder that are not negligible. Derived in
docs/theory.md.
"""

from __future__ import annotations

from cmath import rect
from functools import lru_cache
from math import ceil, exp, floor, log, log1p, pi, sin, sqrt
from typing import TYPE_CHECKING

from rssbound.bounds.laws.by_frequencies import by_frequencies, harmonics_of
from rssbound.bounds.laws.by_values import by_values, products_of
from rssbound.bounds.laws.distribution import Distribution, Part
from rssbound.bounds.laws.poisson import SMALL, Sums, central_chance, chance_of, counts_of, whole_of
from rssbound.bounds.laws.slots import Item, Node, Slot, Slots
from rssbound.bounds.laws.table import Table
from rssbound.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rssbound.bounds.laws.slots import Below

    Terms = Callable[[int], list[complex]]

__all__ = ("law_of_growth",)

SETTLED = 30.0
"""Below exp(-SETTLED), 1e-13, of a slot's law, the influence of the start is not printed."""

QUIET = 16
"""The sum stops only after at least this many negligible frequencies in a row."""

COST_OF_HARMONIC = 6
"""The cost of a harmonic, in products of values."""

MOST_DIRECT = 512
"""Fourier sums of at most this many terms are added up term by term."""


@lru_cache(maxsize=64)
def law_of_growth(slots: Slots, pages: int) -> Table:
    """Give the law of what slots keep of `pages` pages; probabilities are within 1e-9."""
    plain, late = _without_lag(slots, pages)
    if late:
        return law_of_growth(plain, pages).moved(late)
    if _is_settled(slots, pages):
        return _settled(slots, pages)
    first, last = _flushed_range(slots, pages)
    if first == last:
        return Table(pages - slots.step * last, 1, (1.0,))
    window = last - first + 1
    if window > MOST_DIRECT:
        window = 1 << (window - 1).bit_length()
    sums = Sums(pages, whole_of(pages), window)
    way = by_values if _values_are_cheaper(slots, sums) else by_frequencies
    amplitudes = _summed(slots, sums, way(slots, sums))
    chances = _inverted(amplitudes, sums, range(last, first - 1, -1))
    return Table(pages - slots.step * last, slots.step, tuple(chances))


def _without_lag(slots: Slots, pages: int) -> tuple[Slots, int]:
    """Give slots without lags, if each has surely flushed once, and the sum of the lags."""
    behind = sum(copies * slot.lag for copies, slot in slots.leaves())
    if not behind or not all(
        _has_flushed(slot, pages * slot.places / slots.places) for _, slot in slots.leaves()
    ):
        return slots, 0
    below = tuple(
        (copies, replace(node, lag=0) if isinstance(node, Slot) else node)
        for copies, node in slots.below
    )
    return replace(slots, below=below), behind


def _has_flushed(slot: Slot, mean: float) -> bool:
    """Return whether a slot that receives `pages` pages on average has surely been full once.

    Fewer than M of m pages have a probability below exp(-(m - M)^2 / 2m), Chernoff's bound.
    """
    spare = mean - slot.modulus
    if spare > 0 and spare * spare / (2 * mean) > SMALL + SETTLED:
        return True
    return counts_of(mean)[0][0] >= slot.modulus


# -- the long run


def _is_settled(slots: Slots, pages: int) -> bool:
    """Return whether the start is forgotten: the first harmonic of every slot is negligible.

    A page goes to a slot with probability q, so after n pages the harmonic exp(2 pi i / M) of the
    received pages has the size |1 + q (exp(2 pi i / M) - 1)|^n; all others are smaller.
    """
    return all(
        node.modulus == 1 or pages * _decay(node, slots.places) < -SETTLED
        for _, node in slots.nodes()
    )


def _decay(node: Node, places: int) -> float:
    """Give the logarithm of the factor by which one page reduces a slot's first harmonic."""
    share = node.places / places
    lost = 4 * share * (1 - share) * sin(pi / node.modulus) ** 2
    return log1p(-min(lost, 1 - 1e-15)) / 2


def _settled(slots: Slots, pages: int) -> Table:
    """Give the law of the long run, on the values that a process of this size can have.

    The pages that all slots keep are uniform modulo the step; given the size of the process, their
    value modulo the step is known.
    """
    law = Distribution(
        tuple(Part(copies, node.modulus // node.step, node.step) for copies, node in slots.nodes())
    )
    step, far = slots.step, ceil(10 * law.stddev)
    low = max(law.low, floor(law.mean) - far)
    first = low + (pages - low) % step
    values = range(first, min(law.high, ceil(law.mean) + far) + 1, step)
    return Table(
        first, step, tuple(step * (law.cdf(value) - law.cdf(value - 1)) for value in values)
    )


# -- the sums


def _summed(slots: Slots, sums: Sums, terms: Terms) -> list[complex]:
    """Sum over the frequencies of S, both signs at once.

    The sum ends where the bound of `_numbers` says so, and usually earlier: when the last third of
    the terms was negligible.
    """
    amplitudes = [0j] * sums.window
    least = exp(-SMALL) / sqrt(2 * pi * (sums.pages + 1))
    counted = 0
    for number in _numbers(slots, sums):
        found = terms(number)
        if max(map(abs, found)) > least:
            counted = number
        elif number > QUIET + 3 * counted // 2:
            break
        factor = (2 if number else 1) * sums.turn(-number, sums.pages)
        amplitudes = [total + factor * term for total, term in zip(amplitudes, found, strict=True)]
    return amplitudes


def _inverted(amplitudes: list[complex], sums: Sums, flushed: range) -> list[float]:
    """Give the probability of each flushed multiple of the step, given the sum."""
    window = sums.window
    scale = sums.whole * window * central_chance(sums.pages)
    if window > MOST_DIRECT:
        values = _transformed(amplitudes)
        return [max(0.0, values[value % window].real / scale) for value in flushed]
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
        for value in flushed
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


# -- what counts of the sums


def _flushed_range(slots: Slots, pages: int) -> tuple[int, int]:
    """Give the fewest and the most flushed steps whose probability is not negligible."""
    first = max(0, -((slots.most - pages) // slots.step))
    last = pages // slots.step
    if first == last or not all(isinstance(node, Slot) for _, node in slots.below):
        return first, last
    mean, variance, widest = 0.0, 0.0, 0.0
    for copies, slot in slots.leaves():
        law = _handing(slot, pages * slot.places / slots.places)
        middle = sum(value * chance for value, chance in law.items())
        mean += copies * middle
        variance += copies * sum((value - middle) ** 2 * chance for value, chance in law.items())
        widest = max(widest, max(law) - min(law))
    # Bernstein; given S = n a chance grows by 1 / P(S = n) at most
    reserve = SMALL + log(2 * pi * (pages + 1)) / 2
    far = widest * reserve / 3 + sqrt((widest * reserve / 3) ** 2 + 2 * reserve * variance)
    first = max(first, floor((mean - far) / slots.step))
    last = min(last, ceil((mean + far) / slots.step))
    return min(first, last), last


def _handing(slot: Slot, mean: float) -> dict[int, float]:
    """Give the law of the pages that one slot has flushed, without negligible values."""
    law: dict[int, float] = {}
    for count, chance in counts_of(mean):
        flushed = slot.flushed_of(count)
        law[flushed] = law.get(flushed, 0.0) + chance
    return law


def _numbers(slots: Slots, sums: Sums) -> Iterator[int]:
    """Yield the frequencies of S from 0 upwards, until all further terms are below rounding.

    |A| is at most the product of `_variation` / sin(theta / 2) over all nodes of any one level, and
    that falls as theta grows.
    """
    least = -SMALL - log(2 * pi * (sums.pages + 1)) / 2
    levels = [
        [(copies, _variation(node, sums.pages * node.places / slots.places)) for copies, node in of]
        for of in _levels(slots.below)
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
    """Yield the nodes of each level from the top down, each with its number of copies."""
    while below:
        yield below
        below = tuple(
            (copies * more, deeper)
            for copies, node in below
            if isinstance(node, Item)
            for more, deeper in node.below
        )


def _variation(node: Node, mean: float) -> float:
    """Bound sin(theta / 2) times the sum of |E exp(i theta S)| over the values that a node flushes.

    A sum of p_s exp(i theta s) is at most the total variation of p over 2 sin(theta / 2). Here p_s
    is the Poisson probability of s, which rises and falls once, times the probability of flushing
    that part of s: the probability of at least q moduli grows with s, from 0 at q moduli to 1 where
    all below is full.
    """
    far = sqrt(2 * SMALL * mean) + SMALL
    gap = node.most - (node.modulus - node.step)
    blocks = range(
        max(1, floor((mean - far - gap) / node.modulus)), ceil((mean + far) / node.modulus) + 1
    )
    nearest = (min(max(mean, block * node.modulus), block * node.modulus + gap) for block in blocks)
    return chance_of(floor(mean), mean) + sum(chance_of(count, mean) for count in nearest)


# -- which way


def _values_are_cheaper(slots: Slots, sums: Sums) -> bool:
    """Return whether by_values takes fewer steps per frequency of S; only it handles lags."""
    if any(isinstance(node, Slot) for _, node in slots.below):
        return True
    mean = sums.pages / slots.places
    by_values = sum(products_of(node, mean) for _, node in slots.below)
    by_frequencies = sum(harmonics_of(node, mean) for _, node in slots.below)
    return by_values < COST_OF_HARMONIC * sums.window * by_frequencies
