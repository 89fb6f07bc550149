"""How does a result look? Words and tables first, then a format; nothing here prints."""

from __future__ import annotations

from rssbound.records import dataclass

__all__ = ("FORMATS", "FORMATS_WITHOUT_ROWS", "Style")

FORMATS = ("table", "plain", "json", "csv", "markdown")
"""Formats of most results; the first two and the last are modules of `formats`."""

FORMATS_WITHOUT_ROWS = tuple(format_ for format_ in FORMATS if format_ != "csv")
"""Formats of results that are not a table of uniform rows."""


@dataclass(frozen=True)
class Style:
    """How to print: size and encoding of the terminal, colour, and how much to say.

    `height` is None if the number of lines is not limited; `explain` bounds, or be `brief`.
    """

    width: int = 80
    height: int | None = None
    color: bool = False
    explain: bool = False
    brief: bool = False
    encoding: str = "utf-8"
