"""Read a planned virtual machine from QEMU's `-smp` and `-numa`, alone or in a whole command line.

    -smp 64,maxcpus=128,sockets=2,dies=2,cores=16,threads=2
    cpus=8,cores=4,threads=2
    -numa node,nodeid=0,cpus=0-7 -numa cpu,node-id=1,socket-id=1

Sources: "-smp" and "-numa" in qemu(1). The product of all levels is maxcpus, the possible CPUs; the
first `cpus` of them are online at the start. CPUs are numbered with threads innermost. The first
missing one of cores, sockets and threads is computed, and the others are 1; versioned machine
types before 6.2 compute sockets first.
"""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from rssbound.errors import InputError
from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet
from rssbound.topology.readers.checks import Checks, shortened
from rssbound.topology.readers.rows import topology_of_counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rssbound.topology.model import Topology
    from rssbound.topology.sources import Source

__all__ = ("accepts", "read")

_LEVELS = ("drawers", "books", "sockets", "dies", "clusters", "modules", "cores", "threads")
_NUMBERS = ("cpus", "maxcpus", *_LEVELS)
_SINCE_6_2 = ("cores", "sockets", "threads")
_BEFORE_6_2 = ("sockets", "cores", "threads")
_MOST_BYTES = 1 << 18  # twice the longest argument that Linux passes on

_OPTION = re.compile(r"(?:^|[\s\0\"'])--?smp(?=[\s\0\"']|$)")
_MACHINE_OPTION = re.compile(r"[\s\0,]smp\.\w+=\d")
_BARE = re.compile(
    rf"(?:(?:\d+|(?:{'|'.join(_NUMBERS)})=\d*),)*(?:{'|'.join(_NUMBERS)})=\d*(?:,\S*)?"
)


class _Option(NamedTuple):
    """An option of a command line: where it stands, its name without dashes, its value."""

    place: str
    name: str
    value: str


def accepts(source: Source) -> bool:
    """Tell whether the source has a `-smp` option, or is the value of one."""
    data = source.data
    if data is None or len(data) > _MOST_BYTES or data.lstrip()[:1] in {b"<", b"{", b"["}:
        return False
    text = "\n".join(line for _, line in _lines(data.decode("utf-8", "replace")))
    found = _OPTION.search(text) or _MACHINE_OPTION.search(text)
    return bool(found) or _BARE.fullmatch(text.strip()) is not None


def read(source: Source) -> Topology:
    """Read the one virtual machine of a source; InputError with every option that is wrong."""
    if source.data is None:
        raise InputError("a folder or an archive, not a command line")
    if len(source.data) > _MOST_BYTES:
        raise InputError(f"longer than {_MOST_BYTES >> 10} KiB; no command line")
    options = _options(source.data.decode("utf-8", "replace"))
    checks = Checks()
    place, given = _given(options, checks)
    checks.finish()
    counts, cpus = _completed(given, place, prefer_sockets=_is_old(options))
    nodes, warnings = _Numa(counts, checks).nodes(options)
    checks.finish()
    return topology_of_counts(
        _named(counts),
        counts["threads"],
        source,
        online=CpuSet.first(cpus),
        nodes=nodes,
        name=_name(options),
        warnings=warnings,
    )


# -- the options of a command line


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line, continued ones joined, without comments."""
    held: list[str] = []
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not held:
            start = number
            if line.lstrip().startswith("#"):
                continue
        held.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            yield start, " ".join(held)
            held = []
    if held:
        yield start, " ".join(held)


def _options(text: str) -> list[_Option]:
    """List the options -smp, -numa, -machine and -name in order."""
    options: list[_Option] = []
    for number, words in _words(text):
        if len(words) == 1 and _BARE.fullmatch(words[0]):
            words = ["-smp", *words]  # noqa: PLW2901
        for word, value in pairwise([*words, ""]):
            name = {"M": "machine"}.get(word.lstrip("-"), word.lstrip("-"))
            if word.startswith("-") and name in {"smp", "numa", "machine", "name"}:
                options.append(_Option(f"line {number}: -{name}", name, value))
    return options


def _words(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of each line; /proc/PID/cmdline has a NUL after each."""
    if "\0" in text:
        yield 1, [word for word in text.strip("\0\n").split("\0") if word]
        return
    for number, line in _lines(text):
        try:
            yield number, shlex.split(line)
        except ValueError as error:
            raise InputError(f"line {number}: {error}; quote it as a shell needs it") from None


