"""A list of updates that reaches a bound; it is replayed before it is returned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTER, METRICS
from rssbound.bounds.counter.design import Place
from rssbound.bounds.counter.executable import Replayed, replay, single_pages
from rssbound.bounds.designs import BESIDE_IDS, DESIGNS, design_of
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import Scenario, resolve
from rssbound.errors import ScenarioError
from rssbound.records import dataclass, replace
from rssbound.topology.cpuset import CpuSet

if TYPE_CHECKING:
    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.counter.executable import AnyUpdate, Round, Runaway
    from rssbound.bounds.scenario.parameters import Parameters
    from rssbound.bounds.scenario.scenario import Resolved
    from rssbound.topology.model import Topology

__all__ = ("STYLES", "Witness", "witness_of")

PAGES = "pages"
STYLES = ("shortest", PAGES)


@dataclass(frozen=True)
class Witness:
    """Updates from an empty process, and the values that they lead to, in pages.

    `error` is the error of the approximate value on `side`, and equals `bound`. The updates are
    made to each of `counters`, whose values are summed. The first number of an update is a CPU; for
    split counting it is a thread, and the update is one fault. `own_cpus` are the CPUs of the
    process itself: another process or the kernel makes the updates on other CPUs. If there is no
    bound, `schedule` shows instead how the error grows, `words` describe it, and `error` is that of
    its last round.
    """

    design: str
    place: Place
    metric: str
    side: str
    counters: tuple[str, ...]
    own_cpus: CpuSet
    nr_cpu_ids: int
    batch: int
    updates: tuple[AnyUpdate, ...]
    approximate: int
    precise: int
    error: int
    bound: int | None
    schedule: tuple[Round, ...] = ()
    words: tuple[str, str] = ("", "")

    @property
    def foreign_cpus(self) -> CpuSet:
        """CPUs of updates that the process does not make itself; none if threads are counted."""
        if self.place is Place.THREAD:
            return CpuSet()
        return CpuSet.of(cpu for cpu, _ in self.updates if cpu is not None) - self.own_cpus


def witness_of(
    topology: Topology,
    design_id: str,
    side: str,
    scenario: Scenario | None = None,
    *,
    metric: str = COUNTER,
    style: str = "shortest",
) -> Witness:
    """Find updates that reach a bound, and replay them on the design's model.

    `metric` is "counter", the worst one, or one of METRICS. `style` "pages" uses only updates of
    single pages, as page faults make them. ScenarioError for an unknown or impossible request.
    RuntimeError, a bug here, if the replay does not reach the bound or takes a counter below zero.
    """
    if design_id not in (*DESIGNS, *BESIDE_IDS):
        raise ScenarioError(f"unknown design {design_id}; known: {', '.join(DESIGNS)}")
    design = design_of(design_id)
    resolved = resolve(scenario or Scenario(), topology)
    parameters = parameters_of(topology, resolved)
    if resolved.in_flight and design.runaway:
        runaway = design.runaway(parameters, side)
        return _without_bound(design, runaway, parameters, resolved.cpus, side)
    if resolved.in_flight:
        raise ScenarioError("in_flight: a witness ends with settled updates; leave it at 0")
    if resolved.rss is not None:
        raise ScenarioError("rss: a witness holds for a process of any size; leave the size out")
    if design_id in BESIDE_IDS:
        _check_beside(metric, resolved)
    counters = METRICS.get(metric, (design.counter,))
    if design.sum_witness and len(counters) > 1:
        replayed = design.sum_witness(parameters, side, counters)
    else:
        replayed = _replayed(design, parameters, side, style, len(counters))
    found = _witness(design, parameters, resolved.cpus, metric, side, replayed)
    return _checked(found, replayed.lowest)


def _check_beside(metric: str, resolved: Resolved) -> None:
    """ScenarioError for options that a counter other than RSS does not have."""
    if metric != COUNTER:
        raise ScenarioError(f"metric: {metric} is a metric of a process, not of this counter")
    if resolved.beside.cgroups > 1:
        raise ScenarioError("cgroups: a witness is for one cgroup; leave the number out")


def _replayed(
    design: Design, parameters: Parameters, side: str, style: str, counters: int
) -> Replayed:
    """Replay the updates, which each counter of a metric receives."""
    updates = design.witness(parameters, side)
    if style == PAGES and design.place is not Place.THREAD:  # the pages of a fault are fixed
        updates = single_pages(updates)
    model = design.model(parameters)
    lowest = replay(model, updates)
    return Replayed(updates, model.approximate * counters, model.precise * counters, lowest)


def _witness(
    design: Design,
    parameters: Parameters,
    own_cpus: CpuSet,
    metric: str,
    side: str,
    replayed: Replayed,
) -> Witness:
    under = replayed.precise - replayed.approximate
    return Witness(
        design=design.id,
        place=design.place,
        metric=metric,
        side=side,
        counters=METRICS.get(metric, (design.counter,)),
        own_cpus=own_cpus,
        nr_cpu_ids=parameters.nr_cpu_ids,
        batch=design.batch(parameters),
        updates=replayed.updates,
        approximate=replayed.approximate,
        precise=replayed.precise,
        error=under if side == "under" else -under,
        bound=getattr(design.worst(parameters, metric), side),
    )


def _without_bound(
    design: Design, runaway: Runaway, parameters: Parameters, own_cpus: CpuSet, side: str
) -> Witness:
    """Show how overlapping updates of one slot exceed every bound."""
    replayed = Replayed((), runaway.approximate, runaway.precise, 0)
    found = _witness(design, parameters, own_cpus, COUNTER, side, replayed)
    error = abs(runaway.rounds[-1].error)
    when, how = runaway.words
    words = (when.format(batch=found.batch), how)
    return replace(found, error=error, bound=None, schedule=runaway.rounds, words=words)


def _checked(witness: Witness, lowest: int) -> Witness:
    if witness.error != witness.bound or lowest < 0:
        raise RuntimeError(
            f"the witness of {witness.design} {witness.side} gives {witness.error}, "
            f"not {witness.bound}, and goes down to {lowest}"
        )
    return witness
