"""Memory of sockets: each CPU keeps a reserve of a protocol's pages, on either side.

    |reserve of a CPU| <= rsv - 1,   rsv = net.core.mem_pcpu_rsv, 1 MiB of pages by default

An addition that brings a CPU's reserve to rsv or beyond moves all of it to the protocol's counter,
as does a subtraction that brings it to -rsv or below. /proc/net/sockstat and /proc/net/protocols
show the counter only. A protocol has one counter for all network namespaces. IPv4 and IPv6 share
it, and UDP-Lite counts as UDP.

Nothing else empties a reserve: there is no timer and no callback when a CPU goes offline. So every
CPU that ever handled sockets counts. After a change of the sysctl, the old value holds for a CPU
until its next update.

From 6.0 to the correction, the addition and the subtraction of a reserve were two steps that a
softirq could come between. The second step subtracts the reserve of before, so more than rsv can
be left. Where per-CPU additions are not atomic to interrupts, as on arm64, updates are lost for
good. These kernels have no bound. The correction is commit 3584718cf2ec ("net: fix
sk_memory_allocated_{add|sub} vs softirqs") (in v6.9, 6.8.9, 6.6.30 and 6.1.90). It was read in
6.1.176; the first release of each series is inferred from the dates.

Assumes that no update is preempted between its addition and its check of the reserve and moved to
another CPU. Such an update empties the other CPU's reserve, and the first CPU keeps rsv or more.
Kernels that preempt updates in process context allow this any number of times: no bound then.

Before 6.0 there were no reserves: every update goes to the protocol's counter, which is exact.

Source: include/net/sock.h of 4.19 to 6.1, include/net/proto_memory.h of 6.12 and 7.2
(sk_memory_allocated_add, sk_memory_allocated_sub); reserves since commit 3cd3399dd7a8 ("net:
implement per-cpu reserves for memory_allocated") (in v6.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.arithmetic import round_up
from rssbound.bounds.counter.design import (
    Cost,
    Design,
    Kernels,
    Place,
    exact,
    not_known,
    nothing_published,
    slot_cost,
)
from rssbound.bounds.counter.executable import CachesOfCpus, Round, Runaway
from rssbound.bounds.counter.interval import Level
from rssbound.bounds.counter.rests import CALLERS, FUNCTION, MACRO, USERS, WRITERS, Rest
from rssbound.bounds.counter.theorems import refuted, solver
from rssbound.bounds.designs.shared import Shared
from rssbound.bounds.designs.shared import cost as cost_of_shared
from rssbound.bounds.designs.shared import witness as witness_of_shared
from rssbound.bounds.laws.workloads import WORKLOADS
from rssbound.records import replace

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.executable import Update
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGNS", "Reserves")

SOCKETS = "sockets"
ROUNDS = 4

MOVED = (
    "no bound if updates are stopped and moved to another CPU; a reserve of {batch}",
    "an updater adds, is stopped before its check, and resumes on another CPU",
)


def levels(p: Parameters, _: tuple[str, ...]) -> tuple[Level, ...]:
    """One signed reserve for each CPU that ever updated."""
    most = p.mem_pcpu_rsv - 1
    return (Level("reserve of a CPU", p.cpus, low=-most, high=most, item_of=int),)


class Reserves(CachesOfCpus):
    """One protocol's counter and the reserve of each CPU that ever updated it."""

    def __init__(self, reserve: int, cpus: Iterable[int]) -> None:
        super().__init__(cpus)
        self.reserve = reserve

    def add(self, cpu: int, pages: int) -> None:
        """Run the first step of an update: an addition to the reserve of its CPU."""
        self.slots[cpu] += pages

    def look(self, cpu: int, pages: int) -> None:
        """Run the second step, on the CPU where the updater now is."""
        held = self.slots[cpu]
        if held >= self.reserve if pages > 0 else held <= -self.reserve:
            self.drain(cpu)

    def drain(self, cpu: int) -> None:
        """Run proto_memory_pcpu_drain."""
        self.count += self.slots[cpu]
        self.slots[cpu] = 0

    def update(self, cpu: int, pages: int) -> None:
        """Run sk_memory_allocated_add, or sk_memory_allocated_sub for pages below 0."""
        self.add(cpu, pages)
        self.look(cpu, pages)

    def structure(self) -> Hashable:
        """Reserve and number of CPUs: all CPUs are equivalent."""
        return ("socket-reserve", self.reserve, len(self.slots))


def model(p: Parameters) -> Reserves:
    """Make the counter, with the CPUs that ever updated it."""
    return Reserves(p.mem_pcpu_rsv, p.ids)


def witness(p: Parameters, side: str) -> tuple[Update, ...]:
    """Fill every reserve. For `over` the pages are added and counted first."""
    most = p.mem_pcpu_rsv - 1
    if side == "under" or not most:
        return tuple((cpu, most) for cpu in p.ids) if most else ()
    start = round_up(most * len(p.ids), p.mem_pcpu_rsv)
    return ((p.ids.lowest, start), *((cpu, -most) for cpu in p.ids))


def moved(p: Parameters, side: str) -> Runaway:
    """Show how updaters that are moved before their check leave any amount on a CPU."""
    sign = 1 if side == "under" else -1
    counter = Reserves(p.mem_pcpu_rsv, (0, 1))
    counter.count = 2 * ROUNDS * p.mem_pcpu_rsv  # keeps the precise value at zero or above
    rounds = []
    for _ in range(ROUNDS):
        counter.add(0, sign * p.mem_pcpu_rsv)
        counter.drain(1)  # it saw a reserve of rsv and empties that of its new CPU
        rounds.append(Round(sign * p.mem_pcpu_rsv, 0, 0, counter.approximate - counter.precise))
    return Runaway(tuple(rounds), counter.approximate, counter.precise, MOVED)


