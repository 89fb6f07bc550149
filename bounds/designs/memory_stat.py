"""memory.stat: a read sums up the changes if there are more of them than a threshold.

    |error| <= A * N + (A - 1) * C,   A = MEMCG_CHARGE_BATCH, N CPUs online, C that ever updated

Every CPU adds up the absolute sizes of its updates until they reach MEMCG_CHARGE_BATCH (A) pages.
It then moves them to a sum of the cgroup. A reader flushes, that is, adds up the changes of all
CPUs, if that sum exceeds A * N. So a reader lacks at most the sum, A * N, and A - 1 pages per CPU
that are not yet in it. All items of memory.stat share one budget: the bound covers their errors
together. The children of a cgroup use the same budget and add nothing to the bound.

The kernel also flushes every two seconds, so a reader lacks only changes since the last flush. This
work is deferrable: it can be late while its CPU is idle.

Assumes that no flush overlaps updates. A flush sets the sums to 0 CPU by CPU. A CPU's changes after
its turn are no longer counted, and a reader can lack any number of them until the next flush.

Since 6.16 an update stops counting at the first cgroup whose sum exceeds the threshold, because the
sums of its ancestors should exceed it too. This need not be so: parent and child move their sums at
different moments, so updates of several pages can take the child alone over the threshold. The
parent then lacks the child's updates, and no reader of the parent flushes. A cgroup with children
therefore has no bound in pages, only the time since the last flush. Updates of single pages do not
cause this. Observed on 6.18: docs/findings.md.

Source: mm/memcontrol.c (memcg_rstat_updated, memcg_vmstats_needs_flush), since commit 8d59d2214c23
("mm: memcg: make stats flushing threshold per-memcg") (in v6.8 and 6.6.117); commit 60cada258dfe
("memcg: optimize memcg_rstat_updated") (in v6.16).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.design import (
    Cost,
    Design,
    Kernels,
    Place,
    not_known,
    slot_cost,
)
from rssbound.bounds.counter.executable import AlikeUpdates, Round, Runaway
from rssbound.bounds.counter.interval import Interval, Level
from rssbound.bounds.counter.rests import CALLERS, FUNCTION, MACRO, STRUCT, WRITERS, Rest
from rssbound.bounds.counter.theorems import refuted, solver
from rssbound.bounds.laws.workloads import WORKLOADS
from rssbound.records import replace

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
    "a flush passes a CPU, the CPU updates, and the flush resumes and sets the count to 0",
)


def levels(p: Parameters, _: tuple[str, ...]) -> tuple[Level, ...]:
    """Changes that are counted but not flushed, and those that each CPU has not yet counted."""
    counted = p.charge_batch * p.host_online
    pending = p.charge_batch - 1
    return (
        Level("counted but not flushed", 1, low=-counted, high=counted),
        Level("not yet counted on a CPU", p.cpus, low=-pending, high=pending),
    )


class Flushed(AlikeUpdates):
    """One item of memory.stat of one cgroup, read after every update."""

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
        """The value as of the last flush; memcg_page_state."""
        return self.flushed

    @property
    def precise(self) -> int:
        """The value as of the last flush and the changes of all CPUs since."""
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
        """Return whether a reader flushes."""
        return self.counted > self.batch * self.online

    def flush(self) -> None:
        """Add up the changes of all CPUs."""
        self.flushed += self.missing
        self.missing = self.counted = 0
        self.pending = dict.fromkeys(self.pending, 0)

    def structure(self) -> Hashable:
        """Batch, online CPUs and updating CPUs: the latter are equivalent."""
        return ("rstat", self.batch, self.online, len(self.pending))

    def state(self) -> Hashable:
        """Give the missing pages, and how many of them are counted where."""
        return (self.missing, self.counted, tuple(self.pending.values()))

    def canonical(self, state: Any) -> Hashable:
        """Put the CPUs in order."""
        missing, counted, pending = state
        return (missing, counted, tuple(sorted(pending)))

    def enter(self, state: Any) -> None:
        """Set the missing pages and where they are counted."""
        self.missing, self.counted, pending = state
        self.pending = dict(zip(self.pending, pending, strict=True))
        self.flushed = 0


def model(p: Parameters) -> Flushed:
    """Make an item of one cgroup."""
    return Flushed(p.charge_batch, p.host_online, p.ids)


def witness(p: Parameters, side: str) -> tuple[Update, ...]:
    """Count the most that makes no reader flush, then leave a batch less one on every CPU.

    For a value that is too high the pages are added first: this many are flushed at once.
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
    """Show updates that a flush misses: any number, on a CPU that it has passed."""
    pages = p.charge_batch * p.host_online * (1 if side == "under" else -1)
    counter = Flushed(p.charge_batch, p.host_online, p.ids)
    counter.flushed = ROUNDS * abs(pages)  # keeps the precise value at zero or above
    rounds = []
    for _ in range(ROUNDS):
        counter.count(p.ids.lowest, pages)
        counter.counted = 0  # the flush reaches the next CPU
        rounds.append(Round(pages, 0, 0, counter.approximate - counter.precise))
    return Runaway(tuple(rounds), counter.approximate, counter.precise, OVERTAKEN)


