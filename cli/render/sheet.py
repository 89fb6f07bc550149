"""What the formats for people show: lines of text and tables of strings, before any layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rssbound.bounds.interfaces import INTERFACES, UNTOLD, accuracy_in, accuracy_of
from rssbound.bounds.locality import spans_of
from rssbound.bounds.scenario import DEFAULT_PAGE_SIZE
from rssbound.cli.render.units import (
    both_sides,
    bytes_text,
    counted,
    pages_text,
    side_bytes,
    side_pages,
    signed_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.bounds import Analysis, Level, Result
    from rssbound.bounds.constants import KernelConstants
    from rssbound.topology import Topology

__all__ = (
    "Column",
    "Sheet",
    "Table",
    "cheap_reading",
    "machine_words",
    "meant_of",
    "precise_files",
    "process_words",
    "sheet_of",
    "shortened",
)


FILES = ("status", "statm", "stat", "maxrss")
"""Interfaces that analyze says a word about."""


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length, with a line above and the row that is marked, if any."""

    title: str
    columns: tuple[Column, ...]
    marked: int | None = None

    @property
    def rows(self) -> range:
        """Number the rows."""
        return range(len(self.columns[0].cells))


@dataclass(frozen=True, slots=True)
class Sheet:
    """A result in words and tables; `details` are the tables that explain it."""

    headlines: tuple[str, ...]
    table: Table
    footlines: tuple[str, ...] = ()
    details: tuple[Table, ...] = ()


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


def machine_words(analysis: Analysis) -> str:
    """Say in one line what the machine is."""
    topology, scenario = analysis.topology, analysis.scenario
    assumed = topology.page_size is None and scenario.page_size == DEFAULT_PAGE_SIZE
    facts = [
        _machine(topology),
        f"{bytes_text(scenario.page_size)} pages{' (assumed)' if assumed else ''}",
    ]
    if topology.kernel:
        facts.append(f"Linux {topology.kernel}")
    return "; ".join(facts)


def process_words(analysis: Analysis) -> str:
    """Say in one line which process, and when, the bounds are for."""
    scenario = analysis.scenario
    moment = (
        f"worst case with {counted(scenario.in_flight, 'update')} stopped half-way"
        if scenario.in_flight
        else "worst case once updates have settled"
    )
    cpus = shortened(str(scenario.cpus))
    where = f"{'CPU' if len(scenario.cpus) == 1 else 'CPUs'} {cpus}"
    threads = counted(scenario.threads, "thread")
    return f"one process of {threads} on {where}, tree batch {scenario.batch}; {moment}"


def _machine(topology: Topology) -> str:
    online, possible = len(topology.online), len(topology.possible)
    cpus = counted(possible, "CPU")
    if online != possible:
        cpus = f"{pages_text(online)} of {cpus} online"
    counts = (
        (topology.count("package", topology.online), "package"),
        (topology.numa_nodes, "NUMA node"),
        (topology.count("llc", topology.online), "last-level cache"),
        (topology.count("core", topology.online), "core"),
    )
    return ", ".join([cpus, *(counted(count, name) for count, name in counts if count)])


def _footlines(analysis: Analysis) -> tuple[str, ...]:
    size = analysis.scenario.page_size
    results = {result.id: result for result in analysis.results}
    lines = [_in_words(analysis), *precise_files(analysis)]
    centred = results.get("tree-centred")
    if centred and centred.rss.over:
        lines.append(
            "tree-centred: a process that has just started, or ran on few CPUs, reads up to "
            f"{side_bytes(centred.rss.over, size)} too high."
        )
    lines += [
        f"{result.id}: holds while updates of one node never overlap; no bound once they do."
        for result in results.values()
        if not result.design.overlap_safe
    ]
    lines += [
        _typically(analysis),
        "RSS = file + anon + shmem, three counters; published figures are their authors' own.",
    ]
    return tuple(lines)


