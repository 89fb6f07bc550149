"""The typical law of the watched processes, if they were watched on this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import METRICS
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.laws.workloads import GROWTH
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.typical.error import typical_of
from rssbound.cli.render.results.observation_summary import Law
from rssbound.errors import ScenarioError
from rssbound.live.facts import Bounds
from rssbound.live.summary import SHARES

if TYPE_CHECKING:
    from rssbound.bounds import Scenario
    from rssbound.live.summary import Summary
    from rssbound.topology import Topology

__all__ = ("law_for",)

ELSEWHERE = "the samples are from another machine or kernel"


def law_for(summary: Summary, machine: Topology, scenario: Scenario) -> Law:
    """Give the typical error of RSS, at SHARES, if the samples are from this machine."""
    if not summary.processes or summary.design not in DESIGNS:
        return Law(GROWTH, None, f"{summary.design or 'the design'} is not a single design")
    most = max(summary.processes, key=lambda process: process.samples)
    bound = Bounds(machine, scenario).of(most.threads, machine.online)
    if summary.kernel != machine.kernel or bound.over != most.bound_over:
        return Law(GROWTH, None, ELSEWHERE)
    asked = replace(scenario, threads=most.threads)
    parameters = parameters_of(machine, resolve(asked, machine))
    try:
        law = typical_of(DESIGNS[summary.design], parameters, METRICS["rss"], GROWTH)
    except ScenarioError as error:
        return Law(GROWTH, None, str(error))
    return Law(GROWTH, tuple(law.size_quantile(share) for share in SHARES))
