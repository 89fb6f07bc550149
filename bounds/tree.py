"""What every hierarchical counter has in common: items that keep back a value modulo their size.

    residual of an item of level k = value mod M_k - value mod M_(k-1), a multiple of M_(k-1)
    0 <= residual <= M_k - M_(k-1)   (level 0: 0 <= residual <= batch - 1)
    U(S) = |S| * (batch - 1) + sum over k of n_k(S) * (M_k - M_(k-1)),   error in [-U(S), 0]

with M_0 = batch, M_k = M_(k-1) * fan-in of level k, and n_k(S) the items of level k that the CPUs
in S use. Assumes the carry rule of percpu_counter_tree_add: what an update passes up from an item
is floor(new / M) * M - floor(old / M) * M, whatever path the carry takes, in whatever order;
batch is a power of two above 1. The residuals of all items are independent, and S counts every CPU
that ever updated the counter: nothing is folded when a CPU goes offline.

In flight: an updater stopped between two levels holds a carry of at most |increment| rounded up to
a multiple of the last modulus, on either side.

Source: Mathieu Desnoyers, "lib: Introduce hierarchical per-cpu counters", RFC v1 of 2025-04 to v17
of 2026-02; lib/percpu_counter_tree.c there. Derivation in docs/theory.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.arithmetic import Quantity, ceil_log2, round_up
from rssbound.bounds.interval import Level
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from rssbound.bounds.quantities import Quantities

__all__ = ("MOST_ORDER", "Items", "carry_levels", "modulo_items", "order_of")

MOST_ORDER = 20


class Items(NamedTuple):
    """A level above the CPUs: fan-in of the level below (a power of two), items in use."""

    name: str
    fan_in: int
    used: Quantity
    item_of: Callable[[int], Hashable]


def order_of(q: Quantities) -> int:
    """Give the order of the tree, ceil(log2(nr_cpu_ids)); ScenarioError beyond MOST_ORDER."""
    order: int = ceil_log2(q.nr_cpu_ids)
    if order > MOST_ORDER:
        raise ScenarioError(
            f"the tree designs count at most {1 << MOST_ORDER} CPU ids and this machine has "
            f"{q.nr_cpu_ids}; choose other designs"
        )
    return order


def modulo_items(q: Quantities, arities: Iterable[int]) -> list[Items]:
    """Give the levels of the kernel's own grouping, `cpu mod 2^k`.

    `arities` are the orders of the fan-ins, level 0 first, as in the kernel's table; the last one
    leads to the root, which is the approximate value itself and keeps nothing back.
    """
    arities = list(arities)
    left = sum(arities)
    items: list[Items] = []
    for level, arity in enumerate(arities[:-1], start=1):
        left -= arity
        items.append(
            Items(f"level {level}", 1 << arity, q.residues(1 << left), _residue_of(1 << left))
        )
    return items


def _residue_of(modulus: int) -> Callable[[int], Hashable]:
    return lambda cpu: cpu % modulus


def carry_levels(q: Quantities, items: Iterable[Items]) -> tuple[Level, ...]:
    """State the levels of a tree: CPUs, the items above them, and updaters in flight."""
    modulus = q.batch
    levels = [Level("cpu", q.cpus, low=0, high=modulus - 1, item_of=int)]
    for name, fan_in, used, item_of in items:
        high = modulus * fan_in - modulus
        levels.append(Level(name, used, low=0, high=high, item_of=item_of))
        modulus *= fan_in
    if q.in_flight != 0:
        carry = round_up(q.max_increment, modulus)
        levels.append(Level("in flight", q.in_flight, low=-carry, high=carry, shared=True))
    return tuple(levels)
