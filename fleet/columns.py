"""The columns of a fleet: those that are read, and those that are added to every row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rssbound.bounds.scenario.scenario import Scenario
from rssbound.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ("KERNEL", "NAME", "RSS", "SHAPE", "THRESHOLD", "Asked", "distinct", "kept_names")

NAME, RSS, THRESHOLD = "name", "rss", "threshold"
"""What the machine is called; what the process has and what it is compared with, both in bytes."""

SHAPE = (
    *("possible", "present", "online", "nodes", "page_size", "kernel", "threads", "cpus"),
    *("topology", "rssbound.topology", "unread"),
    *("kind", "format_version", "numa_nodes", "tree_arity", "synthetic", "tree", "rows"),
)
"""What a bound depends on; rows that are equal in these columns are one shape.

The first line is for flat rows, the second for a topology in one column, or why it was not read,
the third for rows that are one."""

KERNEL = "kernel"
"""In place of a design: the one that the machine's kernel has."""


@dataclass(frozen=True)
class Asked:
    """What is asked of every row: designs (or KERNEL), metrics, and the scenario around them."""

    designs: tuple[str, ...] = (KERNEL, "percpu", "tree")
    metrics: tuple[str, ...] = ("rss",)
    scenario: Scenario = field(default_factory=Scenario)

    @property
    def bounds(self) -> tuple[tuple[str, str, str], ...]:
        """Give each design and metric with what their columns start with: per_thread_rss."""
        return tuple(
            (f"{design}_{metric}".replace("-", "_"), design, metric)
            for design in self.designs
            for metric in self.metrics
        )

    @property
    def added(self) -> tuple[str, ...]:
        """Name the columns that are added to those of the input, in their order."""
        sides = ("under_pages", "over_pages", "under_bytes", "over_bytes")
        return (
            *("design", "design_guess"),
            *(f"{prefix}_{side}" for prefix, _, _ in self.bounds for side in sides),
            *("worst_file", "decidable", "error"),
        )


def kept_names(names: Sequence[str], asked: Asked) -> tuple[str, ...]:
    """Name the input's columns in the output: a name that is added as well gets `input_` before.

    InputError where that is there too.
    """
    added = {name.casefold() for name in asked.added}
    kept = tuple(f"input_{name}" if name.casefold() in added else name for name in names)
    folded = [name.casefold() for name in kept]
    for name, renamed in zip(names, kept, strict=True):
        if folded.count(renamed.casefold()) > 1:
            raise InputError(f"columns {name} and {renamed}: rename one of them")
    return kept


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Tell columns apart that have one name, in letters of any size: name, name_2, name_3.

    SQL does not tell Name from name; a column without a name is called by its number.
    """
    seen: set[str] = set()
    told: list[str] = []
    for number, name in enumerate(names, 1):
        base = name.strip() or f"column_{number}"
        again, candidate = 2, base
        while candidate.casefold() in seen:
            candidate, again = f"{base}_{again}", again + 1
        seen.add(candidate.casefold())
        told.append(candidate)
    return tuple(told)
