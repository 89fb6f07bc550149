"""Per-NUMA-node atomics: each node keeps back up to a batch, on either side.

    |residual of a slot| <= b - 1,  so  under = over = (b - 1) * (slots in use),
    b = max(32, 2 * (possible CPUs >> NODES_SHIFT)),  slot = node mod min(2^NODES_SHIFT, 32)

Assumes that updates of one node's slot never overlap. If they can, there is no bound: an updater
that is stopped between its addition to the slot and its subtraction from it subtracts a value that
others have moved meanwhile. Each round can add another batch (docs/theory.md).

Nodes are counted by slot, so node ids that differ by a multiple of 32 share one. CPUs of unknown
node count as node 0, as the kernel does without NUMA.

Source: Sweet Tea Dorminy, RFC v2 of 2025-03-31, not merged; _MM_NUMA_COUNTERS and
_MM_NUMA_COUNTERS_BATCH there.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.arithmetic import maximum, minimum, round_up, shift_right
from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.counter.design import Cost, Design, Kernels, Place, Rates, each_counter
from rssbound.bounds.counter.executable import AlikeUpdates, Round, Runaway
from rssbound.bounds.counter.interval import Interval, Level
from rssbound.bounds.counter.rests import (
    CALLERS,
    FUNCTION,
    MACRO,
    MM,
    MM_INIT,
    MM_TYPES,
    OF_EVERY_DESIGN,
    STRUCT,
    Rest,
)
from rssbound.bounds.counter.theorems import threshold_is_inductive
from rssbound.bounds.laws.residuals import signed
from rssbound.bounds.laws.slots import Slot, Slots

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.executable import Update
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGN",)

MOST_SLOTS = 32

ROUNDS = 8
"""The number of rounds shown of a schedule that can repeat indefinitely."""

INTERRUPTED = (
    "no bound if updates of a node overlap; a slot of batch {batch}",
    "an updater adds and is stopped, others add page by page, the first resumes and subtracts",
)


def array_size(p: Parameters) -> Quantity:
    """Give the size of the array, _MM_NUMA_COUNTERS."""
    return minimum(2**p.nodes_shift, MOST_SLOTS)


def batch(p: Parameters) -> Quantity:
    """Give _MM_NUMA_COUNTERS_BATCH, in pages."""
    return maximum(32, 2 * shift_right(p.possible_cpus, p.nodes_shift))


def levels(p: Parameters) -> tuple[Level, ...]:
    """One level: the signed slots that the process's nodes use."""
    most = batch(p) - 1
    return (Level("node", p.nodes(array_size(p)), low=-most, high=most),)


def slots(p: Parameters) -> Slots:
    """One slot for each slot in use, with as many places as CPUs that use it."""
    cpus_of = Counter(p.node_of(cpu) % array_size(p) for cpu in p.ids)
    sizes = sorted(Counter(cpus_of.values()).items())
    return Slots(tuple((copies, Slot(batch(p), places=cpus)) for cpus, copies in sizes))


class NodeAtomics(AlikeUpdates):
    """A global counter and an atomic slot for each node, shared by its CPUs."""

    def __init__(self, batch: int, slots: Mapping[int, int]) -> None:
        self.batch = batch
        self.slot_of = slots
        self.total = 0
        self.slots = dict.fromkeys(slots.values(), 0)

    @property
    def places(self) -> list[int]:
        """List the CPUs."""
        return list(self.slot_of)

    @property
    def approximate(self) -> int:
        """The global counter."""
        return self.total

    @property
    def precise(self) -> int:
        """The global counter and all slots."""
        return self.total + sum(self.slots.values())

    def begin(self, cpu: int, pages: int) -> tuple[int, int]:
        """Run the first step of an update, an atomic addition; return the slot and its value."""
        slot = self.slot_of[cpu]
        self.slots[slot] += pages
        return slot, self.slots[slot]

    def finish(self, slot: int, value: int) -> None:
        """Run the second step: a value of a batch or more moves to the global counter."""
        if abs(value) >= self.batch:
            self.total += value
            self.slots[slot] -= value

    def update(self, cpu: int, pages: int) -> None:
        """Run one update without overlap."""
        self.finish(*self.begin(cpu, pages))

    def structure(self) -> Hashable:
        """Batch and number of slots: all are equivalent, however many CPUs use one."""
        return ("per-node", self.batch, len(self.slots))

    def state(self) -> Hashable:
        """Give the slots."""
        return tuple(self.slots.values())

    def canonical(self, state: Any) -> Hashable:
        """Put the slots in order."""
        return tuple(sorted(state))

    def enter(self, state: Any) -> None:
        """Fill the slots."""
        self.slots = dict(zip(self.slots, state, strict=True))
        self.total = 0


