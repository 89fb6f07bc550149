"""One page for one machine or several: words, tables, pictures, and how to get each of them again.

It needs nothing from a network and runs no script; a policy in its head forbids both. The same
input gives the same bytes: there is no clock in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING

from rssbound import __version__
from rssbound.cli.render.advice import BUDGET_BYTES, batch_advice, reading_advice
from rssbound.cli.render.html import Html, element, table_of
from rssbound.cli.render.sheet import (
    Column,
    Table,
    machine_words,
    meant_of,
    process_words,
    sheet_of,
    shortened,
)
from rssbound.cli.render.units import bytes_text, pages_text, side_bytes, sides_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds import Analysis, Result
    from rssbound.cli.render.chart import Chart
    from rssbound.cli.render.figures import Asked

__all__ = ("Part", "page")

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
OPENING = (
    "Linux counts a process's resident pages in caches per CPU, thread or NUMA node. What the "
    "caches still hold is missing from every cheap read, or added to it. The bounds here are "
    "exact: some history of updates reaches each of them, none goes beyond."
)
VENDORS = (
    "The design follows from the kernel's release number, as in unpatched kernels. A vendor's "
    "kernel may use another, and a uniprocessor kernel counts exactly."
)
CLAMPS = "Every cheap read clamps each counter at 0; the bounds of sums take that into account."
UNCOUNTED = "per-thread has no bound where a driver maps pages without a fault (vm_insert_page)."
OF_ONE_COUNTER = ("one counter, pages", "published, pages", "typical of one")
"""Headings of the columns that are about one counter."""

NEED_PLOT = "Pictures are left out: matplotlib is not installed (pip install 'rssbound[plot]')."


@dataclass(frozen=True)
class Part:
    """What the page says of one machine.

    `charts` are its figures and `pictures` their drawings, in the same order, or none at all.
    `options` is what comes after `rssbound COMMAND` to ask for this machine and process again,
    quoted for a shell, `verify` and `choose` the same for those commands, `choose` "" where no tree
    was asked for. `digest` is the SHA-256 of the machine's
    description.
    """

    asked: Asked
    charts: tuple[Chart, ...]
    pictures: tuple[Html, ...]
    options: str
    verify: str
    choose: str
    digest: str

    @property
    def analysis(self) -> Analysis:
        """The bounds."""
        return self.asked.analysis


def page(parts: Sequence[Part], keys: Sequence[str]) -> str:
    """Give the whole page; `keys` are the parts' ids in it."""
    names = [part.analysis.topology.name for part in parts]
    title = f"How wrong RSS can be: {names[0] if len(parts) == 1 else f'{len(parts)} machines'}"
    style = resources.files("rssbound.cli.render").joinpath("report.css").read_text()
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Html(style)),
    )
    several = [_overview(parts, keys)] if len(parts) > 1 else []
    body = element(
        "main",
        element("h1", "How wrong RSS can be"),
        element("p", OPENING, class_="quiet"),
        *several,
        *(
            _part(part, key, first=number == 0 and not several)
            for number, (part, key) in enumerate(zip(parts, keys, strict=True))
        ),
        _footer(parts),
    )
    return f"<!DOCTYPE html>\n{element('html', head, element('body', body), lang='en')}\n"


# -- several machines


