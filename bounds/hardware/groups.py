"""The groups of CPUs in the hardware, for a counter tree that follows it."""

from __future__ import annotations

from collections import Counter
from operator import ne
from typing import TYPE_CHECKING, cast

from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.topology.cpuset import CpuSet
    from rssbound.topology.model import Topology

__all__ = ("HARDWARE", "CpuGroups", "groups_of")

HARDWARE = ("core", "llc", "node", "package")
"""Levels of the machine that a counter tree can follow, on most machines from the inside out.

The machine itself is the root."""


@dataclass(frozen=True)
class CpuGroups:
    """One level of the machine, for a counter tree that follows it.

    `fan_in` is the largest number of parts of the level below in one group, `used` the number of
    groups in which the process may run, `items` the number of groups, `item_of` the group of a CPU.
    """

    name: str
    fan_in: int
    used: Quantity
    items: int
    item_of: Callable[[int], Hashable]


def groups_of(topology: Topology, cpus: CpuSet) -> tuple[CpuGroups, ...]:
    """Give the machine's levels from the inside out, each a coarsening of the one before.

    The level with the smaller largest group is inside; if these are equal, the one with more
    groups, because a NUMA node can be part of a cache or hold several packages. A level is omitted
    if it equals the one below, holds the whole machine or cuts through a finer level. A CPU of an
    unknown group is a group of its own.
    """
    chain: list[CpuGroups] = []
    below: Sequence[int] | None = None
    parts = len(topology.possible)
    levels = [(name, _filled(topology, name)) for name in HARDWARE]
    for name, group_of in sorted(levels, key=lambda level: _extent(level[1])):
        groups = len(set(group_of))
        fan_in = _fan_in(below, group_of) if 1 < groups < parts else None
        if fan_in is None:
            continue
        by_cpu = _by_cpu(topology, group_of)
        used = len(set(cpus.select(by_cpu)))
        chain.append(CpuGroups(name, fan_in, used, groups, by_cpu.__getitem__))
        below, parts = group_of, groups
    return tuple(chain)


def _fan_in(below: Sequence[int] | None, group_of: Sequence[int]) -> int | None:
    """Give the largest number of parts in one group; None if a group cuts through a part.

    `below` is the part of each CPU, None if each CPU is a part.
    """
    if below is None:
        return max(Counter(group_of).values())
    of_part = dict(zip(below, group_of, strict=True))
    if any(map(ne, map(of_part.__getitem__, below), group_of)):
        return None
    return max(Counter(of_part.values()).values())


def _extent(groups: Sequence[int]) -> tuple[int, int]:
    """Give the sort key of levels: CPUs of the largest group, then more groups first."""
    sizes = Counter(groups)
    return max(sizes.values(), default=0), -len(sizes)


def _filled(topology: Topology, level: str) -> Sequence[int]:
    """Give the group of each possible CPU; an unknown group is a negative number of its own."""
    column = topology.column(level)
    if not column:
        return [0] * len(topology.possible)
    found = list(topology.possible.select(column))
    return (
        [
            -1 - cpu if group is None else group
            for cpu, group in zip(topology.possible, found, strict=True)
        ]
        if None in found
        else cast("list[int]", found)
    )


def _by_cpu(topology: Topology, groups: Sequence[int]) -> Sequence[int]:
    if len(groups) == topology.nr_cpu_ids:
        return groups
    column = [0] * topology.nr_cpu_ids
    for cpu, group in zip(topology.possible, groups, strict=True):
        column[cpu] = group
    return column