def _parts(value: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of each part of an option's value; a part without `=` has no key."""
    for part in value.split(","):
        key, equals, text = part.partition("=")
        yield (key, text) if equals else ("", key)


def _name(options: list[_Option]) -> str | None:
    """Give the name of the guest: `-name guest=web,debug-threads=on` or `-name web`."""
    for option in options:
        if option.name == "name":
            return next((text for key, text in _parts(option.value) if key in {"", "guest"}), None)
    return None


def _is_old(options: list[_Option]) -> bool:
    """Tell whether the machine type is a versioned one from before QEMU 6.2."""
    for option in options:
        if option.name == "machine":
            for key, text in _parts(option.value):
                match = re.search(r"-(\d{1,3})\.(\d{1,3})(?:\.\d+)?$", text)
                if match and key in {"", "type"}:
                    return (int(match[1]), int(match[2])) < (6, 2)
    return False


# -- -smp


def _given(options: list[_Option], checks: Checks) -> tuple[str, dict[str, int]]:
    """Give the numbers of the one -smp, or of `-machine smp.cpus=..`, and where they stand."""
    found = [
        (option.place, list(_parts(option.value))) for option in options if option.name == "smp"
    ]
    for option in options:
        inner = [(key[4:], text) for key, text in _parts(option.value) if key.startswith("smp.")]
        if option.name == "machine" and inner:
            found.append((option.place, inner))
    if len(found) != 1:
        places = ", ".join(place for place, _ in found[:5])
        raise InputError(
            f"{len(found)} virtual machines ({shortened(places)}); give one"
            if found
            else "no -smp option; write for example -smp 16,sockets=2,cores=4,threads=2"
        )
    place, parts = found[0]
    numbers: dict[str, int] = {}
    for position, (key, text) in enumerate(parts):
        _enter(numbers, key or ("cpus" if position == 0 else ""), text, place, checks)
    return place, numbers


def _enter(numbers: dict[str, int], key: str, text: str, place: str, checks: Checks) -> None:
    """Enter one number; every key counts in the product, so an unknown one is a fault."""
    if key not in _NUMBERS:
        checks.fault(place, f"{shortened(key or text)!r} is none of {', '.join(_NUMBERS)}")
    elif key in numbers:
        checks.fault(place, f"{key} stands twice; keep one")
    elif not re.fullmatch(r"[0-9]{1,9}", text) or not 0 < int(text) <= MAX_CPU_IDS:
        checks.fault(place, f"{key}={_plain(text)}; a number from 1 to {MAX_CPU_IDS}")
    else:
        numbers[key] = int(text)


def _plain(text: str) -> str:
    return shortened(text if text.isprintable() else repr(text))


def _completed(
    given: Mapping[str, int], place: str, *, prefer_sockets: bool
) -> tuple[dict[str, int], int]:
    """Give the count of each level and the number of CPUs online, as QEMU computes them."""
    counts = {level: given.get(level, 1) for level in _LEVELS}
    most = given.get("maxcpus", given.get("cpus"))
    order = _BEFORE_6_2 if prefer_sockets else _SINCE_6_2
    missing = next((level for level in order if level not in given), None)
    if most and missing:
        counts[missing] = most // prod(counts.values())
    product = prod(counts.values())
    if most is not None and product != most:
        shape = " * ".join(f"{level} {counts[level]}" for level in _LEVELS if counts[level] != 1)
        raise InputError(
            f"{place}: {shape or 'one CPU'} does not make {most} CPUs; "
            "the product of all levels must be maxcpus"
        )
    cpus = given.get("cpus", product)
    if cpus > product:
        raise InputError(f"{place}: cpus={cpus} is more than maxcpus={product}; raise maxcpus")
    if product > MAX_CPU_IDS:
        raise InputError(f"{place}: {product} CPUs; at most {MAX_CPU_IDS} can be read")
    return counts, cpus


def _named(counts: Mapping[str, int]) -> dict[str, int]:
    """Give the counts by our names; a level that has one group in each around it is left out.

    Clusters (Arm, RISC-V) and modules (x86) are both cores that share a cache below the last level.
    """
    names = {"drawers": "drawer", "books": "book", "dies": "die", "clusters": "cluster"}
    named: dict[str, int] = {}
    for level in _LEVELS[:-1]:
        name = {"sockets": "package", "cores": "core", **names}.get(level)
        if level == "modules":
            name = "group" if "cluster" in named else "cluster"
        if name and (counts[level] > 1 or level in {"sockets", "cores"}):
            named[name] = counts[level]
    return named


# -- -numa


class _Numa:
    """Which CPUs belong to which node."""

    def __init__(self, counts: Mapping[str, int], checks: Checks) -> None:
        self.counts = counts
        self.size = prod(counts.values())
        self.checks = checks
        self.cpus: dict[int, CpuSet] = {}
        self.left = CpuSet.first(self.size)

    def nodes(self, options: list[_Option]) -> tuple[dict[int, CpuSet], list[str]]:
        """Give the CPUs of each node, and a warning for what QEMU assigns by itself."""
        numa = [option for option in options if option.name == "numa"]
        for option in numa:
            kind, parts = self._split(option)
            if kind == "node":
                self._node(parts, option.place)
        for option in numa:
            kind, parts = self._split(option)
            if kind == "cpu":
                self._cpu(parts, option.place)
        if not self.cpus or not self.left:
            return self.cpus, []
        if self.left == CpuSet.first(self.size):
            self._by_socket()
            return self.cpus, []
        lowest = min(self.cpus)
        self.cpus[lowest] |= self.left
        return self.cpus, [
            f"CPUs {self.left} are on no NUMA node; QEMU counts them to node {lowest}"
        ]

    @staticmethod
    def _split(option: _Option) -> tuple[str, list[tuple[str, str]]]:
        (key, kind), *parts = _parts(option.value)
        return (kind if key in {"", "type"} else ""), parts

    def _node(self, parts: list[tuple[str, str]], place: str) -> None:
        ids = [text for key, text in parts if key == "nodeid"] or [str(len(self.cpus))]
        node = self._number(ids[-1], f"{place} nodeid")
        if node is None:
            return
        if node in self.cpus:
            self.checks.fault(place, f"node {node} is defined twice; keep one")
        self.cpus.setdefault(node, CpuSet())
        for key, text in parts:
            if key == "cpus":
                self._assign(node, self.checks.cpu_list(text, f"{place} cpus"), place)
            elif not key:
                self.checks.fault(
                    place, f"{shortened(text)!r} has no key; write cpus={_plain(text)}"
                )

    def _cpu(self, parts: list[tuple[str, str]], place: str) -> None:
        """Assign the CPUs that have all the given ids, each counted within the level around it."""
        ids = {key: self._number(text, f"{place} {key}") for key, text in parts}
        node = ids.pop("node-id", None)
        if node not in self.cpus or node is None:
            self.checks.fault(place, "no node-id of a node that a -numa node defines")
            return
        cpus = CpuSet.first(self.size)
        for key, number in ids.items():
            level = {f"{level.rstrip('s')}-id": level for level in _LEVELS}.get(key)
            if level is None or number is None or number >= self.counts[level]:
                self.checks.fault(place, f"{_plain(key)}: no such CPU among those of -smp")
                return
            cpus &= self._having(level, number)
        self._assign(node, cpus, place)

    def _having(self, level: str, number: int) -> CpuSet:
        """Give the CPUs in the groups of this number at a level."""
        width = prod(self.counts[inner] for inner in _LEVELS[_LEVELS.index(level) + 1 :])
        period = width * self.counts[level]
        return CpuSet.parse(f"{number * width}-{self.size - 1}:{width}/{period}")

    def _assign(self, node: int, cpus: CpuSet, place: str) -> None:
        beyond = cpus - CpuSet.first(self.size)
        if beyond:
            self.checks.fault(place, f"CPUs {beyond} do not exist; -smp makes {self.size}")
        taken = cpus - beyond - self.left
        if taken:
            self.checks.fault(place, f"CPUs {taken} are already on a node; keep one")
        self.cpus[node] |= cpus
        self.left -= cpus

    def _by_socket(self) -> None:
        """Deal out the sockets in turn, as machine types do where no CPU is assigned."""
        inner = _LEVELS[_LEVELS.index("sockets") + 1 :]
        width = prod(self.counts[level] for level in inner)
        nodes = sorted(self.cpus)
        for place, node in enumerate(nodes):
            if place * width < self.size:
                text = f"{place * width}-{self.size - 1}:{width}/{width * len(nodes)}"
                self.cpus[node] = CpuSet.parse(text)

    def _number(self, text: str, place: str) -> int | None:
        if re.fullmatch(r"[0-9]{1,9}", text):
            return int(text)
        self.checks.fault(place, f"{shortened(text)!r}; a whole number is expected")
        return None
