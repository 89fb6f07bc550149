"""The columns of a fleet: those that are read, and those that are added to every row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rssbound.bounds.scenario.scenario import Scenario
from rssbound.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = (
    "KERNEL",
    "NAME",
    "RSS",
    "SHAPE",
    "THRESHOLD",
    "Asked",
    "distinct",
    "has_machine",
    "kept_names",
)

NAME, RSS, THRESHOLD = "name", "rss", "threshold"
"""Columns with the machine's name, and the RSS of the process and its threshold in bytes."""

SHAPE = (
    *("possible", "present", "online", "nodes", "page_size", "kernel", "threads", "cpus"),
    *("topology", "rssbound.topology", "unread"),
    *("kind", "format_version", "numa_nodes", "tree_arity", "synthetic", "tree", "rows"),
)
"""The columns that a bound depends on; rows that are equal in these columns are one shape.

The first line is for flat rows. The second is for a topology in one column, or the reason why it
was not read. The third is for rows that are a topology themselves."""

_NO_MACHINE = frozenset({"nodes", "page_size", "kernel", "threads", "cpus", "format_version"})
"""Columns of a shape that alone do not say which CPUs the machine has."""

KERNEL = "kernel"
"""A design id that stands for the design of the machine's own kernel."""


@dataclass(frozen=True)
class Asked:
    """The request for every row: designs (or KERNEL), metrics, and the scenario."""

    designs: tuple[str, ...] = (KERNEL, "percpu", "tree")
    metrics: tuple[str, ...] = ("rss",)
    scenario: Scenario = field(default_factory=Scenario)

    @property
    def bounds(self) -> tuple[tuple[str, str, str], ...]:
        """Give each design and metric with the prefix of their columns, such as per_thread_rss."""
        return tuple(
            (f"{design}_{metric}".replace("-", "_"), design, metric)
            for design in self.designs
            for metric in self.metrics
        )

    @property
    def added(self) -> tuple[str, ...]:
        """Name the columns that are added to those of the input, in order."""
        sides = ("under_pages", "over_pages", "under_bytes", "over_bytes")
        return (
            *("design", "design_guess"),
            *(f"{prefix}_{side}" for prefix, _, _ in self.bounds for side in sides),
            *("worst_file", "decidable", "error"),
        )


def has_machine(names: Iterable[str]) -> bool:
    """Return whether one of some columns says which CPUs a machine has."""
    return any(name.lower() in SHAPE and name.lower() not in _NO_MACHINE for name in names)


def kept_names(names: Sequence[str], asked: Asked) -> tuple[str, ...]:
    """Name the input's columns in the output; a name that is also added gets the prefix `input_`.

    InputError if that name exists too.
    """
    added = {name.casefold() for name in asked.added}
    kept = tuple(f"input_{name}" if name.casefold() in added else name for name in names)
    folded = [name.casefold() for name in kept]
    for name, renamed in zip(names, kept, strict=True):
        if folded.count(renamed.casefold()) > 1:
            raise InputError(f"columns {name} and {renamed}: rename one of them")
    return kept


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Make column names unique, without regard to case: name, name_2, name_3.

    SQL treats Name and name as equal. A column without a name is named by its number.
    """
    seen: set[str] = set()
    unique: list[str] = []
    for number, name in enumerate(names, 1):
        base = name.strip() or f"column_{number}"
        again, candidate = 2, base
        while candidate.casefold() in seen:
            candidate, again = f"{base}_{again}", again + 1
        seen.add(candidate.casefold())
        unique.append(candidate)
    return tuple(unique)
