"""Markdown: pipe tables, for issues, step summaries and documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.cli.render import Style
    from rssbound.cli.render.sheet import Sheet, Table

__all__ = ("render_sheet",)


def render_sheet(sheet: Sheet, style: Style) -> str:  # noqa: ARG001 (nothing here depends on it)
    """Give a sheet as Markdown."""
    blocks = [_escaped(line) for line in sheet.headlines]
    blocks += [_pipe_table(sheet.table)] if sheet.table.rows else []
    blocks += [_escaped(line) for line in sheet.footlines]
    for table in sheet.details:
        blocks += [_escaped(table.title), *([_pipe_table(table)] if table.rows else [])]
    for listing in sheet.listings:
        blocks += [_escaped(listing.title), _fenced(listing.lines)]
    blocks += [f"**{_escaped(line)}**" for line in sheet.closing]
    return "\n\n".join(blocks) + "\n"


def _fenced(lines: tuple[str, ...]) -> str:
    """Fence lines as a diff, with more backticks than any line contains."""
    text = "\n".join(lines)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}diff\n{text}\n{fence}"


def _pipe_table(table: Table) -> str:
    rows = [
        [column.heading for column in table.columns],
        *([column.cells[row] for column in table.columns] for row in table.rows),
    ]
    if table.marked is not None:
        rows[table.marked + 1] = [f"**{cell}**" if cell else "" for cell in rows[table.marked + 1]]
    lines = [_pipe_row(map(_escaped_cell, row)) for row in rows]
    lines.insert(1, _pipe_row("---:" if column.numeric else "---" for column in table.columns))
    return "\n".join(lines)


def _pipe_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped_cell(text: str) -> str:
    return text.replace("|", r"\|")


def _escaped(text: str) -> str:
    """Keep a machine's name from being read as markup."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text)
