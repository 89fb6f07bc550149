"""What the formats for people show: lines of text and tables of strings, before any layout."""

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
    """Columns of equal length, with a line above and the row that is marked, if any."""

    title: str
    columns: tuple[Column, ...]
    marked: int | None = None

    @property
    def rows(self) -> range:
        """Number the rows."""
        return range(len(self.columns[0].cells))


NOTHING = Table("", (Column("", "", ()),))
"""A table without rows, of which no format shows anything."""


@dataclass(frozen=True)
class Listing:
    """Lines that stand as they are, such as those of a diff, with a line above."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """A result in words and tables.

    `details` are the tables that explain it, then come `listings`; `closing` are the lines that
    stand last, where a terminal shows them.
    """

    headlines: tuple[str, ...]
    table: Table
    footlines: tuple[str, ...] = ()
    details: tuple[Table, ...] = ()
    listings: tuple[Listing, ...] = ()
    closing: tuple[str, ...] = ()
