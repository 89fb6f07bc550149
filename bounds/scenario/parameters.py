"""From a machine and a scenario to the plain numbers that the designs are stated in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rssbound.topology.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.scenario.scenario import Resolved
    from rssbound.topology.model import Topology

__all__ = ("CpuGroups", "Parameters", "parameters_of")

HARDWARE = ("core", "llc", "node", "package")
"""Levels of the machine that a counter tree may follow, from the inside out on most machines.

The machine itself is the root."""


EVENTS_THRESH = 64
"""TASK_RSS_EVENTS_THRESH of every release that has it."""


@dataclass(frozen=True, slots=True)
class CpuGroups:
    """One level of the machine, for a counter tree that follows it.

    `fan_in` is the most parts of the level below in one group, `used` the groups in which the
    process may run, `items` all groups, `item_of` the group of a CPU.
    """

    name: str
    fan_in: int
    used: Quantity
    items: int
    item_of: Callable[[int], Hashable]


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Everything a design may depend on, as integers or sympy expressions. Counts of CPUs, pages.

    cpus            CPUs the process may run on; `online_cpus` those of them that are online
    residues        modulus -> number of distinct `cpu mod modulus` among those CPUs
    nr_cpu_ids      highest possible id + 1; possible_cpus and host_online of the whole machine
    nodes           NUMA nodes of the process's CPUs, as the ids of their nodes modulo slots
    fault_pages     F, the most pages one fault maps
    events_thresh   TASK_RSS_EVENTS_THRESH
    arities         the tree's table of fan-in orders, None for the one that was posted
    ids, online_ids the CPUs themselves, and `node_of` the node of each: for machines and witnesses,
                    which run on CPUs; a bound needs only how many there are
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
    arities: tuple[tuple[int, ...], ...] | None = None
    ids: CpuSet = field(default_factory=CpuSet)
    online_ids: CpuSet = field(default_factory=CpuSet)
    node_of: Callable[[int], int] = int


def parameters_of(topology: Topology, scenario: Resolved) -> Parameters:
    """Count what the designs need."""
    cpus = scenario.cpus
    thresh = scenario.constants.events_thresh
    node_ids = set(cpus.select(topology.columns.node)) or {None}
    return Parameters(
        cpus=len(cpus),
        online_cpus=len(cpus & topology.online),
        residues=cpus.residues,
        nr_cpu_ids=topology.nr_cpu_ids,
        possible_cpus=len(topology.possible),
        host_online=len(topology.online),
        host_nodes=max(topology.numa_nodes, 1),
        nodes=lambda slots: len({(node or 0) % slots for node in node_ids}),
        threads=scenario.threads,
        batch=scenario.batch,
        percpu_batch=scenario.percpu_batch,
        fault_pages=_fault_pages(scenario),
        nodes_shift=scenario.nodes_shift,
        in_flight=scenario.in_flight,
        max_increment=scenario.max_increment,
        hardware=_hardware(topology, cpus),
        events_thresh=EVENTS_THRESH if thresh is None else thresh,
        arities=scenario.constants.arities,
        ids=cpus,
        online_ids=cpus & topology.online,
        node_of=lambda cpu: (topology.columns.node[cpu] or 0) if topology.columns.node else 0,
    )


def _hardware(topology: Topology, cpus: CpuSet) -> tuple[CpuGroups, ...]:
    """Give the machine's levels from the inside out, each a coarsening of the one before.

    The one whose largest group is smaller is inside, of equal ones that of more groups: a NUMA node
    may be part of a cache, or hold several packages.
    Levels that equal the one below or hold the whole machine add nothing and are left out, as are
    levels that cut through a finer one. A CPU of unknown group is a group of its own.
    """
    chain: list[CpuGroups] = []
    below: list[int] = list(topology.possible)
    parts = len(below)
    levels = [(name, _filled(topology, name)) for name in HARDWARE]
    for name, own in sorted(levels, key=lambda level: _extent(level[1])):
        groups = len(set(own))
        pairs = set(zip(below, own, strict=True)) if 1 < groups < parts else set()
        if not pairs or len(pairs) > parts:
            continue
        fan_in = max(Counter(group for _, group in pairs).values())
        by_cpu = _by_cpu(topology, own)
        used = len(set(cpus.select(by_cpu)))
        chain.append(CpuGroups(name, fan_in, used, groups, by_cpu.__getitem__))
        below, parts = own, groups
    return tuple(chain)


def _extent(groups: list[int]) -> tuple[int, int]:
    """Give what levels are ordered by: CPUs of the largest group, and fewer for more groups."""
    sizes = Counter(groups)
    return max(sizes.values(), default=0), -len(sizes)


def _filled(topology: Topology, level: str) -> list[int]:
    """Give the group of each possible CPU; one of its own, a negative number, where unknown."""
    column = topology.column(level)
    if not column:
        return [0] * len(topology.possible)
    return [
        -1 - cpu if group is None else group
        for cpu, group in zip(topology.possible, topology.possible.select(column), strict=True)
    ]


def _by_cpu(topology: Topology, groups: list[int]) -> list[int]:
    if len(groups) == topology.nr_cpu_ids:
        return groups
    column = [0] * topology.nr_cpu_ids
    for cpu, group in zip(topology.possible, groups, strict=True):
        column[cpu] = group
    return column


def _fault_pages(scenario: Resolved) -> int:
    """Give F: fault_around_bytes is rounded down to a power of two, and at least one page."""
    pages = max(1, scenario.fault_around_bytes // scenario.page_size)
    return 1 << (pages.bit_length() - 1)
