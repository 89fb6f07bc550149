"""Convert a machine and a scenario to the numbers that designs use."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.arithmetic import ceil_log2
from rssbound.bounds.hardware.groups import groups_of
from rssbound.bounds.scenario.beside import RESERVE_BYTES, thresholds_of
from rssbound.bounds.scenario.scenario import OWN
from rssbound.records import dataclass, field, replace
from rssbound.topology.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.hardware.groups import CpuGroups
    from rssbound.bounds.scenario.scenario import Resolved
    from rssbound.topology.model import Topology

__all__ = ("MOST_ORDER", "Parameters", "parameters_of", "updating_cpus")

MOST_ORDER = 20
"""ceil(log2(nr_cpu_ids)) of the largest machine that is counted; the trees' table ends there."""

EVENTS_THRESH = 64
"""TASK_RSS_EVENTS_THRESH of every release that has it."""

CHARGE_BATCH = 64
"""MEMCG_CHARGE_BATCH since 6.1."""


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Everything that a design can depend on, as integers or sympy expressions: CPUs and pages.

    cpus            CPUs on which its counters can be updated; `online_cpus` are the online ones
    residues        modulus -> number of distinct `cpu mod modulus` among those CPUs
    nr_cpu_ids      highest possible id + 1; possible_cpus and host_online of the whole machine
    nodes           NUMA nodes of these CPUs, as the ids of their nodes modulo slots
    fault_pages     F, the most pages that one fault maps
    events_thresh   TASK_RSS_EVENTS_THRESH
    huge_pages      pages of a huge page, as many as one page table maps
    arities         the tree's table of fan-in orders, None for the posted table
    arity           fan-in orders given at boot, None for the default of the order
    charge_batch    MEMCG_CHARGE_BATCH
    cgroups         memory cgroups of the subtree that is read
    zone_threshold  the most a CPU keeps of an item of one zone, zone_thresholds of all zones;
                    node_threshold and node_thresholds of nodes
    mem_pcpu_rsv    net.core.mem_pcpu_rsv
    memory_nodes    listed NUMA nodes that have memory but no CPUs
    memory_known    whether the thresholds are of this memory, not the largest of any; zones_known,
                    whether the machine's own list of zones gives them
    ids, online_ids the CPUs themselves, and `node_of` the node of each: for machines and witnesses,
                    which run on CPUs; a bound needs only their number
    """

    cpus: Quantity
    online_cpus: Quantity
    residues: Callable[[int], Quantity]
    nr_cpu_ids: Quantity
    possible_cpus: Quantity
    host_online: Quantity
    host_nodes: Quantity
    nodes: Callable[[int], Quantity]
    threads: Quantity
    batch: Quantity
    percpu_batch: Quantity
    fault_pages: Quantity
    nodes_shift: Quantity
    in_flight: Quantity
    max_increment: Quantity
    hardware: tuple[CpuGroups, ...] = ()
    events_thresh: Quantity = EVENTS_THRESH
    huge_pages: int = 512
    arities: tuple[tuple[int, ...], ...] | None = None
    arity: tuple[int, ...] | None = None
    charge_batch: Quantity = CHARGE_BATCH
    cgroups: Quantity = 1
    zone_threshold: Quantity = 0
    zone_thresholds: Quantity = 0
    node_threshold: Quantity = 0
    node_thresholds: Quantity = 0
    mem_pcpu_rsv: Quantity = 0
    memory_nodes: int = 0
    memory_known: bool = False
    zones_known: bool = False
    ids: CpuSet = field(default_factory=CpuSet)
    online_ids: CpuSet = field(default_factory=CpuSet)
    node_of: Callable[[int], int] = int

    def having(self, **values: Any) -> Parameters:
        """Give the same parameters with other values for some fields."""
        return replace(self, **values)

    def on_machine(self, cpus: int, nodes: int) -> Parameters:
        """Give the same for a machine with other numbers of CPUs and nodes, all online and used.

        For bounds only: the CPU ids and the hardware groups are not changed.
        """
        return self.having(
            cpus=cpus,
            online_cpus=cpus,
            residues=lambda modulus: min(modulus, cpus),
            nr_cpu_ids=cpus,
            possible_cpus=cpus,
            host_online=cpus,
            host_nodes=nodes,
            nodes=lambda slots: min(slots, nodes),
        )


def updating_cpus(topology: Topology, scenario: Resolved) -> CpuSet:
    """Give the CPUs on which the process's counters can have been updated.

    These are its own CPUs and, unless no other task updates them, all online CPUs. If more CPUs
    have been online than now, these can be any possible CPUs, so all of those count. docs/theory.md
    lists the tasks that update the counters of other processes.
    """
    if scenario.updaters == OWN:
        return scenario.cpus
    were_more = scenario.max_online > len(topology.online)
    return scenario.cpus | (topology.possible if were_more else topology.online)


def parameters_of(topology: Topology, scenario: Resolved) -> Parameters:
    """Count what the designs need."""
    cpus = updating_cpus(topology, scenario)
    thresh = scenario.constants.events_thresh
    node_of = _node_of(topology, cpus)
    node_ids = _node_ids(topology, cpus, node_of)
    nodes, beside = max(topology.numa_nodes, 1), scenario.beside
    memory_nodes = sum(1 for node in topology.nodes if not node.cpus)
    thresholds = thresholds_of(beside, scenario.max_online, nodes + memory_nodes)
    return Parameters(
        cpus=len(cpus),
        online_cpus=len(cpus & topology.online),
        residues=cpus.residues,
        nr_cpu_ids=topology.nr_cpu_ids,
        possible_cpus=len(topology.possible),
        host_online=len(topology.online),
        host_nodes=nodes,
        nodes=lambda slots: len({node % slots for node in node_ids}),
        threads=scenario.threads,
        batch=scenario.batch,
        percpu_batch=scenario.percpu_batch,
        fault_pages=_fault_pages(scenario),
        nodes_shift=scenario.nodes_shift,
        in_flight=scenario.in_flight,
        max_increment=scenario.max_increment,
        hardware=groups_of(topology, cpus),
        events_thresh=EVENTS_THRESH if thresh is None else thresh,
        huge_pages=max(1, scenario.page_size // 8),
        arities=scenario.constants.arities,
        arity=None if scenario.arity is None else tuple(map(ceil_log2, scenario.arity)),
        cgroups=beside.cgroups,
        zone_threshold=thresholds.zone,
        zone_thresholds=thresholds.zones,
        node_threshold=thresholds.node,
        node_thresholds=thresholds.nodes,
        memory_known=beside.zones is not None or beside.memory is not None,
        zones_known=beside.zones is not None,
        memory_nodes=memory_nodes,
        mem_pcpu_rsv=beside.mem_pcpu_rsv or max(1, RESERVE_BYTES // scenario.page_size),
        ids=cpus,
        online_ids=cpus & topology.online,
        node_of=node_of,
    )


def _node_of(topology: Topology, cpus: CpuSet) -> Callable[[int], int]:
    """Give the node of each CPU, 0 if unknown.

    If a machine has a number of nodes but not the CPUs of each, the nodes are assigned to the CPUs
    of unknown nodes in turn, nodes without a list first, so that as many nodes as possible have one
    of `cpus`. An existing list may be truncated too.
    """
    column = topology.columns.node or (None,) * topology.nr_cpu_ids
    if topology.node_count is None:
        return lambda cpu: column[cpu] or 0
    known = sorted({node for node in column if node is not None})
    others = [node for node in range(topology.node_count) if node not in known]
    nodes = (*others[: topology.node_count - len(known)], *known)
    unlisted = (cpu for cpu in cpus if column[cpu] is None)
    dealt = dict(zip(unlisted, cycle(nodes), strict=False))
    return lambda cpu: dealt[cpu] if column[cpu] is None else column[cpu] or 0


def _node_ids(topology: Topology, cpus: CpuSet, node_of: Callable[[int], int]) -> set[int]:
    """Give the nodes of a set of CPUs; the column, if complete, is fast for a million CPUs."""
    column = topology.columns.node
    if column and topology.node_count is None:
        return {node or 0 for node in set(cpus.select(column))}
    return set(map(node_of, cpus))


def _fault_pages(scenario: Resolved) -> int:
    """Give F: fault_around_bytes is rounded down to a power of two, and at least one page."""
    pages = max(1, scenario.fault_around_bytes // scenario.page_size)
    return 1 << (pages.bit_length() - 1)
