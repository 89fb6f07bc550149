"""memory.current: each CPU keeps a stock of pages that are charged but not yet used.

    0 <= stock of a CPU <= A,  so  under = 0,  over = A * C * min(slots, cgroups)

A charge that exceeds the stock takes MEMCG_CHARGE_BATCH pages (A) from the page counter, or as many
as it needs if that is more, and leaves the rest in its CPU's stock. Freed kernel memory and sockets
go back to the stock. A stock of more than A is returned as a whole. memory.current is the page
counter, so it counts stocks as used and never reads too low. A stock of exactly A stays, but page
faults alone leave at most A - 1.

The counters of a cgroup's ancestors include its stock, so for a cgroup with children all memory
cgroups of the subtree count. A CPU had one slot, for the stock of one cgroup; since 6.16 it has
seven. The precise value is the number of pages that are charged and in use, as memory.stat counts
them: the unused part of a page of kernel objects is not an error.

Assumes that updates of one CPU's stock do not interleave: a local lock is held. C counts CPUs that
are online: memcg_hotplug_cpu_dead gives back the stock of a CPU that goes offline. Nothing else
empties a stock but charges of other cgroups, a cgroup that reaches its limit, and a write of less
than the current usage to memory.high or memory.max.

Source: mm/memcontrol.c (try_charge_memcg, consume_stock, refill_stock, drain_stock); batch 64 since
commit 1813e51eece0 ("memcg: increase MEMCG_CHARGE_BATCH to 64"), seven slots since commit
f735eebe55f8 ("memcg: multi-memcg percpu charge cache").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.arithmetic import maximum, minimum
from rssbound.bounds.counter.design import (
    Cost,
    Design,
    Kernels,
    Place,
    not_known,
    slot_cost,
    variant_of,
)
from rssbound.bounds.counter.executable import CachesOfCpus
from rssbound.bounds.counter.interval import Interval, Level
from rssbound.bounds.counter.rests import CALLERS, FUNCTION, MACRO, STRUCT, USERS, Rest
from rssbound.bounds.counter.theorems import refuted, solver
from rssbound.bounds.laws.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.design import LevelsOf
    from rssbound.bounds.counter.executable import Update
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGNS", "Stock")

CURRENT = "memory.current"

SLOTS = 7
"""NR_MEMCG_STOCK."""

OLD_BATCH = 32
"""MEMCG_CHARGE_BATCH before 1813e51eece0."""


def levels_of(slots: int) -> LevelsOf:
    """Make the levels of a kernel whose CPUs have `slots` slots for stocks."""

    def levels(p: Parameters, _: tuple[str, ...]) -> tuple[Level, ...]:
        """One stock for each slot of each CPU; a stopped update holds one more batch."""
        stocks = p.online_cpus * (1 if slots == 1 else minimum(slots, p.cgroups))
        stock = Level("stock of a CPU", stocks, low=-p.charge_batch, high=0)
        stopped = Level(
            "charge half-way",
            p.in_flight,
            low=-maximum(p.charge_batch, p.max_increment),
            high=p.max_increment,
        )
        return (stock,) if p.in_flight == 0 else (stock, stopped)

    return levels


class Stock(CachesOfCpus):
    """The page counter of one cgroup and its stock on each online CPU."""

    def __init__(self, batch: int, cpus: Iterable[int]) -> None:
        super().__init__(cpus)
        self.batch = batch

    @property
    def precise(self) -> int:
        """The pages that are charged and not in a stock."""
        return self.count - sum(self.slots.values())

    def update(self, cpu: int, pages: int) -> None:
        """Charge pages, as try_charge_memcg does, or free pages of kernel memory."""
        if pages < 0:
            self.refill(cpu, -pages)
        elif pages <= self.batch and self.slots[cpu] >= pages:
            self.slots[cpu] -= pages
        else:
            taken = max(self.batch, pages)
            self.count += taken
            if taken > pages:
                self.refill(cpu, taken - pages)

    def refill(self, cpu: int, pages: int) -> None:
        """Run refill_stock: a stock that exceeds a batch is given back whole."""
        held = self.slots[cpu] + pages
        if held > self.batch:
            self.count -= held
            held = 0
        self.slots[cpu] = held

    def unplug(self, cpu: int) -> None:
        """Take a CPU offline, which gives back its stock."""
        self.count -= self.slots.pop(cpu)

    def structure(self) -> Hashable:
        """Batch and number of CPUs: all CPUs are equivalent."""
        return ("stock", self.batch, len(self.slots))


def model(p: Parameters) -> Stock:
    """Make the counter of one cgroup, on the online CPUs."""
    return Stock(p.charge_batch, p.online_ids)


def witness(p: Parameters, side: str) -> tuple[Update, ...]:
    """Charge and free a page of kernel memory on every CPU, which fills the stocks."""
    if side == "under":
        return ()
    return tuple((cpu, pages) for cpu in p.online_ids for pages in (1, -1))


def published(p: Parameters) -> Interval:
    """Give "number of cpus multiplied by 64 pages", test_kmem.c of the kernel's selftests."""
    most = p.charge_batch * p.host_online
    return Interval(most, most)


