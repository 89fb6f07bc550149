"""A workload run on a design's executable model: how far off the counter is, looked at often.

The model knows no laws, so what it does is a second road to every typical error.
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
"""Pages that the process has before it starts, so that no workload takes it below 0."""

MOST_WARMING = 20
"""Warming up takes at most so many times the updates that are looked at."""


@dataclass(frozen=True)
class Simulation:
    """A design under a workload, ready to run.

    `warming` is how many updates are made before the first look, `mixing` how many it would take to
    forget the empty start; the law is of a counter that has.
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
        """Run it; yields how many updates are done and precise - approximate at that moment."""
        model = self.design.model(self.parameters)
        model.preload(FOOTING)
        period = _period(long_run_of(self.design, self.parameters))
        sizes = Sizes(period, self.parameters.huge_pages)
        done = -self.warming
        for burst in bursts(self.workload, model.places, sizes, Random(self.seed)):  # noqa: S311 (no secret)
            if done >= self.updates:
                return
            model.work(burst.updates, by_itself=burst.by_itself, huge=burst.huge)
            done += len(burst.updates)
            yield done, model.precise - model.approximate


@dataclass(frozen=True)
class Run:
    """What a simulation saw: precise - approximate at each look, in pages, smallest first."""

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
        """Give the smallest size that so many of the errors do not exceed."""
        sizes = sorted(map(abs, self.errors))
        return sizes[max(0, ceil(share * len(sizes)) - 1)]

    def share(self, first: int, last: int) -> float:
        """Give the share of errors from `first` to `last`, both included."""
        below = bisect_left(self.errors, first)
        return (bisect_right(self.errors, last) - below) / len(self.errors)

    def within(self, bound: Interval) -> bool:
        """Tell whether no error was outside a bound; None is no bound."""
        low, high = self.errors[0], self.errors[-1]
        return (bound.under is None or high <= bound.under) and (
            bound.over is None or -low <= bound.over
        )


def simulation_of(
    design: Design, parameters: Parameters, workload: str, updates: int, seed: int
) -> Simulation:
    """Prepare a simulation of one counter; nothing is in flight."""
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
    """Give pages after which every cache of a counter is where it was, and any cache flushes."""
    return 2 * max((part.points * part.step for part in law.parts), default=1)


def _mixing(design: Design, parameters: Parameters, workload: str) -> int:
    """Estimate how many updates it takes until the start is forgotten.

    A stop of `hop` settles all caches on its way at once, so every place must have been visited. In
    `lockstep` nothing is forgotten but a first round that may differ.
    """
    places = len(design.model(parameters).places)
    if workload == HOP:
        stops = places * (log(places) + 5)
        return ceil(stops * (_period(long_run_of(design, parameters)) * 3 + 2) / 4)
    if workload == LOCKSTEP:
        return places * design.caches(parameters).period
    unit = parameters.huge_pages if workload == HUGE else 1
    return settled_after(long_run_of(design, parameters, workload=workload), unit) // unit
