"""Read the NUMA nodes of a machine from `numactl --hardware`.

    available: 2 nodes (0-1)
    node 0 cpus: 0 1 2 3
    node 1 cpus: 4 5 6 7

Format: hardware() in numactl.c. It lists only the online CPUs of each node; cores, caches and
packages are unknown. A node without CPUs is memory-only.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING

from rssbound.errors import InputError, shortened
from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet
from rssbound.topology.readers.checks import Checks
from rssbound.topology.readers.rows import check_size, topology_of_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rssbound.topology.model import Topology
    from rssbound.topology.sources import Source

__all__ = ("accepts", "read")

_START = re.compile(rb"^[ \t]*available:[ \t]*[0-9]+[ \t]+nodes?\b", re.MULTILINE)
_CPUS = re.compile(r"\s*node\s+([0-9]{1,9})\s+cpus:(.*)")
_NUMBERS = re.compile(r"\s*[0-9]{1,9}(?:\s+[0-9]{1,9})*\s*")
_AVAILABLE = re.compile(r"\s*available:\s*([0-9]{1,9})\s+nodes?\b")
_SIZE = re.compile(r"\s*node\s+[0-9]{1,9}\s+size:")
_UNTOLD = (
    "numactl lists only online CPUs; more CPUs may be possible, and cores, caches "
    "and packages are unknown"
)


def accepts(source: Source) -> bool:
    """Return whether the source is output of numactl --hardware."""
    return source.data is not None and bool(_START.search(source.data[:65536]))


def read(source: Source) -> Topology:
    """Read the nodes; InputError with every wrong line, and for a truncated text."""
    if source.data is None:
        raise InputError("a folder or an archive, not numactl output")
    checks = Checks()
    nodes: dict[int, CpuSet] = {}
    lines = _unfolded(source.data.decode("utf-8-sig", "replace").splitlines())
    for number, line in enumerate(lines, 1):
        match = _CPUS.fullmatch(line)
        if not match:
            continue
        node = int(match[1])
        if node in nodes:
            raise InputError(f"line {number}: node {node} appears twice; give one machine")
        nodes[node] = _cpus(match[2], f"line {number}", checks)
    checks.finish()
    _check_whole(lines, nodes)
    cpus = reduce(CpuSet.__or__, nodes.values(), CpuSet())
    check_size(len(cpus))
    return topology_of_rows({cpu: {} for cpu in cpus}, nodes, source, warnings=[_UNTOLD])


def _unfolded(raw: Sequence[str]) -> list[str]:
    """Join lists that a mail has wrapped onto more lines; those lines become empty."""
    lines: list[str] = []
    place: int | None = None
    for number, line in enumerate(raw):
        if place is not None and _NUMBERS.fullmatch(line):
            lines[place] += f" {line.strip()}"
            lines.append("")
            continue
        place = number if _CPUS.fullmatch(line) else None
        lines.append(line)
    return lines


def _check_whole(lines: Sequence[str], nodes: Collection[int]) -> None:
    """Raise InputError if there are fewer nodes than announced, or the last list may be truncated.

    numactl prints the size of a node below its CPUs, so a list at the very end was truncated,
    unless the text has no node sizes at all.
    """
    announced = next((match for match in map(_AVAILABLE.match, lines) if match), None)
    if announced and len(nodes) < int(announced[1]):
        raise InputError(
            f"{announced[1]} nodes are announced, but the CPUs of {len(nodes)} follow; the text "
            "was cut, give all of it"
        )
    sized = [_SIZE.match(line) is not None for line in lines]
    last = next((line for line in reversed(lines) if line.strip()), "")
    match = _CPUS.fullmatch(last)
    if match and (any(sized) or not match[2].strip()):
        raise InputError(f"ends in {shortened(last.strip())!r}; the text was cut, give all of it")


def _cpus(text: str, place: str, checks: Checks) -> CpuSet:
    words = text.split()
    for word in words:
        if not re.fullmatch("[0-9]{1,9}", word) or int(word) >= MAX_CPU_IDS:
            checks.fault(place, f"{shortened(word)}; a CPU id from 0 to {MAX_CPU_IDS - 1}")
            return CpuSet()
    return CpuSet.of(map(int, words))
