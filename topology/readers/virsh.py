"""Read libvirt XML: the host of `virsh capabilities`, or the guest of `virsh dumpxml`.

Formats: "Host capabilities" in formatcaps.html and "CPU model and topology", "CPU Allocation" in
formatdomain.html of libvirt. A host lists its CPUs by NUMA cell. A cell lists online CPUs; a CPU
that went offline in the meantime has only its id. A guest gives counts; its CPUs are numbered
with threads innermost, as QEMU does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

from rssbound.errors import InputError, shortened
from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet
from rssbound.topology.readers.checks import Checks
from rssbound.topology.readers.markup import parse_markup
from rssbound.topology.readers.rows import (
    PAGE_SIZES,
    cpu_id,
    group_id,
    topology_of_counts,
    topology_of_rows,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from xml.etree.ElementTree import Element

    from rssbound.topology.model import Topology
    from rssbound.topology.readers.rows import Row
    from rssbound.topology.sources import Source

__all__ = ("accepts", "read")

_ROOT = re.compile(
    rb"\A(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->)*+<(?:capabilities|domain)[\s/>]", re.DOTALL
)
_LEVELS = {
    "sockets": "package",
    "dies": "die",
    "clusters": "cluster",
    "cores": "core",
    "threads": "cpu",
}


_LISTED = "virsh capabilities lists only online CPUs; more CPUs may be possible"
_UNITS = {"b": 1, "bytes": 1, "KB": 1000, "k": 1024, "KiB": 1024, "MiB": 1 << 20, "M": 1 << 20}


def accepts(source: Source) -> bool:
    """Return whether the source is XML whose outermost element is `capabilities` or `domain`."""
    return source.data is not None and _ROOT.match(source.data[: 1 << 16]) is not None


def read(source: Source) -> Topology:
    """Read a host or a guest; InputError with all faults, each with its element."""
    if source.data is None:
        raise InputError("a folder or an archive, not an XML file")
    root = parse_markup(source.data)
    if root.tag == "domain":
        return _guest(root, source)
    cells = root.find("host/topology/cells")
    if cells is None:
        raise InputError(
            f"<{shortened(root.tag)}>: no host/topology/cells in it; "
            "give the output of `virsh capabilities` on a host with CPUs"
        )
    host = _Host()
    for path, cell in _each(cells, "cell", "cells."):
        host.cell(cell, path)
    for path, bank in _banks(root):
        host.bank(bank, path)
    for pages in root.findall("host//pages"):
        host.page_size(pages)
    host.checks.finish()
    return host.topology(source)


def _each(parent: Element, tag: str, path: str) -> Iterator[tuple[str, Element]]:
    """Yield the children with a tag, each with its path; counted from 0, as in JSON paths."""
    for number, child in enumerate(parent.findall(tag)):
        yield f"{path}{tag}[{number}]", child


# -- a host


def _banks(root: Element) -> list[tuple[str, Element]]:
    cache = root.find("host/cache")
    return [] if cache is None else list(_each(cache, "bank", "cache."))


@dataclass
class _Host:
    """The parts of a host read so far."""

    checks: Checks = field(default_factory=Checks)
    rows: dict[int, dict[str, Hashable]] = field(default_factory=dict)
    nodes: dict[int, set[int]] = field(default_factory=dict)
    known: set[int] = field(default_factory=set)
    clusters: set[int] = field(default_factory=set)
    levels: dict[int, int] = field(default_factory=dict)
    page_sizes: set[int] = field(default_factory=set)

    def cell(self, cell: Element, path: str) -> None:
        """Add a NUMA cell; a cell without CPUs is memory-only."""
        node = group_id(cell.attrib, "id", path, self.checks)
        if node is None or node in self.nodes:
            what = "no id" if node is None else f"cell {node} appears twice; keep one"
            self.checks.fault(f"{path}.id", what)
            return
        cpus = self.nodes[node] = set()
        holder = cell.find("cpus")
        told = None if holder is None else holder.get("num")
        for cpu_path, element in [] if holder is None else _each(holder, "cpu", f"{path}.cpus."):
            cpu = cpu_id(element.get("id"), f"{cpu_path}.id", self.checks)
            if cpu is None:
                continue
            if cpu in cpus:
                self.checks.fault(f"{cpu_path}.id", f"CPU {cpu} appears twice; keep one")
            cpus.add(cpu)
            # sometimes each cell claims all CPUs: the first one describes the CPU
            self.rows.setdefault(cpu, self._row(cpu, element, cpu_path))
        if told is not None and told.isdecimal() and int(told[:9]) > len(cpus):
            what = f"{shortened(told)}, but {len(cpus)} CPUs follow; give all of them"
            self.checks.fault(f"{path}.cpus.num", what)

    def page_size(self, pages: Element) -> None:
        """Add a page size; the smallest is the base page size."""
        unit, size = pages.get("unit", "KiB"), pages.get("size", "")
        if unit in _UNITS and re.fullmatch("[0-9]{1,9}", size):
            number = int(size) * _UNITS[unit]
            if number in PAGE_SIZES:
                self.page_sizes.add(number)

    def bank(self, bank: Element, path: str) -> None:
        """Record a cache as the last level of the CPUs for which no higher one is known."""
        level = group_id(bank.attrib, "level", path, self.checks)
        cpus = self.checks.cpu_list(bank.get("cpus"), f"{path}.cpus")
        if level is None or bank.get("type") == "code":
            return
        for cpu in cpus:
            if cpu in self.rows and level > self.levels.get(cpu, 0):
                self.levels[cpu] = level
                self.rows[cpu]["llc"] = path

    def topology(self, source: Source) -> Topology:
        """Make the machine; a CPU without any id is offline if other CPUs have ids."""
        online = CpuSet.of(self.known) if self.known else None
        rows: dict[int, Row] = dict(self.rows)
        if self.clusters <= {0}:  # libvirt prints this if the kernel does not know clusters
            rows = {cpu: row | {"cluster": None} for cpu, row in self.rows.items()}
        return topology_of_rows(
            rows,
            self.nodes,
            source,
            online=online,
            page_size=min(self.page_sizes, default=None),
            warnings=[_LISTED],
        )

    def _row(self, cpu: int, element: Element, path: str) -> dict[str, Hashable]:
        """Give the keys of a CPU; ids repeat between outer groups, sibling lists do not."""
        names = ("socket_id", "die_id", "cluster_id", "core_id")
        ids = {name: group_id(element.attrib, name, path, self.checks) for name in names}
        siblings = CpuSet()
        if "siblings" in element.attrib:
            siblings = self.checks.cpu_list(element.get("siblings"), f"{path}.siblings")
        if "socket_id" in element.attrib or siblings:
            self.known.add(cpu)
        socket, die, cluster, core = ids.values()
        if cluster is not None:
            self.clusters.add(cluster)
        by_ids = None if core is None else (socket, die, cluster, core)
        return {
            "package": socket,
            "die": None if die is None else (socket, die),
            "cluster": None if cluster is None else (socket, die, cluster),
            "core": siblings if cpu in siblings else by_ids,
        }


# -- a guest


def _guest(root: Element, source: Source) -> Topology:
    checks = Checks()
    size, online = _vcpus(root, checks)
    checks.finish()  # the rest is checked against the number of CPUs
    counts = _topology(root.find("cpu/topology"), size, checks)
    nodes, warnings = _cells(root.find("cpu/numa"), size, checks)
    checks.finish()
    threads = counts.pop("cpu")
    name = " ".join((root.findtext("name") or "").split())
    return topology_of_counts(
        counts, threads, source, online=online, nodes=nodes, name=name, warnings=warnings
    )


def _count(text: str | None, default: int, path: str, checks: Checks) -> int:
    """Read a number of CPUs or groups."""
    if text is None:
        return default
    if re.fullmatch(r"[0-9]{1,9}", text.strip()) and 0 < int(text) <= MAX_CPU_IDS:
        return int(text)
    checks.fault(path, f"{shortened(text)!r}; a number from 1 to {MAX_CPU_IDS}")
    return default


def _vcpus(root: Element, checks: Checks) -> tuple[int, CpuSet]:
    """Give the number of possible CPUs and the CPUs that are plugged in at the start."""
    vcpu = root.find("vcpu")
    if vcpu is None:
        return 1, CpuSet.first(1)
    size = _count(vcpu.text or "", 1, "vcpu", checks)
    current = _count(vcpu.get("current"), size, "vcpu.current", checks)
    if current > size:
        checks.fault("vcpu.current", f"{current} of {size} CPUs; lower it")
    ids: list[int] = []
    listed = root.find("vcpus")
    for path, element in [] if listed is None else _each(listed, "vcpu", "vcpus."):
        cpu = cpu_id(element.get("id"), f"{path}.id", checks)
        if cpu is not None and cpu >= size:
            checks.fault(f"{path}.id", f"CPU {cpu} of {size}; ids end at {size - 1}")
        elif cpu is not None and element.get("enabled") == "yes":
            ids.append(cpu)
    return size, CpuSet.of(ids) if ids else CpuSet.first(min(current, size))


def _topology(element: Element | None, size: int, checks: Checks) -> dict[str, int]:
    """Give the count of each level; without a topology each CPU is a socket, as in libvirt."""
    if element is None:
        return {"package": size, "core": 1, "cpu": 1}
    counts = {
        level: _count(element.get(name), 1, f"cpu.topology.{name}", checks)
        for name, level in _LEVELS.items()
    }
    if prod(counts.values()) != size and not checks.faults:
        shape = " * ".join(f"{element.get(name, '1')} {name}" for name in _LEVELS)
        checks.fault("cpu.topology", f"{shape} does not make the {size} CPUs of vcpu")
    optional = [level for level in ("die", "cluster") if counts[level] == 1]
    return {level: count for level, count in counts.items() if level not in optional}


def _cells(
    element: Element | None, size: int, checks: Checks
) -> tuple[dict[int, CpuSet], list[str]]:
    """Give the CPUs of each NUMA cell; a cell without `cpus` is memory-only."""
    nodes: dict[int, CpuSet] = {}
    left = CpuSet.first(size)
    for number, (path, cell) in enumerate([] if element is None else _each(element, "cell", "")):
        place = f"cpu.numa.{path}"
        node = group_id({"id": cell.get("id", str(number))}, "id", place, checks)
        cpus = checks.cpu_list(cell.get("cpus", ""), f"{place}.cpus")
        if node is None or node in nodes:
            checks.fault(f"{place}.id", "no id, or the id of an earlier cell")
            continue
        if cpus - left:
            extra = cpus - left
            checks.fault(f"{place}.cpus", f"CPUs {extra} are of an earlier cell or beyond {size}")
        nodes[node] = cpus
        left -= cpus
    if not (nodes and left):
        return nodes, []
    nodes[min(nodes)] |= left
    return nodes, [f"CPUs {left} are in no NUMA cell; libvirt assigns them to cell {min(nodes)}"]
