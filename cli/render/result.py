"""A result in the requested format; this choice is the same for every kind of result."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rssbound.cli.render.documents import csv_text, json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rssbound.cli.render import Style
    from rssbound.cli.render.sheet import Sheet

    Rows = tuple[Sequence[str], Iterable[Iterable[object]]]
    # the header of a CSV, and its rows

__all__ = ("render_as", "render_sheet")


def render_as(
    format_: str,
    style: Style,
    *,
    sheet: Callable[[], Sheet],
    document: Callable[[], Mapping[str, Any]],
    rows: Callable[[], Rows] | None = None,
) -> str:
    """Give a result in a format: `document` is its JSON, `rows` its CSV, `sheet` is for people.

    Only the needed one is made. CSV must not be requested for a result without rows.
    """
    if format_ == "json":
        return json_text(document())
    if format_ == "csv" and rows is not None:
        return csv_text(*rows())
    return render_sheet(sheet(), format_, style)


def render_sheet(sheet: Sheet, format_: str, style: Style) -> str:
    """Give a sheet in one of the formats for people: table, plain or markdown."""
    module = importlib.import_module(f"rssbound.cli.render.formats.{format_}")
    text: str = module.render_sheet(sheet, style)
    return text