def model(p: Parameters) -> NodeAtomics:
    """Make the counter, with the slots of the process's CPUs."""
    return NodeAtomics(batch(p), {cpu: p.node_of(cpu) % array_size(p) for cpu in p.ids})


def witness(p: Parameters, side: str) -> tuple[Update, ...]:
    """Fill every slot from one of its CPUs; for `over` after an update that goes straight up."""
    most = batch(p) - 1
    places = {p.node_of(cpu) % array_size(p): cpu for cpu in reversed(list(p.ids))}
    cpus = sorted(places.values())
    if side == "under":
        return tuple((cpu, most) for cpu in cpus)
    start = round_up(most * len(cpus), batch(p))
    return ((cpus[0], start), *((cpu, -most) for cpu in cpus))


def interrupted_round(counter: NodeAtomics, cpu: int, sign: int) -> tuple[int, int, int]:
    """Run one round that moves a slot further out; it repeats with the sign reversed, indefinitely.

    An updater adds, sees a batch or more, and is stopped. Others bring the slot just short of a
    batch on the other side, a page at a time. The first updater resumes and subtracts the value
    that it saw, which is no longer there. Return what it added, what the others added and what it
    subtracted, in pages.
    """
    slot = counter.slot_of[cpu]
    begins = sign * max(1, counter.batch - sign * counter.slots[slot])
    stopped = counter.begin(cpu, begins)
    others = 0
    while counter.slots[slot] != -sign * (counter.batch - 1):
        counter.update(cpu, -sign)
        others -= sign
    counter.finish(*stopped)
    return begins, others, stopped[1]


def runaway(p: Parameters, side: str) -> Runaway:
    """Show how overlapping updates of one slot exceed any bound; the last round on `side`."""
    size = batch(p)
    counter = NodeAtomics(size, {0: 0})
    counter.update(0, 4 * ROUNDS * size)  # keeps the precise value at zero or above
    rounds: list[Round] = []
    for number in range(ROUNDS, 0, -1):
        sign = -1 if (number % 2 == 0) == (side == "over") else 1
        steps = interrupted_round(counter, 0, sign)
        rounds.append(Round(*steps, counter.approximate - counter.precise))
    return Runaway(tuple(rounds), counter.approximate, counter.precise, INTERRUPTED)


def published(p: Parameters) -> Interval:
    """Give "bounds the total error to 32 times the number of NUMA nodes", the cover letter."""
    return Interval(32 * p.host_nodes, 32 * p.host_nodes)


def memory_bytes(p: Parameters) -> Quantity:
    """Give one global atomic64_t and the array, four times, inside mm_struct."""
    return len(COUNTERS) * 8 * (1 + array_size(p))


def cost(p: Parameters) -> Cost:
    """One atomic on the node's slot; at a batch, two more to move it."""
    every, moved = Fraction(1), Fraction(1, batch(p))
    return Cost(
        fast_path="one atomic operation on the node's slot",
        slow_path="one atomic addition to the global counter, one subtraction from the slot",
        shared_atomics=3,
        locks=0,
        lines=2,
        rates=Rates(every, moved, every, moved),
        slow=moved,
        why="A slot is empty after a flush, so the worst case is the steady case.",
    )


RESTS = (
    Rest(
        "__mm_update_numa_counter",
        FUNCTION,
        MM,
        "A node holds at most batch - 1 pages, of either sign.",
    ),
    Rest("_MM_NUMA_COUNTERS_BATCH", MACRO, MM_TYPES, "The bound is a multiple of the batch."),
    Rest("_MM_NUMA_COUNTERS", MACRO, MM_TYPES, "How many nodes have a slot of their own."),
    Rest("mm_pernuma_counter", STRUCT, MM_TYPES, "What a node holds, and in which type."),
    Rest("get_mm_counter_slow", FUNCTION, MM, "The precise read adds every node's slot."),
    Rest("__mm_update_numa_counter", CALLERS, (), "Who else updates a node's slot."),
    MM_INIT,
    *OF_EVERY_DESIGN,
)
"""The code that its bound rests on."""

DESIGN = Design(
    id="per-node",
    title="an atomic counter on each NUMA node",
    kernels=Kernels("RFC v2", merged=False),
    source="Sweet Tea Dorminy, RFC v2, 2025-03-31",
    levels=each_counter(levels),
    law=signed,
    slots=slots,
    published=published,
    memory_bytes=memory_bytes,
    cost=cost,
    batch=batch,
    place=Place.NODE,
    model=model,
    witness=witness,
    search_amounts=lambda _: (1, -1, 3, -5),
    theorem=threshold_is_inductive,
    runaway=runaway,
    note="no bound if updates overlap",
    caveats=("holds while updates of one node never overlap; no bound if they do",),
    rests=RESTS,
)
