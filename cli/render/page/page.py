"""One page for one machine or several: text, tables, pictures, and the commands that print them.

It needs no network and runs no script; a policy in its head forbids both. The same input gives the
same bytes: the page has no date.
"""

from __future__ import annotations

from collections import Counter
from importlib import resources
from typing import TYPE_CHECKING

from rssbound import __version__
from rssbound.bounds.counter.counters import SIDES
from rssbound.cli.render.page import sections
from rssbound.cli.render.page.advice import WALKED, batch_advice
from rssbound.cli.render.page.fleet import fleet
from rssbound.cli.render.page.html import Html, element, table_of
from rssbound.cli.render.results.analysis_sheet import sheet_of
from rssbound.cli.render.sheet import Column, Table
from rssbound.cli.render.units import pages_text, side_bytes
from rssbound.cli.render.words import design_words
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rssbound.bounds import Analysis
    from rssbound.bounds.choosing.batch import Choice
    from rssbound.bounds.reading.beside import Beside
    from rssbound.bounds.reading.overview import Overview
    from rssbound.cli.figures.asked import Asked
    from rssbound.cli.render.page.fleet import FleetSection
    from rssbound.cli.render.pictures.chart import Chart

__all__ = ("Chapter", "page")

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
OPENING = (
    "Linux keeps part of the count of a process's resident pages in a slot for each CPU, thread or "
    "NUMA node. A cheap read leaves out the slots, so it can be too low or too high. The bounds "
    "here are exact: some sequence of updates reaches each of them, and none exceeds it."
)


@dataclass(frozen=True)
class Chapter:
    """The part of the page for one machine.

    `choice` is a batch for the tree, None if the tree was not selected. `charts` are the figures
    and `pictures` their drawings, in the same order, or empty. `commands` are the commands that
    reproduce the parts: `analyze`, a kind of chart, `choose` for the tree, `verify`. `digest` is
    the SHA-256 of the machine's description. `beside` are the counters other than RSS, None if they
    were not selected. `described` is the description itself, for a machine without a file of its
    own; the commands read it from a file that is named after the chapter's key.
    """

    asked: Asked
    overview: Overview
    choice: Choice | None
    charts: tuple[Chart, ...]
    pictures: tuple[Html, ...]
    commands: Mapping[str, str]
    digest: str
    beside: Beside | None = None
    described: str | None = None

    @property
    def analysis(self) -> Analysis:
        """The bounds."""
        return self.asked.analysis


def page(
    chapters: Sequence[Chapter],
    keys: Sequence[str],
    choice: Choice | None,
    fleets: Sequence[FleetSection] = (),
) -> str:
    """Give the whole page; `keys` are the ids of the chapters, `choice` is for all machines.

    `fleets` are the tables of machines that were read.
    """
    names = _names(chapters)
    title = f"How wrong RSS can be: {_about(chapters, names, fleets)}"
    style = resources.files("rssbound.cli.render.page").joinpath("report.css").read_text()
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Html(style)),
    )
    several = [_overview(chapters, names, keys, choice)] if len(chapters) > 1 else []
    body = element(
        "main",
        element("h1", "How wrong RSS can be"),
        element("p", OPENING, class_="quiet"),
        *(fleet(each) for each in fleets),
        *several,
        *(
            _chapter(chapter, name, key, first=number == 0 and not (several or fleets))
            for number, (chapter, name, key) in enumerate(zip(chapters, names, keys, strict=True))
        ),
        _footer(chapters),
    )
    return f"<!DOCTYPE html>\n{element('html', head, element('body', body), lang='en')}\n"


def _about(
    chapters: Sequence[Chapter], names: Sequence[str], fleets: Sequence[FleetSection]
) -> str:
    """Say in a few words what the page is about."""
    if len(fleets) == 1:
        return fleets[0].source
    return names[0] if len(chapters) == 1 else f"{len(chapters)} machines"


def _names(chapters: Sequence[Chapter]) -> list[str]:
    """Name the machines; those that share a name also get their sources."""
    machines = [chapter.analysis.topology for chapter in chapters]
    often = Counter(machine.name for machine in machines)
    return [
        machine.name if often[machine.name] == 1 else f"{machine.name} ({machine.source})"
        for machine in machines
    ]


# -- several machines


def _overview(
    chapters: Sequence[Chapter], names: Sequence[str], keys: Sequence[str], choice: Choice | None
) -> Html:
    """Make a table of all machines, widest bound first, with links to their chapters."""
    ordered = sorted(
        zip(chapters, names, keys, strict=True), key=lambda each: -each[0].analysis.widest_bytes
    )
    chapters = [chapter for chapter, _, _ in ordered]
    names, keys = [name for _, name, _ in ordered], [key for _, _, key in ordered]

    def column(group: str, title: str, cells: Sequence[str], *, numeric: bool = True) -> Column:
        return Column(group, title, tuple(cells), 0, numeric)

    links = [element("a", name, href=f"#{key}") for name, key in zip(names, keys, strict=True)]
    sides = {
        side: [
            side_bytes(getattr(chapter.analysis.rss, side), chapter.asked.page_size)
            for chapter in chapters
        ]
        for side in SIDES
    }
    table = Table(
        "",
        (
            column("", "machine", links, numeric=False),
            column(
                "",
                "CPUs",
                [pages_text(len(chapter.analysis.scenario.cpus)) for chapter in chapters],
            ),
            column(
                "", "kernel", [_kernel(chapter.analysis) for chapter in chapters], numeric=False
            ),
            column(
                "",
                "design",
                [design_words(chapter.overview) for chapter in chapters],
                numeric=False,
            ),
            column("RSS can read", "too low", sides["under"]),
            column("RSS can read", "too high", sides["over"]),
        ),
    )
    drawn = table_of(table, "The machines below, with the designs of their kernels")
    advice = [WALKED, *([batch_advice(choice)] if choice else [])]
    items = [element("li", line) for line in advice]
    return Html(drawn + element("h2", "What to do on all machines") + element("ul", *items))


def _kernel(analysis: Analysis) -> str:
    return analysis.topology.kernel or "unknown"


# -- one machine


def _chapter(chapter: Chapter, name: str, key: str, *, first: bool) -> Html:
    explained = sheet_of(chapter.overview, explain=True)
    found = [
        element("h2", name, id=key, class_="first" if first else None),
        *sections.summary(chapter),
        *sections.advice(chapter),
        *sections.eras(chapter),
        element("h3", "Every design"),
        *sections.others(chapter),
        *sections.tables(chapter, explained.table),
        *(element("p", line, class_="quiet") for line in explained.footlines),
        *sections.figures(chapter),
        element("h3", "Error by level, in numbers"),
        *sections.levels(chapter, explained.details),
        *(sections.beside(chapter.beside) if chapter.beside else ()),
        *sections.assumptions(chapter),
        *sections.again(chapter, key),
    ]
    return element("section", *found, aria_labelledby=key)


def _footer(chapters: Sequence[Chapter]) -> Html:
    count = "this machine" if len(chapters) == 1 else f"these {len(chapters)} machines"
    return element("footer", f"rssbound {__version__} computed the bounds of {count}.")
