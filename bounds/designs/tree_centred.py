"""The tree with its bias set to half its range.

    bias = floor(U / 2),  error in [-ceil(U / 2), +floor(U / 2)],  U = U(S) of `tree`

Assumes that the bias is chosen for the CPUs S on which the process may run. The bias halves the
worst case. But a process that has just started, or has run on few CPUs, reads up to floor(U / 2)
too high: its residuals are small and the bias is not.

Source: derived here, never proposed. struct percpu_counter_tree has the field `bias`, and
percpu_counter_tree_set() sets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.design import Kernels, each_counter, nothing_published
from rssbound.bounds.counter.interval import Level
from rssbound.bounds.designs import tree
from rssbound.records import replace

if TYPE_CHECKING:
    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.designs.carry_tree import CounterTree
    from rssbound.bounds.laws.slots import Slots
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGN",)


def levels(p: Parameters) -> tuple[Level, ...]:
    """State the tree's levels and the bias, a constant residual of the opposite sign."""
    return (*tree.TREE.levels(p), Level("bias", 1, low=-bias(p), high=-bias(p)))


def bias(p: Parameters) -> Quantity:
    """Give half of the settled range, rounded down."""
    return sum(level.items * level.high for level in tree.TREE.levels(p) if not level.shared) // 2


def slots(p: Parameters) -> Slots:
    """State how pages reach the root, and the bias."""
    return tree.TREE.slots(p, bias(p))


def model(p: Parameters) -> CounterTree:
    """Make the counter tree of the process's CPUs, with the bias."""
    return tree.TREE.model(p, bias(p))


DESIGN = replace(
    tree.DESIGN,
    id="tree-centred",
    title="tree with its bias set to half its range",
    kernels=Kernels("what-if", merged=False),
    source="derived: the tree with bias = U/2",
    levels=each_counter(levels),
    slots=slots,
    published=nothing_published,
    model=model,
    note="a new process reads up to this much too high",
    caveats=(
        "a process that has just started, or has run on few CPUs, reads up to {over} too high",
    ),
)
