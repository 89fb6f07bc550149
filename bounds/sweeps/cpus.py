"""What the figures show, as exact numbers: bounds over CPUs and batches, and level by level.

Every figure is in pages and comes from a design's own levels, as `analyze` has it; None is "no
bound". A metric is `rss`, `oom` (counter/counters.py), or `counter`, the worst of the four.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rssbound.bounds.counter.arithmetic import ceil_log2
from rssbound.bounds.counter.counters import COUNTERS, METRICS
from rssbound.bounds.counter.interval import worst_of
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.designs.carry_tree import MOST_ORDER
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.sweeps.scaled_host import family_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.scenario.parameters import Parameters
    from rssbound.bounds.scenario.scenario import Scenario
    from rssbound.topology.model import Topology

__all__ = (
    "CURVE_METRICS",
    "BatchCurves",
    "CpuCurves",
    "Curve",
    "Part",
    "Rates",
    "Split",
    "over_batches",
    "over_cpus",
    "side_of",
    "splits_of",
)

CURVE_METRICS = ("counter", *METRICS)

STEPS = 16
"""Points between one power of two and the next."""

BATCHES = tuple(1 << power for power in range(1, 13))
"""Pages; each a power of two, as the tree needs."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A design's bound in pages over CPUs or batches; no points where there is no bound."""

    design: str
    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class CpuCurves:
    """Bounds of machines of 1 to `most` CPUs, of the parts in `sizes` (sweeps/scaled_host.py).

    `published` is what authors state for one counter, where the metric is that. `own` is the host
    itself: the CPUs the process may run on, and design -> bound in pages.
    """

    metric: str
    side: str
    sizes: tuple[tuple[str, int], ...]
    most: int
    curves: tuple[Curve, ...]
    published: tuple[Curve, ...]
    own_cpus: int
    own: dict[str, int | None]


@dataclass(frozen=True)
class BatchCurves:
    """Bounds of one machine over the batch of the tree.

    `curves` has the designs whose bound depends on the batch, `fixed` the bounds of the others.
    `batch` is the scenario's, `rates` has every design's.
    """

    metric: str
    side: str
    batch: int
    curves: tuple[Curve, ...]
    fixed: dict[str, int | None]
    rates: tuple[Rates, ...]


