"""The sections of the page for one machine."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from rssbound.bounds.counter.interval import EXACT
from rssbound.bounds.reading.catalogue import INTERFACES
from rssbound.bounds.reading.eras import FILES_OF_ERAS, eras_of
from rssbound.bounds.reading.releases import READERS_FIX
from rssbound.cli.render.page.advice import batch_advice, reading_advice
from rssbound.cli.render.page.html import Html, element, table_of
from rssbound.cli.render.sheet import Column, Table
from rssbound.cli.render.units import bytes_text, guessed, pages_text, side_bytes
from rssbound.cli.render.words import (
    caveats_of,
    machine_words,
    process_words,
    shortened,
    sides_words,
    verdict_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rssbound.bounds.reading.beside import Beside
    from rssbound.bounds.reading.overview import Overview
    from rssbound.cli.render.page.page import Chapter

__all__ = (
    "NEED_PLOT",
    "advice",
    "again",
    "assumptions",
    "eras",
    "figures",
    "levels",
    "others",
    "summary",
    "tables",
)

VENDORS = (
    "The design is derived from the kernel's release number, as for mainline kernels. A vendor's "
    "kernel can use another design, and a uniprocessor kernel counts exactly."
)

CLAMPS = "Every cheap read clamps each counter at 0; the bounds of sums take that into account."

OF_ONE_COUNTER = ("one counter, pages", "published, pages")
"""Headings of the columns about one counter."""

NEED_PLOT = "Without pictures, because matplotlib is not installed."


def summary(chapter: Chapter) -> list[Html]:
    """Describe the machine and the errors of its files, in words and file by file."""
    analysis = chapter.analysis
    process, _, moment = process_words(analysis).partition("; ")
    lines = [
        element("p", f"{machine_words(analysis)}."),
        element("p", f"For {process}, in the {moment}:"),
        *(
            element("p", element("strong", line), class_="lead")
            for line in verdict_lines(chapter.overview)
        ),
    ]
    return [*lines, *_files(chapter)]


def _files(chapter: Chapter) -> list[Html]:
    """Show each file of the machine's kernel with its error; nothing if that is unknown."""
    overview, size = chapter.overview, chapter.asked.page_size
    if not overview.files:
        return []
    interfaces = [INTERFACES[verdict.id] for verdict in overview.files]

    def column(group: str, title: str, cells: Iterable[str], *, numeric: bool = False) -> Column:
        return Column(group, title, tuple(cells), 0, numeric)

    table = Table(
        "",
        (
            column("", "file", (interface.where for interface in interfaces)),
            column(
                "",
                "accuracy",
                (
                    guessed(verdict.accuracy.kind, guess=verdict.accuracy.guess)
                    for verdict in overview.files
                ),
            ),
            column("worst case", "too low", _sides(overview, "under", size), numeric=True),
            column("worst case", "too high", _sides(overview, "over", size), numeric=True),
            column("", "read by", (interface.users for interface in interfaces)),
        ),
    )
    kernel = chapter.analysis.topology.kernel
    return [
        table_of(table, f"The files of Linux {kernel}" if kernel else "The files of the kernel")
    ]


def _sides(overview: Overview, side: str, page_size: int) -> Iterator[str]:
    for verdict in overview.files:
        yield side_bytes(getattr(verdict.error, side), page_size)


def eras(chapter: Chapter) -> list[Html]:
    """Show how far each file would be off with the kernels of each era."""
    size = chapter.asked.page_size
    columns = [Column("", "file", FILES_OF_ERAS, 0, numeric=False)]
    for era, readings in eras_of(chapter.asked.topology, chapter.asked.scenario).items():
        for side, title in (("under", "too low"), ("over", "too high")):
            errors = [EXACT if each.error is None else each.error for each in readings]
            cells = tuple(side_bytes(getattr(error, side), size) for error in errors)
            columns.append(Column(era, title, cells, 0, numeric=True))
    stable = " and ".join(
        f"{'.'.join(map(str, series))}.{patch}" for series, patch in READERS_FIX.stable.items()
    )
    fix = ".".join(map(str, READERS_FIX.release[:2]))
    return [
        element("h3", "Error by kernel release"),
        table_of(Table("", tuple(columns)), "The files by kernel: the worst case on this machine"),
        element(
            "p",
            "The names are those of rssbound interfaces, the releases those of kernel.org. "
            f"Stable releases from {stable} have the fix of {fix}; the "
            "kernel of a distribution may have it in any release.",
            class_="quiet",
        ),
    ]


def others(chapter: Chapter) -> list[Html]:
    """Give the error of RSS with each design that the kernel does not use."""
    analysis, size = chapter.analysis, chapter.asked.page_size
    results = [other for other in analysis.results if other not in analysis.used]
    if not results:
        return []
    items = [
        element("li", element("code", other.id), f": {sides_words(other.rss, size)}")
        for other in results
    ]
    return [element("p", "RSS with the other designs:"), element("ul", *items)]


def advice(chapter: Chapter) -> list[Html]:
    """Say what to do, with the command that chooses the batch."""
    items = [element("li", line) for line in reading_advice(chapter.overview)]
    if chapter.choice:
        command = element("code", chapter.commands["choose"])
        items.append(element("li", batch_advice(chapter.choice), " ", command))
    return [element("h3", "What to do"), element("ul", *items)]


