"""The statement of a design: its levels, and other facts about it."""

from __future__ import annotations

import re
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NoReturn

from rssbound.bounds.counter.counters import COUNTER, COUNTERS, METRICS
from rssbound.bounds.counter.interval import (
    EXACT,
    UNBOUNDED,
    Interval,
    Level,
    error_of,
    times,
    worst_of,
)
from rssbound.errors import ScenarioError
from rssbound.records import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.executable import CounterModel, Replayed, Runaway, Update
    from rssbound.bounds.counter.rests import Rest
    from rssbound.bounds.laws.distribution import Distribution
    from rssbound.bounds.laws.slots import Slots
    from rssbound.bounds.scenario.parameters import Parameters

    LawOf = Callable[[Parameters, Level, str], Distribution]
    LevelsOf = Callable[[Parameters, tuple[str, ...]], tuple[Level, ...]]
    # from parameters and some counters to the levels of the sum of those counters
    Constant = Quantity | Callable[[Parameters], Quantity]

__all__ = (
    "Cost",
    "Design",
    "Kernels",
    "Knob",
    "Place",
    "Rates",
    "each_batch",
    "each_counter",
    "exact",
    "not_known",
    "nothing_published",
    "variant_of",
    "version_of",
)

Version = tuple[int, int, int]


class Place(StrEnum):
    """The owner of a slot. An update is made by a thread, or else on a CPU."""

    CPU = "CPU"
    THREAD = "thread"
    NODE = "node"

    @property
    def updater(self) -> str:
        """The meaning of the first number of an update: a CPU or a thread."""
        return "thread" if self is Place.THREAD else "CPU"


@dataclass(frozen=True)
class Kernels:
    """The releases in which a design counts RSS; `label` is printed. None: no limit, never merged.

    `since` is the release that the design came with, where `first` is open. `backports` are the
    first releases of older stable series that have it too.
    """

    label: str
    first: Version | None = None
    last: tuple[int, ...] | None = None
    merged: bool = True
    since: str = ""
    backports: tuple[Version, ...] = ()

    def include(self, release: Version) -> bool:
        """Return whether an unpatched kernel of this release uses the design."""
        if any(release[:2] == first[:2] and release >= first for first in self.backports):
            return True
        return (
            self.merged
            and (self.first is None or release >= self.first)
            and (self.last is None or release[: len(self.last)] <= self.last)
        )

    @property
    def came_with(self) -> str:
        """The release that the design came with, such as 6.2."""
        return self.since or ".".join(map(str, self.first or ())).removesuffix(".0")


@dataclass(frozen=True)
class Rates:
    """How often an update leaves its own slot, per updated page.

    `first` counts updates that touch the first shared level, `root` those that reach the counter's
    own value. Steady: a process that grows a page at a time; worst: any order of single pages.
    """

    first: Fraction
    root: Fraction
    worst_first: Fraction
    worst_root: Fraction


@dataclass(frozen=True)
class Cost:
    """What one update costs.

    `shared_atomics` is the most atomic operations on cache lines that CPUs share, `locks` the most
    locks taken, `lines` the most shared cache lines that one update writes. `slow` is the share of
    single pages that take the slow path in steady growth, one of `rates`; `why` says what makes the
    worst rates.
    """

    fast_path: str
    slow_path: str
    shared_atomics: int
    locks: int
    lines: int
    rates: Rates
    slow: Fraction
    why: str

    @property
    def pages_between(self) -> int:
        """Pages that one CPU (or one thread's faults) adds between two slow paths."""
        return int(1 / self.slow)


@dataclass(frozen=True)
class Knob:
    """The constant of a design that can be chosen, and so its bound.

    `name` is the kernel's, `field` that of Parameters and, for those a user may set, of Scenario;
    `least` the smallest value it takes.
    """

    name: str
    field: str
    least: int
    powers_of_two: bool = False


