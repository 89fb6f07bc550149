"""Histograms of the typical error of one counter: the data of the figure of typical errors.

The laws are those of typical/error.py, of one counter (anon) in the long run of a workload, once
updates have settled. Errors are precise - approximate, in pages: positive reads too low.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import TYPICAL
from rssbound.bounds.counter.interval import EXACT, Interval
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.laws.workloads import WORKLOADS
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.typical.error import typical_of
from rssbound.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.bounds.laws import table
    from rssbound.bounds.scenario.scenario import Scenario
    from rssbound.topology.model import Topology

__all__ = ("Law", "Typicals", "laws_of")

BINS = 40

Bin = tuple[int, int, float]
"""First value, last value, and the probability of the range."""


@dataclass(frozen=True)
class Law:
    """The law that some workloads share: figures and a histogram.

    `median` and `p99` are the sizes of the error that are not exceeded with probability 1/2, 0.99.
    """

    workloads: tuple[str, ...]
    mean: float
    stddev: float
    median: int
    p99: int
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Typicals:
    """A design's bound for one counter, and its laws."""

    design: str
    bound: Interval
    laws: tuple[Law, ...]


def laws_of(topology: Topology, scenario: Scenario, designs: Iterable[str]) -> tuple[Typicals, ...]:
    """Give the laws of each design under every workload; designs that are exact have none."""
    parameters = parameters_of(topology, resolve(replace(scenario, in_flight=0), topology))
    found = []
    for id_ in designs:
        design = DESIGNS[id_]
        bound = design.error(parameters, (TYPICAL,))
        laws: dict[table.Law, list[str]] = {}
        known = [workload for workload in WORKLOADS if workload not in design.no_law]
        for workload in known if bound != EXACT else ():
            law = typical_of(design, parameters, (TYPICAL,), workload)
            laws.setdefault(law, []).append(workload)
        found.append(
            Typicals(id_, bound, tuple(_law(law, tuple(names)) for law, names in laws.items()))
        )
    return tuple(found)


def _law(law: table.Law, workloads: tuple[str, ...]) -> Law:
    return Law(
        workloads=workloads,
        mean=float(law.mean),
        stddev=law.stddev,
        median=law.size_quantile(0.5),
        p99=law.size_quantile(0.99),
        bins=tuple((first, min(last, law.high), mass) for first, last, mass in law.masses(BINS)),
    )