def memory_bytes(p: Parameters) -> Quantity:
    """Give a pointer and a number of pages on each possible CPU, for all cgroups."""
    return 16 * p.possible_cpus


def cost(p: Parameters) -> Cost:
    """A subtraction from the CPU's stock; for a batch, an atomic for the cgroup and its parents."""
    return slot_cost(
        p.charge_batch,
        fast_path="one subtraction from the CPU's stock",
        slow_path="one atomic addition to the page counter of the cgroup and of each ancestor",
        why="A batch is charged when the stock is used up.",
    )


def stock_is_inductive() -> bool:
    """Prove that no charge and no free makes a stock negative or more than a batch."""
    z3 = solver()
    held, pages, batch, spare = z3.Ints("held pages batch spare")
    consumed = z3.If(z3.And(pages <= batch, held >= pages), held - pages, held)
    refilled = z3.If(held + spare > batch, 0, held + spare)
    inside = z3.And(held >= 0, held <= batch)
    kept = z3.And(*(z3.And(after >= 0, after <= batch) for after in (consumed, refilled)))
    return refuted(batch >= 1, pages >= 0, spare >= 0, inside, z3.Not(kept))


FILES = ("mm/memcontrol.c",)
COUNTER = ("mm/page_counter.c", "include/linux/page_counter.h")
RESTS = (
    Rest("try_charge_memcg", FUNCTION, FILES, "A charge takes a batch; the rest is stock."),
    Rest("consume_stock", FUNCTION, FILES, "A charge that fits is taken from the stock."),
    Rest("*refill_stock", FUNCTION, FILES, "A stock of more than a batch is given back."),
    Rest("drain_stock*", FUNCTION, FILES, "It gives back a stock as a whole."),
    Rest("memcg_stock_pcp", STRUCT, FILES, "How many stocks a CPU has, and in which type."),
    Rest("MEMCG_CHARGE_BATCH", MACRO, (), "The size of a stock."),
    Rest("memcg_hotplug_cpu_dead", FUNCTION, FILES, "A CPU that goes offline keeps no stock."),
    Rest("memcg_hotplug_cpu_dead", CALLERS, FILES, "It must run for every CPU."),
    Rest("drain_local*", FUNCTION, FILES, "It empties the stock of its CPU."),
    Rest("refill_stock", CALLERS, (), "Who gives pages to a stock, and how many."),
    Rest("memcg_stock", USERS, FILES, "Only these functions change a stock."),
    *(
        Rest(f"page_counter_{name}", FUNCTION, COUNTER, "It changes the counter at every level.")
        for name in ("cancel", "charge", "try_charge", "uncharge")
    ),
    Rest("page_counter_read", FUNCTION, COUNTER, "A read gives the counter."),
    Rest("memory_current_read", FUNCTION, FILES, "The value that memory.current shows."),
    Rest("memory_current_read", CALLERS, FILES, "The file that shows it."),
)
"""The code that its bound rests on."""

CAVEATS = (
    (
        "holds for one cgroup; its counter includes the stocks of its children, so give "
        "--cgroups for a cgroup with children"
    ),
    (
        "kernel memory is counted when charged, like kernel in memory.stat: pages that CPUs have "
        "charged and keep for objects (up to about a page and an object each) are not an error"
    ),
)
LASTS = "until the stock is used up or another cgroup takes its slot; no timer ends it"

SLOTTED = Design(
    id="stock-slots",
    title="stocks of up to seven cgroups on each CPU",
    kernels=Kernels("6.16-", first=(6, 16, 0)),
    source="commit f735eebe55f8 (v6.16), mm/memcontrol.c",
    levels=levels_of(SLOTS),
    law=not_known,
    slots=not_known,
    published=published,
    memory_bytes=memory_bytes,
    cost=cost,
    batch=lambda p: p.charge_batch,
    place=Place.CPU,
    model=model,
    witness=witness,
    search_amounts=lambda p: (1, -1, 3, -3, -p.charge_batch, p.charge_batch + 1),
    theorem=stock_is_inductive,
    counter=CURRENT,
    counters=(CURRENT,),
    sums={},
    lasts=LASTS,
    no_law=WORKLOADS,
    caveats=CAVEATS,
    rests=(*RESTS, Rest("NR_MEMCG_STOCK", MACRO, FILES, "How many stocks a CPU has.")),
)

SINGLE = variant_of(
    SLOTTED,
    {},
    id="stock",
    title="a stock of one cgroup on each CPU",
    kernels=Kernels("6.1-6.15", first=(6, 1, 0), last=(6, 15)),
    source="commit 1813e51eece0 (v6.1), mm/memcontrol.c",
    levels=levels_of(1),
    rests=RESTS,
)

OLD = variant_of(
    SINGLE,
    {"charge_batch": OLD_BATCH},
    id="stock-32",
    title="a stock of one cgroup on each CPU, of 32 pages",
    kernels=Kernels("4.5-6.0", first=(4, 5, 0), last=(6, 0)),
    source="mm/memcontrol.c of 5.10; the batch was named CHARGE_BATCH before",
    rests=(
        Rest("try_charge*", FUNCTION, FILES, "try_charge_memcg, and its earlier name."),
        *RESTS[1:],
    ),
)

DESIGNS = (OLD, SINGLE, SLOTTED)
