"""A chart for the terminal: labelled bars of characters, in the width of the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from rssbound.cli.render.formats.table import Page, console_on

if TYPE_CHECKING:
    from rssbound.cli.render import Style
    from rssbound.cli.render.pictures.chart import Bar, Chart, Group

__all__ = ("bars",)

EIGHTHS = " ▏▎▍▌▋▊▉"
LEAST_BAR = 8
"""Smallest width of a bar in characters, even on a narrow terminal."""


def bars(chart: Chart, style: Style) -> str:
    """Draw a chart's bars, with its words above and its notes below."""
    page = Page(style.encoding)
    console = console_on(page, style)
    console.print(Text(chart.title, "bold"))
    for line in chart.words:
        console.print(Text(line))
    labels, texts, room = _widths(chart.groups, style.width)
    for group in chart.groups:
        console.print()
        if group.title:
            console.print(Text(group.title))
        for bar in group.bars:
            drawn = _bar(bar, room, blocks=_has_blocks(style.encoding))
            mark = ">" if bar.bold else " "
            line = f"{mark} {bar.label:<{labels}}  {drawn:<{room}}  {bar.text:>{texts}}"
            console.print(Text(line, "bold" if bar.bold else "", no_wrap=True, overflow="crop"))
    if chart.notes:
        console.print()
    for line in chart.notes:
        console.print(Text(line))
    return "\n".join(line.rstrip() for line in page.getvalue().split("\n"))


def _widths(groups: tuple[Group, ...], width: int) -> tuple[int, int, int]:
    """Give the widths of labels, figures and bars."""
    every = [bar for group in groups for bar in group.bars]
    labels = max((len(bar.label) for bar in every), default=0)
    texts = max((len(bar.text) for bar in every), default=0)
    return labels, texts, max(LEAST_BAR, width - labels - texts - 6)


def _bar(bar: Bar, room: int, *, blocks: bool) -> str:
    """Draw a bar; a nonzero bar is never invisible."""
    eighths = max(round(bar.length * room * 8), 1 if bar.length > 0 else 0)
    if not blocks:
        return "#" * -(-eighths // 8)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + EIGHTHS[rest].strip()


def _has_blocks(encoding: str) -> bool:
    try:
        EIGHTHS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
