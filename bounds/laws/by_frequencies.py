"""A = E exp(i theta S + i psi R) from the frequencies that are left.

The remainder that a node keeps is expanded in harmonics, down to the counts of places. For a
Poisson count, only harmonics near a whole turn are not negligible. This is the faster way where
counts are large.
"""

from __future__ import annotations

from cmath import exp as complex_exp
from cmath import rect
from functools import lru_cache, partial
from math import acos, ceil, exp, floor, log, pi, prod, sin
from typing import TYPE_CHECKING

from rssbound.bounds.laws.poisson import SMALL
from rssbound.bounds.laws.slots import Item

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.bounds.laws.poisson import Sums
    from rssbound.bounds.laws.slots import Node, Slots

    Spectrum = Callable[[int, int], complex]
    Terms = Callable[[int], list[complex]]

__all__ = ("by_frequencies", "harmonics_of")


def by_frequencies(slots: Slots, sums: Sums) -> Terms:
    """Give A for all frequencies of R: expand each remainder in harmonics.

    exp(i psi (v - v mod M)) = sum over h of D(psi + 2 pi h / M) exp(i (psi + 2 pi h / M) v), and
    the harmonics of a Poisson count that are far from a whole turn are negligible.
    """
    mean, turns = sums.pages / slots.places, sums.window * slots.step
    spectra = [(copies, _spectrum(node, mean, sums.whole, turns)) for copies, node in slots.below]
    return lambda number: [
        prod((spectrum(number, at) ** copies for copies, spectrum in spectra), start=1 + 0j)
        for at in range(sums.window)
    ]


def _spectrum(node: Node, mean: float, whole: int, turns: int) -> Spectrum:
    """Give E exp(i theta S + i psi R) of a node; theta is number / whole turns, psi at / turns.

    It is a sum over the harmonics of the node's remainder; only those near a turn contribute.
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
    """Give E exp(i theta S + i psi V), where V is what a node receives, in pages."""
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
    """Give how far from a whole turn, as a fraction of it, a node's harmonics still matter."""
    left = SMALL + 6
    if isinstance(node, Item):
        left += sum(copies * _excess(below, mean) for copies, below in node.below)
    rest = left / (mean * node.places)
    return acos(1 - rest) / (2 * pi) if rest < 2 else 0.5


def _excess(node: Node, mean: float) -> float:
    """Give c in |A| <= exp(c - count * (1 - cos d)); d is the distance to the nearest harmonic.

    The nearest harmonic on each side is at least d away, and each further one is one more whole
    step away, so 1 - cos grows by 1 - cos of that step.
    """
    came, half = mean * node.places, pi / node.modulus
    steps = range(node.modulus // node.step)
    excess = log(2 * sum(exp(-2 * came * sin(half * step) ** 2) for step in steps))
    if isinstance(node, Item):
        excess += sum(copies * _excess(below, mean) for copies, below in node.below)
    return excess


def harmonics_of(node: Node, mean: float) -> float:
    """Estimate how many harmonics of a node, and of all nodes below it, are near a turn."""
    near = min(node.modulus // node.step, 1 + 2 * _reach(node, mean) * node.modulus)
    below = node.below if isinstance(node, Item) else ()
    return near * (1 + sum(harmonics_of(deeper, mean) for _, deeper in below))
