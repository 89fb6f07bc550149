"""Read cAdvisor's machine information, `/api/v1.3/machine` or `/api/v2.1/machine`.

Format: Node, Core and Cache in lib/model/machine.go (formerly info/v1/machine.go). Only online CPUs
are listed; other possible CPUs are unknown. A cache above level 2 is listed in its node if all CPUs
of the node share it, else in `uncore_caches` of each core that shares it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError
from rssbound.topology.readers.checks import Checks, kind_of, parse_json
from rssbound.topology.readers.rows import cpu_id, group_id, objects, topology_of_rows

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from rssbound.topology.model import Topology
    from rssbound.topology.readers.rows import Row
    from rssbound.topology.sources import Source

    Cache = tuple[int, Hashable]
    # its level, and a key that is unique in the machine

__all__ = ("accepts", "read")

_ONLINE_ONLY = "cAdvisor lists only online CPUs; more CPUs may be possible"
_OLD = "this older cAdvisor does not say which cores share a cache; last-level caches are unknown"
_NO_NUMA = "the nodes have no memory and no distances: they are packages of a kernel without NUMA"


def accepts(source: Source) -> bool:
    """Return whether the source is a JSON object with `num_cores` and a list `topology`."""
    if source.data is None or b'"num_cores"' not in source.data:
        return False
    try:
        return _is_machine(parse_json(source.data))
    except InputError:
        return False


def read(source: Source) -> Topology:
    """Read a machine; InputError with all faults, each with its JSON path."""
    if source.data is None:
        raise InputError("a folder or an archive, not a JSON file")
    document = parse_json(source.data)
    if not isinstance(document, dict) or "topology" not in document:
        raise InputError("$: no topology in it; give the output of cAdvisor's /api/v1.3/machine")
    reading = _Reading()
    kernel = reading.checks.text(document, "kernel_version", "$")
    nodes = objects(document["topology"], "$.topology", reading.checks)
    for path, node in nodes:
        reading.node(node, path)
    reading.checks.finish()
    numa = not _made_of_packages(node for _, node in nodes)
    return topology_of_rows(
        reading.rows,
        reading.nodes if numa else {},
        source,
        kernel=kernel or None,
        warnings=[_ONLINE_ONLY, *[_OLD] * reading.old, *[_NO_NUMA] * (not numa)],
    )


def _is_machine(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and "num_cores" in document
        and isinstance(document.get("topology"), list)
    )


def _made_of_packages(nodes: Iterable[dict[str, Any]]) -> bool:
    """Return whether the nodes are packages, as in cAdvisor's output if /sys has no nodes."""
    return all(node.get("memory") == 0 and not node.get("distances") for node in nodes)


@dataclass
class _Reading:
    """The rows, nodes and faults found so far; `old` is set if the sharing of caches is unknown."""

    checks: Checks = field(default_factory=Checks)
    rows: dict[int, Row] = field(default_factory=dict)
    nodes: dict[int, list[int]] = field(default_factory=dict)
    old: bool = False

    def node(self, node: dict[str, Any], path: str) -> None:
        """Add a node with its cores."""
        number = group_id(node, "node_id", path, self.checks)
        if number is not None and number in self.nodes:
            self.checks.fault(f"{path}.node_id", f"node {number} appears twice; keep one")
            return
        caches = self._caches(node, "caches", path, path)
        cpus: dict[int, Row] = {}
        for core_path, core in objects(node.get("cores"), f"{path}.cores", self.checks):
            self.old |= bool(caches) and "uncore_caches" not in core
            row = self._row(core, core_path, path, caches)
            for cpu_path, cpu in self._threads(core, core_path):
                if cpu in cpus:
                    self.checks.fault(cpu_path, f"CPU {cpu} is also in an earlier core; keep one")
                cpus[cpu] = row
        # sometimes each node claims all CPUs: the first node that names a CPU describes it
        self.rows = {**cpus, **self.rows}
        if number is not None:
            self.nodes[number] = list(cpus)

    def _row(self, core: dict[str, Any], path: str, node: str, node_caches: Iterable[Cache]) -> Row:
        """Give the ids of all CPUs of a core; core ids repeat between sockets."""
        names = ("drawer_id", "book_id", "socket_id", "core_id")
        drawer, book, socket, number = (group_id(core, n, path, self.checks) for n in names)
        uncore = self._caches(core, "uncore_caches", path, (drawer, book, socket))
        core_caches = self._caches(core, "caches", path, path)
        known = [*uncore, *node_caches, *core_caches] if "uncore_caches" in core else []
        return {
            "drawer": drawer,
            "book": book,
            "package": socket,
            "core": None if number is None else (node, drawer, book, socket, number),
            "llc": max(known, key=lambda cache: cache[0]) if known else None,
        }

    def _threads(self, core: dict[str, Any], path: str) -> list[tuple[str, int]]:
        """List the CPUs of a core, each with its path."""
        value = core.get("thread_ids")
        if value is not None and not isinstance(value, list):
            self.checks.fault(f"{path}.thread_ids", f"{kind_of(value)}; a list is expected")
            return []
        paths = [f"{path}.thread_ids[{place}]" for place in range(len(value or []))]
        found = [cpu_id(cpu, at, self.checks) for cpu, at in zip(value or [], paths, strict=True)]
        return [(at, cpu) for at, cpu in zip(paths, found, strict=True) if cpu is not None]

    def _caches(self, holder: dict[str, Any], key: str, path: str, scope: Hashable) -> list[Cache]:
        """Give the caches that hold data; `scope` is where their ids are unique."""
        caches: list[Cache] = []
        for cache_path, cache in objects(holder.get(key), f"{path}.{key}", self.checks):
            level = group_id(cache, "level", cache_path, self.checks)
            number = group_id(cache, "id", cache_path, self.checks)
            if level is not None and str(cache.get("type")).lower() != "instruction":
                caches.append((level, (scope, number)))
        return caches
