"""Hierarchical per-CPU counter as first posted: a binary tree.

    error in [-U(S), 0],  U(S) as in carry_tree.py with every fan-in 2

For all 2^o CPUs of order o that is 2^o * (batch - 1) + (o - 1) * 2^o * batch / 2.

Source: Mathieu Desnoyers, RFC v1 (2025-04) and v2 (2025-04-08).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.counter.design import Kernels
from rssbound.bounds.counter.interval import Interval
from rssbound.bounds.designs.carry_tree import (
    CarryTree,
    Items,
    design_of,
    items_of,
    modulo_items,
    order_of,
)
from rssbound.bounds.designs.tree import CACHE_LINE

if TYPE_CHECKING:
    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGN",)


def arities(order: int) -> tuple[int, ...]:
    """Every level halves the number of items."""
    return (1,) * order


def items(p: Parameters) -> list[Items]:
    """Give the levels above the CPUs."""
    return modulo_items(p, arities(order_of(p)))


TREE = CarryTree(items)


def published(p: Parameters) -> Interval:
    """Give `inaccuracy`, batch * levels * 2^levels, on both sides."""
    order = order_of(p)
    inaccuracy = (
        p.batch * order << order if isinstance(p.batch, int) else p.batch * (order << order)
    )
    return Interval(inaccuracy, inaccuracy)


def memory_bytes(p: Parameters) -> Quantity:
    """Give an int on each possible CPU, a line for each item and the struct, four times."""
    order = order_of(p)
    lines = items_of(arities(order)) + 1
    return len(COUNTERS) * (4 * p.possible_cpus + CACHE_LINE * lines)


DESIGN = design_of(
    TREE,
    word="int",
    id="tree-binary",
    title="hierarchical counter, binary",
    kernels=Kernels("RFC v1-v2", merged=False),
    source="Mathieu Desnoyers, RFC v1 and v2, lib/percpu_counter_tree.c",
    published=published,
    memory_bytes=memory_bytes,
)