def _overview(parts: Sequence[Part], keys: Sequence[str]) -> Html:
    """Make a table of all machines, each a link to its own part."""

    def column(group: str, title: str, cells: Sequence[str], *, numeric: bool = True) -> Column:
        return Column(group, title, tuple(cells), 0, numeric)

    chosen = [meant_of(part.analysis) for part in parts]
    sizes = [part.asked.page_size for part in parts]
    links = [
        element("a", part.analysis.topology.name, href=f"#{key}")
        for part, key in zip(parts, keys, strict=True)
    ]
    sides = {
        side: [
            side_bytes(getattr(result.rss, side), size)
            for result, size in zip(chosen, sizes, strict=True)
        ]
        for side in ("under", "over")
    }
    table = Table(
        "",
        (
            column("", "machine", links, numeric=False),
            column("", "CPUs", [pages_text(len(part.analysis.scenario.cpus)) for part in parts]),
            column("", "kernel", [_kernel(part.analysis) for part in parts], numeric=False),
            column("", "design", [_assumed(part.analysis) for part in parts], numeric=False),
            column("RSS can read", "too low", sides["under"]),
            column("RSS can read", "too high", sides["over"]),
        ),
    )
    drawn = table_of(table, "The machines, each with the design that its kernel uses")
    if not all(part.choose for part in parts):
        return drawn
    advice = batch_advice([part.analysis for part in parts])
    return Html(drawn + element("p", advice))


def _kernel(analysis: Analysis) -> str:
    return analysis.topology.kernel or "not known"


def _assumed(analysis: Analysis) -> str:
    """Name the design that is spoken of, and say so where it is not known to be the kernel's."""
    chosen = meant_of(analysis).id
    return chosen if chosen == analysis.running else f"{chosen} (assumed)"


# -- one machine


def _part(part: Part, key: str, *, first: bool) -> Html:
    explained = sheet_of(part.analysis, explain=True)
    sections = [
        element("h2", part.analysis.topology.name, id=key, class_="first" if first else None),
        *_summary(part),
        *_advice(part),
        element("h3", "Every design"),
        *_tables(part, explained.table),
        *(element("p", line, class_="quiet") for line in explained.footlines[1:]),
        *_figures(part),
        element("h3", "Where the error hides, in numbers"),
        *_levels(part, explained.details),
        *_assumptions(part),
        *_again(part),
    ]
    return element("section", *sections, aria_labelledby=key)


def _summary(part: Part) -> list[Html]:
    """Say what the machine is, how wrong its own kernel can be, and how wrong each other design."""
    analysis = part.analysis
    result, size = meant_of(analysis), part.asked.page_size
    error = sides_words(result.rss, size)
    process, _, moment = process_words(analysis).partition("; ")
    lines = [
        element("p", f"{machine_words(analysis)}."),
        element("p", f"{_uses(analysis, result)} For {process}, in the {moment}:"),
        element("p", element("strong", f"RSS reads {error}."), class_="lead"),
    ]
    others = [other for other in analysis.results if other is not result]
    if others:
        items = [
            element("li", element("code", other.id), f": {sides_words(other.rss, size)}")
            for other in others
        ]
        lines += [element("p", "With the other designs:"), element("ul", *items)]
    return lines


def _advice(part: Part) -> list[Html]:
    """Say what to do, with the command that chooses the batch."""
    items = [element("li", line) for line in reading_advice(part.analysis)]
    if part.choose:
        command = element("code", _choose_command(part.choose))
        items.append(element("li", batch_advice([part.analysis]), " ", command))
    return [element("h3", "What to do"), element("ul", *items)]


def _choose_command(options: str) -> str:
    return f"rssbound choose{options} --budget {BUDGET_BYTES >> 20}MiB"


def _uses(analysis: Analysis, result: Result) -> str:
    """Say which design is meant, and why."""
    named = f"{result.id} ({result.design.title})"
    if analysis.running is None:
        return f"The kernel is not known; this is for {named}."
    kernel = f"Linux {analysis.topology.kernel} counts with"
    if analysis.running == result.id:
        return f"{kernel} {named}."
    return f"{kernel} {analysis.running}, which was not asked for; this is for {named}."


