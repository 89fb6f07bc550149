"""Rows of a picture: bars that are divided into segments, and histograms over one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from rssbound.cli.render.pictures.chart import Hill, Ridge, Stack
    from rssbound.cli.render.pictures.palette import Palette

__all__ = ("draw_ridges", "draw_stacks")


def draw_stacks(axes: Axes, stacks: Sequence[Stack], palette: Palette) -> None:
    """Draw each stack as a bar of full width, divided in proportion; the first is on top."""
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
    for number, segment in enumerate(stack.segments):
        share = segment.amount / whole
        fill = "none" if number % 2 else palette.faint
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
    """Choose the label that fits into a segment: name and amount, name, number, or nothing."""
    room = share * 80  # characters
    short = name.rsplit(maxsplit=1)[-1]
    for both in (f"{name}\n{text}", name, short):
        if max(map(len, both.split("\n"))) + 1 <= room:
            return both
    return ""


def draw_ridges(axes: Axes, ridges: Sequence[Ridge], palette: Palette) -> None:
    """Draw rows of histograms over one scale; the first is on top."""
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
    """Draw the outline of a histogram, with its name above it."""
    edges = [
        edge for first, last, height in hill.columns for edge in ((first, height), (last, height))
    ]
    xs = [edges[0][0], *(x for x, _ in edges), edges[-1][0]]
    ys = [float(row), *(row - 0.62 * height for _, height in edges), float(row)]
    axes.fill(
        xs, ys, facecolor=palette.faint, edgecolor=color, linewidth=1, zorder=2, clip_on=False
    )
    axes.text(hill.x, row - 0.66, hill.label, ha="center", va="bottom", fontsize=7.5, color=color)
