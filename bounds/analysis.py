"""The exact bound of every design on a machine, for a scenario."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.counters import COUNTERS, METRICS, TYPICAL
from rssbound.bounds.counter.design import version_of
from rssbound.bounds.counter.interval import UNBOUNDED, Interval, Level, worst_of
from rssbound.bounds.designs import DESIGNS, MAINLINE
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.process_size import capped, grown_to
from rssbound.bounds.scenario.scenario import Resolved, Scenario, resolve
from rssbound.bounds.vendors import design_in_source, design_on
from rssbound.errors import ScenarioError
from rssbound.records import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rssbound.bounds.counter.design import Cost, Design
    from rssbound.bounds.scenario.kernel_constants import KernelConstants
    from rssbound.bounds.scenario.parameters import Parameters
    from rssbound.bounds.scenario.process_size import Resident
    from rssbound.bounds.typical.error import Typical
    from rssbound.bounds.vendors import KernelDesign
    from rssbound.topology.model import Topology

__all__ = (
    "Analysis",
    "Result",
    "Results",
    "analysis_of",
    "analyze",
    "bound_of",
    "kernel_design_of",
    "largest_of",
    "result_of",
    "running_of",
    "with_kernel_of",
)


@dataclass(frozen=True)
class Result:
    """The worst case of one design; every interval in pages, None if there is no bound.

    counters    file, anon, swap, shmem -> error of that counter
    rss, oom    error of file + anon + shmem, and of that + swap
    concurrent  error of one counter (the worst of the four) once overlapping updates have completed
    published   the bound that its authors state for one counter, None if they state none
    levels      the levels that hold the error, for one counter, or for each if counters differ
    """

    design: Design
    counters: Mapping[str, Interval]
    rss: Interval
    oom: Interval
    concurrent: Interval
    published: Interval | None
    levels: tuple[Level, ...]
    memory_bytes: int
    cost: Cost
    summary: Callable[[], Typical] = field(repr=False, compare=False)

    @property
    def id(self) -> str:
        """The design's stable id, such as `tree`."""
        return self.design.id

    @cached_property
    def typical(self) -> Typical:
        """The typical error of one counter, for the process's size or in the long run.

        It is computed on first use: laws take longer than bounds, and few outputs show them.
        """
        return self.summary()

    def to_dict(self) -> dict[str, Any]:
        """Give the result as dictionaries, lists and numbers, as in the JSON of analyze."""
        from rssbound.bounds.plain_values import values_of  # noqa: PLC0415 (circular import)

        return values_of(self)

    def __repr__(self) -> str:
        return f"Result({self.id!r}, rss={self.rss!r})"

    @property
    def worst_counter(self) -> Interval:
        """The largest error of any counter, separately for each side."""
        return worst_of(self.counters.values())


class Results(tuple[Result, ...]):
    """Results of several designs, in order; a tuple that converts to plain values."""

    __slots__ = ()

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Give the results by design id, as dictionaries, lists and numbers."""
        return {result.id: result.to_dict() for result in self}

    def records(self) -> list[dict[str, Any]]:
        """Give one flat record for each design and each counter or metric, for pandas or polars.

        >>> import rssbound
        >>> rssbound.analyze(rssbound.read("core:8"), designs=["percpu"]).records()[1]
        {'design': 'percpu', 'counter': 'anon', 'under_pages': 248, 'over_pages': 248, \
'published_under_pages': 64, 'published_over_pages': 64}

        Published figures are for one counter, so `rss` and `oom` have none.
        """
        from rssbound.bounds.plain_values import records_of  # noqa: PLC0415 (circular import)

        return records_of(self)


@dataclass(frozen=True)
class Analysis:
    """Results with their machine and scenario: the input of every output format."""

    topology: Topology
    scenario: Resolved
    parameters: Parameters
    results: tuple[Result, ...]

    def result_of(self, design_id: str) -> Result:
        """Give the result of a design, computed if `results` lacks it."""
        asked = (result for result in self.results if result.id == design_id)
        return next(asked, None) or result_of(
            DESIGNS[design_id], self.parameters, self.scenario.rss
        )

    @property
    def used(self) -> tuple[Result, ...]:
        """The results of the designs that the kernel may use, else of mainline's, else the first.

        Only designs among `results`. Several if the kernel may use one of several.
        """
        kernel = self.kernel_design
        candidates = kernel.candidates if kernel else ()
        found = {result.id: result for result in self.results}
        asked = tuple(found[id_] for id_ in candidates if id_ in found)
        mainline = (result for result in self.results if result.id == MAINLINE)
        return asked or (next(mainline, self.results[0]),)

    @property
    def rss(self) -> Interval:
        """The error of RSS with the kernel's design, in pages.

        If the kernel may use one of several designs, each side is the largest of theirs.
        """
        return worst_of(result.rss for result in self.used)

    @property
    def widest_bytes(self) -> float:
        """The larger side of `rss` in bytes; infinity if there is no bound."""
        sides = (self.rss.under, self.rss.over)
        pages = (float("inf") if side is None else side for side in sides)
        return max(pages) * self.scenario.page_size

    @property
    def meant(self) -> Result:
        """The one result of `used` whose RSS has the largest bound; its bound is not `rss`."""
        return largest_of(self.used)

    @property
    def kernel_design(self) -> KernelDesign | None:
        """What is known of the counters of the machine's kernel; None without a release."""
        design = self.scenario.constants.design
        return design_in_source(design) if design else kernel_design_of(self.topology)

    @property
    def running(self) -> str | None:
        """The id of the design that the machine's kernel uses; None if that is not known."""
        kernel = self.kernel_design
        return kernel.known if kernel else None


