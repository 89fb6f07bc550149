"""From what a reader found, groups or keys of CPUs, to the columns of a Topology."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.topology.cpuset import CpuSet
from rssbound.topology.model import LEVELS, Columns, NumaNode

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from rssbound.topology.model import Column

    Rows = Mapping[int, Mapping[str, int]]
    # CPU id -> level -> id of its group, for the levels that are known

__all__ = (
    "NAMED",
    "column_of_groups",
    "column_of_keys",
    "column_of_nodes",
    "columns_of_rows",
    "nodes_of_rows",
    "usable_ids",
)

NAMED = ("node", "package", "book", "drawer")
"""Levels whose ids are the machine's own; groups of the others are numbered in order."""


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


def columns_of_rows(rows: Rows) -> Columns:
    """Make all columns from rows of ids; ids of the inner levels may repeat between packages."""
    size = max(rows) + 1
    columns: dict[str, Column] = {}
    for level in LEVELS:
        if level in NAMED:
            column = tuple(rows.get(cpu, {}).get(level) for cpu in range(size))
            columns[level] = column if any(name is not None for name in column) else ()
        else:
            around = ("drawer", "book", "package", level)
            keys = {
                cpu: tuple(row.get(name) for name in around)
                for cpu, row in rows.items()
                if level in row
            }
            columns[level] = column_of_keys(keys, size)
    return Columns(**columns)


def nodes_of_rows(rows: Rows) -> tuple[NumaNode, ...]:
    """Make the NUMA nodes that rows of ids name, smallest id first."""
    members: dict[int, list[int]] = {}
    for cpu, row in rows.items():
        if "node" in row:
            members.setdefault(row["node"], []).append(cpu)
    return tuple(NumaNode(node, CpuSet.of(cpus)) for node, cpus in sorted(members.items()))


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
