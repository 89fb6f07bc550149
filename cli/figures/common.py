"""Helpers for figures of curves: lines, bars, rows, and notes on designs that are not drawn."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from rssbound.bounds import DESIGNS
from rssbound.bounds.counter.counters import SIDE_WORDS
from rssbound.bounds.designs import BESIDE_IDS
from rssbound.cli.render.pictures.chart import DASHED, EXACT, Bar, Line, Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rssbound.bounds.sweeps.curve import Curve
    from rssbound.cli.figures.asked import Asked

__all__ = (
    "bars_of",
    "curve_rows",
    "joined",
    "line_of",
    "lines_of",
    "log_length",
    "never",
    "row_of",
)


def bars_of(bounds: dict[str, int | None], most: int, asked: Asked) -> tuple[Bar, ...]:
    """Make a bar for each bound that is not 0; `most` pages fill the width, logarithmically."""
    return tuple(
        Bar(id_, log_length(pages, most), asked.text(pages), asked.is_running([id_]))
        for id_, pages in bounds.items()
        if pages != 0
    )


def lines_of(curves: Iterable[Curve], asked: Asked) -> list[Line]:
    """Make a line for each curve that is not 0 everywhere; equal curves share a line."""
    alike: dict[tuple[tuple[int, int], ...], list[str]] = {}
    for curve in curves:
        alike.setdefault(curve.points, []).append(curve.design)
    by_design = {curve.design: curve for curve in curves}
    return [
        line_of(ids, by_design[ids[0]], asked, EXACT)
        for points, ids in alike.items()
        if any(pages for _, pages in points)
    ]


def line_of(designs: Sequence[str], curve: Curve, asked: Asked, look: str) -> Line:
    """Make a line without its zeros, which a logarithmic scale cannot show."""
    points = tuple((at, asked.size(pages)) for at, pages in curve.points if pages)
    label = "" if look == DASHED else ", ".join(designs)
    bold = look == EXACT and asked.is_running(designs)
    ids = BESIDE_IDS if designs[0] in BESIDE_IDS else tuple(DESIGNS)
    return Line(label, points, ids.index(designs[0]), look, bold)


def joined(lines: Iterable[Line], asked: Asked) -> list[Line]:
    """Join lines that coincide."""
    alike: dict[object, list[Line]] = {}
    for line in lines:
        alike.setdefault(line.points, []).append(line)
    return [
        replace(
            first,
            label=", ".join(ids := [first.label, *(line.label for line in more)]),
            bold=asked.is_running(ids),
        )
        for first, *more in alike.values()
    ]


def never(bounds: dict[str, list[int]], asked: Asked) -> list[str]:
    """Name the designs that are not drawn: never wrong on this side, or without a bound."""
    exact = [id_ for id_, pages in bounds.items() if pages and not any(pages)]
    unbounded = [id_ for id_, pages in bounds.items() if not pages]
    notes = [f"Never {SIDE_WORDS[asked.side]}: {', '.join(exact)}."] if exact else []
    return notes + ([f"No bound: {', '.join(unbounded)}."] if unbounded else [])


def curve_rows(name: str, curves: Iterable[Curve], asked: Asked) -> Rows:
    """Give the points of curves as rows; `name` is the heading of the x values."""
    return Rows(
        ("host", "design", "metric", "side", name, "pages", "bytes"),
        tuple(
            row_of(curve.design, at, pages, asked) for curve in curves for at, pages in curve.points
        ),
    )


def row_of(design: str, at: int, pages: int | None, asked: Asked) -> tuple[str | int | None, ...]:
    """Give one bound as a row of `curve_rows`; `at` is its x value. None is "no bound"."""
    size = None if pages is None else asked.size(pages)
    return (asked.topology.name, design, asked.metric, asked.side, at, pages, size)


def log_length(pages: int | None, most: int) -> float:
    """Give the length of a bar from 0 to 1: 0 for a bound of 0, 1 for no bound."""
    return 1.0 if pages is None else math.log2(pages + 1) / math.log2(max(most, pages, 1) + 1)
