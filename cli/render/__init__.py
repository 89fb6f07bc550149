"""How does a result look? Words and tables first, then a format; nothing here prints."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rssbound.cli.render.sheet import Sheet

__all__ = ("FORMATS", "Style", "render_as")

FORMATS = ("table", "plain", "json", "csv", "markdown")
"""Formats of most results; the first two and the last are modules of `formats`."""


@dataclass(frozen=True, slots=True)
class Style:
    """How to print: columns and encoding of the terminal, colour, and whether to explain bounds."""

    width: int = 80
    color: bool = False
    explain: bool = False
    encoding: str = "utf-8"


def render_as(sheet: Sheet, format_: str, style: Style) -> str:
    """Give a sheet in one of the formats for people: table, plain or markdown."""
    module = importlib.import_module(f"{__name__}.formats.{format_}")
    text: str = module.render_sheet(sheet, style)
    return text
