"""Machines with any number of CPUs, made of the parts of one host, for curves over CPUs.

    CPU ids 0 .. N - 1, all of them possible and online, fill one core after the other, then one
    last-level cache, node, package; each has as many CPUs as the host's largest

Bounds need only counts, so a machine of the family is its parameters: no CPUs are listed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rssbound.bounds.hardware.groups import HARDWARE, CpuGroups
from rssbound.bounds.scenario.beside import thresholds_of
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import percpu_counter_batch, resolve
from rssbound.records import dataclass
from rssbound.topology.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from rssbound.bounds.scenario.beside import Beside
    from rssbound.bounds.scenario.parameters import Parameters
    from rssbound.bounds.scenario.scenario import Scenario
    from rssbound.topology.model import Topology

__all__ = ("Family", "family_of")


@dataclass(frozen=True)
class Family:
    """`sizes` is the number of CPUs of each level of the hardware from the inside out, above 1.

    `node_cpus` is the number of CPUs of a NUMA node, None if all are in one. `percpu_batch` is the
    scenario's own, in pages; None if it follows the online CPUs. Zones and memory are those of the
    host, in `beside`.
    """

    sizes: tuple[tuple[str, int], ...]
    node_cpus: int | None
    host: Parameters
    percpu_batch: int | None
    beside: Beside

    def machine(self, cpus: int) -> Parameters:
        """Give the machine of the family with this many CPUs; the process may run on all."""
        nodes = -(-cpus // (self.node_cpus or cpus))
        thresholds = thresholds_of(self.beside, cpus, nodes + self.host.memory_nodes)
        online = CpuSet()  # only machines and witnesses need the CPU numbers
        return self.host.on_machine(cpus, nodes).having(
            percpu_batch=self.percpu_batch or percpu_counter_batch(cpus),
            hardware=self._hardware(cpus),
            arity=None,  # a shape belongs to one machine
            zone_threshold=thresholds.zone,
            zone_thresholds=thresholds.zones,
            node_threshold=thresholds.node,
            node_thresholds=thresholds.nodes,
            ids=online,
            online_ids=online,
        )

    def _hardware(self, cpus: int) -> tuple[CpuGroups, ...]:
        """Give the levels that divide this many CPUs; a level that holds all of them does not."""
        groups: list[CpuGroups] = []
        below = 1
        for name, size in self.sizes:
            items = -(-cpus // size)
            if items > 1:
                groups.append(CpuGroups(name, size // below, items, items, _item_of(size)))
            below = size
        return tuple(groups)


def family_of(topology: Topology, scenario: Scenario) -> Family:
    """Give the family of a host; ScenarioError if the scenario is impossible on it."""
    resolved = resolve(scenario, topology)
    largest = {name: _largest(topology, name) for name in HARDWARE}
    return Family(
        _nested(largest),
        largest["node"] or None,
        parameters_of(topology, resolved),
        scenario.percpu_batch,
        scenario.beside,
    )


def _largest(topology: Topology, level: str) -> int:
    """Count the CPUs of a level's largest group; 0 if no CPU's group is known."""
    counts = Counter(topology.possible.select(topology.column(level)))
    del counts[None]
    return max(counts.values(), default=0)


def _nested(largest: dict[str, int]) -> tuple[tuple[str, int], ...]:
    """Order levels by size, each rounded up to a multiple of the one below; drop equal ones."""
    sizes: list[tuple[str, int]] = []
    below = 1
    for name, cpus in sorted(largest.items(), key=lambda item: item[1]):
        size = -(-cpus // below) * below
        if size > below:
            sizes.append((name, size))
            below = size
    return tuple(sizes)


def _item_of(size: int) -> Callable[[int], Hashable]:
    return lambda cpu: cpu // size
