"""A = E exp(i theta S + i psi R) from the values that slots flush.

The generating function of each slot is the sum over the probabilities of its counts. For an item,
the functions of the slots below it are multiplied and the values rounded down to its modulus. This
is the faster way where counts are small.
"""

from __future__ import annotations

from cmath import rect
from math import exp, pi, sqrt
from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.laws.poisson import SMALL, counts_of
from rssbound.bounds.laws.slots import Slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.bounds.laws.poisson import Sums
    from rssbound.bounds.laws.slots import Node, Slots

    Terms = Callable[[int], list[complex]]

__all__ = ("by_values", "products_of")


def by_values(slots: Slots, sums: Sums) -> Terms:
    """Give A for all frequencies of R: multiply generating functions, value by value."""
    turns = [rect(1.0, 2 * pi * at / sums.window) for at in range(sums.window)]
    mean = sums.pages / slots.places

    def terms(number: int) -> list[complex]:
        known: dict[int, dict[int, complex]] = {}
        found = [1 + 0j] * sums.window
        for copies, node in slots.below:
            steps = [
                (value // slots.step, size)
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
    node: Node, mean: float, sums: Sums, number: int, known: dict[int, dict[int, complex]]
) -> dict[int, complex]:
    """Give E exp(i theta S) for each value that a node flushes; `mean` is of one place's count.

    `known` keeps results already computed, for kinds of nodes that are below several others.
    """
    if id(node) not in known:
        vector: dict[int, complex] = {}
        if isinstance(node, Slot):
            for count, chance in counts_of(mean * node.places):
                flushed = node.flushed_of(count)
                vector[flushed] = vector.get(flushed, 0j) + chance * sums.turn(count, number)
        else:
            came = _Row(0, node.step, [1 + 0j])
            for copies, below in node.below:
                row = _row_of(_vector(below, mean, sums, number, known), node.step)
                came = _product(came, _power(row, copies))
            for at, amplitude in enumerate(came.sizes):
                value = came.first + at * came.step
                flushed = value - value % node.modulus
                vector[flushed] = vector.get(flushed, 0j) + amplitude
        known[id(node)] = vector
    return known[id(node)]


class _Row(NamedTuple):
    """Amplitudes of the values first, first + step, ..."""

    first: int
    step: int
    sizes: list[complex]


def _row_of(vector: dict[int, complex], step: int) -> _Row:
    first, last = min(vector), max(vector)
    return _Row(first, step, [vector.get(value, 0j) for value in range(first, last + 1, step)])


def _power(row: _Row, copies: int) -> _Row:
    """Give the amplitudes of the sum of several independent, identical nodes."""
    if copies == 1:
        return row
    half = _power(row, copies // 2)
    whole = _product(half, half)
    return _product(whole, row) if copies % 2 else whole


def _product(a: _Row, b: _Row) -> _Row:
    """Give the amplitudes of the sum of two independent nodes, without negligible values."""
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


def products_of(node: Node, mean: float) -> float:
    """Estimate the terms of a node's generating function, of those below it, and their products."""
    if isinstance(node, Slot):
        return 2 * _spread(mean * node.places)
    gap = sum(copies * below.most for copies, below in node.below)
    values = (_spread(mean * node.places) + gap) / node.step
    return values**2 / 4 + sum(products_of(below, mean) for _, below in node.below)


def _spread(mean: float) -> float:
    """Estimate how many values of a Poisson variable are not negligible."""
    return 2 * sqrt(2 * SMALL * mean) + SMALL