@dataclass(frozen=True, kw_only=True)
class Design:
    """One design of a counter; its module has all facts about it.

    levels        its slots; everything else about the bound follows from them
    law           precise - approximate of a level under a workload, in the long run
    slots        how single pages reach the approximate value of a counter
    published     the bound its authors state for one counter, None if they state none
    memory_bytes  memory of one process's four counters
    cost          what an update costs, and how often it reaches what CPUs share
    batch         the pages (for split counting the events) after which a slot is flushed

    counters      the counters with this design: those of a process, or counters other than RSS
    sums          metric -> the counters that it adds up
    lasts         how long an error can last; empty if only updates end it

    place         the owner of a slot: wording, columns of a witness, its C program
    model         an executable model of one counter, of `counter`
    counter       the counter of the model; if counters differ, the worst one on both sides
    witness       the shortest updates found that reach the bound of a side, "under" or "over"
    sum_witness   the same for a sum of counters, replayed; None: each counter has its own slots,
                  so each gets the updates of `witness`
    search_amounts  pages of an update that lead to every state of the model
    theorem       proves by z3 what its derivation rests on, for all values; None if it has none

    knob          the constant that sets the bound, None if there is none
    runaway       overlapping updates whose error grows without end; None: the bound holds after
                  overlapping updates have completed
    no_bound      whether even updates without overlap exceed every bound; None: never
    no_law        workloads under which its law is not known
    follows_hardware  whether its levels are a machine's, so that there is no formula without one
    rests         the parts of the kernel's source on which the derivation rests, with reasons
    note          the first caveat, in a few words
    caveats       conditions that void the bound, or other necessary facts, a sentence each; {over}
                  is replaced by how far RSS can read too high
    """

    id: str
    title: str
    kernels: Kernels
    source: str
    levels: LevelsOf
    law: LawOf
    slots: Callable[[Parameters], Slots]
    published: Callable[[Parameters], Interval | None]
    memory_bytes: Callable[[Parameters], Quantity]
    cost: Callable[[Parameters], Cost]
    batch: Callable[[Parameters], Quantity]
    place: Place
    model: Callable[[Parameters], CounterModel]
    witness: Callable[[Parameters, str], tuple[Update, ...]]
    search_amounts: Callable[[Parameters], tuple[int, ...]]
    theorem: Callable[[], bool] | None
    counter: str = "anon"
    counters: tuple[str, ...] = COUNTERS
    sums: Mapping[str, tuple[str, ...]] = field(default_factory=METRICS.copy)
    lasts: str = ""
    sum_witness: Callable[[Parameters, str, tuple[str, ...]], Replayed] | None = None
    knob: Knob | None = None
    runaway: Callable[[Parameters, str], Runaway] | None = None
    no_bound: Callable[[Parameters], bool] | None = None
    no_law: tuple[str, ...] = ()
    follows_hardware: bool = False
    rests: tuple[Rest, ...] = ()
    note: str = ""
    caveats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise TypeError that names each field of the wrong type."""
        stated: dict[str, Any] = vars(self)
        wrong = [
            f"{name} is {stated[name]!r}, not a function"
            for name in (*NEEDED, *OPTIONAL)
            if not callable(stated[name]) and (name in NEEDED or stated[name] is not None)
        ]
        if not isinstance(stated["place"], Place):
            wrong.append(f"place is {self.place!r}, not one of Place")
        if wrong:
            raise TypeError(f"{self.id}: {'; '.join(wrong)}")

    def __repr__(self) -> str:
        return f"Design({self.id!r})"

    @property
    def overlap_safe(self) -> bool:
        """Whether the bound holds after overlapping updates have completed."""
        return self.runaway is None

    def error(self, parameters: Parameters, counters: tuple[str, ...]) -> Interval:
        """Bound the error of the sum of some counters, in pages."""
        return self.error_in(parameters, self.levels(parameters, counters))

    def error_in(self, parameters: Parameters, levels: Iterable[Level]) -> Interval:
        """Bound the error of a sum of counters, in pages, by its levels."""
        if not self.overlap_safe and parameters.in_flight != 0:
            return UNBOUNDED
        if self.no_bound and self.no_bound(parameters):
            return UNBOUNDED
        return error_of(levels)

    def worst(self, parameters: Parameters, metric: str) -> Interval:
        """Bound the error of a metric, in pages: a sum, a counter, or the worst of all counters."""
        return worst_of(self.error(parameters, counters) for counters in self.sums_of(metric))

    def sums_of(self, metric: str) -> tuple[tuple[str, ...], ...]:
        """Give the sums of counters whose worst error is that of a metric.

        One for a member of `sums`, and for the name of a counter; for COUNTER each counter alone.
        """
        if metric == COUNTER:
            return tuple((counter,) for counter in self.counters)
        return (self.sums.get(metric, (metric,)),)


NEEDED = (
    *("levels", "law", "slots", "published", "memory_bytes", "cost", "batch", "model"),
    *("witness", "search_amounts"),
)
OF_PARAMETERS = (*NEEDED, "sum_witness", "runaway", "no_bound")
"""Fields of Design that are functions of Parameters, those first that every design has."""

OPTIONAL = (*OF_PARAMETERS[len(NEEDED) :], "theorem")


def variant_of(design: Design, constants: Mapping[str, Constant], **stated: Any) -> Design:
    """Make a design that differs from another in some constants.

    `constants` maps fields of Parameters to numbers, or to functions of the parameters that give
    them. `stated` has the other fields that differ: at least `id`, `title`, `kernels`, `source`.
    A constant that is fixed is no longer a knob.
    """

    def fixed(parameters: Parameters) -> Parameters:
        values = {
            name: value(parameters) if callable(value) else value
            for name, value in constants.items()
        }
        return parameters.having(**values)

    def of_fixed(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda parameters, *rest: function(fixed(parameters), *rest)

    functions = {
        name: of_fixed(function)
        for name in OF_PARAMETERS
        if (function := getattr(design, name)) is not None
    }
    knob = None if design.knob and design.knob.field in constants else design.knob
    return replace(design, **{"knob": knob, **functions, **stated})


def each_counter(levels: Callable[[Parameters], tuple[Level, ...]]) -> LevelsOf:
    """Make the levels of a sum from those of one counter; each counter has its own slots."""
    return lambda parameters, counters: times(levels(parameters), len(counters))


def each_batch(pages: int) -> Rates:
    """Give the rates of a slot that is emptied into one shared line when it holds a batch.

    It is then 0, and the next flush needs another batch of pages: the worst case is the
    steady case.
    """
    rate = Fraction(1, pages)
    return Rates(rate, rate, rate, rate)


def slot_cost(
    batch: int,
    fast_path: str,
    slow_path: str,
    why: str,
    *,
    shared_atomics: int = 1,
    locks: int = 0,
) -> Cost:
    """Give the cost of updates to slots that are emptied into one shared line at a batch."""
    rates = each_batch(batch)
    return Cost(
        fast_path=fast_path,
        slow_path=slow_path,
        shared_atomics=shared_atomics,
        locks=locks,
        lines=1,
        rates=rates,
        slow=rates.first,
        why=why,
    )


def exact(_: Parameters) -> Interval:
    """Published as exact."""
    return EXACT


def nothing_published(_: Parameters) -> None:
    """No bound was published."""


def not_known(*_: object) -> NoReturn:
    """The law of a design without a known law: an error."""
    raise ScenarioError("its typical error is not known; only its worst case is")


def version_of(release: str) -> Version | None:
    """Read the version of a kernel release such as 6.12.117-cloud-amd64; None if there is none."""
    match = re.match(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", release)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None
