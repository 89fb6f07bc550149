"""Hierarchical per-CPU counter with the n-ary table, as posted since RFC v3.

    error in [-U(S), 0],  U(S) as in carry_tree.py with the fan-ins of ARITIES

The published range, levels * 2^order * batch on both sides, is loose below and wrong above: a
settled counter never reads too high. From v10 on its two sides are batch * m and (batch - 1) * m.

Source: Mathieu Desnoyers, RFC v3 (2025-04) to v17 (2026-02-17), lib/percpu_counter_tree.c; not in
mainline as of v7.3-rc4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.counter.design import Kernels
from rssbound.bounds.counter.interval import EXACT, Interval
from rssbound.bounds.designs.carry_tree import (
    CarryTree,
    Items,
    design_of,
    items_of,
    modulo_items,
    order_of,
)
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = (
    "ARITIES",
    "CACHE_LINE",
    "DESIGN",
    "TREE",
    "arities_of",
    "memory_bytes",
)

ARITIES: tuple[tuple[int, ...], ...] = (
    (),
    (1,),
    (1, 1),
    (1, 1, 1),
    (2, 1, 1),
    (2, 2, 1),
    (2, 2, 2),
    (3, 2, 2),
    (3, 3, 2),
    (3, 3, 3),
    (3, 3, 2, 2),
    (3, 3, 3, 2),
    (3, 3, 3, 3),
    (3, 3, 3, 2, 2),
    (3, 3, 3, 3, 2),
    (3, 3, 3, 3, 3),
    (4, 3, 3, 3, 3),
    (4, 4, 3, 3, 3),
    (4, 4, 4, 3, 3),
    (4, 4, 4, 4, 3),
    (4, 4, 4, 4, 4),
)
"""Order of the tree -> order of the fan-in at each level; per_nr_cpu_order_config."""

CACHE_LINE = 64


def items(p: Parameters) -> list[Items]:
    """Give the levels above the CPUs."""
    return modulo_items(p, arities_of(p))


def arities_of(p: Parameters) -> tuple[int, ...]:
    """Give the fan-in orders of the machine's order.

    ScenarioError if the table of a source tree lacks it, or has fan-ins that do not fit it.
    """
    order, table = order_of(p), ARITIES if p.arities is None else p.arities
    if order >= len(table):
        raise ScenarioError(
            f"the kernel's table ends at order {len(table) - 1}; this machine needs {order}"
        )
    if sum(table[order]) != order:
        listed = ", ".join(map(str, table[order])) or "none"
        raise ScenarioError(
            f"the kernel's table has the fan-in orders {listed} for this machine's order {order}: "
            f"they add up to {sum(table[order])}, so they are not a tree of that order"
        )
    return table[order]


TREE = CarryTree(items)


def published(p: Parameters) -> Interval:
    """Give the kernel's accuracy range: the multiplier times batch and batch - 1."""
    order = order_of(p)
    multiplier = len(arities_of(p)) << order
    return Interval(p.batch * multiplier, (p.batch - 1) * multiplier) if order else EXACT


def memory_bytes(p: Parameters) -> Quantity:
    """Give a long on each possible CPU, a line for each item and the struct, four times."""
    lines = items_of(arities_of(p)) + 1
    return len(COUNTERS) * (8 * p.possible_cpus + CACHE_LINE * lines)


DESIGN = design_of(
    TREE,
    word="long",
    id="tree",
    title="hierarchical counter, n-ary table",
    kernels=Kernels("RFC v3-v17", merged=False),
    source="Mathieu Desnoyers, RFC v3 to v17, lib/percpu_counter_tree.c",
    published=published,
    memory_bytes=memory_bytes,
)
