"""Panels: lines with labels at their ends, spots, marks, scales."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

from rssbound.cli.render.pictures.chart import (
    COUNT,
    DASHED,
    LINEAR,
    RATE,
    SHARE,
    SIGNED,
    SIZE,
    THIN,
    TIME,
)
from rssbound.cli.render.pictures.palette import LETTER, MARKERS, MOST_LETTERS, Palette
from rssbound.cli.render.units import bytes_text, pages_text, signed_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from rssbound.cli.render.pictures.chart import Axis, Line, Mark, Panel, Spot

__all__ = ("draw_panel", "folded", "letters_at_ticks", "spread")

EVEN = {LINEAR, SIGNED, TIME}
"""Axes with evenly spaced ticks."""

SHARES = (50, 90, 99, 100)
"""Percentages on an axis of shares, which are evenly spaced."""

LABEL_GAP = 12.5
"""Points between the baselines of two labels beside an axis."""


def draw_panel(axes: Axes, panel: Panel, palette: Palette) -> None:
    """Draw a panel into empty axes."""
    points = _points(panel)
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


def letters_at_ticks(panel: Panel) -> int:
    """Count the characters of the longest number on the y axis of a panel."""
    text = _tick_text(panel.y.kind)
    ticks = _ticks(panel.y.kind, *_ends([y for _, y in _points(panel)]))
    return max(len(text(tick)) for tick in ticks)


def _points(panel: Panel) -> list[tuple[Any, Any]]:
    of_lines = [point for line in panel.lines for point in line.points]
    return of_lines + [(spot.x, spot.y) for spot in panel.spots]


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
    """Draw a spot: a filled marker, or a small hollow one if other shapes are better."""
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
    """Choose the points with a marker: every second power of two, or some if there are none."""
    if any(isinstance(x, float) for x, _ in line.points):
        return list(range(0, len(line.points), max(len(line.points) // 8, 1)))
    return [
        number
        for number, (x, _) in enumerate(line.points)
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
    """Write labels beside the axes: at the ends of lines, and with a line to each spot."""
    right = axes.get_xlim()[1]
    ends: list[tuple[Line | Spot, Any, Any]] = [
        *((line, right, line.points[-1][1]) for line in panel.lines if line.label and line.points),
        *((spot, spot.x, spot.y) for spot in panel.spots if spot.label),
    ]
    labels = [folded(drawn.label) for drawn, _, _ in ends]
    high = axes.get_window_extent().height * 72 / axes.figure.dpi  # points
    to_axes = axes.transData + axes.transAxes.inverted()
    anchors = [to_axes.transform((float(x), float(y))) for _, x, y in ends]
    gap = LABEL_GAP * max((label.count("\n") + 1 for label in labels), default=1)
    positions = spread([y * high for _, y in anchors], gap, 0, high)
    for (drawn, _, _), label, anchor, position in zip(
        ends, labels, anchors, positions, strict=True
    ):
        axes.annotate(
            label,
            tuple(anchor),
            xycoords="axes fraction",
            xytext=(1.035, position / high),
            textcoords="axes fraction",
            va="center",
            ha="left",
            fontsize=9,
            fontweight="bold" if drawn.bold else "normal",
            color=palette.accent if drawn.bold else palette.ink,
            arrowprops={
                "arrowstyle": "-",
                "color": palette.soft,
                "linewidth": 0.7,
                "relpos": (0, 0.5),  # start at the label's left edge, clear of its neighbours
                "shrinkA": 1,
                "shrinkB": 1,
            },
            annotation_clip=False,
        )


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move positions on a line to be `gap` apart, with the smallest sum of squared movements.

    Their order is kept. They stay within low..high if there is room; if not, they start at low.
    """
    order = sorted(range(len(wanted)), key=lambda position: wanted[position])
    blocks: list[tuple[float, int]] = []  # of (mean position of the first, members)
    for rank, position in enumerate(order):
        first, members = wanted[position] - rank * gap, 1
        while blocks and blocks[-1][0] > first:
            mean, count = blocks.pop()
            first = (mean * count + first * members) / (count + members)
            members += count
        blocks.append((first, members))
    firsts = [first for first, members in blocks for _ in range(members)]
    most = high - gap * (len(wanted) - 1)
    result = [0.0] * len(wanted)
    for rank, position in enumerate(order):
        result[position] = max(low, min(firsts[rank], most)) + rank * gap
    return result


