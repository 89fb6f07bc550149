"""Write hwloc XML, version 2, which lstopo and all programs that use hwloc can read.

hwloc has no clusters, books or drawers: they are written as groups with their name as subtype, as
hwloc's own Linux backend does. Last-level caches become L3 caches of unknown size.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from rssbound.errors import InputError
from rssbound.topology.cpuset import CpuSet
from rssbound.topology.nesting import check_drawable, nest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.topology.model import Topology
    from rssbound.topology.nesting import Domain

__all__ = ("write",)

MOST_CPUS = 1 << 14
"""Limit of possible CPUs. Each object has sets of all CPUs, so the text grows with their square:
17 MB here, 16 times that for four times the CPUs."""

_TYPES = {
    "machine": "Machine",
    "package": "Package",
    "die": "Die",
    "llc": "L3Cache",
    "core": "Core",
    "cpu": "PU",
}
_GROUPS = {"cluster": "Cluster", "book": "Book", "drawer": "Drawer"}


def write(topology: Topology) -> str:
    """Give the machine as an hwloc topology; InputError if only the number of nodes is known."""
    if topology.node_count is not None:
        raise InputError("the CPUs of its NUMA nodes are not known; use json")
    check_drawable(topology, MOST_CPUS)
    nesting = nest(topology)
    root = ET.Element("topology", version="2.0")
    numbers = count(1)
    machine = _element(root, nesting.machine, topology, numbers)
    ET.SubElement(machine, "info", name="Backend", value="rssbound")
    left = [(machine, nesting.machine)]
    while left:
        element, domain = left.pop()
        if domain.type == "machine" and not topology.nodes:  # hwloc requires at least one node
            _node(element, 0, domain.cpus, topology, numbers)
        for child in domain.children:
            if child.type in {"node", "memory"}:
                # memory is attached next to the CPUs: the children of a node take its place
                place = _group_of_node(element, child, domain, topology, numbers)
                _node(place, child.id, child.cpus, topology, numbers)
                left.append((place, child))
            else:
                left.append((_element(element, child, topology, numbers), child))
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    header = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE topology SYSTEM "hwloc2.dtd">\n'
    return f"{header}{text}\n"


def _group_of_node(
    above: ET.Element, node: Domain, parent: Domain, topology: Topology, numbers: Iterator[int]
) -> ET.Element:
    """Give the element that a node belongs to: its parent if the CPUs are equal, else a group."""
    if len(node.ids) in {0, len(parent.ids)}:
        return above
    group = ET.SubElement(above, "object", type="Group", gp_index=str(next(numbers)), kind="0")
    _sets(group, node.cpus, topology)
    return group


def _element(
    above: ET.Element, domain: Domain, topology: Topology, numbers: Iterator[int]
) -> ET.Element:
    subtype = _GROUPS.get(domain.type)
    element = ET.SubElement(above, "object", type="Group" if subtype else _TYPES[domain.type])
    if subtype:
        element.set("subtype", subtype)
        element.set("kind", "0")
    elif domain.type == "llc":
        element.attrib |= {"cache_size": "0", "depth": "3", "cache_linesize": "64"}
        element.attrib |= {"cache_associativity": "0", "cache_type": "0"}
    else:
        element.set("os_index", str(domain.id))
    element.set("gp_index", str(next(numbers)))
    _sets(element, domain.cpus, topology)
    return element


def _node(
    above: ET.Element, id_: int, cpus: CpuSet, topology: Topology, numbers: Iterator[int]
) -> None:
    element = ET.SubElement(above, "object", type="NUMANode", os_index=str(id_))
    element.set("gp_index", str(next(numbers)))
    element.set("local_memory", "0")
    _sets(element, cpus, topology)
    nodeset = _bitmap(CpuSet.of([id_]))
    element.attrib |= {"nodeset": nodeset, "complete_nodeset": nodeset}


def _sets(element: ET.Element, cpus: CpuSet, topology: Topology) -> None:
    online = cpus & topology.online
    element.attrib |= {"cpuset": _bitmap(online), "complete_cpuset": _bitmap(cpus)}
    nodes = [node.id for node in topology.nodes if node.cpus & cpus]
    if element.get("type") == "Machine":
        nodes = [node.id for node in topology.nodes]
        element.attrib |= {"allowed_cpuset": _bitmap(online)}
    nodeset = _bitmap(CpuSet.of(nodes or [0]))
    element.attrib |= {"nodeset": nodeset, "complete_nodeset": nodeset}
    if element.get("type") == "Machine":
        element.set("allowed_nodeset", nodeset)


def _bitmap(cpus: CpuSet) -> str:
    """Print a set as hwloc does: 32-bit words, most significant first, an empty word for 0."""
    digits = f"{cpus.mask:x}"
    digits = digits.zfill(-(-len(digits) // 8) * 8)
    *words, last = (digits[start : start + 8] for start in range(0, len(digits), 8))
    shown = ["" if word == "00000000" else f"0x{word}" for word in words]
    return ",".join([*shown, "0x0" if last == "00000000" else f"0x{last}"])
