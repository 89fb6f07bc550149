"""Common parts of many formats: a key per CPU and level, or a count per level."""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError
from rssbound.records import replace
from rssbound.topology.columns import column_of_nodes, columns_of_rows
from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet
from rssbound.topology.model import LEVELS, Columns, NumaNode, Topology
from rssbound.topology.readers import synthetic
from rssbound.topology.readers.checks import kind_of, shown

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from rssbound.topology.readers.checks import Checks
    from rssbound.topology.sources import Source

    Row = Mapping[str, Hashable]
    # level -> key of the CPU's group, unique in the machine; None where unknown

__all__ = (
    "PAGE_SIZES",
    "check_size",
    "cpu_id",
    "group_id",
    "objects",
    "topology_of_counts",
    "topology_of_rows",
    "view_of_a_container",
)

PAGE_SIZES = frozenset(1 << bits for bits in range(12, 19))
"""Base page sizes of Linux in bytes, 4 to 256 KiB; a larger one is a huge page."""

MOST_ROWS = 1 << 16
"""Limit of CPUs that are listed one by one: eight times NR_CPUS of any kernel."""

_UNKNOWN = frozenset({-1, (1 << 32) - 1, (1 << 64) - 1})
"""The kernel's -1 for "no such id", and its value in an unsigned field."""


# -- one value


def cpu_id(value: Any, path: str, checks: Checks) -> int | None:
    """Give a CPU id from a number or its digits; anything else is a fault at `path`."""
    number = _number(value)
    if number is not None and 0 <= number < MAX_CPU_IDS:
        return number
    checks.fault(path, f"{shown(value)}; a CPU id from 0 to {MAX_CPU_IDS - 1} is expected")
    return None


def group_id(holder: Mapping[str, Any], key: str, path: str, checks: Checks) -> int | None:
    """Give the id of a group; None if there is none, or for the kernel's -1."""
    value = holder.get(key)
    if value is None or value == "":
        return None
    number = _number(value)
    if number is None:
        checks.fault(f"{path}.{key}", f"{shown(value)}; a whole number is expected")
    elif number in _UNKNOWN:
        return None
    elif not 0 <= number < 1 << 31:
        checks.fault(f"{path}.{key}", f"{shown(value)} is out of range")
        return None
    return number


def objects(value: Any, path: str, checks: Checks) -> list[tuple[str, dict[str, Any]]]:
    """List the objects of a JSON list, each with its path; null is an empty list."""
    if value is None:
        return []
    if not isinstance(value, list):
        checks.fault(path, f"{kind_of(value)}; a list is expected")
        return []
    found: list[tuple[str, dict[str, Any]]] = []
    for number, item in enumerate(value):
        if isinstance(item, dict):
            found.append((f"{path}[{number}]", item))
        else:
            checks.fault(f"{path}[{number}]", f"{kind_of(item)}; an object is expected")
    return found


def check_size(cpus: int) -> None:
    """Raise InputError if more CPUs are listed one by one than any machine has."""
    if cpus > MOST_ROWS:
        raise InputError(f"{cpus} CPUs; at most {MOST_ROWS} are read one by one")


def _number(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# -- a machine of rows


def topology_of_rows(
    rows: Mapping[int, Row],
    nodes: Mapping[int, Iterable[int]],
    source: Source,
    *,
    online: CpuSet | None = None,
    name: str | None = None,
    kernel: str | None = None,
    page_size: int | None = None,
    node_count: int | None = None,
    warnings: Iterable[str] = (),
) -> Topology:
    """Make the machine whose possible CPUs are `rows`; `nodes` gives the CPUs of NUMA nodes.

    All possible CPUs are present; `online` is all of them unless given. A CPU that several nodes
    claim is counted in the smallest. InputError without any row.
    """
    if not rows:
        raise InputError("no CPU in it; a machine has at least one")
    possible = CpuSet.of(rows)
    size = possible.highest + 1
    numa = tuple(NumaNode(node, CpuSet.of(cpus)) for node, cpus in sorted(nodes.items()))
    return Topology(
        possible=possible,
        present=possible,
        online=possible if online is None else online,
        columns=replace(columns_of_rows(rows), node=column_of_nodes(numa, size)),
        nodes=numa,
        kernel=kernel,
        page_size=page_size,
        name=name or source.name,
        source=source.label,
        warnings=(*warnings, *_shared(numa)),
        node_count=node_count,
    )


def _shared(nodes: Iterable[NumaNode]) -> list[str]:
    seen = shared = CpuSet()
    for node in nodes:
        shared |= node.cpus & seen
        seen |= node.cpus
    if not shared:
        return []
    return [f"CPUs {shared} are claimed by several NUMA nodes; each is counted in the smallest"]


# -- a machine of counts


def topology_of_counts(
    counts: Mapping[str, int],
    threads: int,
    source: Source,
    *,
    passes: bool = False,
    online: CpuSet | None = None,
    nodes: Mapping[int, CpuSet] | None = None,
    name: str | None = None,
    warnings: Iterable[str] = (),
) -> Topology:
    """Make a machine of equal groups: `counts` per level from the outside in, `threads` below.

    CPUs are numbered in order; with `passes`, first the first thread of every core, then the
    second ones. The `online` CPUs, all unless given, are present; the others are only possible.
    Readers ensure that there are at most MAX_CPU_IDS CPUs.
    """
    size = prod(counts.values()) * threads
    words = [f"{level}:{count}" for level, count in counts.items()]
    inner, repeats = (1, threads) if passes else (threads, 1)
    machine = synthetic.topology_of(" ".join([*words, f"pu:{inner}"]))
    columns = {level: machine.column(level) * repeats for level in LEVELS}
    numa = tuple(NumaNode(node, cpus) for node, cpus in sorted((nodes or {}).items()))
    columns["node"] = column_of_nodes(numa, size)
    possible = CpuSet.first(size)
    up = possible if online is None else online
    return replace(
        machine,
        possible=possible,
        present=up,
        online=up,
        columns=Columns(**columns),
        nodes=numa,
        name=name or source.name,
        source=source.label,
        warnings=tuple(warnings),
    )


def view_of_a_container(hidden: CpuSet, online: CpuSet, where: str) -> str:
    """Say that nodes list CPUs that `where`, a list of online CPUs, lacks; no kernel does that."""
    return (
        f"nodes list CPUs {hidden}, but {where} does not, as in a container's view of a machine: "
        f"they are counted as online, and the kernel's batch follows {len(online | hidden)} CPUs, "
        f"not {len(online)}"
    )