def _tables(part: Part, whole: Table) -> list[Html]:
    """Cut the table of all designs in two that fit a page: sums in bytes, one counter in pages."""
    design, *others = (column for column in whole.columns if column.title != "note")
    of_one = [column for column in others if column.group in OF_ONE_COUNTER]
    of_sums = [column for column in others if column.group not in OF_ONE_COUNTER]
    captions = (
        f"RSS and OOM score; {process_words(part.analysis)}",
        "One counter, beside what its authors state and how wrong it typically is",
    )
    return [
        table_of(replace(whole, columns=(design, *columns)), caption)
        for caption, columns in zip(captions, (of_sums, of_one), strict=True)
    ]


def _figures(part: Part) -> list[Html]:
    """Show each picture with its words, its numbers, and the command that makes it."""
    if not part.pictures:
        return [element("p", NEED_PLOT, class_="quiet")]
    found: list[Html] = []
    for chart, picture in zip(part.charts, part.pictures, strict=True):
        words = [element("p", line) for line in (*chart.legend, *chart.notes)]
        command = f"rssbound plot {chart.kind}{part.options} -o {chart.kind}.svg"
        numbers = element(
            "details", element("summary", "The numbers"), table_of(chart.table, chart.title)
        )
        caption = element("figcaption", *words, element("pre", element("code", command)))
        found += [
            element("h3", chart.title),
            element("figure", element("div", picture, class_="picture", tabindex="0"), caption),
            numbers,
        ]
    return found


def _levels(part: Part, tables: Sequence[Table]) -> list[Html]:
    """Explain each design, with a table of its levels where it has any."""
    found: list[Html] = []
    for result, table in zip(part.analysis.results, tables, strict=True):
        found.append(element("p", table.title))
        if table.rows:
            found.append(table_of(table, f"{result.id}: what each level of one counter keeps back"))
    return found


def _assumptions(part: Part) -> list[Html]:
    analysis = part.analysis
    scenario = analysis.scenario
    settings = {
        "CPUs the process may run on": shortened(str(scenario.cpus), 200),
        "threads": pages_text(scenario.threads),
        "page size": bytes_text(scenario.page_size),
        "batch of the tree (RSS_STAT_BATCH_SIZE), pages": pages_text(scenario.batch),
        "percpu_counter_batch, pages": pages_text(scenario.percpu_batch),
        "most CPUs ever online together": pages_text(scenario.max_online),
        "fault_around_bytes": bytes_text(scenario.fault_around_bytes),
        "CONFIG_NODES_SHIFT": str(scenario.nodes_shift),
        "updaters stopped half-way": pages_text(scenario.in_flight),
        "most pages one update adds or removes": pages_text(scenario.max_increment),
    }
    table = Table(
        "",
        (
            Column("", "setting", tuple(settings), 0, numeric=False),
            Column("", "value", tuple(settings.values()), 0, numeric=False),
        ),
    )
    lines = [VENDORS, CLAMPS, UNCOUNTED]
    lines += [f"Reading the machine: {warning}." for warning in analysis.topology.warnings]
    return [
        element("h3", "What is assumed"),
        element("ul", *(element("li", line) for line in lines)),
        table_of(table, "Settings"),
    ]


def _again(part: Part) -> list[Html]:
    commands = [
        f"rssbound analyze{part.options} --explain",
        *(f"rssbound plot {chart.kind}{part.options} -o {chart.kind}.svg" for chart in part.charts),
        *([_choose_command(part.choose)] if part.choose else []),
        f"rssbound verify{part.verify}",
    ]
    return [
        element("h3", "How to get this again"),
        element(
            "p", "The tables, each picture, the batch, and the proof that the bounds are right:"
        ),
        element("pre", *(element("code", command, class_="line") for command in commands)),
        element(
            "p",
            f"Machine: {part.analysis.topology.source or part.analysis.topology.name}; SHA-256 of "
            "its description (rssbound topology convert --to json): ",
            element("code", part.digest),
            class_="quiet",
        ),
    ]


def _footer(parts: Sequence[Part]) -> Html:
    count = "this machine" if len(parts) == 1 else f"these {len(parts)} machines"
    return element("footer", f"rssbound {__version__} computed the bounds of {count}.")
