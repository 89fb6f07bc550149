"""Read the tables of lscpu: `lscpu -J -e`, `lscpu -e` and `lscpu -p`, any columns, any version.

Format: lscpu(1) of util-linux. Only the column CPU is needed. `-y` prints the machine's own ids;
core ids repeat between sockets, and socket ids between books. Tables do not list NUMA nodes
without CPUs. Up to 2.40, the JSON form has a bare `-` for unknown values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError
from rssbound.topology.cpuset import CpuSet
from rssbound.topology.readers.checks import Checks, parse_json, shown
from rssbound.topology.readers.lscpu_labels import NO, YES
from rssbound.topology.readers.rows import check_size, cpu_id, group_id, objects, topology_of_rows

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from rssbound.topology.model import Topology
    from rssbound.topology.sources import Source

    Line = tuple[str, Mapping[str, Any]]
    # its place, and its values by column in lower case

__all__ = ("accepts", "read")

_COLUMNS = frozenset(
    (
        *("cpu", "node", "drawer", "book", "socket", "cluster", "die", "core", "cache", "online"),
        *("bogomips", "polarization", "address", "configured", "modelname"),
        *("mhz", "scalmhz%", "maxmhz", "minmhz"),
    )
)
_LEVELS = {
    "core": "core",
    "cluster": "cluster",
    "die": "die",
    "socket": "package",
    "book": "book",
    "drawer": "drawer",
}
_AROUND = {"core": ("drawer", "book", "socket"), "cluster": ("drawer", "book", "socket")}
_AROUND["die"] = _AROUND["core"]
_DEFAULT = ("cpu", "core", "socket", "node", "", "l1d", "l1i", "l2", "l3")
"""The columns of `lscpu -p`, for a file without its comments."""

_JSON = re.compile(rb'\s*\{\s*"cpus"\s*:\s*\[\s*(?:\{[^{}]*"(?i:cpu)"\s*:|\])')
_CACHE = re.compile(r"l[0-9][di]?(?::l[0-9][di]?)*")
_STRING_OR_DASH = re.compile(r'("(?:[^"\\]|\\.)*"?)|(:\s*)-(?=\s*[,}\]])')
_BARE = re.compile(r"[0-9]+(?:,[0-9]*){3}(?:,(?:,[0-9]*)*)?")
_ROW = re.compile(r"[ \t]*(?:[0-9]|-[ \t,])")
_HEADER_LINES = 50
"""The number of first lines that may contain the column names, below a prompt or other text."""

_LISTED = "lscpu does not list CPUs that are only possible; more CPUs may be possible"
_NO_ONLINE = (
    "no column ONLINE; all listed CPUs are assumed to be online (lscpu -a also lists the others)"
)


def accepts(source: Source) -> bool:
    """Return whether the source is a table of CPUs as lscpu prints it."""
    if source.data is None:
        return False
    start = source.data[:65536].removeprefix(b"\xef\xbb\xbf")
    if _JSON.match(start):
        return True
    lines = start.decode("utf-8", "replace").splitlines()[:_HEADER_LINES]
    return _commented(lines) is not None or _header(lines) is not None or _is_bare(lines)


def read(source: Source) -> Topology:
    """Read a table; InputError with all faults, each with its line or JSON path."""
    if source.data is None:
        raise InputError("a folder or an archive, not lscpu output")
    reading = _Reading()
    lines = _lines(source.data, reading.checks)
    check_size(len(lines))
    for path, values in lines:
        reading.line(path, values)
    reading.checks.finish()
    known = any("online" in values for _, values in lines)
    return topology_of_rows(
        reading.rows(),
        reading.nodes,
        source,
        online=CpuSet.of(reading.lines) - CpuSet.of(reading.down),
        warnings=[_LISTED, *[_NO_ONLINE] * (not known), *reading.warnings],
    )


# -- the three forms of a table


def _lines(data: bytes, checks: Checks) -> list[Line]:
    """List the rows of a table in any form."""
    text = data.decode("utf-8-sig", "replace")
    if text.lstrip("\0 \t\r\n").startswith(("{", "[")):
        return _of_json(data, checks)
    raw = text.splitlines()
    names = _commented(raw)
    if names is not None or _is_bare(raw):
        return list(_of_csv(raw, *(names or (0, _DEFAULT)), checks))
    return list(_of_table(raw, checks))


def _of_json(data: bytes, checks: Checks) -> list[Line]:
    document = parse_json(_repaired(data))
    if not isinstance(document, dict) or "cpus" not in document:
        raise InputError("$: no list of cpus in it; give the output of `lscpu -J -e`")
    rows = objects(document["cpus"], "$.cpus", checks)
    return [(path, {key.lower(): value for key, value in row.items()}) for path, row in rows]


def _repaired(data: bytes) -> bytes:
    """Write null for each bare `-`; strings stay as they are."""
    text = data.decode("utf-8", "surrogateescape")
    fixed = _STRING_OR_DASH.sub(lambda match: match[1] or f"{match[2]}null", text)
    return fixed.encode("utf-8", "surrogateescape")


def _of_csv(raw: Sequence[str], start: int, names: Sequence[str], checks: Checks) -> Iterator[Line]:
    """Yield the rows of `lscpu -p`, which omits the fields of caches that a CPU lacks."""
    if "cpu" not in names:
        raise InputError("no column CPU; run lscpu -p=CPU,CORE,SOCKET,NODE,CACHE,ONLINE")
    places = [place for place, name in enumerate(names) if _CACHE.fullmatch(name)]
    for number, line in _rows(raw, start):
        if line.lstrip().startswith("#"):
            continue
        fields = [value.strip() for value in line.split(",")]
        missing = len(names) - len(fields)
        if 0 <= missing <= len(places):
            end = places[-1] + 1 if missing else 0
            fields[end - missing : end - missing] = [""] * missing
            yield f"line {number}", dict(zip(names, fields, strict=True))
        else:
            checks.fault(f"line {number}", f"{len(fields)} fields for {len(names)} columns")


def _of_table(raw: Sequence[str], checks: Checks) -> Iterator[Line]:
    """Yield the rows of `lscpu -e`; only model names contain spaces."""
    found = _header(raw)
    if found is None:
        raise InputError("no lscpu columns; give the output of `lscpu -J -e`, -e or -p")
    start, names = found
    model = names.index("modelname") if "modelname" in names else None
    for number, line in _rows(raw, start):
        words = line.strip("\0").split()
        extra = len(words) - len(names)
        if extra > 0 and model is not None:
            words[model : model + extra + 1] = [" ".join(words[model : model + extra + 1])]
            extra = 0
        if tuple(word.lower() for word in words) == names:
            continue
        if extra:
            checks.fault(f"line {number}", f"{len(words)} values for {len(names)} columns")
        else:
            yield f"line {number}", dict(zip(names, words, strict=True))


def _rows(raw: Sequence[str], start: int) -> Iterator[tuple[int, str]]:
    """Yield number and text of the rows below the first `start` lines.

    An empty line ends a table; after it, only lines that begin like rows are rows.
    """
    ended = False
    for number, line in enumerate(islice(raw, start, None), start + 1):
        if not line.strip("\0 \t"):
            ended = True
        elif not ended or _ROW.match(line):
            yield number, line


def _commented(raw: Sequence[str]) -> tuple[int, tuple[str, ...]] | None:
    """Give the names of the columns of `lscpu -p`, the last comment, and the number of its line."""
    for number, line in reversed(list(enumerate(raw[:_HEADER_LINES], 1))):
        if not line.lstrip().startswith("#"):
            continue
        names = tuple(name.strip().lower() for name in line.lstrip().lstrip("#").split(","))
        if all(not name or _is_column(name) for name in names) and any(names):
            return number, names
    return None


def _header(raw: Sequence[str]) -> tuple[int, tuple[str, ...]] | None:
    """Give the names of the columns of `lscpu -e` and the number of their line."""
    for number, line in enumerate(raw[:_HEADER_LINES], 1):
        names = tuple(line.strip("\0").lower().split())
        if "cpu" in names and all(_is_column(name) for name in names):
            return number, names
    return None


def _is_column(name: str) -> bool:
    return name in _COLUMNS or _CACHE.fullmatch(name) is not None


def _is_bare(raw: Sequence[str]) -> bool:
    """Return whether these are rows of `lscpu -p` without its comments; one row may be any list."""
    rows = [line.strip() for line in raw if line.strip()]
    return (len(rows) > 1 or ",," in "".join(rows)) and all(map(_BARE.fullmatch, rows[:2]))


# -- the content of the rows


@dataclass
class _Reading:
    """The rows, nodes, offline CPUs and faults found so far."""

    checks: Checks = field(default_factory=Checks)
    lines: dict[int, dict[str, Hashable]] = field(default_factory=dict)
    first_level: dict[int, int | None] = field(default_factory=dict)
    kinds: dict[int, tuple[Hashable, ...]] = field(default_factory=dict)
    unplaced: set[int] = field(default_factory=set)
    nodes: dict[int, list[int]] = field(default_factory=dict)
    down: list[int] = field(default_factory=list)
    strange: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    def line(self, path: str, raw: Mapping[str, Any]) -> None:
        """Add a row; its CPU must not have one yet."""
        values = {key: None if value == "-" else value for key, value in raw.items()}
        cpu = cpu_id(values.get("cpu"), f"{path}.cpu", self.checks)
        ids = {name: group_id(values, name, path, self.checks) for name in (*_LEVELS, "node")}
        online = self._is_online(values.get("online"), path)
        caches = self._caches(values, path)
        if cpu is None:
            return
        if cpu in self.lines:
            what = f"CPU {cpu} is also in an earlier row; keep one, and give one machine"
            raise InputError(f"{path}.cpu: {what}")
        self.lines[cpu] = {
            level: _key(ids, name) for name, level in _LEVELS.items() if ids[name] is not None
        }
        data = [name for name in caches if not name.endswith("i")]
        last = max(data, key=lambda name: int(name[1]), default=None)
        self.lines[cpu]["llc"] = None if last is None else (last, caches[last])
        self.first_level[cpu] = caches.get("l1i", caches.get("l1d"))
        speed = values.get("maxmhz") or None
        self.kinds[cpu] = (
            ids["node"],
            self.lines[cpu]["llc"],
            None if speed is None else str(speed),
        )
        if "socket" in values and ids["socket"] is None:
            self.unplaced.add(cpu)
        if ids["node"] is not None:
            self.nodes.setdefault(ids["node"], []).append(cpu)
        if not online:
            self.down.append(cpu)

    def rows(self) -> dict[int, dict[str, Hashable]]:
        """Give the rows; repeated core ids are made unique, or left out if that is impossible."""
        members: dict[Hashable, list[int]] = {}
        for cpu, row in self.lines.items():
            if "core" in row:
                members.setdefault(row["core"], []).append(cpu)
        split = self._split(members.values())
        if split:
            self.warnings.append(
                f"the core ids of CPUs {CpuSet.of(split)} repeat on CPUs with other nodes, caches "
                "or speeds; they are counted as separate cores"
            )
        doubtful = [cpu for cpus in members.values() for cpu in self._doubtful(cpus)]
        if doubtful:
            for cpu in self.unplaced:
                self.lines[cpu].pop("core", None)
            self.warnings.append(
                "physical core ids repeat and no sockets are known, so the cores are unknown; "
                "run lscpu without -y"
            )
        return self.lines

    def _split(self, cores: Iterable[list[int]]) -> list[int]:
        """Separate CPUs that share a core id but not a core; give those CPUs.

        lscpu numbers the cores of each type of CPU from 0, as on big.LITTLE, and `-y` those of
        each die. Threads of a core share their node, their last-level cache and their top speed.
        """
        split: list[int] = []
        for cpus in cores:
            kinds = list(zip(*(self.kinds[cpu] for cpu in cpus), strict=True))
            decisive = [kind for kind in kinds if None not in kind and len(set(kind)) > 1]
            for cpu, *signs in zip(cpus, *decisive, strict=True) if decisive else ():
                self.lines[cpu]["core"] = (self.lines[cpu]["core"], *signs)
                split.append(cpu)
        return split

    def _doubtful(self, cpus: list[int]) -> Iterable[int]:
        """Give the CPUs that share a core id in an unknown socket, and no first-level cache."""
        seen: dict[Hashable, Hashable] = {}
        for cpu in self.unplaced.intersection(cpus):
            core, cache = self.lines[cpu]["core"], self.first_level[cpu]
            if (cache is None and core in seen) or seen.setdefault(core, cache) != cache:
                yield cpu

    def _is_online(self, value: Any, path: str) -> bool:
        word = str(value).lower()
        if value is None or value == "" or word in YES:
            return True
        if word not in NO and word not in self.strange:
            self.strange.add(word)  # one line for a language, not one for each CPU
            what = f"{shown(value)}; yes or no is expected (run lscpu with LC_ALL=C)"
            self.checks.fault(f"{path}.online", what)
        return False

    def _caches(self, values: Mapping[str, Any], path: str) -> dict[str, int]:
        """Give the id of each cache of a CPU; one cell may hold several, such as `0:0:1:4`."""
        caches: dict[str, int] = {}
        for column, value in values.items():
            if value is None or value == "" or not (column == "cache" or _CACHE.fullmatch(column)):
                continue
            parts = str(value).split(":")
            names = column.split(":")
            if column == "cache":
                names = ["l1d", "l1i", *(f"l{level}" for level in range(2, min(len(parts), 10)))]
            if len(parts) > len(names):
                self.checks.fault(
                    f"{path}.{column}", f"{shown(value)}; {len(names)} ids are expected"
                )
                continue
            cells = {
                name: None if part == "-" else part
                for name, part in zip(names, parts, strict=False)
            }
            ids = {name: group_id(cells, name, path, self.checks) for name in cells}
            caches |= {name: number for name, number in ids.items() if number is not None}
        return caches


def _key(ids: Mapping[str, int | None], name: str) -> Hashable:
    """Give a key that is unique in the machine; rows.py handles sockets, books and drawers."""
    if name not in _AROUND:
        return ids[name]
    return (*(ids[outer] for outer in _AROUND[name]), ids[name])
