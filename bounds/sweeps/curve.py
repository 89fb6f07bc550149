"""A bound over CPUs or batches as exact numbers: the data of every picture of a sweep."""

from __future__ import annotations

from rssbound.records import dataclass

__all__ = ("Curve",)


@dataclass(frozen=True)
class Curve:
    """A design's bound in pages over CPUs or batches; no points if there is no bound."""

    design: str
    points: tuple[tuple[int, int], ...]
