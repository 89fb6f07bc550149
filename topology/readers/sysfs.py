"""Read the kernel's own description: /sys/devices/system/{cpu,node}, live or captured.

Formats: the kernel's Documentation/admin-guide/cputopology.rst and
Documentation/ABI/testing/sysfs-devices-system-cpu. Only one CPU of each group is read, because the
group's list names the others. The name of a file, never its content, decides whether it is a list
or a mask. docs/topology.md says what is assumed if files are missing or disagree.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING

from rssbound.errors import InputError
from rssbound.topology.about import about
from rssbound.topology.arity import parse_arity
from rssbound.topology.columns import column_of_groups, column_of_keys, column_of_nodes
from rssbound.topology.cpuset import CpuSet
from rssbound.topology.filetree import ARITY
from rssbound.topology.model import Columns, NumaNode, Topology
from rssbound.topology.readers.rows import view_of_a_container

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rssbound.topology.filetree import FileTree
    from rssbound.topology.model import Column
    from rssbound.topology.sources import Source

__all__ = ("accepts", "read")

# Level -> the names of its mask, newest first; each also exists with `_list`.
_MASKS = {
    "core": ("core_cpus", "thread_siblings"),
    "cluster": ("cluster_cpus",),
    "die": ("die_cpus",),
    "package": ("package_cpus", "core_siblings"),
    "book": ("book_siblings",),
    "drawer": ("drawer_siblings",),
}

# Level -> the machine's id of its groups, for levels whose groups are known by this id.
_IDS = {"package": "physical_package_id", "book": "book_id", "drawer": "drawer_id"}


_WAY_OUT = (
    "; a sandbox may hide /sys: give a description of the machine instead, such as the output of "
    "`lscpu -J -e` or 'package:2 core:24 pu:2'"
)


def accepts(source: Source) -> bool:
    """Return whether the source is a folder or an archive."""
    return source.trees is not None


def read(source: Source) -> Topology:
    """Read the only tree of a source; InputError if there is none, several, or a broken file."""
    trees = source.trees or {}
    if not trees:
        raise InputError(
            "no sys/devices/system/cpu in it, at the top, in NAME/ or in NAME/fsroot/; "
            "capture the whole cpu and node folders"
        )
    if len(trees) > 1:
        raise InputError(
            f"{len(trees)} captured machines in it: {', '.join(sorted(trees))}; give one"
        )
    reading = _Reading(next(iter(trees.values())))
    if not source.live:
        return reading.topology(source)
    try:
        return reading.topology(source)
    except InputError as error:
        raise InputError(*(f"{fault}{_WAY_OUT}" for fault in error.faults)) from None


class _Reading:
    """One pass over one tree."""

    def __init__(self, tree: FileTree) -> None:
        self.tree = tree
        self.warnings: list[str] = []
        self.online = self.orphans = CpuSet()

    def topology(self, source: Source) -> Topology:
        folders = CpuSet.of(self._numbered("cpu", "cpu"))
        possible, present, online = self._cpu_sets(folders)
        described = folders & possible
        if folders - possible:
            self.warnings.append(
                f"cpu: folders for CPUs {folders - possible}, which are not possible"
            )
        if self.orphans:
            self.warnings.append(
                f"cpu: no folders for CPUs {self.orphans}, which are online; they are in the "
                "groups in which the lists of other CPUs name them"
            )
        size = possible.highest + 1
        files = self._topology_files(described)
        columns = {level: self._column(level, described, files, size) for level in _MASKS}
        self._compare(columns)
        nodes, node_count = self._nodes(possible, online)
        hidden = self._hidden(nodes, online)
        known = about(source, self.tree)
        tree_arity = self._tree_arity()
        return Topology(
            possible=possible,
            present=present | hidden,
            online=online | hidden,
            columns=Columns(
                **columns,
                llc=self._last_level_caches(described, size),
                node=column_of_nodes(nodes, size),
            ),
            nodes=nodes,
            page_size=known.page_size,
            kernel=known.kernel,
            name=source.name,
            source=source.label,
            warnings=tuple(self.warnings),
            node_count=node_count,
            tree_arity=tree_arity,
        )

    # -- the sets of CPUs
    def _cpu_sets(self, folders: CpuSet) -> tuple[CpuSet, CpuSet, CpuSet]:
        """Give possible, present, online; each from its file, else from the cpuN folders."""
        lists = {name: self._list(f"cpu/{name}") for name in ("possible", "present", "online")}
        missing = [name for name, cpus in lists.items() if not cpus]
        present = lists["present"] or folders
        online = lists["online"] or CpuSet.of(
            cpu for cpu in folders if self._text(f"cpu/cpu{cpu}/online") != "0"
        )
        if not (present or online):
            raise InputError("cpu: no list of CPUs and no cpuN folder; the capture is incomplete")
        possible = lists["possible"] or present | folders | online
        if missing:
            self.warnings.append(
                f"cpu: no list of {', '.join(missing)} CPUs; taken from the cpuN folders"
            )
        for outer, inner, name in (
            (present, online, "online but not present"),
            (possible, present | online, "present but not possible"),
        ):
            if inner - outer:
                self.warnings.append(f"cpu: CPUs {inner - outer} are {name}; counted as both")
        present |= online
        if folders and lists["online"]:
            self.online = lists["online"]
            self.orphans = lists["online"] - folders
        return possible | present, present, online

    # -- the groups of CPUs

    def _topology_files(self, cpus: CpuSet) -> frozenset[str]:
        """List the names in topology/, which are the same for all CPUs that have the folder."""
        for cpu in cpus:
            names = self.tree.names(f"cpu/cpu{cpu}/topology")
            if names:
                return frozenset(names)
        return frozenset()

    def _column(self, level: str, cpus: CpuSet, files: frozenset[str], size: int) -> Column:
        names = [name for stem in _MASKS[level] for name in (f"{stem}_list", stem) if name in files]
        if not names:
            return self._column_from_ids(level, cpus, files, size)
        id_file = _IDS.get(level)

        def group_of(cpu: int) -> CpuSet | None:
            return self._set_of([f"cpu/cpu{cpu}/topology/{name}" for name in names])

        groups = self._partition(level, cpus, group_of)
        ids = self._ids(groups, cpus, names[0].removesuffix("_list"), id_file) if id_file else None
        return column_of_groups(groups, ids or [None] * len(groups), size)

    def _ids(
        self, groups: list[CpuSet], cpus: CpuSet, lists: str, id_file: str
    ) -> list[int | None]:
        """Give the id of each group; warn about an id that contradicts the lists, which win.

        Of each group the ids of the first and the last CPU are looked at.
        """
        ends = [(known.lowest, known.highest) for group in groups for known in [group & cpus]]
        pairs = [[self._id(f"cpu/cpu{cpu}/topology/{id_file}") for cpu in pair] for pair in ends]
        split = [
            f"CPUs {group} are one group in {lists}, but {id_file} is {first} and {last}"
            for group, (first, last) in zip(groups, pairs, strict=True)
            if first is not None and last is not None and first != last
        ]
        ids = [first for first, _ in pairs]
        shared = list(_shared_ids(groups, ids, lists, id_file))
        for found in filter(None, (split, shared)):
            more = f", and the same for {len(found) - 1} more" if len(found) > 1 else ""
            self.warnings.append(f"cpu: {found[0]}{more}; the lists are used")
        return ids

    def _compare(self, columns: Mapping[str, Column]) -> None:
        """Warn if CPUs of one core are in several packages."""
        packages: dict[int, int] = {}
        torn: set[int] = set()
        pairs = zip(columns["core"], columns["package"], strict=False)
        for cpu, (core, package) in enumerate(pairs):
            if (
                core is not None
                and package is not None
                and packages.setdefault(core, package) != package
            ):
                torn.add(cpu)
        if torn:
            self.warnings.append(
                f"cpu: CPUs {CpuSet.of(torn)} share a core with CPUs of another package; cores and "
                "packages are kept as listed"
            )

    def _column_from_ids(
        self, level: str, cpus: CpuSet, files: frozenset[str], size: int
    ) -> Column:
        """Group by id if a capture has no masks; core_id repeats between packages."""
        wanted = {"core": ("physical_package_id", "core_id"), "package": ("physical_package_id",)}
        names = wanted.get(level, ())
        if not names or names[-1] not in files:
            return ()
        keys = {
            cpu: tuple(self._id(f"cpu/cpu{cpu}/topology/{name}") for name in names) for cpu in cpus
        }
        known = {cpu: key for cpu, key in keys.items() if key[-1] is not None and key[-1] >= 0}
        return column_of_keys(known, size)

    def _last_level_caches(self, cpus: CpuSet, size: int) -> Column:
        chosen: dict[tuple[str, ...], str | None] = {}

        def group_of(cpu: int) -> CpuSet | None:
            folder = f"cpu/cpu{cpu}/cache"
            names = tuple(sorted(self.tree.names(folder)))
            if names not in chosen:
                chosen[names] = self._last_level(folder, names)
            index = chosen[names]
            if index is None:
                return None
            return self._set_of([f"{folder}/{index}/shared_cpu_{form}" for form in ("list", "map")])

        groups = self._partition("llc", cpus, group_of)
        return column_of_groups(groups, [None] * len(groups), size)

    def _last_level(self, folder: str, names: tuple[str, ...]) -> str | None:
        """Choose the index of the highest level that holds data; None if there are no caches."""
        best: tuple[int, str] | None = None
        for name in names:
            level = self._id(f"{folder}/{name}/level") if re.fullmatch(r"index\d+", name) else None
            if level is None or self._text(f"{folder}/{name}/type") == "Instruction":
                continue
            if best is None or level > best[0]:
                best = (level, name)
        return best[1] if best else None

    def _partition(
        self, level: str, cpus: CpuSet, group_of: Callable[[int], CpuSet | None]
    ) -> list[CpuSet]:
        """Split CPUs into groups by reading one CPU of each; CPUs of unknown group are left out."""
        groups: list[CpuSet] = []
        left = cpus
        orphans = self.orphans
        strange = CpuSet()
        while left:
            cpu = left.lowest
            claimed = group_of(cpu)
            group = CpuSet(1 << cpu)
            if claimed is None:
                orphans |= group & self.online
            else:
                if claimed and (cpu not in claimed or claimed & cpus - left - orphans):
                    strange |= group
                group |= claimed & (left | orphans)
                groups.append(group)
                orphans -= group
            left -= group
        if strange:
            self.warnings.append(
                f"cpu: the {level} groups of CPUs {strange} do not name the CPU itself or overlap "
                "others; each CPU is counted in the first group that names it"
            )
        return groups

    # -- NUMA nodes

    def _nodes(self, possible: CpuSet, online: CpuSet) -> tuple[tuple[NumaNode, ...], int | None]:
        """Give the nodes, and the number of nodes with CPUs if the capture lacks some nodes."""
        found = {
            node: self._node_cpus(f"node/node{node}") for node in self._numbered("node", "node")
        }
        told = {node: cpus & possible for node, cpus in found.items() if cpus is not None}
        nodes = tuple(NumaNode(node, cpus) for node, cpus in told.items())
        self._say_shared(nodes)
        homeless = online - reduce(CpuSet.__or__, told.values(), CpuSet())
        if not homeless:
            empty = [NumaNode(node, CpuSet()) for node in found.keys() - told.keys()]
            return tuple(sorted((*nodes, *empty), key=lambda node: node.id)), None
        if not found:
            return (), None
        with_cpus = self._list("node/has_cpu") or CpuSet()
        listed = sum(1 for node in nodes if node.cpus)
        count = max(len(with_cpus), listed + len(found) - len(told))
        self.warnings.append(
            f"node: no node lists CPUs {homeless}"
            + (f"; {count} nodes have CPUs" if count > listed else "")
        )
        return nodes, count if count > listed else None

    def _hidden(self, nodes: Iterable[NumaNode], online: CpuSet) -> CpuSet:
        """Give CPUs that nodes list and `online` does not, if no file says that they are offline.

        A container's /sys has its own `online` (lxcfs), and the other files of the machine. The
        kernel's batch and its per-CPU slots are those of the machine. Older kernels also list
        offline CPUs in their nodes, but other files say that these are offline.
        """
        listed = reduce(CpuSet.__or__, (node.cpus for node in nodes), CpuSet()) - online
        listed -= self._list("cpu/offline") or CpuSet()
        hidden = CpuSet.of(cpu for cpu in listed if self._text(f"cpu/cpu{cpu}/online") != "0")
        if hidden:
            told = view_of_a_container(hidden, online, "cpu/online")
            self.warnings.append(f"node: {told}")
        return hidden

    def _say_shared(self, nodes: Iterable[NumaNode]) -> None:
        shared = CpuSet()
        seen = CpuSet()
        for node in nodes:
            shared |= node.cpus & seen
            seen |= node.cpus
        if shared:
            self.warnings.append(
                f"node: CPUs {shared} are claimed by several nodes; each is counted in the smallest"
            )

    def _node_cpus(self, folder: str) -> CpuSet | None:
        """Give the CPUs of a node from its list, its mask, or its links; None without these."""
        cpus = self._set_of([f"{folder}/cpulist", f"{folder}/cpumap"])
        if cpus is not None:
            return cpus
        links = self._numbered(folder, "cpu")
        return CpuSet.of(links) if links else None

    def _tree_arity(self) -> tuple[int, ...] | None:
        """Read the shape of the kernel's counter tree, which is outside the folder of the tree."""
        try:
            text = self._text(ARITY)
        except InputError:  # outside the capture, so it does not describe this machine
            return None
        if not text:
            return None
        try:
            return parse_arity(text)
        except InputError as error:
            self.warnings.append(f"percpu_counter_tree/parameters/arity: {error}; left out")
            return None

    # -- files

    def _numbered(self, folder: str, stem: str) -> list[int]:
        """List the N of the names stemN in a folder, smallest first."""
        matches = (re.fullmatch(rf"{stem}(\d{{1,9}})", name) for name in self.tree.names(folder))
        return sorted(int(match[1]) for match in matches if match)

    def _set_of(self, paths: list[str]) -> CpuSet | None:
        """Read the first of several files that names CPUs; empty if all of them are empty."""
        found: CpuSet | None = None
        for path in paths:
            cpus = self._list(path) if path.endswith("list") else self._mask(path)
            if cpus:
                return cpus
            found = cpus if found is None else found
        return found

    def _list(self, path: str) -> CpuSet | None:
        text = self._text(path)
        if text is None or text == "(null)":
            return None
        try:
            return CpuSet.parse(text)
        except InputError as error:
            raise error.at(path) from None

    def _mask(self, path: str) -> CpuSet | None:
        text = self._text(path)
        if not text or text == "(null)":
            return None
        try:
            return CpuSet.parse_mask(text)
        except InputError as error:
            raise error.at(path) from None

    def _id(self, path: str) -> int | None:
        text = self._text(path)
        return int(text) if text and re.fullmatch(r"-?\d{1,18}", text) else None

    def _text(self, path: str) -> str | None:
        """Give a file without the trailing newline and NUL that some kernels print."""
        content = self.tree.read(path)
        return None if content is None else content.decode("ascii", "replace").strip("\0 \n\t")


def _shared_ids(
    groups: Sequence[CpuSet], ids: Sequence[int | None], lists: str, id_file: str
) -> Iterator[str]:
    """Describe the ids that several groups share."""
    members: dict[int, list[CpuSet]] = {}
    for group, number in zip(groups, ids, strict=True):
        if number is not None and number >= 0:
            members.setdefault(number, []).append(group)
    for number, same in members.items():
        if len(same) > 1:
            which = " and ".join(map(str, same[:4]))
            yield f"CPUs {which} have {id_file} {number}, but are {len(same)} groups in {lists}"
