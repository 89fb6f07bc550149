"""Read the summary of lscpu, text or `lscpu -J`: counts and lists of CPUs, but no core ids.

Format: print_summary in sys-utils/lscpu.c of util-linux; labels in lscpu_labels.py. The CPUs that
share a core or a package are assumed, with a warning: the numbering is the usual one of the
architecture, unless the CPUs of the NUMA nodes exclude it. The sharing of caches is unknown.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import reduce
from math import prod
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError
from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet
from rssbound.topology.readers.checks import Checks, kind_of, parse_json, shown
from rssbound.topology.readers.lscpu_labels import english, language_of
from rssbound.topology.readers.rows import (
    check_size,
    objects,
    topology_of_rows,
    view_of_a_container,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rssbound.topology.model import Topology
    from rssbound.topology.sources import Source

    Entry = tuple[str, str, str]
    # its place, the field in lower case without colon, its value

__all__ = ("accepts", "read")

_COUNTS = {
    "thread(s) per core": "threads",
    "core(s) per socket": "cores",
    "core(s) per cluster": "cores",
    "cluster(s)": "clusters",
    "socket(s)": "sockets",
    "cpu socket(s)": "sockets",
    "socket(s) per book": "sockets",
    "book(s)": "books",
    "book(s) per drawer": "books",
    "drawer(s)": "drawers",
}
_NODES = "numa node(s)"
_SETS = re.compile(r"(on-line|off-line) cpu\(s\) (list|mask)")
_NODE = re.compile(r"numa node([0-9]{1,9}) cpu\(s\)")
_JSON = re.compile(rb'\s*\{\s*"lscpu"\s*:\s*\[')
_CPUS = re.compile(rb"^[ \t]*CPU\(s\):[ \t]*[0-9]", re.MULTILINE)
_OTHERS = re.compile(
    rb"^[ \t]*(?:Architecture|On-line CPU\(s\) (?:list|mask)|(?:Thread|Core)\(s\) per \w+):",
    re.MULTILINE,
)
_COLON = re.compile("[:\uff1a\ufe30]|(?<=\\S)\\s{2,}|(?<=[^\\W\\d])\\s(?=[0-9,-]+$)")
"""The end of a label: one of three colons; some translations have none."""

_LIST = re.compile(r"[\s0-9a-f,-]+")
_X86 = re.compile("x86|i[3-6]86|amd64")

_TELLING_CPUS = frozenset({"cpu(s)", "on-line cpu(s) list", "on-line cpu(s) mask"})
_TELLING = frozenset({*_COUNTS, *_TELLING_CPUS, "architecture", "model name", _NODES})

_LISTED = "lscpu does not count CPUs that are only possible; more CPUs may be possible"
_ENGLISH = (
    "no lscpu field in English or another supported language lists the CPUs; "
    "run LC_ALL=C lscpu, or better lscpu -J -e"
)


def accepts(source: Source) -> bool:
    """Return whether the source is a summary of lscpu."""
    if source.data is None:
        return False
    start = source.data[:65536].removeprefix(b"\xef\xbb\xbf")
    english = _JSON.match(start) or (_CPUS.search(start) and _OTHERS.search(start))
    return bool(english) or _is_translated(start)


def _is_translated(start: bytes) -> bool:
    """Return whether a text has lscpu labels in another language: that of CPUs and two more."""
    if start.lstrip()[:1] in {b"<", b"{"}:
        return False
    labels = {name for _, name, _ in _of_text(start.decode("utf-8", "replace"))}
    language = language_of(labels)
    fields = {english(label, language) for label in labels} & _TELLING
    return language is not None and len(fields) > 2 and not fields.isdisjoint(_TELLING_CPUS)


def read(source: Source) -> Topology:
    """Read a summary; InputError with all faults, each with its line or JSON path."""
    if source.data is None:
        raise InputError("a folder or an archive, not lscpu output")
    found = _Summary()
    for entry in _entries(source.data, found.checks):
        found.enter(*entry)
    found.checks.finish()
    present, online = found.cpus_present()
    check_size(len(present))
    nodes, node_count = found.nodes_of(present, online)
    warnings = [_LISTED, *found.warnings]
    placed, told = _placed(found, present, online, [cpus for cpus in nodes.values() if cpus])
    return topology_of_rows(
        {cpu: placed.get(cpu, {}) for cpu in present},
        nodes,
        source,
        online=online,
        name=found.name,
        warnings=[*warnings, told],
        node_count=node_count,
    )


# -- the two forms of a summary


def _entries(data: bytes, checks: Checks) -> list[Entry]:
    """List the fields, by their names in English."""
    text = data.decode("utf-8-sig", "replace")
    is_json = text.lstrip("\0 \t\r\n").startswith(("{", "["))
    entries = list(_of_json(data, checks)) if is_json else _of_text(text)
    language = language_of(name for _, name, _ in entries)
    return [(place, english(name, language), value) for place, name, value in entries]


def _of_json(data: bytes, checks: Checks) -> Iterator[Entry]:
    """Yield the fields with those nested in `children`, in the order of the text."""
    document = parse_json(data)
    if not isinstance(document, dict) or "lscpu" not in document:
        raise InputError("$: no list lscpu in it; give the output of `lscpu -J`")
    left = objects(document["lscpu"], "$.lscpu", checks)[::-1]
    while left:
        path, item = left.pop()
        name, value = item.get("field"), item.get("data")
        if not isinstance(name, str):
            checks.fault(f"{path}.field", f"{kind_of(name)}; a string is expected")
            continue
        if value is not None and (not isinstance(value, str | int) or isinstance(value, bool)):
            checks.fault(f"{path}.data", f"{kind_of(value)}; a string is expected")
            continue
        yield f"{path}.data", name, "" if value is None else str(value).strip()
        left += objects(item.get("children"), f"{path}.children", checks)[::-1]


def _of_text(text: str) -> list[Entry]:
    """List the fields; a terminal wraps long values onto indented lines without a colon."""
    entries: list[Entry] = []
    for number, line in enumerate(text.splitlines(), 1):
        name, *value = _COLON.split(line.strip("\0 \t"), maxsplit=1)
        if value:
            entries.append((f"line {number}", name.strip(), value[0].strip(": \t")))
        elif entries and _LIST.fullmatch(line) and _is_open(entries[-1][2], line):
            place, before, start = entries[-1]
            entries[-1] = place, before, start + line.strip()
    return entries


def _is_open(value: str, line: str) -> bool:
    """Return whether a line goes on with a list: a terminal indents it, a mail folds at a comma."""
    return line[:1].isspace() or value.endswith(",")


# -- the content of the fields


@dataclass
class _Summary:
    """The values found so far; `types` has the counts of each type of CPU, by level.

    `masks` is set if `lscpu -x` printed hexadecimal masks, also for NUMA nodes, without a prefix.
    """

    checks: Checks = field(default_factory=Checks)
    cpus: int | None = None
    sets: dict[str, CpuSet] = field(default_factory=dict)
    nodes: dict[int, CpuSet] = field(default_factory=dict)
    node_count: int | None = None
    types: list[dict[str, int]] = field(default_factory=lambda: [{}])
    name: str | None = None
    architecture: str = ""
    masks: bool = False
    warnings: list[str] = field(default_factory=list)

    def enter(self, path: str, name: str, value: str) -> None:
        """Add a field; fields that are not about CPUs are ignored."""
        value = "" if value == "-" else value
        if match := _NODE.fullmatch(name):
            self._once(int(match[1]), self.nodes, path, value)
        elif match := _SETS.fullmatch(name):
            self.masks |= match[2] == "mask"
            self._once(match[1], self.sets, path, value)
        elif name == _NODES and value not in {"", "0"}:
            self.node_count = self._number(path, value)
        elif name in _COUNTS and value not in {"", "0"}:  # 0 is what lscpu prints for unknown
            self._count(_COUNTS[name], path, value)
        elif name == "cpu(s)" and value != "0":
            if self.cpus is not None:
                raise InputError(f"{path}: CPU(s) appears twice; give one machine")
            self.cpus = self._number(path, value)
        elif name == "model name":
            self.name = self.name or value
        elif name == "architecture":
            self.architecture = value

    def cpus_present(self) -> tuple[CpuSet, CpuSet]:
        """Give the present and the online CPUs; InputError if neither is given."""
        numa = _union(self.nodes.values())
        hidden = self._uncover(numa)
        listed = self.sets.get("on-line", CpuSet()) | self.sets.get("off-line", CpuSet())
        count = self.cpus
        if not (listed or numa or count):
            raise InputError(_ENGLISH)
        if not self.sets.get("on-line"):
            counted = numa if count in {None, len(numa)} else CpuSet.first(count or 0)
            self.warnings.append(f"no list of on-line CPUs; {counted} are assumed to be on-line")
            present = listed | counted
            return present, present - listed
        if count not in {None, len(listed), len(listed - hidden)}:
            self.warnings.append(
                f"CPU(s) is {count}, but {len(listed)} are listed; the listed CPUs are used"
            )
        return listed, self.sets["on-line"]

    def _uncover(self, numa: CpuSet) -> CpuSet:
        """Count CPUs as online that nodes list and `on-line` does not, as with lxcfs.

        The kernel leaves offline CPUs out of its nodes. lscpu lists present CPUs that are not in
        the container's list as off-line.
        """
        online = self.sets.get("on-line")
        hidden = numa - online if online else CpuSet()
        if not online or not hidden:
            return CpuSet()
        self.sets["on-line"] = online | hidden
        self.sets["off-line"] = self.sets.get("off-line", CpuSet()) - hidden
        self.warnings.append(view_of_a_container(hidden, online, "the on-line list"))
        return hidden

    def nodes_of(self, present: CpuSet, online: CpuSet) -> tuple[dict[int, CpuSet], int | None]:
        """Give the CPUs of each node, and the number of nodes with CPUs if lists are missing.

        A node is memory-only if its list is empty and the other nodes have all CPUs.
        """
        nodes = {node: cpus & present for node, cpus in self.nodes.items()}
        listed = _union(self.nodes.values())
        if listed - present:
            self.warnings.append(
                f"CPUs {listed - present} are on a NUMA node but not present; left out"
            )
        homeless = online - listed
        missing = max((self.node_count or 0) - len(nodes), 0)
        if homeless:
            cut = bool(nodes or self.node_count)
        else:  # the CPUs of a missing list are unknown if nothing else gives the CPUs
            cut = bool(missing and not (self.cpus or self.sets))
        if not cut:
            return nodes, None
        full = {node: cpus for node, cpus in nodes.items() if cpus}
        count = len(nodes) + missing
        if count > 1 or nodes:
            what = (
                f"no list has CPUs {homeless}"
                if homeless
                else f"the lists of {missing} are missing"
            )
            self.warnings.append(
                f"{count} NUMA nodes, but {what}: the text was truncated, and the rest is unknown"
            )
        return full, count

    def _count(self, level: str, path: str, value: str) -> None:
        """Add a count; a repeated one belongs to the next type of CPU."""
        number = self._number(path, value)
        if level in self.types[-1]:
            self.types.append({})
        if number is not None:
            self.types[-1][level] = number

    def _number(self, path: str, value: str) -> int | None:
        if re.fullmatch("[0-9]{1,9}", value) and 0 < int(value) <= MAX_CPU_IDS:
            return int(value)
        self.checks.fault(path, f"{shown(value)}; a number from 1 to {MAX_CPU_IDS} is expected")
        return None

    def _once(self, key: Any, sets: dict[Any, CpuSet], path: str, value: str) -> None:
        if key in sets:
            raise InputError(f"{path}: this list appears twice; give one machine")
        try:
            sets[key] = _mask(value) if self.masks and value else CpuSet.parse(value)
        except InputError as error:
            self.checks.add(error, path)


def _union(sets: Iterable[CpuSet]) -> CpuSet:
    return reduce(CpuSet.__or__, sets, CpuSet())


def _mask(text: str) -> CpuSet:
    """Read a mask of `lscpu -x`, which has no commas between its words."""
    digits = text.removeprefix("0x").replace(",", "")
    words = [digits[max(0, end - 8) : end] for end in range(len(digits), 0, -8)]
    return CpuSet.parse_mask(",".join(reversed(words)))


# -- the groups of CPUs


def _placed(
    found: _Summary, present: CpuSet, online: CpuSet, nodes: Sequence[CpuSet]
) -> tuple[dict[int, dict[str, int]], str]:
    """Give the groups of each CPU that can be assumed, and a text that says what was assumed."""
    counts = found.types[0]
    if len(found.types) > 1:
        total = sum(prod(_shape(kind).values()) for kind in found.types)
        if total == len(online) and all(kind.get("threads") == 1 for kind in found.types):
            rows = {cpu: {"core": number} for number, cpu in enumerate(online)}
            return rows, "several types of CPU; their sockets are unknown"
        return {}, "several types of CPU; cores and sockets are unknown"
    if "threads" not in counts or "cores" not in counts:
        return {}, "no threads per core or cores per socket; cores and sockets are unknown"
    groups = _shape(counts)
    for cpus in (online, present):
        if prod(groups.values()) == len(cpus):
            return _numbered(counts, cpus, nodes, found.architecture)
    shape = " x ".join(f"{count} {level}" for level, count in groups.items())
    if all(counts.get(level, 1) == 1 for level in ("sockets", "clusters", "books", "drawers")):
        rows = {cpu: {"package": 0} for cpu in present}
        return rows, f"{shape} are not {len(online)} CPUs; the cores are unknown"
    return {}, f"{shape} are not {len(online)} CPUs; cores and sockets are unknown"


def _shape(counts: Mapping[str, int]) -> dict[str, int]:
    """Give the counts whose product is the number of CPUs; clusters replace sockets."""
    sockets = counts.get("clusters", counts.get("sockets", 1))
    return {**{level: n for level, n in counts.items() if level != "clusters"}, "sockets": sockets}


def _numbered(
    counts: Mapping[str, int], cpus: CpuSet, nodes: Sequence[CpuSet], architecture: str
) -> tuple[dict[int, dict[str, int]], str]:
    """Number cores and sockets in the usual way that keeps each core within a NUMA node.

    Offline CPUs are in no node's list, so they fit any node.
    """
    ids, threads, x86 = list(cpus), counts["threads"], bool(_X86.match(architecture.lower()))
    step = len(ids) // threads
    across = [tuple(ids[first::step]) for first in range(step)]
    beside = [tuple(ids[first : first + threads]) for first in range(0, len(ids), threads)]
    forms = [
        (f"the threads of a core are {step} positions apart in the list of CPUs", across),
        ("the threads of a core are consecutive CPUs", beside),
    ]
    home = _home(nodes)
    for words, cores in forms if x86 else forms[::-1]:
        if all(len({home[cpu] for cpu in core if cpu in home}) < 2 for core in cores):
            rows, packages = _grouped(cores, counts, home)
            numbering = "" if threads == 1 else f"{words}, "
            return rows, f"lscpu gives no core ids; assumed: {numbering}{packages}"
    return {}, "no usual numbering keeps each core within a NUMA node; cores are unknown"


def _home(nodes: Iterable[CpuSet]) -> dict[int, int]:
    """Give the index of the first node with a CPU, for each CPU of a node."""
    home: dict[int, int] = {}
    seen = CpuSet()
    for place, node in enumerate(nodes):
        home |= dict.fromkeys(node - seen, place)
        seen |= node
    return home


def _grouped(
    cores: Sequence[tuple[int, ...]], counts: Mapping[str, int], home: Mapping[int, int]
) -> tuple[dict[int, dict[str, int]], str]:
    """Give the groups of each CPU; the order of the cores determines the sockets."""
    sockets = prod(counts.get(level, 1) for level in ("sockets", "books", "drawers"))
    clusters = counts.get("clusters", sockets)
    told = "sockets" in counts and clusters % sockets == 0
    order, words = _order(sorted(cores), sockets if told else 1, home)
    rows: dict[int, dict[str, int]] = {}
    for place, core in enumerate(order):
        row = {"core": place}
        if "clusters" in counts:
            row["cluster"] = place * clusters // len(order)
        if told:
            row["package"] = place * sockets // len(order)
        if told and "books" in counts:
            row["book"] = row["package"] // counts["sockets"]
        if told and "drawers" in counts:
            row["drawer"] = row["package"] // (counts["sockets"] * counts.get("books", 1))
        rows |= dict.fromkeys(core, row)
    return rows, words if told else "the sockets are unknown"


def _order(
    cores: list[tuple[int, ...]], sockets: int, home: Mapping[int, int]
) -> tuple[list[tuple[int, ...]], str]:
    """Order the cores socket by socket so that no node has only parts of two sockets.

    If CPUs 0 and 1 are in different nodes, CPUs alternate between the sockets.
    """
    in_a_row = "sockets are consecutive cores"
    places = [next((home[cpu] for cpu in core if cpu in home), -1) for core in cores]
    if sockets == 1 or len(set(places)) == 1:
        return cores, in_a_row
    dealt = [place for first in range(sockets) for place in range(first, len(cores), sockets)]
    by_node = sorted(range(len(cores)), key=lambda place: places[place])
    forms = [(dealt, "cores alternate between the sockets")] * (places[0] != places[1])
    forms.append((by_node, "sockets follow the NUMA nodes"))
    for order, words in forms:
        if _fits([places[place] for place in order], len(cores) // sockets):
            return [cores[place] for place in order], words
    return cores, in_a_row


def _fits(places: Sequence[int], size: int) -> bool:
    """Return whether each run of `size` cores is within a node or consists of whole nodes.

    `places` is the node of each core.
    """
    whole = Counter(places)
    for start in range(0, len(places), size):
        parts = Counter(places[start : start + size])
        if len(parts) > 1 and any(parts[node] != whole[node] for node in parts):
            return False
    return True
