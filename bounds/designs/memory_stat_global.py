"""memory.stat before 6.8 and 6.6.117: one count of changes for all cgroups of the machine.

    |error| <= (2 A - 1) * N + A * C,   A = MEMCG_CHARGE_BATCH, N CPUs online, C that ever updated

Every CPU adds up the pages of its updates until they exceed MEMCG_CHARGE_BATCH (A), and then adds
floor(pages / A) to one threshold of the machine. A reader flushes if the threshold exceeds N. One
unit means A + 1 to 2 A - 1 pages, and a CPU has up to A pages that it has not added. The bound
covers the errors of all items of all cgroups together: a cgroup's children do not add to it, and
other cgroups cause earlier flushes.

The kernel also flushes every two seconds, as since 6.8. The assumption is the same: no flush
overlaps updates. A reader does not wait for another reader's flush: it reads the old value.

Source: mm/memcontrol.c of 6.1 (memcg_rstat_updated), since commit 5b3be698a872 ("memcg: better
bounds on the memcg stats updates") (in v5.17, 5.16.4 and 5.15.18). The batch is 64 since commit
1813e51eece0 (in v6.1), and was 32 before. Of 5.15.18 to 6.0 only the patches were read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.design import Kernels, variant_of
from rssbound.bounds.counter.interval import Level
from rssbound.bounds.counter.rests import FUNCTION, MACRO, WRITERS, Rest
from rssbound.bounds.counter.theorems import refuted, solver
from rssbound.bounds.designs.memory_stat import CAVEATS, FILES, Flushed
from rssbound.bounds.designs.memory_stat import DESIGNS as LATER
from rssbound.records import replace

if TYPE_CHECKING:
    from collections.abc import Hashable

    from rssbound.bounds.counter.executable import Update
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGNS", "FlushedTogether")

OLD_BATCH = 32
"""MEMCG_CHARGE_BATCH before 6.1."""


def levels(p: Parameters, _: tuple[str, ...]) -> tuple[Level, ...]:
    """A unit per CPU that is counted but not flushed, and what each CPU has not yet counted."""
    unit, pending = 2 * p.charge_batch - 1, p.charge_batch
    return (
        Level("unit counted but not flushed", p.host_online, low=-unit, high=unit),
        Level("not yet counted on a CPU", p.cpus, low=-pending, high=pending),
    )


class FlushedTogether(Flushed):
    """One item of memory.stat, the only item of the machine that changes."""

    def count(self, cpu: int, pages: int) -> None:
        """Change the item on a CPU and count the update as 6.1 does."""
        self.missing += pages
        pending = self.pending[cpu] + abs(pages)
        if pending > self.batch:
            if self.counted <= self.online:
                self.counted += pending // self.batch
            pending = 0
        self.pending[cpu] = pending

    def is_due(self) -> bool:
        """Return whether a reader flushes."""
        return self.counted > self.online

    def flush(self) -> None:
        """Add up the changes of all CPUs; uncounted pages stay uncounted."""
        self.flushed += self.missing
        self.missing = self.counted = 0

    def structure(self) -> Hashable:
        """Batch, online CPUs and updating CPUs: the latter are equivalent."""
        return ("rstat-global", self.batch, self.online, len(self.pending))


def model(p: Parameters) -> FlushedTogether:
    """Make an item of a machine where nothing else changes."""
    return FlushedTogether(p.charge_batch, p.host_online, p.ids)


def witness(p: Parameters, side: str) -> tuple[Update, ...]:
    """Count the most pages per unit, then leave a batch on every CPU."""
    cpu = p.ids.lowest
    units = [(cpu, p.charge_batch), (cpu, p.charge_batch - 1)] * p.host_online
    updates = (*units, *((cpu, p.charge_batch) for cpu in p.ids))
    if side == "under":
        return updates
    whole = sum(pages for _, pages in updates)
    return ((cpu, whole), *((cpu, -pages) for cpu, pages in updates))


def units_are_bounded() -> bool:
    """Prove that a unit means at most 2 A - 1 pages, and a CPU has at most A uncounted."""
    z3 = solver()
    pending, pages, batch, units, rest = z3.Ints("pending pages batch units rest")
    held = pending + pages
    divided = z3.And(held == units * batch + rest, rest >= 0, rest < batch)
    inside = z3.And(batch >= 1, pending >= 0, pending <= batch, pages >= 0)
    # counted: units > 0 of them, so held = units * A + rest <= units * (2 A - 1)
    counted = z3.And(held > batch, units >= 1)
    return refuted(inside, divided, counted, held > units * (2 * batch - 1)) and refuted(
        inside, z3.Not(held > batch), z3.Not(z3.And(held >= 0, held <= batch))
    )


RESTS = (
    Rest("memcg_rstat_updated", FUNCTION, FILES, "What is counted, and when the count moves up."),
    Rest("*mem_cgroup_flush_stats", FUNCTION, FILES, "A reader flushes above the threshold."),
    Rest("mem_cgroup_css_rstat_flush", FUNCTION, FILES, "A flush adds up the changes of all CPUs."),
    Rest("flush_memcg_stats_dwork", FUNCTION, FILES, "The kernel's periodic flush."),
    Rest("FLUSH_TIME", MACRO, FILES, "The period of the kernel's flush."),
    Rest("stats_flush_threshold", WRITERS, FILES, "Who counts, and who resets the count."),
    Rest("stats_updates", WRITERS, FILES, "Who counts on a CPU, and who resets it."),
    Rest("memcg_page_state", FUNCTION, FILES, "A read gives the flushed value, at least 0."),
    Rest("memory_stat_format", FUNCTION, FILES, "A read of memory.stat flushes if a flush is due."),
    Rest("MEMCG_CHARGE_BATCH", MACRO, (), "The thresholds."),
)
"""The code that its bound rests on."""

DESIGN = replace(
    LATER[0],
    id="rstat-global",
    title="per-CPU changes, counted for all cgroups together",
    kernels=Kernels("6.1-6.7 except 6.6.117 on", first=(6, 1, 0), last=(6, 7)),
    source="commit 5b3be698a872 (v5.17), mm/memcontrol.c of 6.1",
    levels=levels,
    model=model,
    witness=witness,
    search_amounts=lambda p: (1, -1, p.charge_batch, p.charge_batch - 1, -p.charge_batch),
    theorem=units_are_bounded,
    caveats=(
        *CAVEATS,
        (
            "is the sum over all cgroups of the machine, unless a vendor's kernel has "
            "8d59d2214c23, which counts each cgroup alone; a reader reads without a flush while "
            "another reader flushes"
        ),
    ),
    rests=RESTS,
)

OLD = variant_of(
    DESIGN,
    {"charge_batch": OLD_BATCH},
    id="rstat-global-32",
    title="per-CPU changes, counted for all cgroups together, with a batch of 32 pages",
    kernels=Kernels("5.15.18-6.0", first=(5, 15, 18), last=(6, 0)),
    source="commit 5b3be698a872 (v5.17, 5.16.4, 5.15.18)",
)

DESIGNS = (OLD, DESIGN)
