"""Constants of a kernel, read from its source tree, that replace the usual ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rssbound.errors import Location
from rssbound.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("READ", "USUAL", "Finding", "Found", "KernelConstants", "ReaderFound")

READ = "read:"
"""The start of the id of a finding about what is read, such as read:percpu_counter_batch."""


@dataclass(frozen=True)
class Found:
    """A constant, as text, and its location."""

    name: str
    value: str
    location: Location


class Finding(NamedTuple):
    """An inconsistency in a source tree, and its location: a file below the tree and a line.

    `id` names the cause, such as read:percpu_counter_batch, or run:get_mm_counter if code was run;
    "" for a finding that cannot be accepted. `excess` is how many pages it is off, to rank those
    with one cause.
    """

    file: str
    line: int
    text: str
    id: str = ""
    excess: int = 0

    def __str__(self) -> str:
        return f"{Location(self.file, self.line)}: {self.text}"


@dataclass(frozen=True)
class ReaderFound:
    """How a tree's function reads RSS, "precise" or "approximate", and the line that shows it."""

    accuracy: str
    location: Location


@dataclass(frozen=True, kw_only=True)
class KernelConstants:
    """The constants of a tree; None if it has none, and the kernel's usual value holds.

    release         VERSION.PATCHLEVEL.SUBLEVEL and EXTRAVERSION of the top Makefile
    design          the design that counts RSS
    batch           RSS_STAT_BATCH_SIZE, pages
    arities         order -> fan-in orders, per_nr_cpu_order_config
    events_thresh   TASK_RSS_EVENTS_THRESH
    percpu_least, percpu_each    percpu_counter_batch = max(least, each * online CPUs)
    fault_around_bytes, nodes_shift, page_size, nr_cpus    as configured
    readers         interface -> how the function that fills it reads
    found           every constant that was read, and where
    """

    release: str | None = None
    design: str | None = None
    batch: int | None = None
    arities: tuple[tuple[int, ...], ...] | None = None
    events_thresh: int | None = None
    percpu_least: int | None = None
    percpu_each: int | None = None
    fault_around_bytes: int | None = None
    nodes_shift: int | None = None
    page_size: int | None = None
    nr_cpus: int | None = None
    readers: Mapping[str, ReaderFound] = field(default_factory=dict)
    found: tuple[Found, ...] = ()


USUAL = KernelConstants()
"""No tree was read."""
