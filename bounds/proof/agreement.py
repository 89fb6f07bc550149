"""Every bound, computed in five ways that must agree.

The number is the bound as `analyze` prints it. The formula is the same definition in symbols, with
numbers substituted at the end. The witness is replayed on the executable model. The search visits
all states of that model. The theorem is proved for all values. A sixth way is independent of the
model: the error that the functions of a kernel source tree reached when they were executed.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTER, SIDES
from rssbound.bounds.counter.executable import replay
from rssbound.bounds.counter.theorems import proved
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.proof.search import extreme_errors
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import OWN, Scenario, resolve
from rssbound.errors import ScenarioError
from rssbound.records import dataclass, field, replace
from rssbound.topology.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.counter.executable import CounterModel
    from rssbound.bounds.counter.interval import Interval
    from rssbound.bounds.scenario.parameters import Parameters
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
"""Hosts of up to this many CPUs, or threads, are searched with their own batch."""
SMALL_HOSTS = (
    "core:1",
    "core:2",
    "core:3",
    "package:2 core:2",
    "numa:2 core:2",
    "core:5",
    "core:8",
)
"""Synthetic strings of small machines whose states can all be searched."""


@dataclass(frozen=True)
class Case:
    """A design with its parameters; its states are searched if `small`."""

    host: str
    design: Design
    parameters: Parameters
    small: bool


@dataclass(frozen=True)
class Agreement:
    """One side of one bound, computed in five ways, in pages; None if a way does not apply.

    The search is None if there are too many states; the theorem is None if the design has none or
    z3 is not installed. `executed` is what a kernel source tree reached, None for every design but
    the one in that source tree.
    """

    host: str
    design: str
    side: str
    number: int
    formula: int
    witness: int
    searched: int | None
    theorem: bool | None
    executed: int | None = None

    @property
    def holds(self) -> bool:
        """Whether all ways that apply agree."""
        figures = {self.number, self.formula, self.witness}
        others = {self.searched, self.executed} - {None}
        return len(figures | others) == 1 and self.theorem is not False


def cases_of_host(
    topology: Topology, scenario: Scenario, designs: Iterable[Design] = DESIGNS.values()
) -> list[Case]:
    """List designs on a machine; ScenarioError for updates in flight or several cgroups."""
    if scenario.in_flight:
        raise ScenarioError(
            "in_flight: witnesses and searches assume settled updates; leave it at 0"
        )
    if scenario.beside.cgroups > 1:
        raise ScenarioError("cgroups: a witness is for one cgroup; leave the number out")
    parameters = parameters_of(topology, resolve(scenario, topology))
    small = max(len(parameters.ids), parameters.threads) <= MOST_SEARCHED_CPUS
    return [Case(topology.name, design, parameters, small) for design in designs]


def small_cases(
    topologies: Iterable[Topology], designs: Iterable[Design] = DESIGNS.values()
) -> Iterator[Case]:
    """Yield designs on each set of CPUs of small machines, with small batches.

    There are as many threads as CPUs. Sets of more than 3 CPUs use the smallest batch, 2, and those
    of more than 2 threads the smallest threshold, 0, to keep the number of states small.
    """
    for topology in topologies:
        for size in range(1, len(topology.possible) + 1):
            for ids in combinations(topology.possible, size):
                for batch in (2, 4) if size < MOST_SEARCHED_CPUS else (2,):
                    parameters = _small_parameters(topology, CpuSet.of(ids), batch)
                    name = f"{topology.name} on {parameters.ids}, batch {batch}"
                    for design in designs:
                        yield Case(name, design, parameters, small=True)


def _small_parameters(topology: Topology, cpus: CpuSet, batch: int) -> Parameters:
    few = len(cpus) < MOST_SEARCHED_CPUS
    scenario = Scenario(
        cpus=cpus,
        updaters=OWN,
        batch=batch,
        percpu_batch=batch + 1 if few else 2,
        threads=len(cpus),
    )
    return replace(
        parameters_of(topology, resolve(scenario, topology)),
        events_thresh=1 if len(cpus) <= 2 else 0,
        fault_pages=2,
        charge_batch=batch,
        zone_threshold=batch,
        node_threshold=batch,
        mem_pcpu_rsv=batch,
    )


def agreements_of(case: Case) -> list[Agreement]:
    """Compute one bound in five ways, on both sides; loads sympy, and z3 if it is installed."""
    from rssbound.bounds.proof.evaluated_formula import evaluated  # noqa: PLC0415 (sympy is slow to load)

    design, parameters = case.design, case.parameters
    number = design.worst(parameters, COUNTER)
    formula = evaluated(design, parameters, COUNTER)
    searched = _searched(case)
    return [
        Agreement(
            host=case.host,
            design=design.id,
            side=side,
            number=getattr(number, side),
            formula=getattr(formula, side),
            witness=_witnessed(case, side),
            searched=None if searched is None else getattr(searched, side),
            theorem=proved(design.theorem),
        )
        for side in SIDES
    ]


def _witnessed(case: Case, side: str) -> int:
    """Replay the witness; gives the error it reaches, or -1 if the counter falls below zero."""
    model = case.design.model(case.parameters)
    lowest = replay(model, case.design.witness(case.parameters, side))
    under = model.precise - model.approximate
    return -1 if lowest < 0 else under if side == "under" else -under


def _searched(case: Case) -> Interval | None:
    if not case.small:
        return None
    model = case.design.model(case.parameters)
    amounts = case.design.search_amounts(case.parameters)
    return _extremes(_Search(model.structure(), amounts, model))


@dataclass(frozen=True)
class _Search:
    """The key of a search: machines of equal structure are searched only once."""

    structure: Hashable
    amounts: tuple[int, ...]
    model: CounterModel = field(compare=False)


@cache
def _extremes(search: _Search) -> Interval | None:
    return extreme_errors(search.model, search.amounts, MOST_STATES)
