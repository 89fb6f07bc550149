"""Constants of a kernel that is not the one everything is stated for: read from a source tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("USUAL", "Found", "KernelConstants")


@dataclass(frozen=True, slots=True)
class Found:
    """A constant and the file and line where it stood."""

    name: str
    value: str
    place: str


@dataclass(frozen=True, kw_only=True)
class KernelConstants:
    """What a tree says; None where it says nothing, and the kernel's usual value holds.

    design          the design that counts RSS
    batch           RSS_STAT_BATCH_SIZE, pages
    arities         order -> fan-in orders, per_nr_cpu_order_config
    events_thresh   TASK_RSS_EVENTS_THRESH
    percpu_least, percpu_each    percpu_counter_batch = max(least, each * online CPUs)
    fault_around_bytes, nodes_shift, page_size, nr_cpus    as configured
    accuracy        interface -> "precise" or "approximate"
    found           everything that was read, and where
    """

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
    accuracy: Mapping[str, str] = field(default_factory=dict)
    found: tuple[Found, ...] = ()


USUAL = KernelConstants()
"""No tree was read."""