def memory_bytes(p: Parameters) -> Quantity:
    """Give an int on each possible CPU and one protocol's counter."""
    return 8 + 4 * p.possible_cpus


def cost(p: Parameters) -> Cost:
    """An addition on this CPU; one atomic addition when the reserve reaches rsv."""
    return slot_cost(
        p.mem_pcpu_rsv,
        fast_path="one addition to the CPU's own reserve",
        slow_path="an exchange of the reserve, and one atomic addition to the protocol's counter",
        why="After a slow path the reserve is empty, so the worst case is the steady case.",
    )


def reserve_is_inductive() -> bool:
    """Prove that a reserve stays between -rsv and rsv after an update that was not moved."""
    z3 = solver()
    held, pages, rsv = z3.Ints("held pages rsv")
    after = held + pages
    drained = z3.Or(z3.And(pages > 0, after >= rsv), z3.And(pages <= 0, after <= -rsv))
    kept = z3.If(drained, 0, after)
    inside = z3.And(held < rsv, held > -rsv, rsv >= 1)
    return refuted(inside, z3.Not(z3.And(kept < rsv, kept > -rsv)))


FILES = ("include/net/proto_memory.h", "include/net/sock.h")
RESTS = (
    Rest("sk_memory_allocated_add", FUNCTION, FILES, "A CPU keeps less than the reserve."),
    Rest("sk_memory_allocated_sub", FUNCTION, FILES, "A CPU keeps more than the reserve below 0."),
    Rest("*pcpu_drain", FUNCTION, FILES, "It moves a reserve as a whole."),
    Rest("proto_memory_allocated", FUNCTION, FILES, "A read gives the counter, at least 0."),
    Rest("SK_MEMORY_PCPU_RESERVE", MACRO, (), "The reserve, and its smallest setting."),
    Rest("SK_MEMORY_PCPU_RESERVE", USERS, (), "Where the reserve is set, and limited."),
    Rest("sysctl_mem_pcpu_rsv", WRITERS, (), "Who else sets the reserve."),
    Rest("per_cpu_fw_alloc", USERS, (), "Only these functions change what a CPU keeps."),
    Rest("sockstat_seq_show", FUNCTION, ("net/ipv4/proc.c",), "The value that sockstat shows."),
    Rest("sk_memory_allocated_add", CALLERS, (), "Who adds, and where it can be preempted."),
    Rest("sk_memory_allocated_sub", CALLERS, (), "Who subtracts."),
)
"""The code that its bound rests on."""

OF_ONE_PROTOCOL = (
    "holds for one protocol: TCP with MPTCP, or UDP with UDP-Lite, IPv4 and IPv6 together"
)

DESIGN = Design(
    id="socket-reserve",
    title="a reserve of each protocol on each CPU",
    kernels=Kernels("6.9-; 6.1.90, 6.6.30, 6.8.9 on", first=(6, 0, 0), since="6.9"),
    source="commit 3584718cf2ec (v6.9), include/net/proto_memory.h",
    levels=levels,
    law=not_known,
    slots=not_known,
    published=nothing_published,
    memory_bytes=memory_bytes,
    cost=cost,
    batch=lambda p: p.mem_pcpu_rsv,
    place=Place.CPU,
    model=model,
    witness=witness,
    search_amounts=lambda _: (1, -1, 3, -5),
    theorem=reserve_is_inductive,
    counter=SOCKETS,
    counters=(SOCKETS,),
    sums={},
    lasts="until updates on the CPU empty its reserve; neither a timer nor CPU hotplug ends it",
    runaway=moved,
    no_law=WORKLOADS,
    note="no bound if updates are moved to another CPU half-way",
    caveats=(
        (
            "holds while no update is preempted half-way and resumes on another CPU; no bound once "
            "they are"
        ),
        OF_ONE_PROTOCOL,
    ),
    rests=RESTS,
)

SHARED = replace(
    DESIGN,
    id="socket-shared",
    title="one shared counter of each protocol",
    kernels=Kernels("4.19-5.19", first=(4, 19, 0), last=(5, 19)),
    source="include/net/sock.h of 4.19, 5.4 and 5.10",
    levels=lambda *_: (),
    published=exact,
    memory_bytes=lambda _: 8,
    cost=cost_of_shared,
    batch=lambda _: 1,
    model=lambda _: Shared(),
    witness=witness_of_shared,
    search_amounts=lambda _: (1, -1),
    theorem=None,
    lasts="not at all: every update goes to the counter",
    runaway=None,
    note="",
    caveats=(OF_ONE_PROTOCOL,),
    rests=(
        Rest("sk_memory_allocated_add", FUNCTION, FILES, "An update changes the counter itself."),
        Rest("sk_memory_allocated_sub", FUNCTION, FILES, "An update changes the counter itself."),
        Rest("proto_memory_allocated", FUNCTION, FILES, "A read gives the counter."),
        Rest("sockstat_seq_show", FUNCTION, ("net/ipv4/proc.c",), "The value that sockstat shows."),
    ),
)

DESIGNS = (SHARED, DESIGN)
