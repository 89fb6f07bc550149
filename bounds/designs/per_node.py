"""Per-NUMA-node atomics: each node caches up to a batch, both ways.

    |residual of a slot| <= b - 1,  so  under = over = (b - 1) * (slots in use),
    b = max(32, 2 * (possible CPUs >> NODES_SHIFT)),  slot = node mod min(2^NODES_SHIFT, 32)

Assumes that updates of one node's slot never overlap. Once they can, there is no bound: an updater
that is stopped between its addition to the slot and its subtraction from it subtracts a value that
others have moved meanwhile, and each round can add another batch (docs/theory.md).

Nodes are counted by slot, so node ids that differ by a multiple of 32 share one. CPUs of unknown
node count as node 0, as the kernel does without NUMA.

Source: Sweet Tea Dorminy, RFC v2 of 2025-03-31, not merged; _MM_NUMA_COUNTERS and
_MM_NUMA_COUNTERS_BATCH there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.arithmetic import maximum, minimum, shift_right
from rssbound.bounds.consumers import COUNTERS
from rssbound.bounds.design import Design, Kernels, Update, each_counter
from rssbound.bounds.interval import Interval, Level

if TYPE_CHECKING:
    from rssbound.bounds.arithmetic import Quantity
    from rssbound.bounds.quantities import Quantities

__all__ = ("DESIGN",)

MOST_SLOTS = 32


def slots(q: Quantities) -> Quantity:
    """Give the size of the array, _MM_NUMA_COUNTERS."""
    return minimum(2**q.nodes_shift, MOST_SLOTS)


def batch(q: Quantities) -> Quantity:
    """Give _MM_NUMA_COUNTERS_BATCH, in pages."""
    return maximum(32, 2 * shift_right(q.possible_cpus, q.nodes_shift))


def levels(q: Quantities) -> tuple[Level, ...]:
    """One signed cache for each slot that the process's nodes use."""
    most = batch(q) - 1
    return (Level("node", q.nodes(slots(q)), low=-most, high=most),)


def published(q: Quantities) -> Interval:
    """Give "bounds the total error to 32 times the number of NUMA nodes", the cover letter."""
    return Interval(32 * q.host_nodes, 32 * q.host_nodes)


def memory_bytes(q: Quantities) -> Quantity:
    """Give one global atomic64_t and the array, four times, inside mm_struct."""
    return len(COUNTERS) * 8 * (1 + slots(q))


def update(q: Quantities) -> Update:
    """One atomic on the node's slot; at a batch, two more to move it."""
    return Update(
        "one atomic operation on the node's slot",
        "one atomic addition to the global counter, one subtraction from the slot",
        3,
        0,
        batch(q),
    )


DESIGN = Design(
    id="per-node",
    title="an atomic counter on each NUMA node",
    kernels=Kernels("RFC v2", merged=False),
    source="Sweet Tea Dorminy, RFC v2, 2025-03-31",
    levels=each_counter(levels),
    published=published,
    memory_bytes=memory_bytes,
    update=update,
    overlap_safe=False,
    note="no bound once updates overlap",
)
