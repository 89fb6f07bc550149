"""An analysis: the table of all designs, the words around it, where each bound comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.hardware.locality import spans_of
from rssbound.cli.render.result import render_as
from rssbound.cli.render.results.analysis_csv import rows_of
from rssbound.cli.render.results.analysis_json import document_of
from rssbound.cli.render.results.spans import range_text, span_columns
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import (
    bytes_text,
    pages_text,
    side_bytes,
    side_pages,
    signed_bytes,
)
from rssbound.cli.render.words import (
    both_sides,
    caveats_of,
    machine_words,
    precise_files,
    process_words,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.bounds import Analysis, Level, Result
    from rssbound.bounds.scenario.kernel_constants import KernelConstants
    from rssbound.cli.render import Style

__all__ = ("render", "sheet_of")


def render(analysis: Analysis, format_: str, style: Style) -> str:
    """Give an analysis in one of FORMATS."""
    return render_as(
        format_,
        style,
        sheet=lambda: sheet_of(analysis, explain=style.explain),
        document=lambda: document_of(analysis),
        rows=lambda: rows_of(analysis, explain=style.explain),
    )


def sheet_of(analysis: Analysis, *, explain: bool = False) -> Sheet:
    """Lay an analysis out in words and one table, with `explain` in one more for each design."""
    ids = [result.id for result in analysis.results]
    marked = ids.index(analysis.running) if analysis.running in ids else None
    table = Table("", _columns(analysis), marked)
    explained = analysis.results if explain else ()
    details = tuple(_explanation(result, analysis) for result in explained)
    if explain and analysis.scenario.constants.found:
        details = (_sources(analysis.scenario.constants), *details)
    return Sheet(_headlines(analysis), table, _footlines(analysis), details)


# -- the table


def _columns(analysis: Analysis) -> tuple[Column, ...]:
    size = analysis.scenario.page_size

    def column(
        group: str, title: str, rank: int, cell: Callable[[Result], str], *, numeric: bool = True
    ) -> Column:
        return Column(group, title, tuple(map(cell, analysis.results)), rank, numeric)

    return (
        column("", "design", 0, lambda result: result.id, numeric=False),
        column("", "kernels", 6, lambda result: result.design.kernels.label, numeric=False),
        column("RSS can read", "too low", 0, lambda result: side_bytes(result.rss.under, size)),
        column("RSS can read", "too high", 0, lambda result: side_bytes(result.rss.over, size)),
        column(
            "one counter, pages", "low", 1, lambda result: side_pages(result.worst_counter.under)
        ),
        column(
            "one counter, pages", "high", 1, lambda result: side_pages(result.worst_counter.over)
        ),
        column("published, pages", "low", 4, lambda result: _published(result, "under")),
        column("published, pages", "high", 4, lambda result: _published(result, "over")),
        column("typical of one", "half", 5, lambda result: _size(result.typical.median, size)),
        column("typical of one", "99%", 5, lambda result: _size(result.typical.p99, size)),
        column("OOM score can be", "too low", 7, lambda result: side_bytes(result.oom.under, size)),
        column("OOM score can be", "too high", 7, lambda result: side_bytes(result.oom.over, size)),
        column("memory", "per process", 8, lambda result: bytes_text(result.memory_bytes)),
        column("", "note", 9, lambda result: result.design.note, numeric=False),
    )


def _size(pages: int, page_size: int) -> str:
    return bytes_text(pages * page_size)


def _published(result: Result, side: str) -> str:
    return "-" if result.published is None else side_pages(getattr(result.published, side))


# -- the words around it


def _headlines(analysis: Analysis) -> tuple[str, ...]:
    topology = analysis.topology
    return f"{topology.name}: {machine_words(analysis)}", process_words(analysis)


def _footlines(analysis: Analysis) -> tuple[str, ...]:
    size = analysis.scenario.page_size
    lines = [_in_words(analysis), *precise_files(analysis)]
    for result in analysis.results:
        lines += [f"{result.id}: {text}." for text in caveats_of(result, size)]
    lines += [
        _typically(analysis),
        "RSS = file + anon + shmem, three counters; published figures are their authors' own.",
    ]
    return tuple(lines)


def _in_words(analysis: Analysis) -> str:
    """Say what the figures mean, for the running kernel's design, else for mainline's."""
    result = analysis.meant
    running = result.id == analysis.running
    source = analysis.scenario.constants.design is not None
    kernel = "this kernel source" if source else f"Linux {analysis.topology.kernel}"
    who = f"{kernel}, which uses {result.id}" if running else result.id
    error = both_sides(result.rss, analysis.scenario.page_size)
    return f"With {who}, this process's RSS {error}."


def _typically(analysis: Analysis) -> str:
    """Say what the typical error is, and how large a process must be for it to hold."""
    text = "Typical: by no more is one counter (anon) off half of the time, and 99% of it"
    result = analysis.meant
    pages = result.typical.settled_after
    if not pages:
        return f"{text}."
    size = bytes_text(pages * analysis.scenario.page_size)
    return (
        f"{text}, once the process has grown by some {size} ({result.id}); before, it swings more."
    )


def _sources(constants: KernelConstants) -> Table:
    """Show what was read from a kernel source tree, and where it stands."""
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
            Column("", "stands in", tuple(str(where) for _, _, where in rows), numeric=False),
        ),
    )


# -- how a bound arises


def _explanation(result: Result, analysis: Analysis) -> Table:
    """Show at which level the error of one counter hides, and what updates cost."""
    page_size, cost = analysis.scenario.page_size, result.cost
    title = (
        f"{result.id}: {result.design.title} ({result.design.source}). An update: "
        f"{cost.fast_path}; {cost.slow_path}."
    )
    levels = result.levels
    if not levels:
        title += " Nothing is kept back."
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
            *_span_columns(levels, analysis),
            Column("all", "low", tuple(signed_bytes(pages * page_size) for pages in unders), 3),
            Column("all", "share", tuple(_share(pages, whole) for pages in unders), 3),
        ),
    )


def _residual(level: Level) -> str:
    return f"{pages_text(level.low)}..{pages_text(level.high)}"


def _span_columns(levels: tuple[Level, ...], analysis: Analysis) -> list[Column]:
    """Show how far the CPUs of one item are apart; none where no level is shared by CPUs."""
    spans = [spans_of(level, analysis.topology, analysis.scenario.cpus) for level in levels]
    if not any(span and span.cpus[1] > 1 for span in spans):
        return []
    group = "one item spans"
    cpus = tuple(range_text(span.cpus if span else None) for span in spans)
    return [Column(group, "CPUs", cpus, rank=2), *span_columns(group, spans)]


def _share(part: int, whole: int) -> str:
    return f"{(200 * part + whole) // (2 * whole)}%" if whole else "-"
