"""Read the XML of hwloc 1, 2 and 3, as `lstopo machine.xml` writes it.

Formats: hwloc.dtd and hwloc2.dtd of hwloc, the comments on hwloc_obj in its hwloc.h. Each CPU is a
PU; the objects around it are its groups. Groups are distinguished by object, because core ids
repeat between packages. The mapping:

- possible and present: `complete_cpuset` of the machine, all CPUs that hwloc found, whether or not
  it could place them. It does not include CPUs that are possible but not present.
- online: `online_cpuset` if hwloc 1 gives it. Otherwise `cpuset`, the CPUs that have a PU; the
  rest of `complete_cpuset` is offline or forbidden to the process that wrote the file (hwloc does
  not say which). A warning names them. `allowed_cpuset`, the CPUs that this process may use, does
  not describe the machine.
- node: hwloc 2 attaches a node without CPUs next to the nearest node and gives it the same
  `cpuset`. In the kernel each CPU is in one node. Of several nodes with the same CPUs, one gets
  them: a node of plain memory first, then the smallest, then the first. The others are memory-only.
- cluster, die, book, drawer: groups of that kind. The "Cluster" of a Xeon Phi is a part of its
  memory (kind 100), not what the kernel calls a cluster. hwloc leaves out groups that have the CPUs
  of another object, so clusters that share an L2 cache and the only die of a package are missing.
- core: as in hwloc; on AMD family 15h, the kernel's core is two hwloc cores with a shared L2 cache.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rssbound.errors import InputError, shortened
from rssbound.topology.columns import NAMED, column_of_groups, column_of_keys, column_of_nodes
from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet
from rssbound.topology.model import LEVELS, Columns, NumaNode, Topology
from rssbound.topology.readers.checks import Checks
from rssbound.topology.readers.markup import parse_markup
from rssbound.topology.readers.rows import PAGE_SIZES, cpu_id, group_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rssbound.topology.model import Column
    from rssbound.topology.sources import Source

    Groups = Mapping[str, int]
    # level -> the number of the object that is the CPU's group

__all__ = ("accepts", "read")

_ROOT = re.compile(
    rb"\A(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->)*+"
    rb"<(?:!DOCTYPE\s+topology[\s>\[]|topology[\s/>])",
    re.DOTALL,
)
_WORD = re.compile(r"(?:(?:0[xX])?[0-9a-fA-F]{1,8})?")
_HEX_START = re.compile("0[xX]")
_CACHE = re.compile(r"L([1-9])(i?)Cache")
_PLACEHOLDER = re.compile(r"(?i)o\.e\.m|default string|system product|not specified")

_LEVELS = {
    "Core": "core",
    "Cluster": "cluster",
    "Die": "die",
    "Package": "package",
    "Socket": "package",
}
"""Types of objects that are groups of CPUs, without caches."""

# What the number in `kind` of a Group means, if it may be one of our levels; 0 is not a kind.
_KINDS = {"0": None, "104": "die", "110": "book", "222": "cluster"}
_SUBTYPES = {"die": "die", "book": "book", "drawer": "drawer", "cluster": "cluster"}

_OF_MEMORY = "MemorySideCache"
"""hwloc's name for the L3 cache of a Xeon Phi, which the kernel does not assign to CPUs."""

_MOST_FAULTS = 1000

_LISTED = "hwloc does not list CPUs that are only possible; more CPUs may be possible"


def accepts(source: Source) -> bool:
    """Return whether the source is XML whose outermost element is `topology`."""
    return source.data is not None and _ROOT.match(source.data[: 1 << 16]) is not None


def read(source: Source) -> Topology:
    """Read a machine; InputError with all faults, objects of a type counted from 0."""
    if source.data is None:
        raise InputError("a folder or an archive, not an XML file")
    reading = _Reading()
    parse_markup(source.data, reading)
    reading.checks.finish()
    if not reading.pus:
        raise InputError("no object of type PU in it; write it with `lstopo FILE.xml`")
    return reading.topology(source)


def _mask(text: str) -> int:
    """Read the text of a set; the result is negative if all higher bits are set.

    Words of 32 bits, the highest first; an empty word is 0; `0xf...f` in front is infinite.
    """
    words = text.strip().split(",")
    infinite = words[0] == "0xf...f"
    words = words[infinite:]
    wrong = next((word for word in words if not _WORD.fullmatch(word)), None)
    if wrong is not None:
        raise InputError(
            f"{shortened(wrong)!r} is not part of a set such as 0x000000ff,,0xffffffff"
        )
    digits = "".join(_HEX_START.sub("", word).zfill(8) for word in words)
    mask = int(digits or "0", 16) - (infinite << 32 * len(words))
    if mask.bit_length() > MAX_CPU_IDS:
        raise InputError(f"names CPUs beyond {MAX_CPU_IDS - 1}, the largest supported id")
    return mask