def _in_words(analysis: Analysis) -> str:
    """Say what the figures mean, for the running kernel's design, else for mainline's."""
    result = meant_of(analysis)
    running = result.id == analysis.running
    source = analysis.scenario.constants.design is not None
    kernel = "this kernel source" if source else f"Linux {analysis.topology.kernel}"
    who = f"{kernel}, which uses {result.id}" if running else result.id
    error = both_sides(result.rss, analysis.scenario.page_size)
    return f"With {who}, this process's RSS {error}."


def _typically(analysis: Analysis) -> str:
    """Say what the typical error is, and how large a process must be for it to hold."""
    text = "Typical: by no more is one counter (anon) off half of the time, and 99% of it"
    result = meant_of(analysis)
    pages = result.typical.settled_after
    if not pages:
        return f"{text}."
    size = bytes_text(pages * analysis.scenario.page_size)
    return (
        f"{text}, once the process has grown by some {size} ({result.id}); before, it swings more."
    )


def meant_of(analysis: Analysis) -> Result:
    """Give the result of the running kernel's design, else of mainline's, else the first."""
    results = {result.id: result for result in analysis.results}
    return results.get(analysis.running or "") or results.get("percpu", analysis.results[0])


def precise_files(analysis: Analysis) -> list[str]:
    """Say which files are precise on the running kernel, and which are not."""
    precise, rest = (_files(analysis, precise=own) for own in (True, False))
    if not precise:
        return ["None of status, statm and stat is precise there; smaps_rollup is."] if rest else []
    which = f"{' and '.join(precise)} are precise, {' and '.join(rest)} are not"
    return [f"Its {which} (rssbound interfaces)."]


def cheap_reading(analysis: Analysis) -> str:
    """Name what the bounds are of: a file that is not precise on the running kernel, if known."""
    precise, rest = (_files(analysis, precise=own) for own in (True, False))
    known = precise and rest and meant_of(analysis).id == analysis.running
    return f"a reading of {' or '.join(rest)}" if known else "a cheap reading"


def _files(analysis: Analysis, *, precise: bool) -> list[str]:
    """List the interfaces that are precise on the running kernel, or not; none where unknown."""
    release, source = analysis.topology.kernel, analysis.scenario.constants
    if analysis.running is None or (release is None and not source.accuracy):
        return []
    every = {
        id_: accuracy_in(INTERFACES[id_], source) or accuracy_of(INTERFACES[id_], release or UNTOLD)
        for id_ in FILES
    }
    return [
        id_.replace("maxrss", "ru_maxrss")
        for id_, accuracy in every.items()
        if (accuracy.kind == "precise") == precise
    ]


def shortened(text: str, most: int = 40) -> str:
    """Cut a list of CPUs that is longer than it is worth."""
    return text if len(text) <= most else text[: most - 3] + "..."


def _sources(constants: KernelConstants) -> Table:
    """Show what was read from a kernel source tree, and where it stood."""
    found = constants.found
    return Table(
        "From the kernel source",
        (
            Column("", "constant", tuple(own.name for own in found), numeric=False),
            Column("", "value", tuple(own.value for own in found), numeric=False),
            Column("", "stands in", tuple(own.place for own in found), numeric=False),
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
    titles = {"package": "packages", "node": "nodes", "llc": "caches"}
    cpus = tuple(_range(span.cpus if span else None) for span in spans)
    columns = [Column("one item spans", "CPUs", cpus, 2)]
    for domain, title in titles.items():
        cells = tuple(_range(span.domains[domain] if span else None) for span in spans)
        columns.append(Column("one item spans", title, cells, 2))
    return columns


def _range(counts: tuple[int, int] | None) -> str:
    if counts is None:
        return "-"
    least, most = counts
    return str(most) if least == most else f"{least}-{most}"


def _share(part: int, whole: int) -> str:
    return f"{(200 * part + whole) // (2 * whole)}%" if whole else "-"
