"""Which tolerance does a test or a watchdog need for a reading?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rssbound.bounds.reading.accuracy import readings_of
from rssbound.bounds.reading.catalogue import ABSENT
from rssbound.bounds.scenario.scenario import Scenario, resolve
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from rssbound.topology.model import Topology

__all__ = ("Tolerance", "tolerance")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a reading can be off, in bytes: too low by `under`, too high by `over`."""

    under: int
    over: int


def tolerance(
    topology: Topology,
    interface: str = "stat",
    kernel: str | None = None,
    scenario: Scenario | None = None,
    *,
    threads: int | None = None,
) -> Tolerance:
    """Give the tolerance that a test or a watchdog needs for a reading, in bytes.

    `interface` is an id of INTERFACES, `kernel` a release in place of the machine's own. A correct
    program stays within it, and nothing smaller will do: the bound is reached.

    >>> import rssbound
    >>> host = rssbound.read("package:2 core:32 pu:1")
    >>> rssbound.tolerance(host, "stat", kernel="6.12.117")
    Tolerance(under=99876864, over=99876864)
    >>> rssbound.tolerance(host, "statm", kernel="6.12.117")
    Tolerance(under=0, over=0)

    ScenarioError for an unknown interface or kernel, or one that is not off by a bound.
    """
    scenario = scenario or Scenario()
    if threads is not None:
        scenario = replace(scenario, threads=threads)
    if kernel is not None:
        topology = replace(topology, kernel=kernel)
    (reading,) = readings_of(topology, scenario, (interface,))
    page_size = resolve(scenario, topology).page_size
    error = reading.error
    if reading.accuracy.kind == ABSENT:
        since = reading.accuracy.since
        raise ScenarioError(f"{interface}: Linux {topology.kernel} has none; it came with {since}")
    if error is None or error.under is None or error.over is None:
        raise ScenarioError(f"{interface}: has no bound that follows from the counters")
    return Tolerance(error.under * page_size, error.over * page_size)
