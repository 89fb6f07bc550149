"""Read a description of a machine's CPUs from any source into one immutable `Topology`."""

from __future__ import annotations

from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet
from rssbound.topology.model import LEVELS, Columns, Cpu, NumaNode, Topology
from rssbound.topology.readers import READERS, read

__all__ = (
    "LEVELS",
    "MAX_CPU_IDS",
    "READERS",
    "Columns",
    "Cpu",
    "CpuSet",
    "NumaNode",
    "Topology",
    "read",
)
