"""A chart drawn by matplotlib, which is loaded here only: SVG and PNG, the same bytes each time.

Nothing depends on a user's matplotlibrc, the clock or a window system. SVG keeps text as text, so
that it can be searched, read aloud, restyled by a page, and stays small; its fonts are DejaVu Sans
and, where that is missing, narrower ones that fit as well. Colour carries nothing: lines differ by
marker, weight and the label at their end, stacks by the label in each part.
"""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rssbound.cli.render.chart import COUNT, DASHED, LINEAR, RATE, SIZE, THIN
from rssbound.cli.render.units import bytes_text, pages_text, printable
from rssbound.errors import RssboundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rssbound.cli.render.chart import Axis, Chart, Hill, Line, Mark, Panel, Ridge, Spot, Stack

__all__ = ("ON_PAPER", "Palette", "draw", "spread")

WIDTH = 7.6
"""Inches; at 100 to the inch a figure is about as wide as a page of text."""

PANEL_HEIGHT, STACK_HEIGHT, RIDGE_HEIGHT = 3.9, 0.47, 0.7
LINE_HEIGHT = 0.17
LETTER, MOST_LETTERS = 0.075, 31
"""Inches of a letter of a label, and how many of them stand on a line."""

LABEL_GAP = 12.5
"""Points between the baselines of two labels beside an axis."""

MARKERS = "osD^vPX*pd"
FONTS = "'DejaVu Sans', Verdana, Arial, sans-serif"
SETTINGS: Any = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib
    "font.size": 9.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "rssbound",
    "text.parse_math": False,
    "axes.unicode_minus": False,
    "path.simplify_threshold": 0.2,
}


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours: of text and lines, of what is emphasised, of grids and fillings, and the paper."""

    ink: str
    accent: str
    soft: str
    faint: str
    paper: str


ON_PAPER = Palette("#1b1f24", "#9a1f1f", "#8b939c", "#e3e6ea", "#ffffff")


def draw(chart: Chart, format_: str, palette: Palette = ON_PAPER, *, words: bool = True) -> bytes:
    """Draw a chart as "svg" or "png"; with `words`, its title and notes stand in the picture.

    RssboundError where matplotlib is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415 (slow to load, and an extra)
    except ImportError:
        raise RssboundError(
            "pictures are drawn by matplotlib, which is not installed; pip install 'rssbound[plot]'"
        ) from None
    stream = io.BytesIO()
    with mpl.rc_context(), _quiet():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        figure = _figure(chart, palette, words=words)
        if format_ == "svg":
            metadata = {"Date": None, "Title": printable(chart.title)}
            figure.savefig(stream, format="svg", metadata=metadata)
            return stream.getvalue().replace(b"'DejaVu Sans'", FONTS.encode())
        figure.savefig(stream, format="png", metadata={"Software": None})
        return stream.getvalue()


