"""Hierarchical per-CPU counter with the n-ary table, as posted since RFC v3.

    error in [-U(S), 0],  U(S) as in carry_tree.py with the fan-ins of ARITIES

The published range, levels * 2^order * batch, is loose below and has the wrong side: a settled
counter never reads too high. Both sides of it, from v10 on: batch * m and (batch - 1) * m.

Source: Mathieu Desnoyers, RFC v3 (2025-04) to v17 (2026-02-17), lib/percpu_counter_tree.c; not in
mainline as of v7.3-rc4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.counter.design import Cost, Design, Kernels, each_counter
from rssbound.bounds.counter.interval import EXACT, Interval
from rssbound.bounds.designs.carry_tree import KNOB, CarryTree, Items, modulo_items, order_of
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.scenario.parameters import Quantities

__all__ = (
    "ARITIES",
    "CACHE_LINE",
    "DESIGN",
    "TREE",
    "arities_of",
    "cost",
    "items_of",
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


def items(q: Quantities) -> list[Items]:
    """Give the levels above the CPUs."""
    return modulo_items(q, arities_of(q))


def arities_of(q: Quantities) -> tuple[int, ...]:
    """Give the fan-in orders of the machine's order.

    ScenarioError if the table of a source tree lacks it, or has fan-ins that make no such tree.
    """
    order, table = order_of(q), ARITIES if q.arities is None else q.arities
    if order >= len(table):
        raise ScenarioError(
            f"the kernel's table ends at order {len(table) - 1}, this needs {order}"
        )
    if sum(table[order]) != order:
        listed = ", ".join(map(str, table[order])) or "none"
        raise ScenarioError(
            f"the kernel's table has the fan-in orders {listed} for order {order}, which this "
            f"machine needs: they add up to {sum(table[order])} and make no tree"
        )
    return table[order]


TREE = CarryTree(items)


def published(q: Quantities) -> Interval:
    """Give counter_tree's own accuracy range: the multiplier times batch and batch - 1."""
    order = order_of(q)
    multiplier = len(arities_of(q)) << order
    return Interval(q.batch * multiplier, (q.batch - 1) * multiplier) if order else EXACT


def items_of(order: int, arities: tuple[int, ...]) -> int:
    """Count the items above the CPUs, with the root: nr_items of the table."""
    items = 0
    left = order
    for arity in arities:
        left -= arity
        items += 1 << left
    return items


def memory_bytes(q: Quantities) -> Quantity:
    """Give a long on each possible CPU, a line for each item and the struct, four times."""
    order = order_of(q)
    lines = items_of(order, arities_of(q)) + 1
    return len(COUNTERS) * (8 * q.possible_cpus + CACHE_LINE * lines)


def cost(q: Quantities) -> Cost:
    """A per-CPU addition; each batch's worth one atomic more, up to all levels and the root."""
    return Cost(
        "this_cpu_add_return on the CPU's own long",
        "one atomic addition on each level that a carry reaches, and on the root",
        len(arities_of(q)),
        0,
        q.batch,
    )


DESIGN = Design(
    id="tree",
    title="hierarchical counter, n-ary table",
    kernels=Kernels("RFC v3-v17", merged=False),
    source="Mathieu Desnoyers, RFC v3 to v17, lib/percpu_counter_tree.c",
    levels=each_counter(TREE.levels),
    published=published,
    memory_bytes=memory_bytes,
    cost=cost,
    propagation=TREE.propagation,
    machine=TREE.machine,
    witness=TREE.witness,
    knob=KNOB,
)
