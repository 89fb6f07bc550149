"""What counters other than RSS depend on: cgroups, zones of memory, a reserve of sockets.

    threshold of a zone   min(125, 2 * fls(N) * (1 + fls(managed bytes / 128 MiB))), N CPUs online
    threshold of a node   the largest of its zones

Source: calculate_normal_threshold and refresh_zone_stat_thresholds in mm/vmstat.c.
"""

from __future__ import annotations

from typing import NamedTuple

from rssbound.bounds.scenario.process_size import MOST_BYTES
from rssbound.records import dataclass

__all__ = (
    "MOST_THRESHOLD",
    "Beside",
    "Thresholds",
    "Zone",
    "faults_of",
    "threshold_of",
    "thresholds_of",
    "zones_of",
)

MOST_THRESHOLD = 125
"""The largest threshold of any zone."""

UNIT = 27
"""Bits of 128 MiB."""

DMA, DMA32 = 15 << 20, (4 << 30) - (16 << 20)
"""The end of each of the two lowest zones of an x86-64 machine, in bytes."""

MOST_CGROUPS = (1 << 16) - 1
"""MEM_CGROUP_ID_MAX, include/linux/memcontrol.h: the most memory cgroups of a machine."""

MOST_INT = (1 << 31) - 1
"""The largest net.core.mem_pcpu_rsv."""

RESERVE_BYTES = 1 << 20
"""SK_MEMORY_PCPU_RESERVE in bytes."""


@dataclass(frozen=True)
class Zone:
    """A populated zone: its node, its name, the bytes that the kernel manages in it.

    `threshold` is the current one, which pressure lowers; 0 if it is not known.
    """

    node: int
    name: str
    managed: int
    threshold: int = 0


@dataclass(frozen=True, kw_only=True)
class Beside:
    """Known facts of a machine and a cgroup, other than CPUs; None if unknown.

    cgroups       memory cgroups of the subtree that have charges, the one that is read included
    zones         the populated zones, as /proc/zoneinfo lists them memory        bytes of the
    machine, where its zones are not known mem_pcpu_rsv  net.core.mem_pcpu_rsv, pages; None: the
    kernel's default, 1 MiB
    """

    cgroups: int = 1
    zones: tuple[Zone, ...] | None = None
    memory: int | None = None
    mem_pcpu_rsv: int | None = None


class Thresholds(NamedTuple):
    """Thresholds in pages: the largest of a zone, the sum of all zones, and the same of nodes."""

    zone: int
    zones: int
    node: int
    nodes: int


def threshold_of(managed: int, online: int) -> int:
    """Give the threshold of a zone from its bytes and the number of online CPUs."""
    return min(MOST_THRESHOLD, 2 * online.bit_length() * (1 + (managed >> UNIT).bit_length()))


def zones_of(memory: int, nodes: int) -> tuple[Zone, ...]:
    """Divide a machine's memory into zones as x86-64 does, the same for each node; none movable."""
    each = memory // nodes
    low = [Zone(0, "DMA", min(each, DMA)), Zone(0, "DMA32", min(max(each - DMA, 0), DMA32))]
    rest = each - sum(zone.managed for zone in low)
    zones = [
        *low,
        Zone(0, "Normal", rest),
        *(Zone(node, "Normal", each) for node in range(1, nodes)),
    ]
    return tuple(zone for zone in zones if zone.managed)


def thresholds_of(beside: Beside, online: int, nodes: int) -> Thresholds:
    """Give what a CPU can keep; for unknown memory, the most of any machine.

    `online` is the most CPUs that were ever online: thresholds grow with them. `nodes` counts those
    without CPUs too: their memory has zones. With unknown memory,
    nodes are taken as ranges of addresses: of these, DMA and DMA32 each divide at most one. So
    there are at most `nodes` + 2 zones of them, and one movable zone more for each node.
    """
    zones = beside.zones
    if zones is None and beside.memory is not None:
        zones = zones_of(beside.memory, nodes)
    if zones is None:
        return Thresholds(
            MOST_THRESHOLD, MOST_THRESHOLD * (2 * nodes + 2), MOST_THRESHOLD, MOST_THRESHOLD * nodes
        )
    of_zones = [max(zone.threshold, threshold_of(zone.managed, online)) for zone in zones]
    of_nodes: dict[int, int] = {}
    for zone, most in zip(zones, of_zones, strict=True):
        of_nodes[zone.node] = max(most, of_nodes.get(zone.node, 0))
    return Thresholds(
        max(of_zones, default=0),
        sum(of_zones),
        max(of_nodes.values(), default=0),
        sum(of_nodes.values()),
    )


def faults_of(beside: Beside) -> list[str]:
    """List the faults, each with the allowed values."""
    checks = (
        (
            1 <= beside.cgroups <= MOST_CGROUPS,
            f"cgroups: {beside.cgroups}; 1 to {MOST_CGROUPS:,}, with the one that is read",
        ),
        (
            beside.memory is None or 0 < beside.memory <= MOST_BYTES,
            f"memory: {beside.memory} bytes; 1 to {MOST_BYTES >> 60} EiB",
        ),
        (
            beside.mem_pcpu_rsv is None or 1 <= beside.mem_pcpu_rsv <= MOST_INT,
            f"mem_pcpu_rsv: {beside.mem_pcpu_rsv}; 1 to {MOST_INT:,} pages",
        ),
    )
    return [fault for holds, fault in checks if not holds]
