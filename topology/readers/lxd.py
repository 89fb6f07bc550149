"""Read `lxc query /1.0/resources` of LXD and Incus, bare or inside the `metadata` of a response.

Format: shared/api/resource.go of either project. It lists the CPUs that LXD sees; other possible
CPUs are unknown. An isolated CPU is online. Caches are listed by socket without the CPUs that share
them, so last-level caches are unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError
from rssbound.topology.cpuset import CpuSet
from rssbound.topology.readers.checks import Checks, kind_of, parse_json
from rssbound.topology.readers.rows import cpu_id, group_id, objects, topology_of_rows

if TYPE_CHECKING:
    from rssbound.topology.model import Topology
    from rssbound.topology.readers.rows import Row
    from rssbound.topology.sources import Source

__all__ = ("accepts", "read")

_LISTED = "LXD does not list CPUs that are only possible; more CPUs may be possible"


def accepts(source: Source) -> bool:
    """Return whether the source is a JSON object with `cpu.sockets`."""
    if source.data is None or b'"sockets"' not in source.data:
        return False
    try:
        return _resources(parse_json(source.data)) is not None
    except InputError:
        return False


def read(source: Source) -> Topology:
    """Read the resources of a host; InputError with all faults, each with its JSON path."""
    if source.data is None:
        raise InputError("a folder or an archive, not a JSON file")
    found = _resources(parse_json(source.data))
    if found is None:
        raise InputError("$: no cpu.sockets in it; give the output of `lxc query /1.0/resources`")
    path, resources = found
    reading = _Reading()
    reading.sockets(resources["cpu"]["sockets"], f"{path}.cpu.sockets")
    reading.memory(resources.get("memory"), f"{path}.memory")
    reading.checks.finish()
    return topology_of_rows(
        reading.rows,
        reading.nodes,
        source,
        online=CpuSet.of(reading.rows) - CpuSet.of(reading.down),
        warnings=[_LISTED],
    )


def _resources(document: Any) -> tuple[str, dict[str, Any]] | None:
    """Give the object that holds `cpu.sockets`, with its path; None if there is none."""
    if not isinstance(document, dict):
        return None
    inner = document.get("metadata")
    for path, holder in (("$", document), ("$.metadata", inner if isinstance(inner, dict) else {})):
        cpu = holder.get("cpu")
        if isinstance(cpu, dict) and "sockets" in cpu:
            return path, holder
    return None


@dataclass
class _Reading:
    """The rows, nodes and faults found so far."""

    checks: Checks = field(default_factory=Checks)
    rows: dict[int, Row] = field(default_factory=dict)
    nodes: dict[int, list[int]] = field(default_factory=dict)
    down: list[int] = field(default_factory=list)

    def sockets(self, value: Any, path: str) -> None:
        for socket_path, socket in objects(value, path, self.checks):
            package = group_id(socket, "socket", socket_path, self.checks)
            for core_path, core in objects(
                socket.get("cores"), f"{socket_path}.cores", self.checks
            ):
                self._core(core, core_path, socket_path if package is None else package, package)

    def memory(self, value: Any, path: str) -> None:
        """Add the NUMA nodes, including those without CPUs."""
        if value is not None and not isinstance(value, dict):
            self.checks.fault(path, f"{kind_of(value)}; an object is expected")
            return
        for node_path, node in objects((value or {}).get("nodes"), f"{path}.nodes", self.checks):
            number = group_id(node, "numa_node", node_path, self.checks)
            if number is not None:
                self.nodes.setdefault(number, [])

    def _core(
        self, core: dict[str, Any], path: str, socket: int | str, package: int | None
    ) -> None:
        """Add the threads of a core; core ids repeat between sockets, dies and clusters."""
        ids = {name: group_id(core, name, path, self.checks) for name in ("die", "cluster", "core")}
        die, cluster, number = ids["die"], ids["cluster"], ids["core"]
        row: Row = {
            "package": package,
            "die": None if die is None else (socket, die),
            "cluster": None if cluster is None else (socket, die, cluster),
            "core": None if number is None else (socket, die, cluster, number),
        }
        for thread_path, thread in objects(core.get("threads"), f"{path}.threads", self.checks):
            self._thread(thread, thread_path, row)

    def _thread(self, thread: dict[str, Any], path: str, row: Row) -> None:
        cpu = cpu_id(thread.get("id"), f"{path}.id", self.checks)
        node = group_id(thread, "numa_node", path, self.checks)
        online = thread.get("online", True)
        if not isinstance(online, bool):
            self.checks.fault(f"{path}.online", f"{kind_of(online)}; a boolean is expected")
        if cpu is None:
            return
        if cpu in self.rows:
            self.checks.fault(f"{path}.id", f"CPU {cpu} is also in an earlier thread; keep one")
        self.rows[cpu] = row
        if node is not None:
            self.nodes.setdefault(node, []).append(cpu)
        if online is False:
            self.down.append(cpu)
