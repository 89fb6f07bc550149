"""A table that fits the width of the terminal; the least important columns are dropped first."""

from __future__ import annotations

import io
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.align import Align
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rssbound.cli.render import Style
    from rssbound.cli.render.sheet import Column, Sheet, Table

__all__ = ("Page", "console_on", "fitting", "render_sheet")

ALL = " --format plain shows all."
"""What to do about a part of a table that is left out."""

BETWEEN = 2
"""Characters between two columns."""


def render_sheet(sheet: Sheet, style: Style) -> str:
    """Give a sheet as tables of at most `style.width` columns.

    If that is longer than the terminal, the first table keeps the marked row and its neighbours.
    """
    text = _drawn(sheet, style, ())
    if style.height is None or text.count("\n") <= style.height or sheet.table.marked is None:
        return text
    rows = sheet.table.rows
    near = [row for row in rows if abs(row - sheet.table.marked) <= 1]
    hidden = [sheet.table.columns[0].cells[row] for row in rows if row not in near]
    return _drawn(replace(sheet, table=_with_rows(sheet.table, near)), style, hidden)


def _drawn(sheet: Sheet, style: Style, hidden: Sequence[str]) -> str:
    stream = Page(style.encoding)
    console = console_on(stream, style)
    for number, line in enumerate(sheet.headlines):
        console.print(Text(line, style="bold" if number == 0 else ""))
    shown = _print_table(console, sheet.table, style.width) if sheet.table.rows else ()
    for line in sheet.footlines:
        console.print(Text(line))
    for line in _left_out(sheet.table, shown, hidden):
        console.print(Text(line, "dim"))
    for table in sheet.details:
        console.print()
        console.print(Text(table.title))
        if table.rows:
            _print_table(console, table, style.width)
    for listing in sheet.listings:
        console.print()
        console.print(Text(listing.title))
        for line in listing.lines:
            console.print(Text(line))
    if sheet.closing and stream.getvalue():
        console.print()
    for line in sheet.closing:
        console.print(Text(line, "bold"))
    return "\n".join(line.rstrip() for line in stream.getvalue().split("\n"))


def _left_out(table: Table, shown: Sequence[Column], hidden: Sequence[str]) -> Iterator[str]:
    """Name the rows that the height leaves out, and the columns that the width leaves out."""
    if hidden:
        yield f"Left out to fit the height: {table.columns[0].title} {', '.join(hidden)}.{ALL}"
    columns = [column for column in table.columns[1:] if shown and column not in shown]
    if columns:
        names = dict.fromkeys(column.group or column.title for column in columns)
        yield f"Left out to fit the width: {'; '.join(names)}.{ALL}"


def _with_rows(table: Table, rows: Sequence[int]) -> Table:
    columns = tuple(
        replace(column, cells=tuple(column.cells[row] for row in rows)) for column in table.columns
    )
    return replace(table, columns=columns, marked=rows.index(table.marked or 0))


class Page(io.StringIO):
    """Text for a terminal with a given encoding; lines are ASCII if it has no line characters."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override] # read-only in typeshed as well
        """The terminal's encoding."""
        return self._encoding


def console_on(page: Page, style: Style) -> Console:
    """Make a console that writes on a page; cells are data, never markup."""
    return Console(
        file=page,
        width=style.width,
        force_terminal=style.color,
        color_system="standard" if style.color else None,
        markup=False,
        highlight=False,
        emoji=False,
    )


def fitting(columns: tuple[Column, ...], width: int) -> tuple[Column, ...]:
    """Drop the columns of the highest rank until the rest fits into `width`."""
    kept = columns
    while sum(_width(column) + BETWEEN for column in kept) - BETWEEN > width:
        rank = max(column.rank for column in kept)
        if rank == 0:
            break
        kept = tuple(column for column in kept if column.rank < rank)
    return kept


def _width(column: Column) -> int:
    return max(map(len, (*_heading(column), *column.cells)))


def _heading(column: Column) -> list[str]:
    """Give the lines of a column's heading, folded so that they do not widen it."""
    width = max(map(len, (column.title, *column.cells, " ")))
    return [*textwrap.wrap(column.group, width, break_long_words=False), column.title]


def _print_table(console: Console, table: Table, width: int) -> tuple[Column, ...]:
    columns = fitting(_with_marks(table), width)
    drawn = RichTable(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), expand=False)
    drawn.show_edge = False
    for number, column in enumerate(columns):
        drawn.add_column(
            Align(
                Text("\n".join(_heading(column))),
                "right" if column.numeric else "left",
                vertical="bottom",
            ),
            justify="right" if column.numeric else "left",
            no_wrap=number == 0 or column.numeric,  # only other text is folded
        )
    for row in table.rows:
        cells = [Text(column.cells[row]) for column in columns]
        drawn.add_row(*cells, style="bold" if row == table.marked else "")
    console.print(Padding(drawn, (1, 0)))
    return columns


def _with_marks(table: Table) -> tuple[Column, ...]:
    """Put `>` at the start of the marked row, and spaces at the start of the others."""
    if table.marked is None:
        return table.columns
    first = table.columns[0]
    width = max(map(len, (first.title, *first.cells))) if first.numeric else 0
    cells = tuple(
        f"{'>' if row == table.marked else ' '} {cell:>{width}}"
        for row, cell in enumerate(first.cells)
    )
    return (replace(first, title=f"  {first.title}", cells=cells), *table.columns[1:])
