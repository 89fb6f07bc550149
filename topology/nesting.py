"""Which domain contains which: the machine's groups as a tree of CPU sets.

Domains are added from the smallest to the largest. A domain that overlaps an added one without
containing it is left out and reported, so the smaller domains, which agree with each other, win.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from rssbound.errors import InputError
from rssbound.records import dataclass
from rssbound.topology.cpuset import CpuSet
from rssbound.topology.model import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from networkx import DiGraph

    from rssbound.topology.model import Topology

__all__ = ("MOST_CPUS", "Domain", "Nesting", "check_drawable", "graph_of", "nest")

MOST_CPUS = 1 << 16
"""Limit of possible CPUs for output that lists every CPU, and every domain with its CPUs."""


class Domain:
    """A node of the tree; `type` is machine, a level, memory (a node without CPUs) or cpu.

    `ids` are its CPUs, smallest first. A set of CPUs takes a bit for each id below its highest, so
    the sets of all domains would take memory quadratic in the CPUs: `cpus` is made on demand.
    `parent` (None at the root) and `children`, in the order of their lowest CPU, are
    set when the machine is nested. Domains compare by identity.
    """

    __slots__ = ("children", "id", "ids", "parent", "type")

    def __init__(self, type_: str, id_: int, ids: Sequence[int]) -> None:
        self.type = type_
        self.id = id_
        self.ids = ids
        self.parent: Domain | None = None
        self.children: Sequence[Domain] = ()

    @property
    def key(self) -> str:
        """Name the domain within its machine, such as `package:1`."""
        return "machine" if self.type == "machine" else f"{self.type}:{self.id}"

    @property
    def cpus(self) -> CpuSet:
        """The CPUs of the domain as a set."""
        return CpuSet.of(self.ids)

    @property
    def lowest(self) -> int:
        """The smallest id of its CPUs; -1 without CPUs."""
        return self.ids[0] if self.ids else -1


@dataclass(frozen=True)
class Nesting:
    """All domains except the machine, children before parents, and a line for each left out."""

    domains: tuple[Domain, ...]
    machine: Domain
    warnings: tuple[str, ...]

    @cached_property
    def parents(self) -> tuple[tuple[Domain, Domain], ...]:
        """Each domain with its parent, children before parents."""
        return tuple((domain, domain.parent or self.machine) for domain in self.domains)


def check_drawable(topology: Topology, most: int = MOST_CPUS) -> None:
    """InputError for a machine too large to write out every domain with its CPUs."""
    if len(topology.possible) > most:
        raise InputError(
            f"a tree of {len(topology.possible)} CPUs is too large to write out; at most {most}"
        )


def nest(topology: Topology) -> Nesting:
    """Order all domains of a machine by inclusion, in time proportional to levels times CPUs."""
    machine = Domain("machine", 0, list(topology.possible))
    top: list[Domain] = [machine] * topology.nr_cpu_ids
    for cpu in machine.ids:
        top[cpu] = Domain("cpu", cpu, (cpu,))
    nested: list[Domain] = []
    warnings: list[str] = []
    for domain in [*_domains(topology), machine]:
        below = Counter([top[cpu] for cpu in domain.ids])
        cut = next((child for child, found in below.items() if found < len(child.ids)), None)
        if cut is not None:
            warnings.append(
                f"{domain.key} (CPUs {domain.cpus}) overlaps {cut.key} (CPUs {cut.cpus}); "
                f"{domain.key} is left out of the tree"
            )
            continue
        _link(domain, below)
        nested += below
        for cpu in domain.ids:
            top[cpu] = domain
    empty = [Domain("memory", node.id, ()) for node in topology.nodes if not node.cpus]
    _link(machine, [*machine.children, *empty])
    return Nesting((*nested, *empty), machine, tuple(warnings))


def _link(domain: Domain, below: Iterable[Domain]) -> None:
    domain.children = tuple(sorted(below, key=lambda child: (child.lowest, child.id)))
    for child in domain.children:
        child.parent = domain


def graph_of(topology: Topology) -> DiGraph[str]:
    """Make the networkx tree of a machine; see Topology.tree."""
    import networkx as nx  # noqa: PLC0415 (slow to load)

    check_drawable(topology)
    nesting = nest(topology)
    graph: DiGraph[str] = nx.DiGraph(name=topology.name, warnings=nesting.warnings)
    for domain in [nesting.machine, *reversed(nesting.domains)]:
        graph.add_node(domain.key, type=domain.type, id=domain.id, cpus=domain.cpus)
    graph.add_edges_from((parent.key, child.key) for child, parent in nesting.parents)
    return graph


def _domains(topology: Topology) -> list[Domain]:
    """List all groups, smallest first, inner levels first among equals."""
    domains = [
        Domain(level, group, ids)
        for level in LEVELS
        if level != "node"
        for group, ids in topology.members(level).items()
    ]
    domains += [Domain("node", node.id, list(node.cpus)) for node in topology.nodes if node.cpus]
    return sorted(domains, key=lambda domain: (len(domain.ids), LEVELS.index(domain.type)))