@dataclass(frozen=True)
class Rates:
    """Slow paths for each page of a process that grows, over the batch of the tree.

    `first` counts updates that reach the first level that CPUs share, `root` those that reach the
    counter's own value.
    """

    design: str
    first: tuple[tuple[int, Fraction], ...]
    root: tuple[tuple[int, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What a level keeps back on one side, all its items together; negative where it takes off."""

    level: str
    items: int
    pages: int


@dataclass(frozen=True, slots=True)
class Split:
    """A design's bound, level by level; `pages` is their sum."""

    design: str
    parts: tuple[Part, ...]

    @property
    def pages(self) -> int:
        """The bound."""
        return sum(part.pages for part in self.parts)


def side_of(design: Design, parameters: Parameters, metric: str, side: str) -> int | None:
    """Give one side, "under" or "over", of a metric's bound, in pages."""
    sums = [METRICS[metric]] if metric in METRICS else [(counter,) for counter in COUNTERS]
    worst = worst_of(design.error(parameters, parts) for parts in sums)
    pages: int | None = getattr(worst, side)
    return pages


def over_cpus(
    topology: Topology, scenario: Scenario, designs: Iterable[str], metric: str, side: str
) -> CpuCurves:
    """Draw the bounds of machines like this one, from 1 CPU to at least twice its own.

    Between two points a bound is a straight line or a step that the points stand on both sides of:
    the order of a tree grows at each power of two.
    """
    family = family_of(topology, scenario)
    own_cpus = int(family.host.cpus)
    most = 1 << min(max(10, ceil_log2(topology.nr_cpu_ids) + 1), MOST_ORDER)
    machines = [family.machine(cpus) for cpus in _counts(most, own_cpus, family.node_cpus)]
    chosen = {id_: DESIGNS[id_] for id_ in designs}
    published = [
        Curve(id_, _published(design, machines, side))
        for id_, design in chosen.items()
        if metric == "counter"
    ]
    return CpuCurves(
        metric=metric,
        side=side,
        sizes=family.sizes,
        most=most,
        curves=tuple(
            Curve(id_, _bounds(design, machines, metric, side)) for id_, design in chosen.items()
        ),
        published=tuple(curve for curve in published if curve.points),
        own_cpus=own_cpus,
        own={id_: side_of(design, family.host, metric, side) for id_, design in chosen.items()},
    )


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
            side_of(DESIGNS[id_], replace(parameters, batch=batch), metric, side)
            for batch in batches
        ]
        if len(set(bounds)) == 1:
            fixed[id_] = bounds[0]
        else:
            points = zip(batches, bounds, strict=True)
            curves.append(Curve(id_, tuple((x, y) for x, y in points if y is not None)))
    rates = tuple(_rates(id_, parameters, batches) for id_ in designs)
    return BatchCurves(metric, side, resolved.batch, tuple(curves), fixed, rates)


def _rates(id_: str, parameters: Parameters, batches: Iterable[int]) -> Rates:
    of_batch = {
        batch: DESIGNS[id_].propagation(replace(parameters, batch=batch)) for batch in batches
    }
    return Rates(
        id_,
        tuple((batch, own.first) for batch, own in of_batch.items()),
        tuple((batch, own.root) for batch, own in of_batch.items()),
    )


def splits_of(
    topology: Topology, scenario: Scenario, designs: Iterable[str], metric: str, side: str
) -> tuple[Split, ...]:
    """Split each design's bound by level; designs without a bound are left out.

    For one counter it is the worst of the four, the first of them where several are.
    """
    parameters = parameters_of(topology, resolve(scenario, topology))
    sums = [METRICS[metric]] if metric in METRICS else [(counter,) for counter in COUNTERS]
    splits = []
    for id_ in designs:
        design = DESIGNS[id_]
        if side_of(design, parameters, metric, side) is not None:
            of_sums = [Split(id_, _parts(design, parameters, parts, side)) for parts in sums]
            splits.append(max(of_sums, key=lambda split: split.pages))
    return tuple(splits)


def _parts(
    design: Design, parameters: Parameters, counters: tuple[str, ...], side: str
) -> tuple[Part, ...]:
    return tuple(
        Part(level.name, level.items, level.items * (level.high if side == "under" else -level.low))
        for level in design.levels(parameters, counters)
    )


def _bounds(
    design: Design, machines: Iterable[Parameters], metric: str, side: str
) -> tuple[tuple[int, int], ...]:
    bounds = ((int(p.cpus), side_of(design, p, metric, side)) for p in machines)
    return tuple((cpus, pages) for cpus, pages in bounds if pages is not None)


def _published(
    design: Design, machines: Iterable[Parameters], side: str
) -> tuple[tuple[int, int], ...]:
    bounds = ((int(p.cpus), design.published(p)) for p in machines)
    return tuple(
        (cpus, pages)
        for cpus, bound in bounds
        if bound is not None and (pages := getattr(bound, side)) is not None
    )


def _counts(most: int, own: int, node_cpus: int | None) -> list[int]:
    """Choose the numbers of CPUs: STEPS to each octave, and both sides of each step of a bound."""
    counts = {own, *range(1, 2 * STEPS)}
    for order in range(ceil_log2(most)):
        octave = 1 << order
        counts |= {octave + octave * step // STEPS for step in range(STEPS)}
        counts |= {octave + 1}
    node = node_cpus or most
    for nodes in range(1, 33):  # no more slots than that: bounds/designs/per_node.py
        counts |= {nodes * node, nodes * node + 1}
    return sorted(count for count in {*counts, most} if count <= most)
