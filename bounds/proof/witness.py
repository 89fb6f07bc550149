"""A list of updates that reaches a bound, replayed before anyone sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTERS, METRICS
from rssbound.bounds.counter.executable import replay, single_pages
from rssbound.bounds.designs import DESIGNS, per_node, per_thread
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import Scenario, resolve
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.counter.executable import Update
    from rssbound.bounds.scenario.parameters import Parameters
    from rssbound.topology.model import Topology

    AnyUpdate = tuple[int | None, int | Mapping[str, int]]
    # as Update; where counters differ, pages by counter, and no place for what no cache sees

__all__ = ("SIDES", "STYLES", "Round", "Witness", "witness_of")

SIDES = ("under", "over")
STYLES = ("shortest", "pages")
ROUNDS = 8
"""Rounds that are shown of a schedule that grows for ever."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a schedule that has no bound, in pages of one slot.

    An updater adds `begins` and is stopped, others add `others` a page at a time, and it goes on,
    taking away `takes`. Settled, the approximate value is then too high by `error`.
    """

    begins: int
    others: int
    takes: int
    error: int


@dataclass(frozen=True)
class Witness:
    """Updates from an empty process, and where they lead; values in pages.

    `error` is how far the approximate value is off on `side`, and equals `bound`. The updates are
    made to each of `counters`, whose values are summed. The first number of an update is a CPU, for
    split counting a thread, and the update one fault. Where there is no bound, `schedule` shows how
    the error grows instead, and `error` is that of its last round.
    """

    design: str
    metric: str
    side: str
    counters: tuple[str, ...]
    nr_cpu_ids: int
    batch: int
    updates: tuple[AnyUpdate, ...]
    approximate: int
    precise: int
    error: int
    bound: int | None
    schedule: tuple[Round, ...] = ()


def witness_of(
    topology: Topology,
    design_id: str,
    side: str,
    scenario: Scenario | None = None,
    *,
    metric: str = "counter",
    style: str = "shortest",
) -> Witness:
    """Find the updates that reach a bound, and replay them on the design's model.

    `metric` is "counter", the worst one, or one of METRICS. `style` "pages" uses updates of single
    pages only, as page faults make them. ScenarioError for what cannot be asked. RuntimeError if
    the replay does not reach the bound or takes a counter below zero: a bug here.
    """
    if design_id not in DESIGNS:
        raise ScenarioError(f"no design {design_id}; there are {', '.join(DESIGNS)}")
    design = DESIGNS[design_id]
    resolved = resolve(scenario or Scenario(), topology)
    parameters = parameters_of(topology, resolved)
    if resolved.in_flight and not design.overlap_safe:
        return _without_bound(design, side, parameters)
    if resolved.in_flight:
        raise ScenarioError("in_flight: a witness ends settled; leave it at 0")
    if design is per_thread.DESIGN:
        return _of_split_counting(parameters, metric, side)
    updates = design.witness(parameters, side)
    if style == "pages":
        updates = single_pages(updates)
    return _replayed(design, parameters, metric, side, updates)


def _replayed(
    design: Design, parameters: Parameters, metric: str, side: str, updates: tuple[Update, ...]
) -> Witness:
    """Replay updates that each counter of a metric gets alike."""
    model = design.model(parameters)
    lowest = replay(model, updates)
    counters = METRICS.get(metric, ("anon",))
    times = len(counters)
    return _checked(
        Witness(
            design=design.id,
            metric=metric,
            side=side,
            counters=counters,
            nr_cpu_ids=parameters.nr_cpu_ids,
            batch=_batch(design, parameters),
            updates=updates,
            approximate=model.approximate * times,
            precise=model.precise * times,
            error=_off(model.approximate, model.precise, side) * times,
            bound=bound_of(design, parameters, metric, side),
        ),
        lowest,
    )


def _of_split_counting(parameters: Parameters, metric: str, side: str) -> Witness:
    """Replay faults; a sum of counters is too high only where a reader's clamps hide a part."""
    counters = METRICS.get(metric, ("file",))
    plain: tuple[AnyUpdate, ...] = per_thread.DESIGN.witness(parameters, side)
    clamped = side == "over" and len(counters) > 1
    updates = per_thread.clamped_witness(parameters) if clamped else plain
    model = per_thread.model(parameters)
    lowest = per_thread.replay_faults(model, updates)
    approximate, precise = model.read(counters), model.precise_sum(counters)
    return _checked(
        Witness(
            design=per_thread.DESIGN.id,
            metric=metric,
            side=side,
            counters=counters,
            nr_cpu_ids=parameters.nr_cpu_ids,
            batch=parameters.events_thresh,
            updates=updates,
            approximate=approximate,
            precise=precise,
            error=_off(approximate, precise, side),
            bound=bound_of(per_thread.DESIGN, parameters, metric, side),
        ),
        lowest,
    )


def _without_bound(design: Design, side: str, parameters: Parameters) -> Witness:
    """Show how overlapping updates of one slot leave any interval."""
    size = per_node.batch(parameters)
    model = per_node.NodeAtomics(size, {0: 0})
    model.update(0, 4 * ROUNDS * size)  # so that the precise value never is below zero
    rounds: list[Round] = []
    for number in range(ROUNDS, 0, -1):  # the last one ends on the side that is asked for
        sign = -1 if (number % 2 == 0) == (side == "over") else 1
        steps = per_node.interrupted_round(model, 0, sign)
        rounds.append(Round(*steps, model.approximate - model.precise))
    return Witness(
        design=design.id,
        metric="counter",
        side=side,
        counters=("anon",),
        nr_cpu_ids=parameters.nr_cpu_ids,
        batch=size,
        updates=(),
        approximate=model.approximate,
        precise=model.precise,
        error=abs(rounds[-1].error),
        bound=None,
        schedule=tuple(rounds),
    )


def _checked(witness: Witness, lowest: int) -> Witness:
    if witness.error != witness.bound or lowest < 0:
        raise RuntimeError(
            f"the witness of {witness.design} {witness.side} gives {witness.error}, "
            f"not {witness.bound}, and goes down to {lowest}"
        )
    return witness


def bound_of(design: Design, parameters: Parameters, metric: str, side: str) -> int | None:
    """Give one side of the bound of a metric, or of the worst counter, in pages."""
    if metric in METRICS:
        bound: int | None = getattr(design.error(parameters, METRICS[metric]), side)
        return bound
    errors = [design.error(parameters, (counter,)) for counter in COUNTERS]
    worst: int | None = max(getattr(error, side) for error in errors)
    return worst


def _off(approximate: int, precise: int, side: str) -> int:
    return precise - approximate if side == "under" else approximate - precise


def _batch(design: Design, parameters: Parameters) -> int:
    """Give the batch that the design propagates by, in pages."""
    batches: dict[str, int] = {
        "percpu": parameters.percpu_batch,
        "dual-mode": parameters.percpu_batch,
        "per-node": per_node.batch(parameters),
        "shared": 1,
    }
    batch: int = parameters.batch
    return batches.get(design.id, batch)
