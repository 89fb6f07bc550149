"""Make the columns of a Topology from what a reader found: groups or keys of CPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rssbound.topology.cpuset import CpuSet
from rssbound.topology.model import LEVELS, Columns, NumaNode

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from rssbound.topology.model import Column

    Rows = Mapping[int, Mapping[str, Hashable]]
    # CPU id -> level -> id or other key of its group; None or absent where unknown

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
"""Levels that keep the machine's own ids; groups of the other levels are numbered in order."""

AROUND = {
    "core": ("drawer", "book", "package"),
    "cluster": ("drawer", "book", "package"),
    "die": ("drawer", "book", "package"),
    "package": ("drawer", "book"),
    "book": ("drawer",),
}
"""Level -> outer levels in whose groups its ids may repeat."""


def column_of_groups(groups: Sequence[CpuSet], ids: Sequence[int | None], size: int) -> Column:
    """Make a column of `size` CPUs from groups and the machine's own ids for them.

    The ids are kept if they are unique; otherwise groups are numbered in order.
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
    """Make all columns from rows of ids or other keys.

    Ids may repeat between groups of the outer levels: core_id starts again in every package. Ids
    of last-level caches must be unique, because a cache can span packages.
    """
    size = max(rows) + 1
    return Columns(**{level: _column_of_rows(level, rows, size) for level in LEVELS})


def _column_of_rows(level: str, rows: Rows, size: int) -> Column:
    """Make a column; ids that people know are kept if they are unique."""
    ids = {cpu: row[level] for cpu, row in rows.items() if row.get(level) is not None}
    around = AROUND.get(level, ())
    keys = {cpu: (*(rows[cpu].get(outer) for outer in around), ids[cpu]) for cpu in ids}
    names = set(ids.values())
    usable = all(isinstance(name, int) and name >= 0 for name in names)
    if not ids or level not in NAMED or not usable or len(set(keys.values())) > len(names):
        return column_of_keys(keys, size)
    column: list[int | None] = [None] * size
    for cpu, name in ids.items():
        column[cpu] = cast("int", name)
    return tuple(column)


def nodes_of_rows(rows: Rows) -> tuple[NumaNode, ...]:
    """Make the NUMA nodes that the rows name, smallest id first."""
    members: dict[int, list[int]] = {}
    for cpu, row in rows.items():
        if row.get("node") is not None:
            members.setdefault(cast("int", row["node"]), []).append(cpu)
    return tuple(NumaNode(node, CpuSet.of(cpus)) for node, cpus in sorted(members.items()))


def column_of_nodes(nodes: Iterable[NumaNode], size: int) -> Column:
    """Make the node column; if several nodes claim a CPU, the smallest wins, then the lowest id."""
    column: list[int | None] = [None] * size
    for node in sorted(nodes, key=lambda node: (-len(node.cpus), -node.id)):
        for cpu in node.cpus:
            column[cpu] = node.id
    return tuple(column) if any(name is not None for name in column) else ()


def usable_ids(ids: Sequence[int | None]) -> Sequence[int]:
    """Give the ids if they are unique, else 0, 1, 2 .. ."""
    known = [name for name in ids if name is not None and name >= 0]
    return known if len(set(known)) == len(ids) else range(len(ids))
