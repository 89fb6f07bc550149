"""Zone and node counters of vmstat: each CPU keeps a difference up to a threshold, on either side.

    |residual of a CPU| <= t,   t = min(125, 2 * fls(N) * (1 + fls(pages of the zone / 128 MiB)))

An update that brings a CPU's difference above the threshold moves all of it to the counters of the
zone and the machine. An update of a single page moves half a threshold more, so that the next ones
do not. A difference of t itself stays. A node's threshold is the largest of its zones. /proc/vmstat
and /proc/meminfo add up all zones, or all nodes, and lack what the CPUs keep of each of them.

Every CPU flushes its differences within vm.stat_interval (1 s), unless it is isolated or idle
without a tick. A write to /proc/sys/vm/stat_refresh makes all CPUs flush at once, which gives the
precise value. kswapd lowers the thresholds of a zone under pressure; earlier differences stay.

Assumes that the largest threshold since a CPU's last flush is known. The threshold grows with the
number of online CPUs, so the most that ever were online count. C counts online CPUs:
cpu_vm_stats_fold moves the differences of a CPU that goes offline. On machines with cmpxchg for
per-CPU data others can change the CPU's difference between the two steps of an update: each update
of i pages that is stopped there adds max(t + t/2, i - t).

Source: mm/vmstat.c (mod_zone_state, mod_node_state, calculate_normal_threshold), the same in 5.10,
6.1, 6.12 and 7.2; node counters since 4.8.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from rssbound.bounds.counter.arithmetic import maximum, round_up
from rssbound.bounds.counter.design import Cost, Design, Kernels, Place, Rates, not_known
from rssbound.bounds.counter.executable import CachesOfCpus
from rssbound.bounds.counter.interval import Interval, Level
from rssbound.bounds.counter.rests import CALLERS, FUNCTION, STRUCT, USERS, WRITERS, Rest
from rssbound.bounds.counter.theorems import refuted, solver
from rssbound.bounds.laws.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.executable import Update
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGNS", "Differences")

ZONE, NODE = "zoneinfo.zone", "zoneinfo.node"
ZONES, NODES = "vmstat.zone", "vmstat.node"


def threshold_of(p: Parameters, counter: str) -> Quantity:
    """Give what one CPU keeps of a counter, of the largest zone or node or of all of them."""
    return {
        ZONE: p.zone_threshold,
        NODE: p.node_threshold,
        ZONES: p.zone_thresholds,
        NODES: p.node_thresholds,
    }[counter]


def levels(p: Parameters, counters: tuple[str, ...]) -> tuple[Level, ...]:
    """One difference for each online CPU; for sums, of all zones or nodes together."""
    most = sum(threshold_of(p, counter) for counter in counters)
    kept = Level("difference of a CPU", p.online_cpus, low=-most, high=most, item_of=int)
    if p.in_flight == 0:
        return (kept,)
    one = maximum(p.zone_threshold, p.node_threshold)
    more = maximum(one + one // 2, p.max_increment - one)
    return (kept, Level("update half-way", p.in_flight, low=-more, high=more))


class Differences(CachesOfCpus):
    """One item of one zone: its counter and the difference of each online CPU."""

    def __init__(self, threshold: int, cpus: Iterable[int]) -> None:
        super().__init__(cpus)
        self.threshold = threshold

    def begin(self, cpu: int, pages: int) -> int:
        """Run the first step of mod_zone_state; return the pages to add to the counter."""
        held = self.slots[cpu] + pages
        if abs(held) <= self.threshold:
            self.slots[cpu] = held
            return 0
        overstep = pages * (self.threshold // 2) if abs(pages) == 1 else 0
        self.slots[cpu] = -overstep
        return held + overstep

    def finish(self, pages: int) -> None:
        """Run the second step."""
        self.count += pages

    def update(self, cpu: int, pages: int) -> None:
        """Run one update; a single page goes by inc_zone_page_state or dec_zone_page_state."""
        self.finish(self.begin(cpu, pages))

    def unplug(self, cpu: int) -> None:
        """Take a CPU offline, which moves its difference to the counter."""
        self.count += self.slots.pop(cpu)

    def structure(self) -> Hashable:
        """Threshold and number of CPUs: all CPUs are equivalent."""
        return ("stat-threshold", self.threshold, len(self.slots))


def model(p: Parameters) -> Differences:
    """Make an item of the zone with the largest threshold, on the online CPUs."""
    return Differences(p.zone_threshold, p.online_ids)


def witness(p: Parameters, side: str) -> tuple[Update, ...]:
    """Fill every difference. For `over` the pages are added and counted first.

    Their number leaves no difference, whether they are added at once or one by one.
    """
    most = p.zone_threshold
    if side == "under":
        return tuple((cpu, most) for cpu in p.online_ids)
    start = round_up(most * len(p.online_ids), most + 1 + most // 2)
    return ((p.online_ids.lowest, start), *((cpu, -most) for cpu in p.online_ids))


def published(p: Parameters) -> Interval:
    """Give "max_drift", num_online_cpus() times the threshold, of mm/vmstat.c."""
    most = p.zone_threshold * p.host_online
    return Interval(most, most)


def memory_bytes(p: Parameters) -> Quantity:
    """Give an s8 of the item on each possible CPU, for each zone, and the counters."""
    return p.possible_cpus + 16


def cost(p: Parameters) -> Cost:
    """One compare-and-exchange on the CPU's own byte; above the threshold two shared atomics."""
    most = p.zone_threshold
    steady, worst = Fraction(1, most + 1 + most // 2), Fraction(1, most - most // 2 + 1)
    rates = Rates(steady, steady, worst, worst)
    return Cost(
        fast_path="one compare-and-exchange of the CPU's own byte",
        slow_path="two atomic additions, to the counter of the zone or node and of the machine",
        shared_atomics=2,
        locks=0,
        lines=2,
        rates=rates,
        slow=rates.first,
        why="After a flush a CPU is half a threshold away from a flush on the other side.",
    )


def overstep_is_inductive() -> bool:
    """Prove that a difference never exceeds the threshold, for both ways to flush."""
    z3 = solver()
    held, pages, most, half = z3.Ints("held pages most half")
    after = held + pages
    over = z3.Or(after > most, after < -most)
    left = z3.If(pages == 1, -half, z3.If(pages == -1, half, 0))
    kept = z3.If(over, left, after)
    inside = z3.And(held <= most, held >= -most, most >= 1, half >= 0, 2 * half <= most)
    return refuted(inside, z3.Not(z3.And(kept <= most, kept >= -most)))


FILES = ("mm/vmstat.c", "include/linux/vmstat.h")
RESTS = (
    *(
        Rest(name, FUNCTION, FILES, "A CPU holds at most the threshold, of either sign.")
        for name in (
            "__mod_zone_page_state",
            "__mod_node_page_state",
            "mod_zone_state",
            "mod_node_state",
            "__inc_zone_state",
            "__inc_node_state",
            "__dec_zone_state",
            "__dec_node_state",
        )
    ),
    *(
        Rest(
            f"{how}_{of}_state", FUNCTION, FILES, "It passes the amount on, and oversteps by half."
        )
        for how in ("mod", "inc", "dec")
        for of in ("zone_page", "node_page")
    ),
    Rest("calculate_normal_threshold", FUNCTION, FILES, "The threshold, from CPUs and memory."),
    Rest("calculate_pressure_threshold", FUNCTION, FILES, "The smaller threshold under pressure."),
    Rest(
        "refresh_zone_stat_thresholds",
        FUNCTION,
        FILES,
        "A node's threshold is the largest of its zones.",
    ),
    Rest("stat_threshold", WRITERS, FILES, "Who else sets a threshold."),
    Rest("set_pgdat_percpu_threshold", FUNCTION, FILES, "All zones of a node get a threshold."),
    Rest("vm_stat_diff", USERS, (), "Only these functions change what a CPU keeps."),
    Rest("vm_node_stat_diff", USERS, (), "Only these functions change what a CPU keeps."),
    Rest("fold_diff", FUNCTION, FILES, "A flush moves all it was given to the machine."),
    Rest("refresh_vm_stats", FUNCTION, FILES, "A flush of one CPU."),
    Rest("vmstat_cpu_dead", FUNCTION, FILES, "Thresholds follow the online CPUs."),
    Rest("vmstat_cpu_dead", CALLERS, FILES, "It must run for every CPU."),
    Rest("cpu_vm_stats_fold", CALLERS, (), "It must run for every CPU that goes offline."),
    Rest("*_page_state", FUNCTION, ("include/linux/vmstat.h",), "A read gives the counter."),
    Rest("node_page_state*", FUNCTION, FILES, "A read gives the counter."),
    Rest("vmstat_start", FUNCTION, FILES, "The values that vmstat shows."),
    Rest("zoneinfo_show_print", FUNCTION, FILES, "The values that zoneinfo shows."),
    Rest("cpu_vm_stats_fold", FUNCTION, FILES, "A CPU that goes offline keeps no difference."),
    Rest("refresh_cpu_vm_stats", FUNCTION, FILES, "A CPU flushes all its differences."),
    Rest("vmstat_refresh", FUNCTION, FILES, "A write to stat_refresh flushes all CPUs."),
    Rest("zone_page_state_add", FUNCTION, FILES, "Zone and machine get the same pages."),
    Rest("node_page_state_add", FUNCTION, FILES, "Node and machine get the same pages."),
    Rest(
        "per_cpu_*stat*",
        STRUCT,
        ("include/linux/mmzone.h",),
        "What a CPU keeps, and in which type.",
    ),
)
"""The code that its bound rests on."""

DESIGN = Design(
    id="stat-threshold",
    title="a difference on each CPU, up to a threshold",
    kernels=Kernels("4.8-", first=(4, 8, 0)),
    source="mm/vmstat.c",
    levels=levels,
    law=not_known,
    slots=not_known,
    published=published,
    memory_bytes=memory_bytes,
    cost=cost,
    batch=lambda p: p.zone_threshold,
    place=Place.CPU,
    model=model,
    witness=witness,
    search_amounts=lambda _: (1, -1, 3, -5),
    theorem=overstep_is_inductive,
    counter=ZONE,
    counters=(ZONE, NODE),
    sums={ZONES: (ZONES,), NODES: (NODES,)},
    lasts="up to vm.stat_interval, 1 s; indefinitely on an isolated CPU",
    no_law=WORKLOADS,
    caveats=(
        (
            "holds for the current thresholds and those before kswapd lowered them; memory "
            "hotplug changes them"
        ),
        (
            "AnonHugePages, ShmemHugePages and FileHugePages up to 5.11 count huge pages, so their "
            "bound is in huge pages"
        ),
    ),
    rests=RESTS,
)

DESIGNS = (DESIGN,)
