"""Read the NUMA nodes of a machine from `numactl --hardware`.

    available: 2 nodes (0-1)
    node 0 cpus: 0 1 2 3
    node 1 cpus: 4 5 6 7

Format: hardware() in numactl.c. It lists the CPUs of each node that are online, and no others;
cores, caches and packages are not told. A node without CPUs has memory only.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING

from rssbound.errors import InputError
from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet
from rssbound.topology.readers.checks import Checks, shortened
from rssbound.topology.readers.rows import check_size, topology_of_rows

if TYPE_CHECKING:
    from rssbound.topology.model import Topology
    from rssbound.topology.sources import Source

__all__ = ("accepts", "read")

_START = re.compile(rb"^[ \t]*available:[ \t]*[0-9]+[ \t]+nodes?\b", re.MULTILINE)
_CPUS = re.compile(r"\s*node\s+([0-9]{1,9})\s+cpus:(.*)")
_UNTOLD = (
    "numactl lists CPUs that are online, no others; these are taken as possible, and cores, caches "
    "and packages are left unknown"
)


def accepts(source: Source) -> bool:
    """Tell whether the source is what numactl --hardware prints."""
    return source.data is not None and bool(_START.search(source.data[:65536]))


def read(source: Source) -> Topology:
    """Read the nodes; InputError with every line that is wrong."""
    if source.data is None:
        raise InputError("a folder or an archive, not what numactl --hardware prints")
    checks = Checks()
    nodes: dict[int, CpuSet] = {}
    for number, line in enumerate(source.data.decode("utf-8-sig", "replace").splitlines(), 1):
        match = _CPUS.fullmatch(line)
        if not match:
            continue
        node = int(match[1])
        if node in nodes:
            checks.fault(f"line {number}", f"node {node} stands twice; give one machine")
        nodes[node] = _cpus(match[2], f"line {number}", checks)
    checks.finish()
    cpus = reduce(CpuSet.__or__, nodes.values(), CpuSet())
    check_size(len(cpus))
    return topology_of_rows({cpu: {} for cpu in cpus}, nodes, source, warnings=[_UNTOLD])


def _cpus(text: str, place: str, checks: Checks) -> CpuSet:
    words = text.split()
    for word in words:
        if not re.fullmatch("[0-9]{1,9}", word) or int(word) >= MAX_CPU_IDS:
            checks.fault(place, f"{shortened(word)}; a CPU id from 0 to {MAX_CPU_IDS - 1}")
            return CpuSet()
    return CpuSet.of(map(int, words))