@dataclass
class _Scope:
    """An open object: the groups of the CPUs in it, and the level of their last cache."""

    type: str
    number: int
    groups: Groups
    cache: int = 0


@dataclass
class _Memory:
    """A NUMA node as hwloc describes it."""

    id: int
    mask: int | None
    special: bool


@dataclass
class _Reading:
    """The state of the parser, which calls `start` and `end` for each element."""

    checks: Checks = field(default_factory=Checks)
    scopes: list[_Scope] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    objects: int = 0
    sets: dict[str, int] = field(default_factory=dict)
    infos: dict[str, str] = field(default_factory=dict)
    pus: dict[int, Groups] = field(default_factory=dict)
    memories: dict[int, _Memory] = field(default_factory=dict)
    ids: dict[int, int | None] = field(default_factory=dict)
    page_size: int | None = None
    inside: bool = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Enter an element."""
        if not self.inside and tag != "topology":
            raise InputError(f"<{shortened(tag)}>: not hwloc's XML, whose root is <topology>")
        self.inside = True
        if tag == "object":
            self._object(attributes)
        elif tag == "info":
            self._info(attributes.get("name", ""), attributes.get("value", ""))
        elif tag == "page_type":
            self._page(attributes.get("size", ""))
        if len(self.checks.faults) > _MOST_FAULTS:
            self.checks.finish()

    def end(self, tag: str) -> None:
        """Leave an element."""
        if tag == "object":
            self.scopes.pop()

    def close(self) -> None:
        """End the document."""

    # -- elements

    def _object(self, attributes: dict[str, str]) -> None:
        type_ = attributes.get("type", "")
        path = f"{type_}[{self.counts[type_]}]"
        self.counts[type_] += 1
        self.objects += 1
        if self.counts["Machine"] > 1:
            raise InputError("several machines in it (a System of hwloc 1); give the XML of one")
        around = self.scopes[-1] if self.scopes else _Scope("", 0, {})
        scope = _Scope(type_, self.objects, around.groups, around.cache)
        if self.objects == 1:
            self._machine(attributes)
        if type_ == "PU":
            self._pu(attributes, path, scope)
        elif type_ == "NUMANode":
            self._memory(attributes, path, scope)
        elif type_.endswith("Cache"):
            self._cache(attributes, scope)
        else:
            level = _group_level(attributes) if type_ == "Group" else _LEVELS.get(type_)
            self._enter(level, attributes, path, scope)
        self.scopes.append(scope)

    def _machine(self, attributes: dict[str, str]) -> None:
        for name in ("complete_cpuset", "online_cpuset", "cpuset"):
            mask = self._set(attributes, name, "Machine[0]")
            if mask is not None:
                self.sets[name] = mask

    def _pu(self, attributes: dict[str, str], path: str, scope: _Scope) -> None:
        if "os_index" not in attributes:
            self.checks.fault(path, "no os_index; it is the number of the CPU")
            return
        cpu = cpu_id(attributes["os_index"], f"{path}.os_index", self.checks)
        if cpu in self.pus:
            self.checks.fault(f"{path}.os_index", f"CPU {cpu} appears twice; keep one")
        elif cpu is not None:
            self.pus[cpu] = scope.groups

    def _memory(self, attributes: dict[str, str], path: str, scope: _Scope) -> None:
        node = group_id(attributes, "os_index", path, self.checks)
        mask = self._set(attributes, "cpuset", path)
        if node is None or node in self.memories:
            what = "no os_index" if node is None else f"node {node} appears twice; keep one"
            self.checks.fault(f"{path}.os_index", what)
            return
        special = attributes.get("subtype", "DRAM") != "DRAM"
        self.memories[node] = _Memory(node, mask, special)
        scope.groups = {**scope.groups, "node": node}

    def _cache(self, attributes: dict[str, str], scope: _Scope) -> None:
        """Record a cache as the last one unless a cache of a higher level encloses it."""
        if attributes.get("subtype") == _OF_MEMORY:
            return
        match = _CACHE.fullmatch(attributes["type"])
        if match:
            level, data = int(match[1]), not match[2]
        elif attributes["type"] == "Cache" and re.fullmatch("[1-9]", attributes.get("depth", "")):
            level, data = int(attributes["depth"]), attributes.get("cache_type") != "2"
        else:  # a MemCache, which belongs to memory
            return
        if data and level > scope.cache:
            scope.cache = level
            scope.groups = {**scope.groups, "llc": scope.number}

    def _enter(
        self, level: str | None, attributes: dict[str, str], path: str, scope: _Scope
    ) -> None:
        if level is None:
            return
        scope.groups = {**scope.groups, level: scope.number}
        if level in NAMED:
            self.ids[scope.number] = group_id(attributes, "os_index", path, self.checks)

    def _info(self, name: str, value: str) -> None:
        """Note the machine's properties, and the type that hwloc 1 gives a Group or cache."""
        if len(self.scopes) <= 1:
            self.infos.setdefault(name, " ".join(value.split()))
        elif name == "Type":
            around, scope = self.scopes[-2:]
            level = _SUBTYPES.get(value.lower())
            if scope.type == "Group" and level != "cluster":  # hwloc 1 has only a Xeon Phi's
                self._enter(level, {}, "", scope)
            elif scope.type == "Cache" and value == _OF_MEMORY:
                scope.groups, scope.cache = around.groups, around.cache

    def _page(self, text: str) -> None:
        if re.fullmatch("[0-9]{4,6}", text) and int(text) in PAGE_SIZES:
            self.page_size = min(int(text), self.page_size or int(text))

    def _set(self, attributes: dict[str, str], name: str, path: str) -> int | None:
        if name not in attributes:
            return None
        try:
            return _mask(attributes[name])
        except InputError as error:
            self.checks.add(error, f"{path}.{name}")
            return None

    # -- the machine

    def topology(self, source: Source) -> Topology:
        """Make the machine; there is at least one PU."""
        listed = CpuSet.of(self.pus)
        known = self.sets.get("complete_cpuset", self.sets.get("cpuset", 0))
        possible = listed | CpuSet(max(known, 0))
        up = self.sets.get("online_cpuset", self.sets.get("cpuset", listed.mask))
        online = CpuSet(possible.mask & up) or listed
        nodes = self._nodes(possible)
        size = possible.highest + 1
        columns = {level: self._column(level, size) for level in LEVELS if level != "node"}
        linux = self.infos.get("OSName", "Linux") == "Linux"
        return Topology(
            possible=possible,
            present=possible,
            online=online,
            columns=Columns(**columns, node=column_of_nodes(nodes, size)),
            nodes=nodes,
            page_size=self.page_size,
            kernel=(self.infos.get("OSRelease") or None) if linux else None,
            name=self._name() or source.name,
            source=source.label,
            warnings=self._warnings(possible, online, listed),
        )

    def _column(self, level: str, size: int) -> Column:
        keys = {cpu: groups[level] for cpu, groups in self.pus.items() if level in groups}
        if level not in NAMED:
            return column_of_keys(keys, size)
        members: dict[int, list[int]] = {}
        for cpu in sorted(keys):
            members.setdefault(keys[cpu], []).append(cpu)
        groups = [CpuSet.of(cpus) for cpus in members.values()]
        return column_of_groups(groups, [self.ids[key] for key in members], size)

    def _nodes(self, possible: CpuSet) -> tuple[NumaNode, ...]:
        """Assign each CPU to one of the nodes near it."""
        below: dict[int, list[int]] = {}
        for cpu, groups in self.pus.items():
            below.setdefault(groups.get("node", -1), []).append(cpu)
        near: list[tuple[bool, int, int, CpuSet]] = []
        for node in self.memories.values():
            mask = CpuSet.of(below.get(node.id, ())).mask if node.mask is None else node.mask
            cpus = CpuSet(mask & possible.mask)
            near.append((node.special, len(cpus), node.id, cpus))
        nodes: list[NumaNode] = []
        left = possible
        for _, _, name, cpus in sorted(near, key=lambda node: node[:3]):
            nodes.append(NumaNode(name, cpus & left))
            left -= nodes[-1].cpus
        return tuple(sorted(nodes, key=lambda node: node.id))

    def _name(self) -> str:
        """Give the host's own name, else its maker and model."""
        if self.infos.get("HostName"):
            return self.infos["HostName"]
        names = [self.infos.get(f"DMI{what}", "") for what in ("SysVendor", "ProductName")]
        return "" if _PLACEHOLDER.search(names[1]) or not names[1] else " ".join(names).strip()

    def _warnings(self, possible: CpuSet, online: CpuSet, listed: CpuSet) -> tuple[str, ...]:
        unplaced = online - listed
        hidden = CpuSet() if "online_cpuset" in self.sets else possible - online
        lines: list[str] = []
        if hidden:
            lines.append(
                f"CPUs {hidden} are not in the machine's cpuset: they are offline or forbidden to "
                "the process that wrote the file; counted as offline (`lstopo --disallowed` shows "
                "which)"
            )
        if unplaced:
            lines.append(f"CPUs {unplaced} are online but have no PU; their groups are unknown")
        return (*lines, _LISTED)


def _group_level(attributes: dict[str, str]) -> str | None:
    """Give the level of a Group; None for one that only hwloc knows."""
    kind = attributes.get("kind", "0")
    if kind not in _KINDS:
        return None
    if kind == "110" and attributes.get("subkind") == "1":
        return "drawer"
    return _SUBTYPES.get(attributes.get("subtype", "").lower(), _KINDS[kind])
