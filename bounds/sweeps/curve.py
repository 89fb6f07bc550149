"""A bound over CPUs or batches, as exact numbers: what every picture of a sweep is drawn from."""

from __future__ import annotations

from rssbound.records import dataclass

__all__ = ("Curve",)


@dataclass(frozen=True)
class Curve:
    """A design's bound in pages over CPUs or batches; no points where there is no bound."""

    design: str
    points: tuple[tuple[int, int], ...]
