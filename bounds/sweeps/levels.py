"""Which levels of a design hold the error? A bound, split by level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.designs import design_of
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.scenario.parameters import Parameters
    from rssbound.bounds.scenario.scenario import Scenario
    from rssbound.topology.model import Topology

__all__ = ("LevelShare", "Split", "splits_of")


@dataclass(frozen=True)
class LevelShare:
    """The pages of all items of a level on one side; negative if the level reduces the bound."""

    level: str
    items: int
    pages: int


@dataclass(frozen=True)
class Split:
    """A design's bound, level by level; `pages` is the sum of the levels."""

    design: str
    levels: tuple[LevelShare, ...]

    @property
    def pages(self) -> int:
        """The bound."""
        return sum(share.pages for share in self.levels)


def splits_of(
    topology: Topology, scenario: Scenario, designs: Iterable[str], metric: str, side: str
) -> tuple[Split, ...]:
    """Split each design's bound by level; designs without a bound are omitted.

    For the metric `counter` it is the worst of the four, the first of them in case of a tie.
    """
    parameters = parameters_of(topology, resolve(scenario, topology))
    bounded = [
        design_of(id_)
        for id_ in designs
        if getattr(design_of(id_).worst(parameters, metric), side) is not None
    ]
    return tuple(
        max(
            (_split_of(design, parameters, counters, side) for counters in design.sums_of(metric)),
            key=lambda split: split.pages,
        )
        for design in bounded
    )


def _split_of(
    design: Design, parameters: Parameters, counters: tuple[str, ...], side: str
) -> Split:
    """Split one side of the bound of a sum of counters by level."""
    return Split(
        design.id,
        tuple(
            LevelShare(
                level.name,
                level.items,
                level.items * (level.high if side == "under" else -level.low),
            )
            for level in design.levels(parameters, counters)
        ),
    )
