"""The machine: an immutable table of CPUs, and the kernel's four different "numbers of CPUs"."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from rssbound.errors import InputError
from rssbound.records import dataclass, field
from rssbound.topology.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from networkx import DiGraph

__all__ = ("LEVELS", "Column", "Columns", "Cpu", "NumaNode", "Topology")

LEVELS = ("core", "cluster", "llc", "die", "node", "package", "book", "drawer")
"""The groups a CPU can belong to, usually from the inside out; `llc` is its last-level cache."""

Column = tuple[int | None, ...]
"""The group of each CPU at one level, indexed by CPU id; None if unknown. () if all are unknown."""


class Cpu(NamedTuple):
    """One row of the table: a CPU id and the id of its group at each level, None where unknown.

    `node` and `package` ids are the machine's own if they are usable; the others are numbers
    that are unique in the machine, so a `core` id is never shared between two packages.
    """

    id: int
    core: int | None
    cluster: int | None
    llc: int | None
    die: int | None
    node: int | None
    package: int | None
    book: int | None
    drawer: int | None


@dataclass(frozen=True)
class NumaNode:
    """A NUMA node; `cpus` is empty for a memory-only node (HBM, CXL, GPU memory)."""

    id: int
    cpus: CpuSet


@dataclass(frozen=True)
class Columns:
    """The groups of every CPU at every level, where known."""

    core: Column = ()
    cluster: Column = ()
    llc: Column = ()
    die: Column = ()
    node: Column = ()
    package: Column = ()
    book: Column = ()
    drawer: Column = ()


@dataclass(frozen=True)
class Topology:
    """A machine as its kernel numbers it.

    `possible`, `present` and `online` are the kernel's own sets, each within the one before it.
    `columns` has one column for each level of LEVELS. `nodes` has all NUMA nodes, including those
    without CPUs; if several nodes claim a CPU, the column has the smallest of them.
    `node_count` is the number of nodes with CPUs if the source gives this number but not the CPUs
    of all nodes; None if `nodes` is complete.
    `page_size` is in bytes and `kernel` is a release such as 6.12.117; both are None if the source
    does not give them. `tree_arity` has the fan-outs that
    /sys/module/percpu_counter_tree/parameters/arity shows, from the CPUs to the root; None on
    kernels without such a tree. `name` is the machine's name, `source` the origin of its
    description. `warnings` say what was missing or contradictory and what was assumed.

    InputError if the sets or columns do not fit together.
    """

    possible: CpuSet
    present: CpuSet
    online: CpuSet
    columns: Columns = field(default_factory=Columns)
    nodes: tuple[NumaNode, ...] = ()
    page_size: int | None = None
    kernel: str | None = None
    name: str = ""
    source: str = ""
    warnings: tuple[str, ...] = ()
    node_count: int | None = None
    tree_arity: tuple[int, ...] | None = None

    def __repr__(self) -> str:
        kernel = f", kernel={self.kernel!r}" if self.kernel else ""
        return f"Topology({self.name!r}, online={self.online!r}{kernel})"

    def __post_init__(self) -> None:
        if not self.possible:
            raise InputError("no possible CPU; a machine has at least one")
        for outer, inner in (("possible", "present"), ("present", "online")):
            extra = getattr(self, inner) - getattr(self, outer)
            if extra:
                raise InputError(f"CPUs {extra} are {inner} but not {outer}")
        for level in LEVELS:
            if len(self.column(level)) not in {0, self.nr_cpu_ids}:
                raise InputError(f"column {level} must have {self.nr_cpu_ids} entries or none")
        if self.node_count is not None and self.node_count < max(self._listed_nodes, 1):
            raise InputError(
                f"{self.node_count} NUMA nodes have CPUs, but {self._listed_nodes} are listed"
            )

    @property
    def nr_cpu_ids(self) -> int:
        """The highest possible CPU id plus one, like the kernel's variable of this name."""
        return self.possible.highest + 1

    def column(self, level: str) -> Column:
        """Give the column of one of LEVELS; () if nothing is known."""
        column: Column = getattr(self.columns, level)
        return column

    def rows(self) -> Iterator[Cpu]:
        """Yield one row for each possible CPU, smallest id first."""
        columns = [self.column(level) for level in LEVELS]
        for cpu in self.possible:
            yield Cpu(cpu, *(column[cpu] if column else None for column in columns))

    def count(self, level: str, within: CpuSet | None = None) -> int:
        """Count the groups of a level that have a CPU in `within` (default: possible)."""
        return len(self._ids(level, within))

    def groups(self, level: str) -> dict[int, CpuSet]:
        """Give the CPUs of each group of a level, by group id, in the order of their lowest CPU."""
        return {group: CpuSet.of(cpus) for group, cpus in self.members(level).items()}

    def members(self, level: str) -> dict[int, list[int]]:
        """As `groups`, with lists of CPU ids, which do not grow with the number of groups."""
        members: dict[int, list[int]] = {}
        column = self.column(level)
        for cpu, group in zip(self.possible, self.possible.select(column), strict=False):
            if group is not None:
                members.setdefault(group, []).append(cpu)
        return members

    @property
    def numa_nodes(self) -> int:
        """Count the NUMA nodes that have CPUs; 0 if neither they nor their number are known."""
        return self._listed_nodes if self.node_count is None else self.node_count

    @property
    def threads_per_core(self) -> int:
        """Give the largest number of online CPUs that share a core; 0 if cores are unknown."""
        sizes = Counter(self.online.select(self.columns.core))
        del sizes[None]
        return max(sizes.values(), default=0)

    def tree(self) -> DiGraph[str]:
        """Give the machine as a tree: "machine" at the root, CPUs at the leaves.

        Each node of the graph has `type` (machine, a level, memory or cpu), `id` and `cpus`
        (CpuSet). The tree follows the inclusion of CPU sets. A domain that overlaps a smaller one
        without containing it is left out and named in `graph["warnings"]`. NUMA nodes without CPUs
        are children of the machine. InputError for a machine that is too large to draw.
        """
        from rssbound.topology.nesting import graph_of  # noqa: PLC0415 (networkx is slow to load)

        return graph_of(self)

    @property
    def _listed_nodes(self) -> int:
        return sum(1 for node in self.nodes if node.cpus)

    def _ids(self, level: str, within: CpuSet | None) -> set[int]:
        cpus = self.possible if within is None else within
        ids = set(cpus.select(self.column(level)))
        return {group for group in ids if group is not None}
