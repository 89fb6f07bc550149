"""How does a bound grow with the CPUs? The designs on machines of every size, modelled on one host.

Bounds come from a design's own levels, as in `analyze`, in pages; None means "no bound".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.arithmetic import ceil_log2
from rssbound.bounds.counter.counters import COUNTER
from rssbound.bounds.designs import design_of
from rssbound.bounds.scenario.parameters import MOST_ORDER
from rssbound.bounds.sweeps.curve import Curve
from rssbound.bounds.sweeps.scaled_host import family_of
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.scenario.parameters import Parameters
    from rssbound.bounds.scenario.scenario import Scenario
    from rssbound.topology.model import Topology

__all__ = ("CpuCurves", "over_cpus")

STEPS = 16
"""Points from one power of two to the next."""

MOST_NODES = 32
"""A bound can step at each node up to this number: no counter has more slots for nodes."""


@dataclass(frozen=True)
class CpuCurves:
    """Bounds of machines of 1 to `most` CPUs, made of the parts in `sizes` (sweeps/scaled_host.py).

    `published` is what the authors state for one counter, if the metric is one counter. On the host
    itself the process may run on `host_cpus` CPUs; `host_bounds` maps design to bound in pages.
    """

    metric: str
    side: str
    sizes: tuple[tuple[str, int], ...]
    most: int
    curves: tuple[Curve, ...]
    published: tuple[Curve, ...]
    host_cpus: int
    host_bounds: dict[str, int | None]


def over_cpus(
    topology: Topology, scenario: Scenario, designs: Iterable[str], metric: str, side: str
) -> CpuCurves:
    """Draw the bounds of machines like this one, from 1 CPU to at least twice its own.

    Between two points a bound is a straight line, or a step with a point on either side: the order
    of a tree grows at each power of two.
    """
    family = family_of(topology, scenario)
    host_cpus = int(family.host.cpus)
    most = 1 << min(max(10, ceil_log2(topology.nr_cpu_ids) + 1), MOST_ORDER)
    machines = [family.machine(cpus) for cpus in _counts(most, host_cpus, family.node_cpus)]
    chosen = {id_: design_of(id_) for id_ in designs}
    published = [
        Curve(id_, _published(design, machines, side))
        for id_, design in chosen.items()
        if metric in (COUNTER, *design.counters)
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
        host_cpus=host_cpus,
        host_bounds={
            id_: getattr(design.worst(family.host, metric), side) for id_, design in chosen.items()
        },
    )


def _bounds(
    design: Design, machines: Iterable[Parameters], metric: str, side: str
) -> tuple[tuple[int, int], ...]:
    bounds = ((int(p.cpus), getattr(design.worst(p, metric), side)) for p in machines)
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


def _counts(most: int, host_cpus: int, node_cpus: int | None) -> list[int]:
    """Choose the numbers of CPUs: STEPS per octave, and both sides of each step of a bound."""
    counts = {host_cpus, *range(1, 2 * STEPS)}
    for order in range(ceil_log2(most)):
        octave = 1 << order
        counts |= {octave + octave * step // STEPS for step in range(STEPS)}
        counts |= {octave + 1}
    node = node_cpus or most
    for nodes in range(1, MOST_NODES + 1):
        counts |= {nodes * node, nodes * node + 1}
    return sorted(count for count in {*counts, most} if count <= most)
