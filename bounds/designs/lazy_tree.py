"""Exact until its tree is activated, tree-symmetric for later updates.

    T = 1: approximate = precise;   T > 1: as `tree-symmetric`

The counter starts as two words without a tree: the owner adds to a plain word, all others to an
atomic one, and both sums read both words. Activation, at the second thread of a process, moves
nothing: the words stay and are read together with the tree, which holds later updates only. So
earlier updates leave no residuals. T = 1 assumes a process that never had a second thread, because
there is no way back. A symbol for T means several threads.

Source: Mathieu Desnoyers, series after v17 (autumn 2026) on linux-trace-kernel, message 31767 of
its archive: percpu_counter_tree_init_many_lazy() and percpu_counter_tree_activate_many(). Published
in part only, as tree-symmetric was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.counter.design import Cost, Design, Kernels
from rssbound.bounds.designs import shared, tree_symmetric
from rssbound.bounds.designs.lazy import OwnerAndOthers, cost_of_two_words
from rssbound.bounds.designs.tree import CACHE_LINE
from rssbound.records import replace

if TYPE_CHECKING:
    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.executable import CounterModel, Update
    from rssbound.bounds.counter.interval import Level
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGN",)

TREE = tree_symmetric.DESIGN


def mode(p: Parameters) -> Design:
    """Give the design of the counter's current mode."""
    return shared.DESIGN if p.threads == 1 else TREE


def levels(p: Parameters, counters: tuple[str, ...]) -> tuple[Level, ...]:
    """State the levels of the mode."""
    return mode(p).levels(p, counters)


def model(p: Parameters) -> CounterModel:
    """Make the counter in its mode."""
    return OwnerAndOthers(p.ids) if p.threads == 1 else TREE.model(p)


def witness(p: Parameters, side: str) -> tuple[Update, ...]:
    """Give the mode's witness."""
    return mode(p).witness(p, side)


def memory_bytes(p: Parameters) -> Quantity:
    """Give the size of the structs, and of the tree once there is one."""
    return len(COUNTERS) * CACHE_LINE if p.threads == 1 else TREE.memory_bytes(p)


def cost(p: Parameters) -> Cost:
    """Give the cost of the mode."""
    if p.threads == 1:
        return cost_of_two_words("for others, one atomic addition to a word of the counter")
    return TREE.cost(p)


DESIGN = replace(
    TREE,
    id="lazy-tree",
    title="exact until the second thread, then tree-symmetric",
    source="Mathieu Desnoyers, series after v17, autumn 2026, lazy counters; published in part",
    kernels=Kernels("after v17", merged=False),
    levels=levels,
    slots=lambda p: mode(p).slots(p),
    memory_bytes=memory_bytes,
    cost=cost,
    batch=lambda p: mode(p).batch(p),
    model=model,
    witness=witness,
    note="published in part only, as tree-symmetric",
    caveats=("published in part only, as tree-symmetric",),
)
