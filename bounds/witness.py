"""A list of updates that reaches a bound, replayed before anyone sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rssbound.bounds.consumers import COUNTERS
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.machine import replay, single_pages
from rssbound.bounds.quantities import quantities_of
from rssbound.bounds.scenario import Scenario, resolve
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from rssbound.bounds.design import Design
    from rssbound.bounds.machine import Update
    from rssbound.bounds.quantities import Quantities
    from rssbound.topology.model import Topology

__all__ = ("SIDES", "STYLES", "Witness", "witness_of")

SIDES = ("under", "over")
STYLES = ("shortest", "pages")


@dataclass(frozen=True)
class Witness:
    """Updates of one counter from an empty process, and where they lead; values in pages.

    `error` is how far the approximate value is off on `side`, and equals `bound`. `lowest` is the
    lowest precise value on the way, never negative. The first number of an update is a CPU, for
    split counting a thread, and the update one fault.
    """

    design: str
    side: str
    nr_cpu_ids: int
    batch: int
    updates: tuple[Update, ...]
    approximate: int
    precise: int
    error: int
    bound: int


def witness_of(
    topology: Topology,
    design_id: str,
    side: str,
    scenario: Scenario | None = None,
    style: str = "shortest",
) -> Witness:
    """Find the updates that reach the bound of one counter, and replay them.

    `style` "pages" uses updates of single pages only, as page faults make them. ScenarioError for
    what cannot be asked. RuntimeError if the replay does not reach the bound: that is a bug here.
    """
    design = _design(design_id, side)
    resolved = resolve(scenario or Scenario(), topology)
    if resolved.in_flight:
        raise ScenarioError("in_flight: a witness is settled; leave it at 0")
    quantities = quantities_of(topology, resolved)
    updates = design.witness(quantities, side)
    if style == "pages" and design_id != "per-thread":  # there each update is one fault already
        updates = single_pages(updates)
    return _replayed(design, side, quantities, updates)


def _design(design_id: str, side: str) -> Design:
    if design_id not in DESIGNS:
        raise ScenarioError(f"no design {design_id}; there are {', '.join(DESIGNS)}")
    if side not in SIDES:
        raise ScenarioError(f"no side {side}; under or over")
    return DESIGNS[design_id]


def _replayed(
    design: Design, side: str, quantities: Quantities, updates: tuple[Update, ...]
) -> Witness:
    machine = design.machine(quantities)
    lowest = replay(machine, updates)
    under = machine.precise - machine.approximate
    error = under if side == "under" else -under
    bound = worst_bound(design, side, quantities)
    if error != bound or lowest < 0:
        raise RuntimeError(
            f"the witness of {design.id} {side} gives {error}, not {bound}, and goes to {lowest}"
        )
    return Witness(
        design.id,
        side,
        quantities.nr_cpu_ids,
        _batch(design, quantities),
        updates,
        machine.approximate,
        machine.precise,
        error,
        bound,
    )


def worst_bound(design: Design, side: str, quantities: Quantities) -> int:
    """Give the bound of the worst counter on one side, settled, in pages."""
    errors = [design.error(quantities, (counter,)) for counter in COUNTERS]
    bound: int = max(getattr(error, side) for error in errors)
    return bound


def _batch(design: Design, quantities: Quantities) -> int:
    """Give the batch that the design propagates by."""
    cached_by_cpu = design.id in {"percpu", "dual-mode"}
    batch: int = quantities.percpu_batch if cached_by_cpu else quantities.batch
    return batch
