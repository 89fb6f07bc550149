"""memory.stat before 5.13: each CPU keeps a batch of every item of every cgroup.

    |kept of an item on a CPU| <= A,  so  |error| <= A * N * cgroups,   A = MEMCG_CHARGE_BATCH = 32

An update that brings the kept pages of a cgroup's item above A, on either side, moves all of them
to the cgroup and to each of its ancestors. Exactly A pages stay. A read of memory.stat gives what
was moved, so it lacks what every CPU keeps of the cgroup and of every cgroup below it. Each item
has its own batches: unlike since 5.15.18, the items do not share one budget.

Nothing else moves kept pages: there is no flush and no timer. When a cgroup is freed, the pages
that online CPUs keep of it move to its ancestors.

Assumes that no CPU has gone offline. memcg_hotplug_cpu_dead takes the pages of the CPU that it runs
on, not those of the dead CPU, and adds them to the cgroup several times and to no ancestor. So each
CPU that goes offline can leave an error that nothing corrects, and there is no bound.

Source: mm/memcontrol.c of 5.4 and 5.10 (__mod_memcg_state, memcg_flush_percpu_vmstats), since
commit 42a300353577 ("mm: memcontrol: fix recursive statistics correctness & scalabilty") (in v5.2);
freed cgroups leave no errors behind since commit c350a99ea2b1 (in v5.3); 5.3 was not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from rssbound.bounds.counter.rests import FUNCTION, MACRO, STRUCT, Rest
from rssbound.bounds.counter.theorems import refuted, solver
from rssbound.bounds.laws.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.executable import Update
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("ANY_BATCH", "DESIGNS", "FILES", "Batched", "half_way")

STAT = "memory.stat"

BATCH = 32
"""MEMCG_CHARGE_BATCH before 6.1."""


def levels(p: Parameters, _: tuple[str, ...]) -> tuple[Level, ...]:
    """One batch for each CPU and cgroup; a stopped update has reached some of the ancestors."""
    kept = Level(
        "kept for a cgroup on a CPU",
        p.online_cpus * p.cgroups,
        low=-p.charge_batch,
        high=p.charge_batch,
        item_of=int,
    )
    return (kept, *half_way(p))


def half_way(p: Parameters) -> tuple[Level, ...]:
    """Give the level of stopped updates; none if no update is in flight."""
    if p.in_flight == 0:
        return ()
    return (Level("update half-way", p.in_flight, low=-p.max_increment, high=p.max_increment),)


class Batched(CachesOfCpus):
    """One item of one cgroup, and the pages of it that each CPU keeps."""

    def __init__(self, batch: int, cpus: Iterable[int]) -> None:
        super().__init__(cpus)
        self.batch = batch

    def update(self, cpu: int, pages: int) -> None:
        """Run __mod_memcg_state."""
        kept = self.slots[cpu] + pages
        if abs(kept) > self.batch:
            self.count += kept
            kept = 0
        self.slots[cpu] = kept

    def structure(self) -> Hashable:
        """Batch and number of CPUs: all CPUs are equivalent."""
        return ("stat-batch", self.batch, len(self.slots))


def model(p: Parameters) -> Batched:
    """Make an item of one cgroup, on the online CPUs."""
    return Batched(p.charge_batch, p.online_ids)


def witness(p: Parameters, side: str) -> tuple[Update, ...]:
    """Keep a batch on every CPU. For `over` the pages are added and moved first."""
    most = p.charge_batch
    if side == "under":
        return tuple((cpu, most) for cpu in p.online_ids)
    start = (p.online_ids.lowest, most * len(p.online_ids) + 1)
    return (start, *((cpu, -most) for cpu in p.online_ids))


def published(p: Parameters) -> Interval:
    """Give "32 batch pages * 32 CPUs * 32 subgroups", of the commit that ended this design."""
    most = p.charge_batch * p.host_online * p.cgroups
    return Interval(most, most)


def memory_bytes(p: Parameters) -> Quantity:
    """Give two longs for an item on each possible CPU, for memory.stat and for cgroup v1."""
    return 16 * p.possible_cpus


def cost(p: Parameters) -> Cost:
    """An addition on this CPU; above a batch one atomic addition for each ancestor."""
    return slot_cost(
        p.charge_batch + 1,
        fast_path="one addition to the CPU's own word",
        slow_path="one atomic addition to the item of the cgroup and of each ancestor",
        why="After a slow path nothing is kept, so the worst case is the steady case.",
    )


def batch_is_inductive() -> bool:
    """Prove that no update leaves more than a batch on a CPU, on either side."""
    z3 = solver()
    kept, pages, batch = z3.Ints("kept pages batch")
    after = kept + pages
    stays = z3.And(after <= batch, after >= -batch)
    left = z3.If(stays, after, 0)
    inside = z3.And(batch >= 1, kept <= batch, kept >= -batch)
    return refuted(inside, z3.Not(z3.And(left <= batch, left >= -batch)))


def has_lost_cpus(p: Parameters) -> bool:
    """Return whether a CPU that may have updated is offline; not known of symbols."""
    known = isinstance(p.cpus, int) and isinstance(p.online_cpus, int)
    return known and p.cpus > p.online_cpus


FILES = ("mm/memcontrol.c",)
HEADER = ("include/linux/memcontrol.h",)
RESTS = (
    Rest(
        "__mod_memcg_state",
        FUNCTION,
        FILES,
        "A CPU holds at most a batch of pages, of either sign.",
    ),
    Rest("__mod_memcg_lruvec_state", FUNCTION, FILES, "It updates the cgroup, then the node."),
    Rest("memcg_page_state", FUNCTION, HEADER, "A read gives what was moved, at least 0."),
    Rest("memory_stat_format", FUNCTION, FILES, "A read of memory.stat adds nothing to it."),
    Rest("memcg_flush_percpu_vmstats", FUNCTION, FILES, "A freed cgroup keeps nothing."),
    Rest("memcg_hotplug_cpu_dead", FUNCTION, FILES, "What a CPU that goes offline leaves."),
    Rest("memcg_vmstats_percpu", STRUCT, HEADER, "What a CPU keeps, and in which type."),
    Rest("MEMCG_CHARGE_BATCH", MACRO, (), "The size of a batch."),
)
"""The code that its bound rests on."""

ANY_BATCH = Design(
    id="stat-batch",
    title="a batch of every item and cgroup on each CPU",
    kernels=Kernels("5.4-5.12", first=(5, 4, 0), last=(5, 12)),
    source="commit 42a300353577 (v5.2), mm/memcontrol.c of 5.4 and 5.10",
    levels=levels,
    law=not_known,
    slots=not_known,
    published=published,
    memory_bytes=memory_bytes,
    cost=cost,
    batch=lambda p: p.charge_batch,
    place=Place.CPU,
    model=model,
    witness=witness,
    search_amounts=lambda p: (1, -1, 3, -p.charge_batch, p.charge_batch + 1),
    theorem=batch_is_inductive,
    counter=STAT,
    counters=(STAT,),
    sums={},
    lasts="until further updates on the CPU exceed a batch; neither a reader nor a timer ends it",
    no_bound=has_lost_cpus,
    no_law=WORKLOADS,
    note="no bound in pages once a CPU has gone offline",
    caveats=(
        (
            "holds while no CPU has gone offline since boot: each can leave an error that nothing "
            "corrects"
        ),
        (
            "holds for one cgroup; its items include those of its children, so give --cgroups for "
            "a cgroup with children"
        ),
        (
            "is of one item; sums of items add up their bounds; anon_thp of 5.8 to 5.11 counts "
            "huge pages, so its bound is in huge pages"
        ),
    ),
    rests=RESTS,
)
"""The design with the batch of the parameters: of small machines and source trees."""

DESIGN = variant_of(ANY_BATCH, {"charge_batch": BATCH})

DESIGNS = (DESIGN,)
