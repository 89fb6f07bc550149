"""A chart as SVG or PNG, drawn by matplotlib, which is loaded only here; output is reproducible.

Nothing depends on a user's matplotlibrc, the clock or a window system. SVG keeps text as text, so
that it can be searched, read aloud and restyled by a page, and stays small; its font is DejaVu
Sans, or a narrower font, which also fits, if that is missing. Colour carries no information: lines
differ by marker, weight and the label at their end, stacks by the label in each segment.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rssbound.cli.render.pictures.palette import LETTER, ON_PAPER, Palette
from rssbound.cli.render.pictures.panels import draw_panel, folded, letters_at_ticks
from rssbound.cli.render.pictures.stacks import draw_ridges, draw_stacks
from rssbound.cli.render.units import printable
from rssbound.errors import RssboundError
from rssbound.extras import how_to_install, packages_of_extra

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rssbound.cli.render.pictures.chart import Chart

__all__ = ("draw",)

WIDTH = 7.6
"""Inches; at 100 dpi, a figure is about as wide as a page of text."""

PANEL_HEIGHT, STACK_HEIGHT, RIDGE_HEIGHT = 3.9, 0.47, 0.7
LINE_HEIGHT = 0.17
FONTS = "'DejaVu Sans', Verdana, Arial, sans-serif"
RC_PARAMS: Any = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib
    "font.size": 9.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "rssbound",
    "text.parse_math": False,
    "axes.unicode_minus": False,
    "path.simplify_threshold": 0.2,
}


def draw(chart: Chart, format_: str, palette: Palette = ON_PAPER, *, words: bool = True) -> bytes:
    """Draw a chart as "svg" or "png"; with `words`, the picture includes its title and notes.

    RssboundError where matplotlib is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415 (slow to load, and an extra)
    except ImportError:
        raise RssboundError(
            "SVG and PNG need matplotlib, which is not installed: "
            + how_to_install(*packages_of_extra("plot"))
        ) from None
    stream = io.BytesIO()
    with mpl.rc_context(), _quiet():
        mpl.rcdefaults()
        mpl.rcParams.update(RC_PARAMS)
        figure = _figure(chart, palette, words=words)
        if format_ == "svg":
            metadata = {"Date": None, "Title": printable(chart.title)}
            figure.savefig(stream, format="svg", metadata=metadata)
            return stream.getvalue().replace(b"'DejaVu Sans'", FONTS.encode())
        figure.savefig(stream, format="png", metadata={"Software": None})
        return stream.getvalue()


@contextmanager
def _quiet() -> Iterator[None]:
    """Allow characters in a machine's name that the font lacks; they become boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*[Gg]lyph.*missing")
        yield


def _figure(chart: Chart, palette: Palette, *, words: bool) -> Figure:
    """Lay out the figure from the top: title, words, panels or stacks, notes; in inches."""
    from matplotlib.figure import Figure  # noqa: PLC0415 (an extra)

    above = _wrapped(chart.words, 106) if words else []
    below = _wrapped((*chart.legend, *chart.notes), 106) if words else []
    top = 0.3 + LINE_HEIGHT * len(above) + 0.28 if words else 0.22
    bottom = LINE_HEIGHT * len(below) + 0.15 if words else 0.05
    rows = STACK_HEIGHT * len(chart.stacks) + RIDGE_HEIGHT * len(chart.ridges)
    heights = [PANEL_HEIGHT for _ in chart.panels] or [rows + 0.45 if rows else 0]
    height = top + sum(heights) + bottom
    figure = Figure(figsize=(WIDTH, height), dpi=160, facecolor=palette.paper)
    if words:
        _text(figure, 0.14, height - 0.24, chart.title, palette.ink, size=11.5, weight="bold")
        for number, line in enumerate(above):
            _text(figure, 0.14, height - 0.45 - LINE_HEIGHT * number, line, palette.ink, size=8.5)
        for number, line in enumerate(below):
            baseline = bottom - 0.12 - LINE_HEIGHT * number
            _text(figure, 0.14, baseline, line, palette.ink, size=8.5)
    upper = height - top
    left = _left_margin(chart)
    for panel in chart.panels:
        box = (left, upper - PANEL_HEIGHT + 0.5, _panel_width(chart, left), PANEL_HEIGHT - 0.5)
        draw_panel(_axes(figure, box, palette), panel, palette)
        upper -= PANEL_HEIGHT
    if chart.ridges:
        box = (1.15, bottom + 0.4, 5.0, heights[0] - 0.45)
        draw_ridges(_axes(figure, box, palette), chart.ridges, palette)
    if chart.stacks:
        box = (1.15, bottom + 0.4, 5.3, heights[0] - 0.45)
        draw_stacks(_axes(figure, box, palette), chart.stacks, palette)
    return figure


def _left_margin(chart: Chart) -> float:
    """Give the room for the title of the y axis and its longest number, in inches."""
    letters = max(map(letters_at_ticks, chart.panels), default=0)
    return max(0.95, 0.4 + letters * LETTER)


def _panel_width(chart: Chart, left: float) -> float:
    """Give the room for the longest label, in inches; it is the same for all panels."""
    lines = [line.label for panel in chart.panels for line in panel.lines]
    spots = [spot.label for panel in chart.panels for spot in panel.spots]
    pieces = [piece for label in (*lines, *spots) for piece in folded(label).split("\n")]
    longest = max(map(len, pieces), default=0)
    return min(5.8 - left, WIDTH - left - 0.3 - longest * LETTER)


def _axes(figure: Figure, box: tuple[float, ...], palette: Palette) -> Axes:
    """Make axes in a box of left, bottom, width, height in inches."""
    width, height = figure.get_size_inches()
    left, bottom, wide, high = box
    axes = figure.add_axes((left / width, bottom / height, wide / width, high / height))
    axes.set_facecolor("none")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(palette.soft)
    axes.tick_params(colors=palette.ink, which="both", labelsize=8.5, length=3, color=palette.soft)
    axes.minorticks_off()
    return axes


def _text(figure: Figure, left: float, bottom: float, text: str, color: str, **how: Any) -> None:
    """Write text at a position in inches from the left and the bottom."""
    width, height = figure.get_size_inches()
    figure.text(left / width, bottom / height, printable(text), color=color, va="baseline", **how)


def _wrapped(lines: Sequence[str], width: int) -> list[str]:
    return [piece for line in lines for piece in textwrap.wrap(printable(line), width)]
