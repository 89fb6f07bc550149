"""Aligned text without boxes, never cut: for pipes, files and terminals without drawing."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rssbound.cli.render import Style
    from rssbound.cli.render.sheet import Column, Sheet, Table

__all__ = ("aligned", "render_sheet")

GAP = "  "


def render_sheet(sheet: Sheet, style: Style) -> str:  # noqa: ARG001 (nothing here depends on it)
    """Give a sheet as plain text."""
    blocks = [list(sheet.headlines), aligned(sheet.table), list(sheet.footlines)]
    blocks += [aligned(table) for table in sheet.details]
    blocks += [[listing.title, *listing.lines] for listing in sheet.listings]
    blocks.append(list(sheet.closing))
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def aligned(table: Table) -> list[str]:
    """Lay a table out in lines: title, group headings, headings, rows; `>` marks a row."""
    if not table.rows:
        return [table.title] if table.title else []
    marks = [" " if row != table.marked else ">" for row in table.rows]
    lead = f"{GAP[:1]} " if table.marked is not None else ""
    widths = [max(map(len, (column.title, *column.cells))) for column in table.columns]
    widths = _widened(table.columns, widths)
    lines = [table.title] if table.title else []
    if any(column.group for column in table.columns):
        lines.append(lead + _group_line(table.columns, widths))
    lines.append(lead + _line([column.title for column in table.columns], table.columns, widths))
    for row, mark in enumerate(marks):
        cells = [column.cells[row] for column in table.columns]
        lines.append((f"{mark} " if lead else "") + _line(cells, table.columns, widths))
    return [line.rstrip() for line in lines]


def _line(cells: list[str], columns: tuple[Column, ...], widths: list[int]) -> str:
    return GAP.join(
        cell.rjust(width) if column.numeric else cell.ljust(width)
        for cell, column, width in zip(cells, columns, widths, strict=True)
    )


def _group_line(columns: tuple[Column, ...], widths: list[int]) -> str:
    pieces = []
    for group, members in groupby(zip(columns, widths, strict=True), lambda pair: pair[0].group):
        below = [width for _, width in members]
        pieces.append(group.rjust(_room(below)))
    return GAP.join(pieces)


def _widened(columns: tuple[Column, ...], widths: list[int]) -> list[int]:
    """Widen the first column of each group if the group's heading needs more room."""
    result = list(widths)
    for group, members in groupby(range(len(columns)), lambda number: columns[number].group):
        numbers = list(members)
        room = _room([widths[number] for number in numbers])
        result[numbers[0]] += max(0, len(group) - room)
    return result


def _room(widths: list[int]) -> int:
    """Count the characters of adjacent columns, including the gaps between them."""
    return sum(widths) + len(GAP) * (len(widths) - 1)
