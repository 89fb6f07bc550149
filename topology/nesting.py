"""Which domain contains which: the machine's groups as a tree of CPU sets.

Domains are taken from the smallest to the largest. One that cuts through a domain already taken is
left out and reported, so the finer domains, which agree with each other, win.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.errors import InputError
from rssbound.records import dataclass
from rssbound.topology.cpuset import CpuSet
from rssbound.topology.model import LEVELS

if TYPE_CHECKING:
    from networkx import DiGraph

    from rssbound.topology.model import Topology

__all__ = ("Domain", "Nesting", "graph_of", "nest")

MOST_CPUS = 1 << 16
"""Possible CPUs that a tree is made for: every inner node of it carries a set of CPUs."""


@dataclass(frozen=True)
class Domain:
    """A node of the tree; `type` is machine, a level, memory (a node without CPUs) or cpu."""

    type: str
    id: int
    cpus: CpuSet

    @property
    def key(self) -> str:
        """Name the domain within its machine, such as `package:1`."""
        return "machine" if self.type == "machine" else f"{self.type}:{self.id}"


@dataclass(frozen=True)
class Nesting:
    """Domains with their parents, children before parents, and a line for each that did not fit."""

    parents: tuple[tuple[Domain, Domain], ...]
    machine: Domain
    warnings: tuple[str, ...]


def nest(topology: Topology) -> Nesting:
    """Order all domains of a machine by inclusion; InputError beyond MOST_CPUS possible CPUs."""
    if len(topology.possible) > MOST_CPUS:
        raise InputError(
            f"a tree of {len(topology.possible)} CPUs is too large to draw; at most {MOST_CPUS}"
        )
    machine = Domain("machine", 0, topology.possible)
    leaves = [Domain("cpu", cpu, CpuSet(1 << cpu)) for cpu in topology.possible]
    top = {leaf.id: leaf for leaf in leaves}
    parents: list[tuple[Domain, Domain]] = []
    warnings: list[str] = []
    for domain in [*_domains(topology), machine]:
        below = dict.fromkeys(top[cpu] for cpu in domain.cpus)
        cut = next((child for child in below if not child.cpus <= domain.cpus), None)
        if cut is not None:
            warnings.append(
                f"{domain.key} (CPUs {domain.cpus}) cuts through {cut.key} (CPUs {cut.cpus}); "
                f"{domain.key} is left out of the tree"
            )
            continue
        parents += [(child, domain) for child in below]
        top.update(dict.fromkeys(domain.cpus, domain))
    parents += [
        (Domain("memory", node.id, node.cpus), machine) for node in topology.nodes if not node.cpus
    ]
    return Nesting(tuple(parents), machine, tuple(warnings))


def graph_of(topology: Topology) -> DiGraph[str]:
    """Make the networkx tree of a machine; see Topology.tree."""
    import networkx as nx  # noqa: PLC0415 (slow to load)

    nesting = nest(topology)
    graph: DiGraph[str] = nx.DiGraph(name=topology.name, warnings=nesting.warnings)
    for domain in [nesting.machine, *(child for child, _ in reversed(nesting.parents))]:
        graph.add_node(domain.key, type=domain.type, id=domain.id, cpus=domain.cpus)
    graph.add_edges_from((parent.key, child.key) for child, parent in nesting.parents)
    return graph


def _domains(topology: Topology) -> list[Domain]:
    """List all groups, smallest first, inner levels first among equals."""
    domains = [
        Domain(level, group, cpus)
        for level in LEVELS
        if level != "node"
        for group, cpus in topology.groups(level).items()
    ]
    domains += [Domain("node", node.id, node.cpus) for node in topology.nodes if node.cpus]
    return sorted(domains, key=lambda domain: (len(domain.cpus), LEVELS.index(domain.type)))
