"""A workload run on a design's executable model, with the error sampled often.

The model does not use the laws, so it computes every typical error in a second, independent way.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from math import ceil, log, sqrt
from random import Random
from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import TYPICAL
from rssbound.bounds.laws.workloads import HOP, HUGE, LOCKSTEP, Sizes, bursts
from rssbound.bounds.typical.error import long_run_of, settled_after, typical_of
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.counter.interval import Interval
    from rssbound.bounds.laws.distribution import Distribution
    from rssbound.bounds.laws.table import Law
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("Run", "Simulation", "simulation_of")


FOOTING = 1 << 40
"""Pages of the process before the workload starts, so that no workload takes it below 0."""

MOST_WARMING = 20
"""Warming up takes at most this many times the sampled updates."""


@dataclass(frozen=True)
class Simulation:
    """A design under a workload, ready to run.

    `warming` is the number of updates before the first sample, `mixing` the number that it would
    take to forget the empty start; the law describes a counter that has forgotten it.
    """

    design: Design
    workload: str
    updates: int
    seed: int
    warming: int
    mixing: int
    law: Law
    bound: Interval
    parameters: Parameters

    def looks(self) -> Iterator[tuple[int, int]]:
        """Run it; yields the number of updates so far and precise - approximate at that moment."""
        model = self.design.model(self.parameters)
        model.preload(FOOTING)
        period = _period(long_run_of(self.design, self.parameters))
        sizes = Sizes(period, self.parameters.huge_pages)
        done = -self.warming
        endless = bursts(self.workload, model.places, sizes, Random(self.seed))  # noqa: S311 (no secret)
        for burst in endless:  # pragma: no branch (only the return ends it)
            if done >= self.updates:
                return
            model.work(burst.updates, by_munmap=burst.by_munmap, huge=burst.huge)
            done += len(burst.updates)
            yield done, model.precise - model.approximate


@dataclass(frozen=True)
class Run:
    """The samples of a simulation: precise - approximate in pages, sorted in ascending order."""

    errors: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Of precise - approximate."""
        return sum(self.errors) / len(self.errors)

    @property
    def stddev(self) -> float:
        """Of precise - approximate."""
        mean = self.mean
        return sqrt(sum((error - mean) ** 2 for error in self.errors) / len(self.errors))

    def size_quantile(self, share: float) -> int:
        """Give the smallest size that this share of the errors does not exceed."""
        sizes = sorted(map(abs, self.errors))
        return sizes[max(0, ceil(share * len(sizes)) - 1)]

    def share(self, first: int, last: int) -> float:
        """Give the share of errors from `first` to `last` inclusive."""
        below = bisect_left(self.errors, first)
        return (bisect_right(self.errors, last) - below) / len(self.errors)

    def within(self, bound: Interval) -> bool:
        """Return whether every error was within the bound; None means no bound."""
        low, high = self.errors[0], self.errors[-1]
        return (bound.under is None or high <= bound.under) and (
            bound.over is None or -low <= bound.over
        )


def simulation_of(
    design: Design, parameters: Parameters, workload: str, updates: int, seed: int
) -> Simulation:
    """Prepare a simulation of one counter without updates in flight."""
    law = typical_of(design, parameters, (TYPICAL,), workload)
    mixing = _mixing(design, parameters, workload)
    return Simulation(
        design=design,
        workload=workload,
        updates=updates,
        seed=seed,
        warming=min(mixing, MOST_WARMING * updates),
        mixing=mixing,
        law=law,
        bound=design.error(parameters, (TYPICAL,)),
        parameters=parameters,
    )


def _period(law: Distribution) -> int:
    """Give pages after which every slot of a counter is in the same state and each has flushed."""
    return 2 * max((part.points * part.step for part in law.parts), default=1)


def _mixing(design: Design, parameters: Parameters, workload: str) -> int:
    """Estimate after how many updates the start is forgotten.

    One visit of `hop` settles all slots on its path at once, so every place must have been visited.
    In `lockstep` only the first round can differ.
    """
    places = len(design.model(parameters).places)
    if workload == HOP:
        stops = places * (log(places) + 5)
        return ceil(stops * (_period(long_run_of(design, parameters)) * 3 + 2) / 4)
    if workload == LOCKSTEP:
        return places * design.slots(parameters).period
    unit = parameters.huge_pages if workload == HUGE else 1
    return settled_after(long_run_of(design, parameters, workload=workload), unit) // unit
