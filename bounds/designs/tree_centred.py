"""What if the tree's own bias were set to half its range?

    bias = floor(U / 2),  error in [-ceil(U / 2), +floor(U / 2)],  U = U(S) of `tree`

Assumes that the bias is chosen for the CPUs S the process may run on. It halves the worst case, but
a process that has just started, or ran on few CPUs, then reads up to floor(U / 2) too high: its
residuals are small and the bias is not.

Source: derived here, nobody proposed it; the field `bias` of struct percpu_counter_tree exists and
percpu_counter_tree_set() sets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.design import Design, Kernels, each_counter, nothing_published
from rssbound.bounds.designs import tree
from rssbound.bounds.interval import Level

if TYPE_CHECKING:
    from rssbound.bounds.quantities import Quantities

__all__ = ("DESIGN",)


def levels(q: Quantities) -> tuple[Level, ...]:
    """State the tree's levels and the bias, a constant that is kept back with the other sign."""
    below = tree.levels(q)
    settled = sum(level.items * level.high for level in below if not level.shared)
    bias = settled // 2
    return (*below, Level("bias", 1, low=-bias, high=-bias))


DESIGN = Design(
    id="tree-centred",
    title="tree with its bias at half its range",
    kernels=Kernels("what-if", merged=False),
    source="derived: tree with bias = U/2",
    levels=each_counter(levels),
    published=nothing_published,
    memory_bytes=tree.memory_bytes,
    update=tree.update,
    note="a fresh process reads up to this much too high",
)
