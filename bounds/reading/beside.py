"""The error of each counter other than RSS, in every design that it has had and in the kernel's.

The design follows from the release, as for RSS. A vendor's kernel may have another design, so there
it is a guess. Without a known release and design there is no statement about the kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.analysis import with_kernel_of
from rssbound.bounds.counter.design import version_of
from rssbound.bounds.counter.interval import UNBOUNDED, Interval
from rssbound.bounds.designs import BESIDE_COUNTERS, BESIDE_IDS, design_of
from rssbound.bounds.reading.accuracy import caveats_of, is_at_most
from rssbound.bounds.reading.gaps import gap_in, unknown_words
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import Scenario, resolve
from rssbound.bounds.vendors import design_on
from rssbound.errors import ScenarioError
from rssbound.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.counter.interval import Level
    from rssbound.bounds.scenario.parameters import Parameters
    from rssbound.bounds.scenario.scenario import Resolved
    from rssbound.topology.model import Topology

__all__ = ("Beside", "CounterBound", "beside_of", "bound_on", "designs_of", "is_guess", "on_kernel")


@dataclass(frozen=True)
class CounterBound:
    """One counter in one design: its error in pages, None on a side without a bound.

    `concurrent` is the error after overlapping updates have completed; `used` says whether the
    machine's kernel uses the design.
    """

    counter: str
    design: Design
    error: Interval
    concurrent: Interval
    published: Interval | None
    levels: tuple[Level, ...]
    used: bool
    at_most: bool
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class Beside:
    """The counters other than RSS of a machine, and the conditions of their bounds.

    `guess`: the kernel is a vendor's, whose release does not show which patches were backported.
    """

    topology: Topology
    scenario: Resolved
    parameters: Parameters
    bounds: tuple[CounterBound, ...]
    guess: bool


def beside_of(
    topology: Topology, scenario: Scenario | None = None, counters: Iterable[str] = ()
) -> Beside:
    """Bound counters other than RSS (all, or those with the ids) on a machine, in every design.

    ScenarioError for an unknown counter or an impossible scenario.
    """
    chosen = tuple(counters) or BESIDE_COUNTERS
    scenario = scenario or Scenario()
    resolved = resolve(scenario, topology)
    topology = with_kernel_of(resolved.constants, topology)
    parameters = parameters_of(topology, resolved)
    bounds = tuple(
        _bound(counter, design, parameters, used=design is on_kernel(counter, topology.kernel))
        for counter in chosen
        for design in designs_of(counter)
    )
    return Beside(topology, resolved, parameters, bounds, is_guess(topology.kernel))


def designs_of(counter: str) -> tuple[Design, ...]:
    """Give the designs of a counter, oldest first; ScenarioError if unknown."""
    if counter not in BESIDE_COUNTERS:
        raise ScenarioError(f"unknown counter {counter!r}; known: {', '.join(BESIDE_COUNTERS)}")
    designs = map(design_of, BESIDE_IDS)
    return tuple(
        design for design in designs if counter in design.counters or counter in design.sums
    )


def on_kernel(counter: str, release: str | None) -> Design | None:
    """Give the design of a counter in a kernel release; None if it is not known.

    If a stable release has a newer design than its series had, both include it; the newer counts.
    """
    version = version_of(release or "")
    if version is None or gap_in(counter, release or ""):
        return None
    newest_first = reversed(designs_of(counter))
    return next((one for one in newest_first if one.kernels.include(version)), None)


def is_guess(release: str | None) -> bool:
    """Return whether a release is a vendor's, from which the design does not follow."""
    return version_of(release or "") is not None and bool(design_on(release or "").vendor)


def bound_on(counter: str, topology: Topology, parameters: Parameters) -> CounterBound:
    """Bound a counter in the design of a machine's kernel.

    ScenarioError if the kernel or its design is not known.
    """
    design = on_kernel(counter, topology.kernel)
    if design is not None:
        return _bound(counter, design, parameters, used=True)
    if version_of(topology.kernel or "") is None:
        raise ScenarioError(
            "kernel: the release of this machine is not known; give one, such as 6.12.41"
        )
    raise ScenarioError(unknown_words(counter, topology.kernel or ""))


def _bound(counter: str, design: Design, parameters: Parameters, *, used: bool) -> CounterBound:
    sums = (counter,)
    settled = replace(parameters, in_flight=0)
    return CounterBound(
        counter=counter,
        design=design,
        error=design.error(parameters, sums),
        concurrent=design.error(settled, sums) if design.overlap_safe else UNBOUNDED,
        published=_published(counter, design, parameters),
        levels=design.levels(parameters, sums),
        used=used,
        at_most=is_at_most(design, parameters),
        caveats=caveats_of(design, parameters),
    )


def _published(counter: str, design: Design, parameters: Parameters) -> Interval | None:
    """Give the published bound of one counter; sums of several have none."""
    return None if counter in design.sums else design.published(parameters)
