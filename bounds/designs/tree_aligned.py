"""A tree whose groups follow the hardware instead of `cpu mod 2^k`.

    error in [-U(S), 0],  U(S) as in carry_tree.py over cores, last-level caches, nodes, packages

Assumes the same carry rule, so the modulus of a level is that of the level below times its largest
fan-in, rounded up to a power of two. Levels go by the size of their largest group: a NUMA node may
be part of a cache or of a package, or contain several. A level is left out if it equals the level
below, cuts through it or holds the whole machine, which is the root itself.

Source: derived here, never proposed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.arithmetic import ceil_log2
from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.counter.design import Kernels, nothing_published
from rssbound.bounds.designs.carry_tree import CarryTree, Items, design_of
from rssbound.bounds.designs.tree import CACHE_LINE

if TYPE_CHECKING:
    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGN",)


def items(p: Parameters) -> list[Items]:
    """Give the levels above the CPUs, from the hardware."""
    return [
        Items(groups.name, 1 << ceil_log2(groups.fan_in), groups.used, groups.item_of)
        for groups in p.hardware
    ]


TREE = CarryTree(items)


def memory_bytes(p: Parameters) -> Quantity:
    """Give a long on each possible CPU, a line for each item, root and struct, four times."""
    lines = sum(groups.items for groups in p.hardware) + 2
    return len(COUNTERS) * (8 * p.possible_cpus + CACHE_LINE * lines)


DESIGN = design_of(
    TREE,
    word="long",
    id="tree-aligned",
    title="tree that follows the hardware",
    kernels=Kernels("what-if", merged=False),
    source="derived: the tree with the groups of the machine",
    published=nothing_published,
    memory_bytes=memory_bytes,
    follows_hardware=True,
)
