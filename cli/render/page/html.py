"""Functions that make HTML: text is escaped, elements can be nested."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from rssbound.cli.render.units import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.cli.render.sheet import Column, Table

__all__ = ("Html", "element", "joined", "table_of")


MOST_ON_A_LINE = 40
"""Cells of up to this many characters are not wrapped."""


class Html(str):
    """Text that is already HTML; other text is escaped when it becomes part of an element."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str | None) -> Html:
    """Make an element; `class_` is the attribute class, `aria_label` is aria-label.

    Attributes that are None are left out. A tag without an end, such as meta, has no children.
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(printable(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in {"meta", "br"}:
        return Html(f"<{tag}{given}>")
    return Html(f"<{tag}{given}>{joined(children)}</{tag}>")


def joined(children: Iterable[str]) -> Html:
    """Concatenate pieces, escaping plain text."""
    return Html(
        "".join(
            child if isinstance(child, Html) else html.escape(printable(child), quote=False)
            for child in children
        )
    )


def table_of(table: Table, caption: str) -> Html:
    """Make a table with headings for columns and rows; it scrolls if it is too wide."""
    names = Html("").join([_groups(table.columns), _titles(table.columns)])
    rows = Html("").join(_row(table, row) for row in table.rows)
    drawn = element(
        "table",
        element("caption", caption),
        element("thead", Html(names)),
        element("tbody", Html(rows)),
    )
    return element("div", drawn, class_="scroll", role="region", aria_label=caption, tabindex="0")


def _groups(columns: tuple[Column, ...]) -> Html:
    """Make the row of headings that span several columns; nothing if there are none."""
    if not any(column.group for column in columns):
        return Html("")
    cells: list[Html] = []
    first = 0
    while first < len(columns):
        group = columns[first].group
        span = 1
        while group and first + span < len(columns) and columns[first + span].group == group:
            span += 1
        cells.append(
            element("th", group, scope="colgroup", colspan=str(span), class_="group")
            if group
            else element("td")
        )
        first += span
    return element("tr", *cells)


def _titles(columns: tuple[Column, ...]) -> Html:
    return element(
        "tr",
        *(
            element("th", column.title, scope="col", class_=None if column.numeric else "text")
            for column in columns
        ),
    )


def _row(table: Table, row: int) -> Html:
    first, *others = table.columns
    cells = [element("td", column.cells[row], class_=_class(column, row)) for column in others]
    name = element("th", first.cells[row], scope="row")
    return element("tr", name, *cells, class_="marked" if row == table.marked else None)


def _class(column: Column, row: int) -> str | None:
    if column.numeric:
        return None
    return "text wide" if len(column.cells[row]) > MOST_ON_A_LINE else "text"