def tables(chapter: Chapter, whole: Table) -> list[Html]:
    """Split the table of all designs in two: sums in bytes, and one counter in pages."""
    design, *others = (column for column in whole.columns if column.title != "note")
    of_one = [column for column in others if column.group in OF_ONE_COUNTER]
    of_sums = [column for column in others if column.group not in OF_ONE_COUNTER]
    captions = (
        f"RSS and OOM score; {process_words(chapter.analysis)}",
        "One counter, compared with the figures of the authors",
    )
    return [
        table_of(replace(whole, columns=(design, *columns)), caption)
        for caption, columns in zip(captions, (of_sums, of_one), strict=True)
    ]


def figures(chapter: Chapter) -> list[Html]:
    """Show each picture with its notes, its numbers, and its command."""
    if not chapter.pictures:
        return [element("p", NEED_PLOT, class_="quiet")]
    found: list[Html] = []
    for chart, picture in zip(chapter.charts, chapter.pictures, strict=True):
        words = [element("p", line) for line in (*chart.legend, *chart.notes)]
        command = chapter.commands[chart.kind]
        numbers = element(
            "details", element("summary", "Numbers"), table_of(chart.table, chart.title)
        )
        caption = element("figcaption", *words, element("pre", element("code", command)))
        found += [
            element("h3", chart.title),
            element("figure", element("div", picture, class_="picture", tabindex="0"), caption),
            numbers,
        ]
    return found


def levels(chapter: Chapter, tables: Sequence[Table]) -> list[Html]:
    """Explain each design, with a table of its levels if it has any; they end `tables`."""
    results = chapter.analysis.results
    found: list[Html] = []
    for result, table in zip(results, tables[-len(results) :], strict=True):
        found.append(element("p", table.title))
        if table.rows:
            found.append(
                table_of(table, f"{result.id}: pages that each level of one counter holds back")
            )
    return found


def beside(found: Beside) -> list[Html]:
    """Show the counters other than RSS, for the machine's kernel if that is known."""
    from rssbound.cli.render.results.beside import sheet_of  # noqa: PLC0415 (seldom asked)

    sheet = sheet_of(found, brief=any(bound.used for bound in found.bounds))
    return [
        element("h3", "Counters other than RSS"),
        element("p", f"For {sheet.headlines[-1]}:"),
        table_of(sheet.table, "Largest errors of these counters"),
        *(element("p", line, class_="quiet") for line in sheet.footlines),
    ]


def assumptions(chapter: Chapter) -> list[Html]:
    """List the assumptions of the bounds, and every value of the scenario."""
    analysis = chapter.analysis
    scenario = analysis.scenario
    values = {
        "CPUs the process may run on": shortened(str(scenario.cpus), 200),
        "who updates its counters": scenario.updaters,
        "threads": pages_text(scenario.threads),
        "page size": bytes_text(scenario.page_size),
        "batch of the tree (RSS_STAT_BATCH_SIZE), pages": pages_text(scenario.batch),
        "percpu_counter_batch, pages": pages_text(scenario.percpu_batch),
        "most CPUs online together since boot": pages_text(scenario.max_online),
        "fault_around_bytes": bytes_text(scenario.fault_around_bytes),
        "CONFIG_NODES_SHIFT": str(scenario.nodes_shift),
        "updaters stopped half-way": pages_text(scenario.in_flight),
        "most pages that one update adds or removes": pages_text(scenario.max_increment),
    }
    table = Table(
        "",
        (
            Column("", "setting", tuple(values), 0, numeric=False),
            Column("", "value", tuple(values.values()), 0, numeric=False),
        ),
    )
    size = chapter.asked.page_size
    lines = [VENDORS, CLAMPS]
    for result in analysis.results:
        lines += [f"{result.id}: {text}." for text in caveats_of(result, size)]
    lines += [f"Reading the machine: {warning}." for warning in analysis.topology.warnings]
    return [
        element("h3", "Assumptions"),
        element("ul", *(element("li", line) for line in lines)),
        table_of(table, "Settings"),
    ]


def again(chapter: Chapter, key: str) -> list[Html]:
    """Give the commands that print and draw the same, and the source of the machine."""
    topology = chapter.analysis.topology
    lines = [element("code", command, class_="line") for command in chapter.commands.values()]
    return [
        element("h3", "How to reproduce this page"),
        element(
            "p", "Commands for the tables, each picture, the batch, and the proof of the bounds:"
        ),
        element("pre", *lines),
        *_described(chapter.described, key),
        element(
            "p",
            f"Machine: {topology.source or topology.name}; SHA-256 of its description (rssbound "
            "topology convert --to json): ",
            element("code", chapter.digest),
            class_="quiet",
        ),
    ]


def _described(text: str | None, key: str) -> list[Html]:
    """Give the machine's description, to be saved as the file that the commands name."""
    if text is None:
        return []
    summary = element("summary", "Save this as ", element("code", f"{key}.json"))
    return [element("details", summary, element("pre", element("code", Html(escape(text)))))]