@contextmanager
def _quiet() -> Iterator[None]:
    """A host's name may have letters that the font has not; they become boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*[Gg]lyph.*missing")
        yield


# -- the whole figure


def _figure(chart: Chart, palette: Palette, *, words: bool) -> Figure:
    """Lay the figure out from the top: title, words, panels or stacks, notes; inches."""
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
            place = bottom - 0.12 - LINE_HEIGHT * number
            _text(figure, 0.14, place, line, palette.ink, size=8.5)
    upper = height - top
    for panel in chart.panels:
        box = (0.95, upper - PANEL_HEIGHT + 0.5, _panel_width(chart), PANEL_HEIGHT - 0.5)
        _draw_panel(_axes(figure, box, palette), panel, palette)
        upper -= PANEL_HEIGHT
    if chart.ridges:
        box = (1.15, bottom + 0.4, 5.0, heights[0] - 0.45)
        _draw_ridges(_axes(figure, box, palette), chart.ridges, palette)
    if chart.stacks:
        box = (1.15, bottom + 0.4, 5.3, heights[0] - 0.45)
        _draw_stacks(_axes(figure, box, palette), chart.stacks, palette)
    return figure


def _panel_width(chart: Chart) -> float:
    """Leave room for the longest label, in inches; all panels are as wide."""
    lines = [line.label for panel in chart.panels for line in panel.lines]
    spots = [spot.label for panel in chart.panels for spot in panel.spots]
    pieces = [piece for label in (*lines, *spots) for piece in _folded(label).split("\n")]
    longest = max(map(len, pieces), default=0)
    return min(4.85, WIDTH - 0.95 - 0.3 - longest * LETTER)


def _folded(label: str) -> str:
    """Fold a label that names many designs."""
    return textwrap.fill(label, MOST_LETTERS)


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
    """Write text at inches from the left and the bottom."""
    width, height = figure.get_size_inches()
    figure.text(left / width, bottom / height, printable(text), color=color, va="baseline", **how)


def _wrapped(lines: Sequence[str], width: int) -> list[str]:
    return [piece for line in lines for piece in textwrap.wrap(printable(line), width)]


# -- lines


def _draw_panel(axes: Axes, panel: Panel, palette: Palette) -> None:
    points = [point for line in panel.lines for point in line.points]
    points += [(spot.x, spot.y) for spot in panel.spots]
    _scale(axes, "x", panel.x, [x for x, _ in points], margin=1.3 if panel.spots else 1.0)
    _scale(axes, "y", panel.y, [y for _, y in points], margin=1.35)
    axes.set_xlabel(panel.x.title, color=palette.ink)
    axes.set_ylabel(panel.y.title, color=palette.ink)
    axes.grid(visible=True, color=palette.faint, linewidth=0.7)
    axes.set_axisbelow(True)
    for line in panel.lines:
        _draw_line(axes, line, palette)
    for mark in panel.marks:
        _draw_mark(axes, mark, palette)
    for spot in panel.spots:
        _draw_spot(axes, spot, palette)
    _label_ends(axes, panel, palette)


def _draw_line(axes: Axes, line: Line, palette: Palette) -> None:
    bold, dashed, thin = line.bold, line.look == DASHED, line.look == THIN
    color = palette.accent if bold else palette.soft if dashed or thin else palette.ink
    axes.plot(
        [float(x) for x, _ in line.points],
        [float(y) for _, y in line.points],
        color=color,
        linewidth=2.4 if bold else 1.0,
        linestyle=(0, (4, 2.5)) if dashed else "-",
        marker="" if thin else MARKERS[line.number % len(MARKERS)],
        markersize=6 if bold else 4.5,
        markerfacecolor=palette.paper if dashed else color,
        markeredgecolor=color,
        markevery=_octaves(line),
        clip_on=False,
        zorder=3 if bold else 2,
    )


def _draw_spot(axes: Axes, spot: Spot, palette: Palette) -> None:
    """Draw a spot: full where it counts, a hollow small one where others are better."""
    color = palette.accent if spot.bold else palette.ink if spot.strong else palette.soft
    axes.plot(
        [float(spot.x)],
        [float(spot.y)],
        linestyle="",
        marker=MARKERS[spot.number],
        markersize=8 if spot.bold else 6 if spot.strong else 3.5,
        markerfacecolor=color if spot.strong else "none",
        markeredgecolor=color,
        markeredgewidth=1.5 if spot.bold else 0.8,
        zorder=4 if spot.bold else 3 if spot.strong else 2,
        clip_on=False,
    )


def _octaves(line: Line) -> list[int]:
    """Choose the points that get a marker: every second power of two."""
    return [
        place
        for place, (x, _) in enumerate(line.points)
        if isinstance(x, int) and x > 0 and x & (x - 1) == 0 and x.bit_length() % 2
    ]


def _draw_mark(axes: Axes, mark: Mark, palette: Palette) -> None:
    x = float(mark.x)
    axes.axvline(x, color=palette.soft, linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)
    low, high = axes.get_xlim()
    late = math.log(x / low) > math.log(high / low) / 2
    axes.annotate(
        mark.label,
        (x, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-4 if late else 4, -2),
        textcoords="offset points",
        ha="right" if late else "left",
        va="bottom",
        fontsize=8.5,
        color=palette.ink,
    )
    axes.plot(
        [x] * len(mark.dots),
        [float(dot) for dot in mark.dots],
        linestyle="",
        marker="o",
        markersize=7.5,
        markerfacecolor="none",
        markeredgecolor=palette.ink,
        markeredgewidth=1.0,
        zorder=4,
        clip_on=False,
    )


def _label_ends(axes: Axes, panel: Panel, palette: Palette) -> None:
    """Write labels beside the axes: of lines at their ends, of spots with a line to each."""
    right = axes.get_xlim()[1]
    ends: list[tuple[Line | Spot, Any, Any]] = [
        *((line, right, line.points[-1][1]) for line in panel.lines if line.label and line.points),
        *((spot, spot.x, spot.y) for spot in panel.spots if spot.label),
    ]
    labels = [_folded(one.label) for one, _, _ in ends]
    high = axes.get_window_extent().height * 72 / axes.figure.dpi  # points
    to_axes = axes.transData + axes.transAxes.inverted()
    anchors = [to_axes.transform((float(x), float(y))) for _, x, y in ends]
    gap = LABEL_GAP * max((label.count("\n") + 1 for label in labels), default=1)
    places = spread([y * high for _, y in anchors], gap, 0, high)
    for (one, _, _), label, anchor, place in zip(ends, labels, anchors, places, strict=True):
        axes.annotate(
            label,
            tuple(anchor),
            xycoords="axes fraction",
            xytext=(1.035, place / high),
            textcoords="axes fraction",
            va="center",
            ha="left",
            fontsize=9,
            fontweight="bold" if one.bold else "normal",
            color=palette.accent if one.bold else palette.ink,
            arrowprops={"arrowstyle": "-", "color": palette.soft, "linewidth": 0.7, "shrinkB": 1},
            annotation_clip=False,
        )


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move places on a line as little as need be, in the least squares, to stand `gap` apart.

    Their order stays. They stay within low..high where there is room, else they start at low.
    """
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    blocks: list[tuple[float, int]] = []  # of (mean place of the first, members)
    for rank, place in enumerate(order):
        first, members = wanted[place] - rank * gap, 1
        while blocks and blocks[-1][0] > first:
            mean, count = blocks.pop()
            first = (mean * count + first * members) / (count + members)
            members += count
        blocks.append((first, members))
    firsts = [first for first, members in blocks for _ in range(members)]
    most = high - gap * (len(wanted) - 1)
    result = [0.0] * len(wanted)
    for rank, place in enumerate(order):
        result[place] = max(low, min(firsts[rank], most)) + rank * gap
    return result


