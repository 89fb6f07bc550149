"""memory.stat of 5.13 to 5.15.17: every read adds up the changes of all CPUs.

    approximate = precise

An update changes a word of its CPU. A read of memory.stat first flushes the cgroup and those below
it, on all possible CPUs, whatever their number of changes. So a read has every update that was
complete before it began.

memory.numa_stat of 5.13 and 5.14 is not covered: it kept its batches until commit 7e1c0d6f5820 (in
v5.15).

Assumes that no flush overlaps updates: those on a CPU that the flush has passed are in the next
read. Slab items have the object stock before them since commit 68ac5b3c8db2 (in v5.14).

Source: commit 2d146aa3aa84 ("mm: memcontrol: switch to rstat") (in v5.13), until commits
11192d9c124d and fd25a9e0e23b (in v5.16 and 5.15.18) made reads flush above a threshold. Of these
releases only the patches were read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.design import Cost, Kernels, each_batch, exact
from rssbound.bounds.counter.rests import FUNCTION, Rest
from rssbound.bounds.designs.memory_stat_batch import ANY_BATCH, FILES, half_way
from rssbound.bounds.designs.shared import Shared, witness
from rssbound.records import replace

if TYPE_CHECKING:
    from rssbound.bounds.counter.interval import Level
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGNS",)


def levels(p: Parameters, _: tuple[str, ...]) -> tuple[Level, ...]:
    """No level keeps anything from a read; a stopped update is not yet on its CPU's list."""
    return half_way(p)


def cost(_: Parameters) -> Cost:
    """Two additions on this CPU; the reader adds them up."""
    rates = each_batch(1)
    return Cost(
        fast_path="one addition on the CPU, and its cgroup on the CPU's list of changed ones",
        slow_path="none; a read adds up the changes of all CPUs",
        shared_atomics=0,
        locks=0,
        lines=0,
        rates=rates,
        slow=rates.first,
        why="Every read pays for all changes since the one before.",
    )


DESIGN = replace(
    ANY_BATCH,
    id="rstat-read",
    title="per-CPU changes, added up at every read",
    kernels=Kernels("5.13-5.15.17", first=(5, 13, 0), last=(5, 15, 17)),
    source="commit 2d146aa3aa84 (v5.13)",
    levels=levels,
    published=exact,
    cost=cost,
    batch=lambda _: 1,
    model=lambda _: Shared(),
    witness=witness,
    search_amounts=lambda _: (1, -1),
    theorem=None,
    lasts="until the next read, for an update that overlaps a flush",
    no_bound=None,
    note="",
    caveats=(
        (
            "is of memory.stat; memory.numa_stat of 5.13 and 5.14 keeps batches, as 5.12 does: 32 "
            "pages per CPU and cgroup"
        ),
        (
            "holds while no flush overlaps updates: updates on a CPU that it has passed are in the "
            "next read"
        ),
        (
            "since 5.14 slab_reclaimable and slab_unreclaimable can be off, on each CPU and for "
            "any time, by up to a page or one accounted object of any size"
        ),
    ),
    rests=(
        Rest("__mod_memcg_state", FUNCTION, FILES, "An update changes a word of its CPU."),
        Rest("memory_stat_format", FUNCTION, FILES, "A read flushes first."),
        Rest("mem_cgroup_css_rstat_flush", FUNCTION, FILES, "A flush adds up all changes."),
        Rest("memcg_page_state", FUNCTION, FILES, "A read gives the flushed value, at least 0."),
    ),
)

DESIGNS = (DESIGN,)
