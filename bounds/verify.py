"""Every bound, shown five ways that must agree.

The number is the bound as `analyze` gives it; the formula is the same definition in symbols, with
the numbers put in last; the witness is replayed on the executable model; the search visits all
states of that model; the theorem is proved for all values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from rssbound.bounds.consumers import COUNTERS
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.machine import replay
from rssbound.bounds.quantities import quantities_of
from rssbound.bounds.scenario import Scenario, resolve
from rssbound.bounds.search import extreme_errors
from rssbound.errors import ScenarioError
from rssbound.topology.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rssbound.bounds.design import Design
    from rssbound.bounds.quantities import Quantities
    from rssbound.topology.model import Topology

__all__ = (
    "SMALL_HOSTS",
    "Agreement",
    "Case",
    "agreements_of",
    "cases_of_host",
    "small_cases",
)

MOST_STATES = 20_000
MOST_SEARCHED_CPUS = 4
"""CPUs, or threads, of a host whose states are searched with its own batch."""
SMALL_HOSTS = (
    "core:1",
    "core:2",
    "core:3",
    "package:2 core:2",
    "numa:2 core:2",
    "core:5",
    "core:8",
)
"""Synthetic strings of small machines, all of whose states can be searched."""


@dataclass(frozen=True)
class Case:
    """A design, on the CPUs and with the constants of some quantities; searched if `small`."""

    host: str
    design: Design
    quantities: Quantities
    small: bool


@dataclass(frozen=True)
class Agreement:
    """One side of one bound, five ways, in pages; None where a way does not apply.

    The search does not where there are too many states, the theorem where z3 is not installed.
    """

    host: str
    design: str
    side: str
    number: int
    formula: int
    witness: int
    searched: int | None
    theorem: bool | None

    @property
    def holds(self) -> bool:
        """Whether all ways that apply agree."""
        figures = {self.number, self.formula, self.witness}
        searched = self.searched is None or self.searched == self.number
        return len(figures) == 1 and searched and self.theorem is not False


def cases_of_host(topology: Topology, scenario: Scenario) -> list[Case]:
    """List every design on a machine; ScenarioError if updates are in flight."""
    if scenario.in_flight:
        raise ScenarioError("in_flight: witnesses and searches are settled; leave it at 0")
    quantities = quantities_of(topology, resolve(scenario, topology))
    small = max(len(quantities.ids), quantities.threads) <= MOST_SEARCHED_CPUS
    return [Case(topology.name, design, quantities, small) for design in DESIGNS.values()]


def small_cases(topologies: Iterable[Topology]) -> Iterator[Case]:
    """Yield every design on every set of CPUs of small machines, with small batches.

    Sets of more than 4 CPUs have the smallest batch, 2, and with it few enough states.
    """
    for topology in topologies:
        for size in range(1, len(topology.possible) + 1):
            for ids in combinations(topology.possible, size):
                few = size < MOST_SEARCHED_CPUS
                for batch in (2, 4) if few else (2,):
                    cpus = CpuSet.of(ids)
                    percpu_batch = batch + 1 if few else 2
                    scenario = Scenario(
                        cpus=cpus, batch=batch, percpu_batch=percpu_batch, threads=2
                    )
                    quantities = quantities_of(topology, resolve(scenario, topology))
                    quantities = replace(quantities, events_thresh=1, fault_pages=2)
                    for design in DESIGNS.values():
                        yield Case(
                            f"{topology.name} on {cpus}, batch {batch}",
                            design,
                            quantities,
                            small=True,
                        )


def agreements_of(case: Case) -> list[Agreement]:
    """Show one bound five ways, on both sides; loads sympy, and z3 if it is installed."""
    from rssbound.bounds.symbolic import evaluated  # noqa: PLC0415 (sympy is slow to load)
    from rssbound.bounds.theorems import proved  # noqa: PLC0415

    design, quantities = case.design, case.quantities
    # the executable models have one counter; split counting's is the worst one, `file`
    errors = [design.error(quantities, (counter,)) for counter in COUNTERS]
    searched = _searched(case)
    return [
        Agreement(
            host=case.host,
            design=design.id,
            side=side,
            number=max(getattr(error, side) for error in errors),
            formula=max(
                evaluated(design, quantities, (counter,), side) or 0 for counter in COUNTERS
            ),
            witness=_witnessed(case, side),
            searched=None if searched is None else searched[side],
            theorem=proved(design.id),
        )
        for side in ("under", "over")
    ]


def _witnessed(case: Case, side: str) -> int:
    """Replay the witness; gives where it leads, or -1 if it takes the counter below zero."""
    machine = case.design.machine(case.quantities)
    lowest = replay(machine, case.design.witness(case.quantities, side))
    under = machine.precise - machine.approximate
    return -1 if lowest < 0 else under if side == "under" else -under


def _searched(case: Case) -> dict[str, int] | None:
    if not case.small:
        return None
    machine = case.design.machine(case.quantities)
    split = case.design.id == "per-thread"
    amounts = (case.quantities.fault_pages, 0, -1) if split else (1, -1, 3, -5)
    found = extreme_errors(machine, amounts, MOST_STATES)
    return None if found is None else {"under": found.under or 0, "over": found.over or 0}