# -- scales


def _scale(axes: Axes, which: str, axis: Axis, values: Sequence[Any], *, margin: float) -> None:
    """Set the scale of an axis, its limits and its ticks."""
    from matplotlib.ticker import FixedLocator, FuncFormatter  # noqa: PLC0415 (an extra)

    low, high = float(min(values, default=1)), float(max(values, default=2))
    if low == high:
        low, high = low / 2, high * 2
    own = getattr(axes, f"{which}axis")
    if axis.kind == LINEAR:
        room = (high - low) / 12
        getattr(axes, f"set_{which}lim")(low - room, high + room)
        ticks = _even_ticks(low, high, 7)
    else:
        getattr(axes, f"set_{which}scale")("log", base=2)
        getattr(axes, f"set_{which}lim")(low / margin, high * margin)
        ticks = _octave_ticks(low, high, 7)
    text = _tick_text(axis.kind)
    wide = axes.get_window_extent().width / axes.figure.dpi
    while which == "x" and sum(len(text(tick)) + 2 for tick in ticks) * LETTER > wide:
        ticks = ticks[::2]
    own.set_major_locator(FixedLocator(ticks))
    own.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axes.minorticks_off()


def _octave_ticks(low: float, high: float, most: int) -> list[float]:
    """Choose powers of two, evenly, at most so many; where there is none, both ends."""
    first, last = math.ceil(math.log2(low) - 1e-9), math.floor(math.log2(high) + 1e-9)
    step = next(step for step in range(1, 64) if (last - first) // step < most)
    ticks = [2.0**power for power in range(first, last + 1) if power % step == 0]
    return ticks or [low, high]


def _even_ticks(low: float, high: float, most: int) -> list[float]:
    """Choose multiples of a power of two, at most so many."""
    step = next(1 << power for power in range(64) if (high - low) / (1 << power) < most)
    return [float(step * times) for times in range(math.ceil(low / step), int(high / step) + 1)]


def _tick_text(kind: str) -> Callable[[float], str]:
    texts: dict[str, Callable[[float], str]] = {
        COUNT: lambda value: pages_text(round(value)),
        SIZE: lambda value: bytes_text(round(value)),
        LINEAR: lambda value: bytes_text(round(value)),
        RATE: lambda value: f"1/{pages_text(round(1 / value))}" if value < 1 else f"{value:g}",
    }
    return texts[kind]


# -- stacks


def _draw_stacks(axes: Axes, stacks: Sequence[Stack], palette: Palette) -> None:
    """Draw each stack as a bar of full width, cut in proportion, the first on top."""
    axes.set_xlim(0, 1)
    axes.set_ylim(len(stacks) - 0.5, -0.5)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_yticks(range(len(stacks)), [stack.label for stack in stacks])
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25%", "50%", "75%", "100%"])
    axes.tick_params(axis="y", length=0, labelsize=9)
    for tick, stack in zip(axes.get_yticklabels(), stacks, strict=True):
        tick.set_color(palette.accent if stack.bold else palette.ink)
        tick.set_fontweight("bold" if stack.bold else "normal")
    for row, stack in enumerate(stacks):
        _draw_stack(axes, row, stack, palette)


def _draw_stack(axes: Axes, row: int, stack: Stack, palette: Palette) -> None:
    whole = sum(segment.amount for segment in stack.segments)
    left = 0.0
    for place, segment in enumerate(stack.segments):
        share = segment.amount / whole
        fill = "none" if place % 2 else palette.faint
        axes.barh(
            row, share, 0.78, left, color=fill, edgecolor=palette.ink, linewidth=0.8, clip_on=False
        )
        text = _fitting(segment.name, segment.text, share)
        axes.text(left + share / 2, row, text, ha="center", va="center", fontsize=7.5,
                  linespacing=1.15, color=palette.ink)  # fmt: skip
        left += share
    weight = "bold" if stack.bold else "normal"
    color = palette.accent if stack.bold else palette.ink
    axes.text(1.012, row, stack.text, va="center", fontsize=9, fontweight=weight, color=color)


def _fitting(name: str, text: str, share: float) -> str:
    """Choose what fits into a part: its name and amount, its name, its number, or nothing."""
    room = share * 80  # characters
    short = name.rsplit(maxsplit=1)[-1]
    for both in (f"{name}\n{text}", name, short):
        if max(map(len, both.split("\n"))) + 1 <= room:
            return both
    return ""


# -- ridges


def _draw_ridges(axes: Axes, ridges: Sequence[Ridge], palette: Palette) -> None:
    """Draw rows of histograms over one scale, the first on top."""
    lowest = min(
        (start for ridge in ridges for hill in ridge.hills for start, _, _ in hill.columns)
    )
    axes.set_xlim(-1 if lowest < 0 else 0, 1)
    axes.set_ylim(len(ridges) - 0.85, -1)
    axes.spines["left"].set_visible(False)
    axes.set_yticks(range(len(ridges)), [ridge.label for ridge in ridges])
    ticks = [-1, -0.5, 0, 0.5, 1]
    names = ["100% too high", "50%", "0", "50%", "100% too low"]
    shown = slice(0 if lowest < 0 else 2, None)
    axes.set_xticks(ticks[shown], names[shown])
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.grid(visible=True, axis="x", color=palette.faint, linewidth=0.7)
    axes.set_axisbelow(True)
    for row, (tick, ridge) in enumerate(zip(axes.get_yticklabels(), ridges, strict=True)):
        color = palette.accent if ridge.bold else palette.ink
        weight = "bold" if ridge.bold else "normal"
        tick.set(color=color, fontweight=weight, verticalalignment="bottom")
        axes.axhline(row, color=palette.soft, linewidth=0.7, zorder=1)
        for hill in ridge.hills:
            _draw_hill(axes, row, hill, color, palette)
        axes.text(1.03, row, ridge.text, transform=axes.get_yaxis_transform(), va="bottom",
                  fontsize=8.5, color=color, fontweight=weight, linespacing=1.2)  # fmt: skip


def _draw_hill(axes: Axes, row: int, hill: Hill, color: str, palette: Palette) -> None:
    """Draw the outline of a histogram, and its name above where it stands."""
    edges = [
        edge for first, last, height in hill.columns for edge in ((first, height), (last, height))
    ]
    xs = [edges[0][0], *(x for x, _ in edges), edges[-1][0]]
    ys = [float(row), *(row - 0.62 * height for _, height in edges), float(row)]
    axes.fill(
        xs, ys, facecolor=palette.faint, edgecolor=color, linewidth=1, zorder=2, clip_on=False
    )
    axes.text(hill.x, row - 0.66, hill.label, ha="center", va="bottom", fontsize=7.5, color=color)
