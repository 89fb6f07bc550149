"""memory.stat: changes are summed up when they are read, if there are more than a threshold.

    |error| <= A * N + (A - 1) * C,   A = MEMCG_CHARGE_BATCH, N CPUs online, C that ever updated

Every CPU adds up the pages of its updates, without their sign, until they are MEMCG_CHARGE_BATCH
(A) or more; then they go to a sum of the cgroup. A reader flushes, that is, adds up what all CPUs
have, if that sum is more than A * N. So what a reader lacks is at most the sum, A * N, and what the
CPUs have not yet added to it, A - 1 each. All items of memory.stat spend one budget: the errors of
all of them together are within the bound. The children of a cgroup spend it too, and add nothing.

The kernel flushes by itself every two seconds, so nothing is missing that is older than the last
flush. The work that does it is deferrable: it may be late while its CPU is idle.

Assumes that no flush overlaps updates: it sets the sums to 0 CPU by CPU, so what a CPU adds after
its turn is no longer counted, and a reader lacks any amount of it until the next flush.

Since 6.16 an update counts no further at the first cgroup whose sum is over the threshold, as all
its ancestors should be over it too. They need not be: a parent hands on at other moments than its
child, so updates of several pages bring the child over the threshold alone. Its updates are then
missing in the parent, and no reader of the parent flushes: no bound for a cgroup with children but
the time of the last flush. Updates of single pages do not do that. Seen on 6.18: docs/findings.md.

Source: mm/memcontrol.c (memcg_rstat_updated, memcg_vmstats_needs_flush), since commit 8d59d2214c23
("mm: memcg: make stats flushing threshold per-memcg") (in v6.8); commit 60cada258dfe ("memcg:
optimize memcg_rstat_updated") (in v6.16).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.design import (
    Cost,
    Design,
    Kernels,
    Place,
    each_batch,
    not_known,
)
from rssbound.bounds.counter.executable import AlikeUpdates, Round, Runaway
from rssbound.bounds.counter.interval import Interval, Level
from rssbound.bounds.counter.rests import CALLERS, CONSTANT, FUNCTION, READER, STRUCT, Rest
from rssbound.bounds.counter.theorems import refuted, solver
from rssbound.bounds.laws.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.executable import Update
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = (
    "CAVEATS",
    "DESIGNS",
    "FILES",
    "LASTS",
    "STAT",
    "Flushed",
    "costs",
    "memory",
    "overlapped",
)

STAT = "memory.stat"
ROUNDS = 4

OVERTAKEN = (
    "no bound in pages while a flush overlaps updates; a count of batch {batch}",
    "a flush has passed a CPU, the CPU updates, and the flush sets the count to 0 as it goes on",
)


def levels(p: Parameters, _: tuple[str, ...]) -> tuple[Level, ...]:
    """What is counted and not flushed, and what each CPU has not yet counted."""
    counted = p.charge_batch * p.host_online
    pending = p.charge_batch - 1
    return (
        Level("counted and not flushed", 1, low=-counted, high=counted),
        Level("not yet counted on a CPU", p.cpus, low=-pending, high=pending),
    )


class Flushed(AlikeUpdates):
    """One item of memory.stat of one cgroup, which a reader looks at after every update."""

    def __init__(self, batch: int, online: int, cpus: Iterable[int]) -> None:
        self.batch = batch
        self.online = online
        self.counted = 0
        self.pending = dict.fromkeys(cpus, 0)
        self.flushed = 0
        self.missing = 0

    @property
    def places(self) -> list[int]:
        """List the CPUs."""
        return list(self.pending)

    @property
    def approximate(self) -> int:
        """What was added up by the last flush; memcg_page_state."""
        return self.flushed

    @property
    def precise(self) -> int:
        """That and what all CPUs have."""
        return self.flushed + self.missing

    def update(self, cpu: int, pages: int) -> None:
        """Run memcg_rstat_updated, and mem_cgroup_flush_stats for a reader."""
        self.count(cpu, pages)
        if self.is_due():
            self.flush()

    def count(self, cpu: int, pages: int) -> None:
        """Change the item on a CPU and count the update."""
        self.missing += pages
        if self.is_due():
            return
        pending = self.pending[cpu] + abs(pages)
        if pending >= self.batch:
            self.counted += pending
            pending = 0
        self.pending[cpu] = pending

    def is_due(self) -> bool:
        """Tell whether a reader flushes."""
        return self.counted > self.batch * self.online

    def flush(self) -> None:
        """Add up what all CPUs have."""
        self.flushed += self.missing
        self.missing = self.counted = 0
        self.pending = dict.fromkeys(self.pending, 0)

    def structure(self) -> Hashable:
        """Batch, CPUs online and CPUs that update, which are alike."""
        return ("rstat", self.batch, self.online, len(self.pending))

    def state(self) -> Hashable:
        """Give what is missing, and how much of it is counted where."""
        return (self.missing, self.counted, tuple(self.pending.values()))

    def canonical(self, state: Any) -> Hashable:
        """Put the CPUs in order."""
        missing, counted, pending = state
        return (missing, counted, tuple(sorted(pending)))

    def enter(self, state: Any) -> None:
        """Let just that be missing and counted."""
        self.missing, self.counted, pending = state
        self.pending = dict(zip(self.pending, pending, strict=True))
        self.flushed = 0


def model(p: Parameters) -> Flushed:
    """Make an item of one cgroup."""
    return Flushed(p.charge_batch, p.host_online, p.ids)


def witness(p: Parameters, side: str) -> tuple[Update, ...]:
    """Count just what makes no reader flush, then leave a batch less one on every CPU.

    To be too high the pages are there first: so many are flushed at once.
    """
    cpu = p.ids.lowest
    batches = [(cpu, p.charge_batch)] * p.host_online
    rest = [(cpu, p.charge_batch - 1) for cpu in p.ids]
    updates = (*batches, *rest)
    if side == "under":
        return updates
    whole = sum(pages for _, pages in updates)
    return ((cpu, whole), *((cpu, -pages) for cpu, pages in updates))


def overlapped(p: Parameters, side: str) -> Runaway:
    """Show what a flush overtakes: updates of a CPU that it has passed, any number of them."""
    pages = p.charge_batch * p.host_online * (1 if side == "under" else -1)
    counter = Flushed(p.charge_batch, p.host_online, p.ids)
    counter.flushed = ROUNDS * abs(pages)  # so that the precise value never is below zero
    rounds = []
    for _ in range(ROUNDS):
        counter.count(p.ids.lowest, pages)
        counter.counted = 0  # the flush has come to the next CPU
        rounds.append(Round(pages, 0, 0, counter.approximate - counter.precise))
    return Runaway(tuple(rounds), counter.approximate, counter.precise, OVERTAKEN)


def published(p: Parameters) -> Interval:
    """Give "at most (MEMCG_CHARGE_BATCH * nr_cpus)", the comment in mm/memcontrol.c."""
    most = p.charge_batch * p.host_online
    return Interval(most, most)


def memory(p: Parameters) -> Quantity:
    """Give two longs of an item on each possible CPU, its value and what was flushed of it."""
    return 16 * p.possible_cpus


def costs(p: Parameters) -> Cost:
    """Two additions on this CPU, for the item and the count; for a batch an atomic addition."""
    rates = each_batch(p.charge_batch)
    return Cost(
        fast_path="two additions on the CPU, and one more for each ancestor of the cgroup",
        slow_path="one atomic addition to the cgroup's count, and to those of its ancestors",
        shared_atomics=1,
        locks=0,
        lines=1,
        rates=rates,
        slow=rates.first,
        why="A count is handed on when it is a batch, whatever the signs of the updates are.",
    )


def counts_are_bounded() -> bool:
    """Counted and pending pages cover what is missing; neither is above its threshold unflushed."""
    z3 = solver()
    missing, counted, pending, other, pages, batch = z3.Ints(
        "missing counted pending other pages batch"
    )
    size = z3.If(pages >= 0, pages, -pages)
    held = pending + size
    hands_on = held >= batch
    kept = z3.If(hands_on, 0, held)
    total = z3.If(hands_on, counted + held, counted)

    def covered(lacking: Any, sum_: Any, mine: Any) -> Any:
        rest = sum_ + mine + other
        return z3.And(lacking <= rest, -lacking <= rest, mine >= 0, mine < batch)

    inside = z3.And(batch >= 1, other >= 0, counted >= 0, covered(missing, counted, pending))
    return refuted(inside, z3.Not(covered(missing + pages, total, kept)))


FILES = ("mm/memcontrol.c",)
RESTS = (
    Rest("memcg_rstat_updated", FUNCTION, FILES, "What is counted, and when it is handed on."),
    Rest("memcg_vmstats_needs_flush", FUNCTION, FILES, "The threshold of a reader's flush."),
    Rest("*mem_cgroup_flush_stats", FUNCTION, FILES, "A reader flushes where there is more."),
    Rest("do_flush_stats", FUNCTION, FILES, "A flush is of all CPUs."),
    Rest("mem_cgroup_css_rstat_flush", FUNCTION, FILES, "A flush adds up all and empties counts."),
    Rest("flush_memcg_stats_dwork", FUNCTION, FILES, "The kernel flushes by itself."),
    Rest("FLUSH_TIME", CONSTANT, FILES, "How often the kernel flushes by itself."),
    Rest("memcg_page_state", FUNCTION, FILES, "A read is what was flushed, not below 0."),
    Rest("memory_stat_format", READER, FILES, "memory.stat is read after a flush, if one is due."),
    Rest("memcg_vmstats_percpu", STRUCT, FILES, "What a CPU counts, and in which type."),
    Rest("MEMCG_CHARGE_BATCH", CONSTANT, ("include/linux/memcontrol.h",), "The thresholds."),
    Rest("memcg_rstat_updated", CALLERS, (), "Who counts how much of an update."),
)
"""What its bound rests on."""

LASTS = "until the next flush: 2 s, and longer while the CPU with the timer is idle"
CAVEATS = (
    (
        "holds while no flush overlaps updates: what is updated on a CPU that the flush has "
        "passed is not counted, and missing until the next flush"
    ),
    (
        "all items share the budget, in pages of updates; slab_reclaimable and "
        "slab_unreclaimable are off by up to 8,200 bytes (or a page) more for each CPU, of any age"
    ),
)
CUT_SHORT = (
    "has no bound in pages for a cgroup with children (--cgroups 2 and more): counting stops at "
    "the first cgroup that is due for a flush, and its ancestors need not be"
)

CUT = Design(
    id="rstat-cut",
    title="per-CPU changes, counted up to the first cgroup that is due for a flush",
    kernels=Kernels("6.16-", first=(6, 16, 0)),
    source="commit 60cada258dfe (v6.16), mm/memcontrol.c",
    levels=levels,
    law=not_known,
    caches=not_known,
    published=published,
    memory_bytes=memory,
    cost=costs,
    batch=lambda p: p.charge_batch,
    place=Place.CPU,
    model=model,
    witness=witness,
    search_amounts=lambda p: (1, -1, p.charge_batch, -p.charge_batch, 3),
    theorem=counts_are_bounded,
    counter=STAT,
    counters=(STAT,),
    sums={},
    lasts=LASTS,
    runaway=overlapped,
    no_bound=lambda p: isinstance(p.cgroups, int) and p.cgroups > 1,
    no_law=WORKLOADS,
    note="no bound in pages while a flush overlaps updates, nor for cgroups with children",
    caveats=(*CAVEATS, CUT_SHORT),
    rests=RESTS,
)

WHOLE = replace(
    CUT,
    id="rstat",
    title="per-CPU changes, counted for each cgroup",
    kernels=Kernels("6.8-6.15", first=(6, 8, 0), last=(6, 15)),
    source="commit 8d59d2214c23 (v6.8), mm/memcontrol.c",
    no_bound=None,
    note="no bound in pages while a flush overlaps updates",
    caveats=CAVEATS,
)

DESIGNS = (WHOLE, CUT)
