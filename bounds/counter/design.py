"""What a design states: its levels of caches, once, and what is known about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from rssbound.bounds.counter.interval import EXACT, UNBOUNDED, Interval, Level, error_of, times
from rssbound.bounds.laws.residuals import lattice

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.executable import CounterModel, Update
    from rssbound.bounds.laws.distribution import Distribution
    from rssbound.bounds.scenario.parameters import Parameters

    LawOf = Callable[[Parameters, Level, str], Distribution]
    LevelsOf = Callable[[Parameters, tuple[str, ...]], tuple[Level, ...]]
    # from parameters and some counters to the levels of the sum of those counters

__all__ = (
    "Cost",
    "Design",
    "Kernels",
    "Knob",
    "Propagation",
    "each_batch",
    "each_counter",
    "exact",
    "nothing_published",
    "version_of",
)

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Kernels:
    """The releases in which a design counts RSS; `label` for print. None: open or none."""

    label: str
    first: Version | None = None
    last: tuple[int, ...] | None = None
    merged: bool = True

    def include(self, release: Version) -> bool:
        """Tell whether an unpatched kernel of this release uses the design."""
        return (
            self.merged
            and (self.first is None or release >= self.first)
            and (self.last is None or release[: len(self.last)] <= self.last)
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """What one update costs.

    `shared_atomics` is the most atomic operations on cache lines that CPUs share, `locks` the most
    locks taken, `pages_between` how many pages one CPU (or one thread's faults) adds between two
    slow paths in steady growth.
    """

    fast_path: str
    slow_path: str
    shared_atomics: Quantity
    locks: int
    pages_between: Quantity


@dataclass(frozen=True, slots=True)
class Knob:
    """The constant of a design that can be chosen, and so its bound.

    `name` is the kernel's, `field` that of Parameters and, for those a user may set, of Scenario;
    `least` the smallest value it takes.
    """

    name: str
    field: str
    least: int
    powers_of_two: bool = False


@dataclass(frozen=True, slots=True)
class Propagation:
    """How often an update leaves its own cache: slow paths for each page that is updated.

    `first` counts updates that touch the first shared level, `root` those that reach the counter's
    own value; steady is a process that grows a page at a time, worst whatever single pages can do.
    `lines` is the most shared cache lines that one update writes, `why` says what makes the worst.
    """

    first: Fraction
    root: Fraction
    worst_first: Fraction
    worst_root: Fraction
    lines: int
    why: str


@dataclass(frozen=True)
class Design:
    """One way to build a counter.

    levels        its caches, once; everything else about the bound follows from them
    published     the bound its authors state for one counter, None if they state none
    memory_bytes  memory of one process's four counters
    propagation   how often updates reach what CPUs share
    model         an executable model of one counter (for split counting, of the worst one)
    witness       the shortest updates found that reach the bound of a side, "under" or "over"
    knob          the constant that sets the bound, None if there is none
    law           precise - approximate of a level under a workload, in the long run
    follows_hardware  whether its levels are those of a machine, so that none has no formula
    overlap_safe  whether the bound holds after updates that overlapped have all completed
    """

    id: str
    title: str
    kernels: Kernels
    source: str
    levels: LevelsOf
    published: Callable[[Parameters], Interval | None]
    memory_bytes: Callable[[Parameters], Quantity]
    cost: Callable[[Parameters], Cost]
    propagation: Callable[[Parameters], Propagation]
    model: Callable[[Parameters], CounterModel]
    witness: Callable[[Parameters, str], tuple[Update, ...]]
    knob: Knob | None = None
    law: LawOf = lattice
    overlap_safe: bool = True
    follows_hardware: bool = False
    note: str = ""

    def error(self, parameters: Parameters, counters: tuple[str, ...]) -> Interval:
        """Bound the error of the sum of some counters, in pages."""
        if not self.overlap_safe and parameters.in_flight != 0:
            return UNBOUNDED
        return error_of(self.levels(parameters, counters))


def each_counter(levels: Callable[[Parameters], tuple[Level, ...]]) -> LevelsOf:
    """Make the levels of a sum from those of one counter, where each counter has its own caches."""
    return lambda parameters, counters: times(levels(parameters), len(counters))


def each_batch(pages: int) -> Propagation:
    """Give the propagation of a cache that is emptied into one shared line when it holds a batch.

    After that it is 0, so another batch of pages must come first: the worst is the steady case.
    """
    rate = Fraction(1, pages)
    why = "After a slow path the cache is empty, so the worst is the steady case."
    return Propagation(rate, rate, rate, rate, lines=1, why=why)


def exact(_: Parameters) -> Interval:
    """Published as exact."""
    return EXACT


def nothing_published(_: Parameters) -> None:
    """No bound was published."""


def version_of(release: str) -> Version | None:
    """Read the version of a kernel release such as 6.12.117-cloud-amd64; None if there is none."""
    match = re.match(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", release)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None
