"""Read one node of Slurm: from `slurmd -C`, slurm.conf or `scontrol show node`.

    NodeName=n[01-64] CPUs=256 Boards=1 SocketsPerBoard=2 CoresPerSocket=64 ThreadsPerCore=2

Source: "NODE CONFIGURATION" in slurm.conf(5). Slurm gives counts but no CPU ids. The assumed
numbering is that of x86 servers: package by package, all first threads before all second ones.
"""

from __future__ import annotations

import re
from collections import Counter
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from rssbound.errors import InputError, shortened
from rssbound.topology.cpuset import MAX_CPU_IDS
from rssbound.topology.readers.checks import Checks
from rssbound.topology.readers.rows import topology_of_counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rssbound.topology.model import Topology
    from rssbound.topology.sources import Source

__all__ = ("accepts", "read")

_NUMBERS = ("cpus", "boards", "sockets", "socketsperboard", "corespersocket", "threadspercore")
_ALIASES: dict[str, str] = {"procs": "cpus", "cputot": "cpus"}

_UNTOLD = "Slurm gives neither offline nor only possible CPUs, and no NUMA nodes"

_NODE = re.compile(rb"^[ \t]*nodename[ \t]*=[ \t]*[^\s=]", re.IGNORECASE | re.MULTILINE)
_COUNT = re.compile(
    rb"[\s](?:cpus|procs|cputot|sockets(?:perboard)?|corespersocket|threadspercore)[ \t]*=",
    re.IGNORECASE,
)
_PAIR = re.compile(r'(\w+)\s*=\s*("[^"]*"|\S*)')


class _Node(NamedTuple):
    """A NodeName entry: its line, its name, its values by key in lower case."""

    line: int
    name: str
    values: Mapping[str, str]


def accepts(source: Source) -> bool:
    """Return whether the source has a NodeName line and a count of CPUs, sockets or cores."""
    data = source.data
    return data is not None and bool(_NODE.search(data)) and bool(_COUNT.search(data))


def read(source: Source) -> Topology:
    """Read the only node of a source; InputError with every wrong number."""
    if source.data is None:
        raise InputError("a folder or an archive, not a text with NodeName=..")
    node = _only(_nodes(source.data.decode("utf-8", "replace")))
    checks = Checks()
    numbers = _numbers(node, checks)
    checks.finish()
    counts, threads, warnings = _counts(numbers, f"line {node.line}")
    if "core" in counts and (threads > 1 or counts["package"] > 1):
        warnings.append(
            "Slurm gives counts but no CPU ids: packages are assumed to be consecutive CPUs"
            + (", with all first threads before all second ones" if threads > 1 else "")
        )
    warnings.append(_UNTOLD)
    return topology_of_counts(
        counts, threads, source, passes=True, name=node.name, warnings=warnings
    )


# -- finding the node


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """Yield line number and text of each entry: continued and indented lines belong to it."""
    held: list[str] = []
    start, continued = 0, False
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(?<!\\)#.*", "", raw).rstrip()
        indented = line[:1].isspace() and not re.match(r"\s*nodename\s*=", line, re.IGNORECASE)
        if line and not continued and not indented:
            if held:
                yield start, " ".join(held)
            held, start = [], number
        continued = line.endswith("\\")
        held.append(line.removesuffix("\\"))
    yield start, " ".join(held)


def _nodes(text: str) -> list[_Node]:
    """List the nodes; NodeName=DEFAULT sets defaults for the nodes after it."""
    nodes: list[_Node] = []
    default: dict[str, str] = {}
    for line, entry in _entries(text):
        if not re.match(r"\s*nodename\s*=", entry, re.IGNORECASE):
            continue
        pairs = [(_key(key), value.strip('"')) for key, value in _PAIR.findall(entry)]
        values = dict(pairs)
        name = values["nodename"]
        if name.upper() == "DEFAULT":
            default |= values
        else:
            _check_once(pairs, line)
            nodes.append(_Node(line, name, default | values))
    return nodes


def _key(name: str) -> str:
    return _ALIASES.get(name.lower(), name.lower())


def _check_once(pairs: list[tuple[str, str]], line: int) -> None:
    keys = Counter(key for key, _ in pairs)
    twice = [key for key in _NUMBERS if keys[key] > 1]
    if twice:
        raise InputError(f"line {line}: {', '.join(twice)} given twice; keep one")


def _only(nodes: list[_Node]) -> _Node:
    if not nodes:
        raise InputError("no node in it; give the NodeName line that slurmd -C prints")
    if len(nodes) > 1:
        names = ", ".join(f"{shortened(node.name, 20)} in line {node.line}" for node in nodes[:5])
        more = ", .." if len(nodes) > 5 else ""
        raise InputError(f"{len(nodes)} NodeName entries ({names}{more}); give one")
    return nodes[0]


# -- the content of the node


def _numbers(node: _Node, checks: Checks) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for key in _NUMBERS:
        text = node.values.get(key)
        if text is None:
            continue
        if re.fullmatch(r"[0-9]{1,9}", text) and 0 < int(text) <= MAX_CPU_IDS:
            numbers[key] = int(text)
        else:
            what = f"{key}={shortened(text)}; a number from 1 to {MAX_CPU_IDS}"
            checks.fault(f"line {node.line}", what)
    if not numbers and not checks.faults:
        checks.fault(f"line {node.line}", "no CPUs, Sockets or CoresPerSocket in it; add them")
    return numbers


def _sockets(given: Mapping[str, int], each: int) -> int:
    """Give the number of sockets; if missing, it follows from CPUs or boards, as in Slurm."""
    boards = given.get("boards", 1)
    if "socketsperboard" in given:
        return boards * given["socketsperboard"]
    cpus = given.get("cpus", 0)
    inferred = cpus // each if cpus % each == 0 else 0
    return given.get("sockets") or inferred or boards


def _counts(given: Mapping[str, int], place: str) -> tuple[dict[str, int], int, list[str]]:
    """Give the count of each known level, the threads below the last level, and warnings."""
    if set(given) <= {"cpus", "boards"} and "cpus" in given:
        warning = f"{place}: neither sockets nor cores are given; both are unknown"
        return {}, given["cpus"], [warning]
    cores, threads = given.get("corespersocket", 1), given.get("threadspercore", 1)
    sockets = _sockets(given, cores * threads)
    product = prod((sockets, cores, threads))
    if product > MAX_CPU_IDS:
        raise InputError(f"{place}: {product} CPUs; at most {MAX_CPU_IDS} can be read")
    cpus = given.get("cpus", product)
    counts = {"package": sockets, "core": cores}
    shape = f"{sockets} sockets of {cores} cores of {threads} threads"
    if cpus == product:
        return counts, threads, []
    if cpus in {sockets, sockets * cores}:
        return counts, threads, [f"{place}: CPUs={cpus} does not count the threads of {shape}"]
    warning = f"{place}: CPUs={cpus} is not {shape}; CPUs is taken and the cores are left unknown"
    return {"package": 1} if sockets == 1 else {}, cpus, [warning]