def kernel_design_of(topology: Topology) -> KernelDesign | None:
    """Give the possible designs of a machine's kernel; None if its release is not known."""
    release = topology.kernel or ""
    return None if version_of(release) is None else design_on(release)


def with_kernel_of(constants: KernelConstants, topology: Topology) -> Topology:
    """Give the machine with the release of a source tree, if known, in place of its own."""
    return topology if constants.release is None else replace(topology, kernel=constants.release)


def running_of(topology: Topology) -> str | None:
    """Give the id of the design that a machine's kernel uses; None if that is not known."""
    kernel = kernel_design_of(topology)
    return kernel.known if kernel else None


def largest_of(results: Iterable[Result]) -> Result:
    """Give the result whose RSS has the largest bound on its larger side; no bound is largest."""

    def size(result: Result) -> tuple[bool, int]:
        sides = (result.rss.under, result.rss.over)
        return (None in sides, max(side or 0 for side in sides))

    return max(results, key=size)


def analyze(
    topology: Topology, scenario: Scenario | None = None, designs: Iterable[str] | None = None
) -> Results:
    """Compute the exact worst case of every design (or of those with the given ids) on a machine.

    All values are pages. ScenarioError if the scenario is impossible; it names all reasons.

    >>> import rssbound
    >>> tree, = analyze(rssbound.read("core:384 pu:1"), designs=["tree"])
    >>> tree.counters["anon"]
    Interval(under=40576, over=0)
    """
    return Results(analysis_of(topology, scenario, designs).results)


def analysis_of(
    topology: Topology, scenario: Scenario | None = None, designs: Iterable[str] | None = None
) -> Analysis:
    """As `analyze`, but with the machine and the resolved scenario.

    The machine's kernel is that of the source tree, if one was read.
    """
    chosen = list(DESIGNS) if designs is None else list(designs)
    unknown = [id_ for id_ in chosen if id_ not in DESIGNS]
    if unknown:
        raise ScenarioError(f"unknown design {', '.join(unknown)}; known: {', '.join(DESIGNS)}")
    resolved = resolve(scenario or Scenario(), topology)
    topology = with_kernel_of(resolved.constants, topology)
    parameters = parameters_of(topology, resolved)
    results = tuple(result_of(DESIGNS[id_], parameters, resolved.rss) for id_ in chosen)
    return Analysis(topology, resolved, parameters, results)


def bound_of(
    design: Design,
    parameters: Parameters,
    counters: tuple[str, ...],
    resident: Resident | None = None,
) -> Interval:
    """Bound the error of a sum of counters, in pages; a size, if given, limits it."""
    bound = design.error(parameters, counters)
    if resident is None:
        return bound
    return capped(bound, counters, _of_counters(design, parameters, counters), resident)


def result_of(design: Design, parameters: Parameters, resident: Resident | None = None) -> Result:
    """Compute the worst case of one design, for a given size or any size."""
    levels = {counter: design.levels(parameters, (counter,)) for counter in COUNTERS}
    bounds = {counter: design.error_in(parameters, levels[counter]) for counter in COUNTERS}
    sums = {
        metric: capped(design.error(parameters, counters), counters, bounds, resident)
        for metric, counters in METRICS.items()
    }
    counters = _each(bounds, resident)
    return Result(
        design=design,
        counters=counters,
        rss=sums["rss"],
        oom=sums["oom"],
        concurrent=_concurrent(design, parameters, counters, resident),
        published=design.published(parameters),
        levels=_joined(levels),
        memory_bytes=design.memory_bytes(parameters),
        cost=design.cost(parameters),
        summary=partial(_summary, design, parameters, resident),
    )


def _summary(design: Design, parameters: Parameters, resident: Resident | None) -> Typical:
    """Give the typical error of one counter, for a given size or in the long run."""
    from rssbound.bounds.typical.error import summary_of  # noqa: PLC0415 (laws are seldom shown)

    return summary_of(design, parameters, sizes=grown_to(resident, (TYPICAL,)))


def _of_counters(
    design: Design, parameters: Parameters, counters: Iterable[str] = COUNTERS
) -> dict[str, Interval]:
    """Bound each counter of a process of any size."""
    return {counter: design.error(parameters, (counter,)) for counter in counters}


def _each(bounds: Mapping[str, Interval], resident: Resident | None) -> dict[str, Interval]:
    """Bound each counter, limited by its size."""
    return {
        counter: capped(bound, (counter,), bounds, resident) for counter, bound in bounds.items()
    }


def _concurrent(
    design: Design,
    parameters: Parameters,
    counters: Mapping[str, Interval],
    resident: Resident | None,
) -> Interval:
    """Bound the worst counter after overlapping updates, with none in flight any more."""
    if not design.overlap_safe:
        return worst_of(_each(dict.fromkeys(COUNTERS, UNBOUNDED), resident).values())
    if parameters.in_flight == 0:
        return worst_of(counters.values())
    settled = _of_counters(design, parameters.having(in_flight=0))
    return worst_of(_each(settled, resident).values())


def _joined(levels: Mapping[str, tuple[Level, ...]]) -> tuple[Level, ...]:
    """Give the levels of one counter or, if counters differ, of each by name."""
    first = levels[COUNTERS[0]]
    if all(levels[counter] == first for counter in COUNTERS):
        return first
    return tuple(
        replace(level, name=f"{level.name}, {counter}")
        for counter in COUNTERS
        for level in levels[counter]
    )
