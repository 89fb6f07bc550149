"""Read `virsh nodeinfo`: the numbers of CPUs, NUMA cells, sockets and cores, without ids.

Format: virNodeInfo in libvirt-host.h. Sockets are counted per cell, so the product of all
counts is the number of CPUs, including offline ones. A machine that libvirt cannot describe in
this way has one cell with one socket. It is unknown which CPUs share a cell, a socket or a core.
"""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING

from rssbound.errors import InputError, shortened
from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet
from rssbound.topology.readers.checks import Checks
from rssbound.topology.readers.rows import check_size, topology_of_rows

if TYPE_CHECKING:
    from rssbound.topology.model import Topology
    from rssbound.topology.sources import Source

__all__ = ("accepts", "read")

_LINE = re.compile(rb"^[ \t]*(?:CPU socket\(s\)|NUMA cell\(s\)):", re.MULTILINE)
_MODEL = re.compile(rb"^[ \t]*CPU model:", re.MULTILINE)
_GROUPS = ("numa cell(s)", "cpu socket(s)", "core(s) per socket", "thread(s) per core")
_COUNTS = ("cpu(s)", *_GROUPS)
_UNTOLD = (
    "virsh nodeinfo gives counts but no ids: it is unknown which CPUs share a core, a socket or a "
    "NUMA cell, and which CPUs are only possible; `virsh capabilities` gives more"
)


def accepts(source: Source) -> bool:
    """Return whether the source is output of virsh nodeinfo."""
    start = (source.data or b"")[:65536]
    return bool(_MODEL.search(start) and _LINE.search(start))


def read(source: Source) -> Topology:
    """Read the counts; InputError with every line that is wrong."""
    if source.data is None:
        raise InputError("a folder or an archive, not virsh nodeinfo output")
    checks = Checks()
    counts = _counts(source.data.decode("utf-8-sig", "replace"), checks)
    if not checks.faults and "cpu(s)" not in counts:
        checks.fault("CPU(s)", "no such line; give all that `virsh nodeinfo` prints")
    checks.finish()
    online, cells = counts["cpu(s)"], counts.get("numa cell(s)", 1)
    places = prod(counts.get(name, 1) for name in _GROUPS)
    possible = max(online, places)
    check_size(possible)
    return topology_of_rows(
        {cpu: {} for cpu in range(possible)},
        {},
        source,
        online=CpuSet.first(online),
        node_count=cells if cells > 1 else None,
        warnings=[_UNTOLD, *_doubts(online, places, cells)],
    )


def _counts(text: str, checks: Checks) -> dict[str, int]:
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        label, _, value = line.partition(":")
        name, value = " ".join(label.lower().split()), value.strip()
        if name not in _COUNTS:
            continue
        if name in counts:
            raise InputError(f"line {number}: {label.strip()} appears twice; give one machine")
        if re.fullmatch("[0-9]{1,9}", value) and 0 < int(value) <= MAX_CPU_IDS:
            counts[name] = int(value)
        else:
            what = f"{shortened(value)!r}; a number from 1 to {MAX_CPU_IDS} is expected"
            checks.fault(f"line {number}: {label.strip()}", what)
    return counts


def _doubts(online: int, places: int, cells: int) -> list[str]:
    """Warn if the counts do not fit together, and say what is assumed."""
    if places > online:
        down = f"{places - online} of {places} CPUs are offline"
        return [f"{down}; it does not say which, so the last ones are assumed"]
    if places < online:
        return [f"the counts make {places} CPUs, not {online}; CPU(s) is used"]
    if cells == 1:
        return ["one cell: the machine has one NUMA node, or nodes that libvirt does not describe"]
    return []
