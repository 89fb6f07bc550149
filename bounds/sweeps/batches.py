"""How do the bounds and the cost change with the batch of the tree, on one machine?

Bounds come from a design's own levels, as in `analyze`, in pages; None means "no bound".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.sweeps.curve import Curve
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    from rssbound.bounds.scenario.parameters import Parameters
    from rssbound.bounds.scenario.scenario import Scenario
    from rssbound.topology.model import Topology

__all__ = ("BATCHES", "BatchCurves", "BatchRates", "over_batches")

BATCHES = tuple(1 << power for power in range(1, 13))
"""In pages; the tree needs powers of two."""


@dataclass(frozen=True)
class BatchCurves:
    """The bounds of one machine over the batch of the tree.

    `curves` has the designs whose bound depends on the batch, `fixed` the bounds of the others.
    `batch` is the scenario's; `rates` has all designs.
    """

    metric: str
    side: str
    batch: int
    curves: tuple[Curve, ...]
    fixed: dict[str, int | None]
    rates: tuple[BatchRates, ...]


@dataclass(frozen=True)
class BatchRates:
    """Slow paths for each page of a process that grows, over the batch of the tree.

    `first` counts updates of the first level that CPUs share, `root` those of the counter's central
    value.
    """

    design: str
    first: tuple[tuple[int, Fraction], ...]
    root: tuple[tuple[int, Fraction], ...]


def over_batches(
    topology: Topology, scenario: Scenario, designs: Sequence[str], metric: str, side: str
) -> BatchCurves:
    """Give the bounds of this machine for batches of 2 to 4096 pages and the scenario's own."""
    resolved = resolve(scenario, topology)
    parameters = parameters_of(topology, resolved)
    batches = sorted({*BATCHES, resolved.batch})
    curves: list[Curve] = []
    fixed: dict[str, int | None] = {}
    for id_ in designs:
        bounds = [
            getattr(DESIGNS[id_].worst(parameters.having(batch=batch), metric), side)
            for batch in batches
        ]
        if len(set(bounds)) == 1:
            fixed[id_] = bounds[0]
        else:
            points = zip(batches, bounds, strict=True)
            curves.append(Curve(id_, tuple((x, y) for x, y in points if y is not None)))
    rates = tuple(_rates(id_, parameters, batches) for id_ in designs)
    return BatchCurves(metric, side, resolved.batch, tuple(curves), fixed, rates)


def _rates(id_: str, parameters: Parameters, batches: Iterable[int]) -> BatchRates:
    rates = {batch: DESIGNS[id_].cost(parameters.having(batch=batch)).rates for batch in batches}
    return BatchRates(
        id_,
        tuple((batch, of_batch.first) for batch, of_batch in rates.items()),
        tuple((batch, of_batch.root) for batch, of_batch in rates.items()),
    )
