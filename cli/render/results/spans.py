"""The domains that the CPUs of one item span, as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.cli.render.sheet import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds.hardware.locality import Range, Span

__all__ = ("range_text", "span_columns")

TITLES = {"package": "packages", "node": "nodes", "llc": "caches"}
"""Domain -> the heading of its column."""


def span_columns(group: str, spans: Sequence[Span | None]) -> list[Column]:
    """Give a column for each kind of domain, with a cell for each span; None means not shared."""
    return [
        Column(
            group,
            title,
            tuple(range_text(span.domains[domain] if span else None) for span in spans),
            rank=2,
        )
        for domain, title in TITLES.items()
    ]


def range_text(counts: Range | None) -> str:
    """Print the smallest and the largest count, or one number if they are equal."""
    if counts is None:
        return "-"
    least, most = counts
    return str(most) if least == most else f"{least}-{most}"