def published(p: Parameters) -> Interval:
    """Give "at most (MEMCG_CHARGE_BATCH * nr_cpus)", the comment in mm/memcontrol.c."""
    most = p.charge_batch * p.host_online
    return Interval(most, most)


def memory(p: Parameters) -> Quantity:
    """Give two longs for an item on each possible CPU: its value and the flushed part."""
    return 16 * p.possible_cpus


def costs(p: Parameters) -> Cost:
    """Two additions on this CPU, for item and count; one atomic addition for each batch."""
    return slot_cost(
        p.charge_batch,
        fast_path="two additions on the CPU, and one for each ancestor of the cgroup",
        slow_path="one atomic addition to the count of the cgroup and of each ancestor",
        why="A count moves up when it reaches a batch; the signs of the updates do not matter.",
    )


def counts_are_bounded() -> bool:
    """Prove that counted and pending pages cover the missing ones."""
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
    Rest("memcg_rstat_updated", FUNCTION, FILES, "What is counted, and when the count moves up."),
    Rest("memcg_vmstats_needs_flush", FUNCTION, FILES, "The threshold of a reader's flush."),
    Rest("*mem_cgroup_flush_stats", FUNCTION, FILES, "A reader flushes above the threshold."),
    Rest(
        "mem_cgroup_css_rstat_flush",
        FUNCTION,
        FILES,
        "A flush adds up all changes and clears counts.",
    ),
    Rest("flush_memcg_stats_dwork", FUNCTION, FILES, "The kernel's periodic flush."),
    Rest("FLUSH_TIME", MACRO, FILES, "The period of the kernel's flush."),
    Rest("memcg_page_state", FUNCTION, FILES, "A read gives the flushed value, at least 0."),
    Rest("memory_stat_format", FUNCTION, FILES, "A read of memory.stat flushes if a flush is due."),
    Rest("memcg_vmstats_percpu", STRUCT, FILES, "What a CPU counts, and in which type."),
    Rest("memcg_vmstats", STRUCT, FILES, "What a cgroup counts, and in which type."),
    Rest("stats_updates", WRITERS, FILES, "Who counts, and who resets the count."),
    Rest("vmstats", WRITERS, FILES, "A CPU's count goes to its own cgroup."),
    Rest("memcg_state_val_in_pages", FUNCTION, FILES, "An update counts its pages, at least 1."),
    Rest("memcg_page_state_output*", FUNCTION, FILES, "The value in the unit that is shown."),
    Rest("MEMCG_CHARGE_BATCH", MACRO, (), "The thresholds."),
    Rest("memcg_rstat_updated", CALLERS, (), "Who counts an update, and by how much."),
)
"""The code that its bound rests on."""

LASTS = "until the next flush: 2 s, or longer while the CPU with the timer is idle"
CAVEATS = (
    (
        "holds while no flush overlaps updates: updates on a CPU that the flush has passed are not "
        "counted, and are missing until the next flush"
    ),
    (
        "all items share one budget of updated pages; slab_reclaimable and slab_unreclaimable can "
        "be off by more: on each CPU and for any time, by up to a page or one accounted object of "
        "any size (7.2: at most 32,767 bytes)"
    ),
)
CUT_SHORT = (
    "has no bound in pages for a cgroup with children (--cgroups 2 or more): counting stops at "
    "the first cgroup that is due for a flush, although its ancestors may not be due"
)

CUT = Design(
    id="rstat-cut",
    title="per-CPU changes, counted up to the first cgroup due for a flush",
    kernels=Kernels("6.16-", first=(6, 16, 0)),
    source="commit 60cada258dfe (v6.16), mm/memcontrol.c",
    levels=levels,
    law=not_known,
    slots=not_known,
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
    note="no bound in pages while a flush overlaps updates, or for cgroups with children",
    caveats=(*CAVEATS, CUT_SHORT),
    rests=RESTS,
)

WHOLE = replace(
    CUT,
    id="rstat",
    title="per-CPU changes, counted for each cgroup",
    kernels=Kernels(
        "6.8-6.15; 6.6.117 on", first=(6, 8, 0), last=(6, 15), backports=((6, 6, 117),)
    ),
    source="commit 8d59d2214c23 (v6.8), mm/memcontrol.c",
    no_bound=None,
    rests=(*RESTS, Rest("do_flush_stats", FUNCTION, FILES, "A flush covers all CPUs.")),
    note="no bound in pages while a flush overlaps updates",
    caveats=CAVEATS,
)

DESIGNS = (WHOLE, CUT)
