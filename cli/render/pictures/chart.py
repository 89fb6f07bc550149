"""A figure before it is drawn: lines, stacks and bars of numbers, with titles and notes.

One chart serves every format: `draw` makes SVG and PNG of its panels or stacks, `bars` makes text
for a terminal, and here it becomes words and a table, or rows for programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound import __version__
from rssbound.cli.render.documents import csv_side
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import Sheet
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from rssbound.cli.render import Style
    from rssbound.cli.render.sheet import Table

    Number = int | float | Fraction

__all__ = (
    "COUNT",
    "DASHED",
    "EXACT",
    "LINEAR",
    "RATE",
    "SHARE",
    "SIGNED",
    "SIZE",
    "THIN",
    "TIME",
    "Axis",
    "Bar",
    "Chart",
    "Group",
    "Hill",
    "Line",
    "Mark",
    "Panel",
    "Ridge",
    "Rows",
    "Segment",
    "Spot",
    "Stack",
    "render_chart",
)

COUNT, SIZE, RATE, LINEAR = "count", "size", "rate", "linear"
SIGNED, TIME, SHARE = "signed", "time", "share"
"""Kinds of axes. Logarithmic: counts, sizes in bytes and rates. Linear: sizes, differences of sizes
(which can be below 0) and seconds. The shares of a fleet, in per cent, are evenly spaced."""

EXACT, DASHED, THIN = "exact", "dashed", "thin"


@dataclass(frozen=True)
class Axis:
    """The label of an axis, and its kind, one of the seven above."""

    title: str
    kind: str


@dataclass(frozen=True)
class Line:
    """A curve with a label at its end; `bold` is what the running kernel uses.

    `number` chooses its marker. EXACT has markers, DASHED is what authors state, THIN has none.
    """

    label: str
    points: tuple[tuple[Number, Number], ...]
    number: int = 0
    look: str = EXACT
    bold: bool = False


@dataclass(frozen=True)
class Mark:
    """A vertical line at `x` with a label; `dots` are highlighted values on it."""

    x: Number
    label: str
    dots: tuple[Number, ...] = ()


@dataclass(frozen=True)
class Spot:
    """A single point; `number` chooses its marker, `strong` points are drawn on top."""

    x: Number
    y: Number
    number: int = 0
    strong: bool = False
    label: str = ""
    bold: bool = False


@dataclass(frozen=True)
class Panel:
    """One pair of axes with its content."""

    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()
    spots: tuple[Spot, ...] = ()


@dataclass(frozen=True)
class Segment:
    """A part of a stack: a length with a name."""

    name: str
    amount: int
    text: str


@dataclass(frozen=True)
class Stack:
    """A bar that is divided into segments; `text` is the label at its end."""

    label: str
    segments: tuple[Segment, ...]
    text: str
    bold: bool = False


@dataclass(frozen=True)
class Hill:
    """A histogram: (from, to, height) of each column, heights up to 1; `x` is for the label."""

    label: str
    x: float
    columns: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Ridge:
    """A row of histograms over a scale from -1 to 1; `text` is the label at its end."""

    label: str
    hills: tuple[Hill, ...]
    text: str
    bold: bool = False


@dataclass(frozen=True)
class Bar:
    """A bar for the terminal; `length` is a fraction of the available width."""

    label: str
    length: float
    text: str
    bold: bool = False


@dataclass(frozen=True)
class Group:
    """Bars that belong together."""

    title: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Rows:
    """Exact numbers for programs; None is "no bound"."""

    names: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]


@dataclass(frozen=True)
class Chart:
    """A figure: `words` are above it, `notes` below; it has panels, stacks or ridges.

    `legend` says what rings and dashes mean, which only a picture has.
    """

    kind: str
    title: str
    words: tuple[str, ...]
    notes: tuple[str, ...]
    table: Table
    rows: Rows
    groups: tuple[Group, ...]
    legend: tuple[str, ...] = ()
    panels: tuple[Panel, ...] = ()
    stacks: tuple[Stack, ...] = ()
    ridges: tuple[Ridge, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw, only words."""
        return not (self.panels or self.stacks or self.ridges)


def render_chart(chart: Chart, format_: str, style: Style) -> str:
    """Give a chart as text: `table` draws bars, `plain` and `markdown` give its table."""
    if format_ == "table":
        from rssbound.cli.render.pictures.bars import bars  # noqa: PLC0415 (rich is slow to load)

        return bars(chart, style)
    return render_as(
        format_,
        style,
        sheet=lambda: Sheet((chart.title, *chart.words), chart.table, chart.notes),
        document=lambda: _document(chart),
        rows=lambda: (chart.rows.names, _cells(chart.rows)),
    )


def _document(chart: Chart) -> dict[str, Any]:
    names = chart.rows.names
    return {
        "kind": "rssbound.plot",
        "format_version": "1.0",
        "generator": {"name": "rssbound", "version": __version__},
        "figure": chart.kind,
        "title": chart.title,
        "rows": [dict(zip(names, row, strict=True)) for row in chart.rows.rows],
    }


def _cells(rows: Rows) -> Iterator[list[str | int | float]]:
    for row in rows.rows:
        yield [csv_side(None) if value is None else value for value in row]
