"""The content of the formats for people: lines of text and tables of strings, without layout."""

from __future__ import annotations

from rssbound.records import dataclass

__all__ = ("NOTHING", "Column", "Listing", "Sheet", "Table")


@dataclass(frozen=True)
class Column:
    """A column: heading above (`group`), heading, cells. The highest `rank` is dropped first."""

    group: str
    title: str
    cells: tuple[str, ...]
    rank: int = 0
    numeric: bool = True

    @property
    def heading(self) -> str:
        """Both headings on one line."""
        return f"{self.group} {self.title}".strip()


@dataclass(frozen=True)
class Table:
    """Columns of equal length, with a title and the number of the marked row, if any."""

    title: str
    columns: tuple[Column, ...]
    marked: int | None = None

    @property
    def rows(self) -> range:
        """Number the rows."""
        return range(len(self.columns[0].cells))


NOTHING = Table("", (Column("", "", ()),))
"""A table without rows, which no format shows."""


@dataclass(frozen=True)
class Listing:
    """Lines that are printed unchanged, such as those of a diff, with a title."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """A result in words and tables.

    `details` are the tables that explain it, followed by `listings`; `closing` are the last lines,
    which a terminal shows without scrolling.
    """

    headlines: tuple[str, ...]
    table: Table
    footlines: tuple[str, ...] = ()
    details: tuple[Table, ...] = ()
    listings: tuple[Listing, ...] = ()
    closing: tuple[str, ...] = ()
