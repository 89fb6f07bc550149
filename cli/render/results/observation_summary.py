"""The summary of many samples of running processes, in every format."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rssbound.cli.render.documents import csv_side
from rssbound.cli.render.result import render_as
from rssbound.cli.render.results.observation import counted_processes, outside_line
from rssbound.cli.render.sheet import NOTHING, Column, Sheet, Table
from rssbound.cli.render.units import bound_text, counted, printable, side_bytes
from rssbound.live.summary import SHARES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rssbound.cli.render import Style
    from rssbound.live.summary import ProcessSummary, Summary

__all__ = ("Law", "render")


@dataclass(frozen=True)
class Law:
    """The typical law of the kernel's design: sizes of its error at SHARES, in pages.

    None, with the reason, if it is not known.
    """

    workload: str
    sizes: tuple[int, ...] | None
    why: str = ""


COLUMNS = (
    *("pid", "comm", "first", "last", "threads", "samples", "compared", "outside"),
    *("too_low_pages", "too_high_pages", "bound_under_pages", "bound_over_pages", "share"),
    *(f"p{round(share * 100)}_pages" for share in SHARES),
)


def render(
    summary: Summary, law: Law, source: str, notes: Sequence[str], format_: str, style: Style
) -> str:
    """Give a summary in a format; `source` names its origin, `notes` are further sentences."""
    return render_as(
        format_,
        style,
        sheet=lambda: _sheet(summary, law, source, notes, _rows_that_fit(format_, style)),
        document=lambda: _document(summary, law, notes),
        rows=lambda: (COLUMNS, (_csv_row(process) for process in summary.processes)),
    )


def _document(summary: Summary, law: Law, notes: Sequence[str]) -> dict[str, Any]:
    return {
        "kind": "rssbound.observation-summary",
        "format_version": "1.0",
        "kernel": summary.kernel,
        "design": summary.design,
        "page_size": summary.page_size,
        "first": summary.first,
        "last": summary.last,
        "samples": summary.samples,
        "compared": summary.compared,
        "outside": summary.outside,
        "other_processes": summary.others,
        "quantiles": _quantiles(summary.sizes),
        "typical": None
        if law.sizes is None
        else {"workload": law.workload, "quantiles": _quantiles(law.sizes)},
        "notes": list(notes),
        "processes": [_process(process) for process in summary.processes],
    }


def _quantiles(sizes: Sequence[int] | None) -> dict[str, int] | None:
    if sizes is None:
        return None
    return {f"p{round(share * 100)}": size for share, size in zip(SHARES, sizes, strict=True)}


def _process(process: ProcessSummary) -> dict[str, Any]:
    named = asdict(process)
    for name in ("too_low", "too_high", "bound_under", "bound_over"):
        named[f"{name}_pages"] = named.pop(name)
    named["quantiles"] = _quantiles(named.pop("sizes"))
    return named


def _csv_row(process: ProcessSummary) -> list[object]:
    sizes = process.sizes or ("",) * len(SHARES)
    return [
        *(process.pid, process.comm, process.first, process.last, process.threads),
        *(process.samples, process.compared, process.outside, process.too_low, process.too_high),
        *(csv_side(process.bound_under), csv_side(process.bound_over), process.share, *sizes),
    ]


# -- for people


LINES_BESIDE = 14
"""Approximate number of lines of a summary outside its table."""


def _rows_that_fit(format_: str, style: Style) -> int | None:
    """Give the number of table rows that fit on a terminal; None if there is no limit."""
    if format_ != "table" or style.height is None:
        return None
    return max(style.height - LINES_BESIDE, 5)


def _sheet(
    summary: Summary, law: Law, source: str, notes: Sequence[str], most: int | None
) -> Sheet:
    size = summary.page_size
    shown = summary.processes[:most]
    headlines = [source, _taken(summary)]
    footlines = list(_laws(summary, law))
    if summary.outside:
        footlines.append(outside_line(summary.outside))
    others = len(summary.processes) - len(shown) + summary.others
    if others:
        footlines.append(f"{counted_processes(others)} with smaller differences: not listed.")
    table = NOTHING if size is None or not shown else _table(shown, size)
    if size is None and summary.processes:
        footlines.append("The samples come from several kernels; summarise each kernel separately.")
    return Sheet(tuple(headlines), table, (*footlines, *notes))


def _taken(summary: Summary) -> str:
    """Count the samples and processes."""
    if summary.first is None or summary.last is None:
        return "no samples"
    seconds = summary.last - summary.first
    processes = counted_processes(len(summary.processes) + summary.others)
    line = f"{counted(summary.samples, 'sample')} of {processes} in {seconds:,.1f} s"
    unread = summary.samples - summary.compared
    return f"{line}, {unread:,} of them without a difference" if unread else line


def _laws(summary: Summary, law: Law) -> list[str]:
    """Give the usual sizes of the differences, and those that the law predicts."""
    size = summary.page_size
    if summary.sizes is None or size is None:
        return []
    names = [f"{share:.0%}" for share in SHARES]

    def listed(sizes: Sequence[int]) -> str:
        pieces = zip(names, sizes, strict=True)
        return ", ".join(f"{name} at most {bound_text(pages * size)}" for name, pages in pieces)

    lines = [f"Sizes of the differences: {listed(summary.sizes)}."]
    if law.sizes is None:
        lines.append(f"The typical law is not shown: {law.why}.")
    else:
        lines.append(
            f"The typical law of {summary.design} ({law.workload}, in the long run): "
            f"{listed(law.sizes)}."
        )
    return lines


def _table(processes: Sequence[ProcessSummary], size: int) -> Table:
    def column(
        title: str,
        cell: Callable[[ProcessSummary], str],
        rank: int = 0,
        *,
        numeric: bool = True,
    ) -> Column:
        return Column("", title, tuple(map(cell, processes)), rank, numeric)

    def at(number: int) -> Callable[[ProcessSummary], str]:
        return lambda one: "-" if one.sizes is None else bound_text(one.sizes[number] * size)

    return Table(
        "",
        (
            column("PID", lambda one: f"{'!' if one.outside else ''}{one.pid}"),
            column("command", lambda one: printable(one.comm), numeric=False),
            column("samples", lambda one: f"{one.samples:,}", 2),
            column("low by", lambda one: bound_text(one.too_low * size)),
            column("at most", lambda one: side_bytes(one.bound_under, size)),
            column("high by", lambda one: bound_text(one.too_high * size)),
            column("at most", lambda one: side_bytes(one.bound_over, size), 1),
            column("used", lambda one: "-" if one.share is None else f"{one.share:.0%}"),
            column("median", at(0), 1),
            column("99%", at(2), 2),
            *_verdict_columns(processes),
        ),
    )


def _verdict_columns(processes: Sequence[ProcessSummary]) -> list[Column]:
    """Count the verdicts on a threshold, if there was one."""
    if not any(process.verdicts for process in processes):
        return []
    names = ("above", "below", "cannot tell")
    return [
        Column("", name, tuple(f"{one.verdicts.get(name, 0):,}" for one in processes), 1)
        for name in names
    ]
