"""The section of the page for a table of machines as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.cli.render.page.html import Html, element, table_of
from rssbound.cli.render.results.fleet import sheet_of
from rssbound.cli.render.units import counted, printable
from rssbound.errors import shortened
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.cli.render.pictures.chart import Chart
    from rssbound.fleet.answers import Outcome, Summary
    from rssbound.fleet.columns import Asked

__all__ = ("FleetSection", "fleet")

MOST_ERRORS = 5
"""Number of row errors that are listed, the most frequent first."""


@dataclass(frozen=True)
class FleetSection:
    """A table of machines: its summary, the options for it, and its chart.

    `picture` is the drawing of the chart, None without one. `shown` of its `distinct` machines have
    a chapter. `commands` reproduce the summary and the picture.
    """

    source: str
    summary: Summary
    asked: Asked
    chart: Chart
    picture: Html | None
    shown: int
    distinct: int
    commands: tuple[str, ...]


def fleet(section: FleetSection) -> Html:
    """Show the summary of a table, its picture, and which of its machines have a chapter."""
    sheet, chart = sheet_of(section.summary, section.asked), section.chart
    tables = [
        table_of(table, table.title[:1].upper() + table.title[1:])
        for table in (sheet.table, *sheet.details)
    ]
    return element(
        "section",
        element("h2", f"The machines of {section.source}", class_="first"),
        *(element("p", f"{line}.") for line in sheet.headlines),
        *_errors(section.summary.outcome),
        *tables,
        *(element("p", line, class_="quiet") for line in sheet.footlines),
        *_figure(chart, section.picture),
        element("p", _follow(section)),
        element("pre", *(element("code", text, class_="line") for text in section.commands)),
    )


def _errors(outcome: Outcome) -> Iterator[Html]:
    """List the most frequent errors of rows."""
    if outcome.failed:
        yield element(
            "ul",
            *(
                element("li", f"{counted(count, 'row')}: {printable(shortened(text, 200))}")
                for text, count in outcome.frequent[:MOST_ERRORS]
            ),
        )


def _figure(chart: Chart, picture: Html | None) -> Iterator[Html]:
    if picture is None:
        return
    words = [element("p", line) for line in (*chart.legend, *chart.notes)]
    yield element("h3", chart.title)
    yield element(
        "figure",
        element("div", picture, class_="picture", tabindex="0"),
        element("figcaption", *words),
    )


def _follow(section: FleetSection) -> str:
    """Say which machines have a chapter, and for which process."""
    which = (
        f"The {section.shown} machines with the widest bounds follow"
        if section.shown < section.distinct
        else "Each distinct machine has a chapter below"
    )
    return (
        f"{which}, under the name of its first row. A chapter is for the process that the options "
        "of the report describe, not for that of the row."
    )
