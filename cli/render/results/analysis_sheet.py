"""An analysis: the table of all designs, the text around it, and the levels of each bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import SIDE_WORDS
from rssbound.cli.render.results.spans import range_text, span_columns
from rssbound.cli.render.sheet import NOTHING, Column, Sheet, Table
from rssbound.cli.render.units import (
    GUESS,
    NO_BOUND,
    bound_text,
    bytes_text,
    pages_text,
    side_bytes,
    side_pages,
    signed_bound,
)
from rssbound.cli.render.words import (
    PROMISE,
    caveats_of,
    design_words,
    machine_words,
    process_words,
    shortened,
    verdict_lines,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rssbound.bounds import Analysis, Level, Result
    from rssbound.bounds.hardware.locality import Span
    from rssbound.bounds.reading.overview import Overview
    from rssbound.bounds.scenario.kernel_constants import KernelConstants

__all__ = ("sheet_of", "summary_of")


def sheet_of(
    overview: Overview, *, explain: bool = False, brief: bool = False, alone: bool = True
) -> Sheet:
    """Lay out an analysis: the verdict in words, then a table of all designs.

    `explain` adds a table for each design; `brief` gives only the verdict, below the machine if it
    is not `alone`.
    """
    analysis = overview.analysis
    verdict = tuple(verdict_lines(overview))
    if brief:
        return Sheet(verdict if alone else (*_headlines(analysis)[:1], *verdict), NOTHING)
    ids = [result.id for result in analysis.results]
    marked = ids.index(analysis.running) if analysis.running in ids else None
    table = Table("", _columns(analysis), marked)
    details = [_promised(overview.promised)] if overview.promised else []
    if explain and analysis.scenario.constants.found:
        details.append(_sources(analysis.scenario.constants))
    if explain:
        details += [_explanation(result, overview) for result in analysis.results]
    return Sheet((*_headlines(analysis), *verdict), table, _footlines(analysis), tuple(details))


def summary_of(overviews: Sequence[Overview]) -> Sheet:
    """Lay out one row for each machine with the design of its kernel, widest bound first."""
    ordered = sorted(overviews, key=lambda each: each.analysis.widest_bytes, reverse=True)

    def column(
        title: str, cell: Callable[[Overview], str], rank: int = 0, *, numeric: bool = False
    ) -> Column:
        return Column("", title, tuple(map(cell, ordered)), rank, numeric)

    def bound(side: str) -> Column:
        cells = tuple(
            side_bytes(getattr(each.analysis.rss, side), each.analysis.scenario.page_size)
            for each in ordered
        )
        return Column("RSS can read", SIDE_WORDS[side], cells)

    columns = (
        column("machine", lambda each: shortened(each.analysis.topology.name)),
        column(
            "CPUs", lambda each: pages_text(len(each.analysis.topology.online)), 1, numeric=True
        ),
        column("kernel", lambda each: each.analysis.topology.kernel or "not known", 2),
        column("design", design_words),
        bound("under"),
        bound("over"),
    )
    guess = any(cell.endswith(GUESS) for cell in columns[3].cells)
    words = (
        ("guess: rssbound interfaces --probe, run on the machine, shows the design.",)
        if guess
        else ()
    )
    return Sheet((), Table("", columns), words)


# -- the table


def _columns(analysis: Analysis) -> tuple[Column, ...]:
    size = analysis.scenario.page_size

    def column(
        group: str, title: str, rank: int, cell: Callable[[Result], str], *, numeric: bool = True
    ) -> Column:
        return Column(group, title, tuple(map(cell, analysis.results)), rank, numeric)

    return (
        column("", "design", 0, lambda result: result.id, numeric=False),
        column("", "kernels", 3, lambda result: result.design.kernels.label, numeric=False),
        column("RSS can read", "too low", 0, lambda result: side_bytes(result.rss.under, size)),
        column("RSS can read", "too high", 0, lambda result: side_bytes(result.rss.over, size)),
        column(
            "one counter, pages", "low", 5, lambda result: side_pages(result.worst_counter.under)
        ),
        column(
            "one counter, pages", "high", 5, lambda result: side_pages(result.worst_counter.over)
        ),
        column("published, pages", "low", 7, lambda result: _published(result, "under")),
        column("published, pages", "high", 7, lambda result: _published(result, "over")),
        *(_columns_of_size(analysis) if analysis.scenario.rss else ()),
        column("OOM score can be", "too low", 4, lambda result: side_bytes(result.oom.under, size)),
        column("OOM score can be", "too high", 4, lambda result: side_bytes(result.oom.over, size)),
        column("memory", "per process", 8, lambda result: bytes_text(result.memory_bytes)),
        column("", "note", 9, lambda result: result.design.note, numeric=False),
    )


def _columns_of_size(analysis: Analysis) -> list[Column]:
    """Show the typical error of a process of the given size, and bounds relative to the size."""
    size, results = analysis.scenario.page_size, analysis.results
    columns = [
        Column(
            "typical of anon",
            title,
            tuple(bound_text(getattr(result.typical, name) * size) for result in results),
            rank=2,
        )
        for title, name in (("half", "median"), ("99%", "p99"))
    ]
    total = analysis.scenario.rss.total if analysis.scenario.rss else None
    if total:
        columns += [
            Column(
                "of its size",
                title,
                tuple(_share_of(getattr(result.rss, side), total.high) for result in results),
                rank=2,
            )
            for title, side in (("too low", "under"), ("too high", "over"))
        ]
    return columns


def _share_of(pages: int | None, whole: int) -> str:
    """Print a bound as a share of the process, never rounded down."""
    if pages is None:
        return NO_BOUND
    return f"{-(-100 * pages // whole)}%" if whole else "-"


def _published(result: Result, side: str) -> str:
    return "-" if result.published is None else side_pages(getattr(result.published, side))


# -- the text around the table


def _headlines(analysis: Analysis) -> tuple[str, ...]:
    topology = analysis.topology
    return f"{topology.name}: {machine_words(analysis)}", process_words(analysis)


def _footlines(analysis: Analysis) -> tuple[str, ...]:
    size = analysis.scenario.page_size
    caveats = [
        f"{result.id}: {text}." for result in analysis.results for text in caveats_of(result, size)
    ]
    return (
        *caveats,
        *_typical_words(analysis),
        "RSS = file + anon + shmem, three counters. Published figures are those of the authors.",
    )


def _typical_words(analysis: Analysis) -> list[str]:
    """Describe the workload of the typical figures, which are not a safety margin."""
    if not analysis.scenario.rss:
        return []
    workload = analysis.meant.typical.workload
    text = (
        "Typical: the error of anon is at most the first figure half of the time and at most the "
        f"second 99% of the time, under {workload}, one page at a time on random CPUs. Other "
        "workloads can exceed both; only the bounds are safe."
    )
    return [text]


def _promised(promised: Analysis) -> Table:
    """Show the bounds that hold while nothing else updates the process."""
    size = promised.scenario.page_size

    def column(
        group: str, title: str, cell: Callable[[Result], str], *, text: bool = False
    ) -> Column:
        return Column(group, title, tuple(map(cell, promised.results)), numeric=not text)

    return Table(
        f"{PROMISE[0].upper()}{PROMISE[1:]}:",
        (
            column("", "design", lambda result: result.id, text=True),
            column("RSS can read", "too low", lambda result: side_bytes(result.rss.under, size)),
            column("RSS can read", "too high", lambda result: side_bytes(result.rss.over, size)),
            column(
                "one counter, pages", "low", lambda result: side_pages(result.worst_counter.under)
            ),
            column(
                "one counter, pages", "high", lambda result: side_pages(result.worst_counter.over)
            ),
        ),
    )


def _sources(constants: KernelConstants) -> Table:
    """Show the values read from a kernel source tree, with file and line."""
    rows = [(found.name, found.value, found.location) for found in constants.found]
    rows += [
        (f"reader {name}", reader.accuracy, reader.location)
        for name, reader in constants.readers.items()
    ]
    return Table(
        "From the kernel source",
        (
            Column("", "constant", tuple(name for name, _, _ in rows), numeric=False),
            Column("", "value", tuple(value for _, value, _ in rows), numeric=False),
            Column("", "at", tuple(str(where) for _, _, where in rows), numeric=False),
        ),
    )


# -- how a bound arises


def _explanation(result: Result, overview: Overview) -> Table:
    """Show the error of each level of one counter, and the cost of an update."""
    page_size, cost = overview.analysis.scenario.page_size, result.cost
    title = (
        f"{result.id}: {result.design.title} ({result.design.source}). "
        f"An update costs {cost.fast_path}. Its slow path: {cost.slow_path}."
    )
    levels = result.levels
    if not levels:
        title += " The counter has no slots."
    unders = [level.items * level.high for level in levels]
    overs = [-level.items * level.low for level in levels]
    whole = sum(unders)
    if whole != result.worst_counter.under:  # levels of different counters do not add up
        whole = 0
    return Table(
        title,
        (
            Column("", "level", tuple(level.name for level in levels), 0, numeric=False),
            Column("", "items", tuple(pages_text(level.items) for level in levels)),
            Column("each keeps,", "pages", tuple(map(_residual, levels))),
            Column("all, pages", "low", tuple(map(pages_text, unders))),
            Column("all, pages", "high", tuple(map(pages_text, overs))),
            *_span_columns(overview.spans[result.id]),
            Column("all", "low", tuple(signed_bound(pages * page_size) for pages in unders), 3),
            Column("all", "share", tuple(_share(pages, whole) for pages in unders), 3),
        ),
    )


def _residual(level: Level) -> str:
    return f"{pages_text(level.low)}..{pages_text(level.high)}"


def _span_columns(spans: Sequence[Span | None]) -> list[Column]:
    """Show the domains that the CPUs of one item span; no columns if no item is shared."""
    if not any(span and span.cpus[1] > 1 for span in spans):
        return []
    group = "one item spans"
    cpus = tuple(range_text(span.cpus if span else None) for span in spans)
    return [Column(group, "CPUs", cpus, rank=2), *span_columns(group, spans)]


def _share(part: int, whole: int) -> str:
    return f"{(200 * part + whole) // (2 * whole)}%" if whole else "-"