def _scale(axes: Axes, which: str, axis: Axis, values: Sequence[Any], *, margin: float) -> None:
    """Set the scale of an axis, its limits and its ticks."""
    from matplotlib.ticker import FixedLocator, FuncFormatter  # noqa: PLC0415 (an extra)

    low, high = _ends(values)
    ruler = getattr(axes, f"{which}axis")
    if axis.kind == SHARE:
        _scale_shares(axes, which)
    elif axis.kind in EVEN:
        room = (high - low) / 12
        getattr(axes, f"set_{which}lim")(low - room, high + room)
    else:
        getattr(axes, f"set_{which}scale")("log", base=2)
        getattr(axes, f"set_{which}lim")(low / margin, high * margin)
    ticks = _ticks(axis.kind, low, high)
    text = _tick_text(axis.kind)
    wide = axes.get_window_extent().width / axes.figure.dpi
    while which == "x" and sum(len(text(tick)) + 2 for tick in ticks) * LETTER > wide:
        ticks = ticks[::2]
    ruler.set_major_locator(FixedLocator(ticks))
    ruler.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axes.minorticks_off()


def _scale_shares(axes: Axes, which: str) -> None:
    """Space SHARES evenly."""
    import numpy as np  # noqa: PLC0415 (of matplotlib)

    places = range(len(SHARES))
    functions = (
        lambda values: np.interp(values, SHARES, places),
        lambda values: np.interp(values, places, SHARES),
    )
    getattr(axes, f"set_{which}scale")("function", functions=functions)
    getattr(axes, f"set_{which}lim")(SHARES[0], SHARES[-1])


def _ends(values: Sequence[Any]) -> tuple[float, float]:
    """Give the smallest and the largest value, made different if there is only one."""
    low, high = float(min(values, default=1)), float(max(values, default=2))
    if low < high:
        return low, high
    return (low / 2, high * 2) if low > 0 else (low - 1, high + 1)


def _ticks(kind: str, low: float, high: float) -> list[float]:
    if kind == SHARE:
        return [float(share) for share in SHARES]
    if kind == TIME:
        return _decimal_ticks(low, high, 7)
    return (_even_ticks if kind in EVEN else _octave_ticks)(low, high, 7)


def _octave_ticks(low: float, high: float, most: int) -> list[float]:
    """Choose at most `most` powers of two, evenly spaced; if there are none, both ends."""
    first, last = math.ceil(math.log2(low) - 1e-9), math.floor(math.log2(high) + 1e-9)
    step = next(step for step in range(1, 64) if (last - first) // step < most)
    ticks = [2.0**power for power in range(first, last + 1) if power % step == 0]
    return ticks or [low, high]


def _even_ticks(low: float, high: float, most: int) -> list[float]:
    """Choose at most `most` multiples of a power of two."""
    step = next(1 << power for power in range(64) if (high - low) / (1 << power) < most)
    return [float(step * times) for times in range(math.ceil(low / step), int(high / step) + 1)]


def _decimal_ticks(low: float, high: float, most: int) -> list[float]:
    """Choose at most `most` multiples of 1, 2 or 5 times a power of ten."""
    steps = (factor * 10.0**power for power in range(-3, 12) for factor in (1, 2, 5))
    step = next(step for step in steps if (high - low) / step < most)
    return [step * times for times in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _tick_text(kind: str) -> Callable[[float], str]:
    texts: dict[str, Callable[[float], str]] = {
        COUNT: lambda value: pages_text(round(value)),
        SIZE: lambda value: bytes_text(round(value)),
        LINEAR: lambda value: bytes_text(round(value)),
        SIGNED: lambda value: signed_bytes(round(value)),
        TIME: lambda value: f"{value:g} s",
        SHARE: lambda value: f"{value:g}%" if value < 100 else "all",
        RATE: lambda value: f"1/{pages_text(round(1 / value))}" if value < 1 else f"{value:g}",
    }
    return texts[kind]


def folded(label: str) -> str:
    """Wrap a label that names many designs."""
    return textwrap.fill(label, MOST_LETTERS)
