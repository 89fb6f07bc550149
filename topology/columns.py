"""From what a reader found, groups or keys of CPUs, to the columns of a Topology."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from rssbound.topology.cpuset import CpuSet
    from rssbound.topology.model import Column, NumaNode

__all__ = ("column_of_groups", "column_of_keys", "column_of_nodes", "usable_ids")


def column_of_groups(groups: Sequence[CpuSet], ids: Sequence[int | None], size: int) -> Column:
    """Make a column of `size` CPUs from groups and the machine's own ids for them.

    The ids are kept where they name each group; otherwise groups are numbered in order.
    """
    column: list[int | None] = [None] * size
    for name, cpus in zip(usable_ids(ids), groups, strict=True):
        for cpu in cpus:
            column[cpu] = name
    return tuple(column) if groups else ()


def column_of_keys(keys: Mapping[int, Hashable], size: int) -> Column:
    """Make a column of `size` CPUs from a key for each CPU; keys are numbered by lowest CPU."""
    numbers: dict[Hashable, int] = {}
    column: list[int | None] = [None] * size
    for cpu in sorted(keys):
        column[cpu] = numbers.setdefault(keys[cpu], len(numbers))
    return tuple(column) if numbers else ()


def column_of_nodes(nodes: Iterable[NumaNode], size: int) -> Column:
    """Make the node column: of several nodes that claim a CPU, the smallest, then the lowest id."""
    column: list[int | None] = [None] * size
    for node in sorted(nodes, key=lambda node: (-len(node.cpus), -node.id)):
        for cpu in node.cpus:
            column[cpu] = node.id
    return tuple(column) if any(name is not None for name in column) else ()


def usable_ids(ids: Sequence[int | None]) -> Sequence[int]:
    """Give the ids if they tell the groups apart, else 0, 1, 2 .. ."""
    known = [name for name in ids if name is not None and name >= 0]
    return known if len(set(known)) == len(ids) else range(len(ids))
