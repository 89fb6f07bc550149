"""The summary of a fleet: how wide the bounds of its machines are, and the widest ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.counters import SIDE_WORDS, SIDES
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import NO_BOUND, bound_text, counted, pages_text, printable
from rssbound.cli.render.words import METRIC_WORDS
from rssbound.fleet.columns import KERNEL
from rssbound.fleet.plan import QUANTILES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.cli.render import Style
    from rssbound.fleet.answers import Quantiles, Summary, Worst
    from rssbound.fleet.columns import Asked

__all__ = ("render", "sheet_of")

ALL = "all"


def render(summary: Summary, asked: Asked, format_: str, style: Style) -> str:
    """Give the summary of a fleet in a format."""
    return render_as(
        format_,
        style,
        sheet=lambda: sheet_of(summary, asked),
        document=lambda: _document(summary, asked),
        rows=lambda: _rows(summary, asked),
    )


def _named(asked: Asked) -> dict[str, tuple[str, str]]:
    """Map the prefix of a column to its design and metric."""
    return {prefix: (design, metric) for prefix, design, metric in asked.bounds}


# -- for programs


def _document(summary: Summary, asked: Asked) -> dict[str, Any]:
    outcome, named = summary.outcome, _named(asked)
    return {
        "kind": "rssbound.fleet",
        "format_version": "1.0",
        "rows": outcome.rows,
        "distinct_machines": outcome.shapes,
        "errors": [{"error": text, "rows": count} for text, count in outcome.frequent],
        "bounds": [_bounds(each, *named[each.prefix]) for each in summary.quantiles],
        "widest": [
            {
                "name": each.name,
                "design": each.design,
                "under_bytes": each.under,
                "over_bytes": each.over,
            }
            for each in summary.worst
        ],
        "decidable": {"yes": summary.decided.yes, "no": summary.decided.no},
    }


def _bounds(found: Quantiles, design: str, metric: str) -> dict[str, Any]:
    names = [f"p{per_cent}" for per_cent in QUANTILES]
    return {
        "design": design,
        "metric": metric,
        "series": found.series,
        "hosts": found.hosts,
        "without_bound": {"under": found.without_under, "over": found.without_over},
        "under_bytes": dict(zip(names, found.under, strict=True)),
        "over_bytes": dict(zip(names, found.over, strict=True)),
    }


def _rows(summary: Summary, asked: Asked) -> tuple[Sequence[str], list[list[object]]]:
    named = _named(asked)
    figures = [f"{side}_p{per_cent}_bytes" for side in SIDES for per_cent in QUANTILES]
    header = ["design", "metric", "series", "hosts", "without_under", "without_over", *figures]
    rows: list[list[object]] = [
        [
            *named[each.prefix],
            each.series,
            *(each.hosts, each.without_under, each.without_over),
            *each.under,
            *each.over,
        ]
        for each in summary.quantiles
    ]
    return header, rows


# -- for people


def sheet_of(summary: Summary, asked: Asked) -> Sheet:
    """Give the tables of a summary, with words around them."""
    outcome, decided = summary.outcome, summary.decided
    machines = f"{counted(outcome.rows, 'row')}, {counted(outcome.shapes, 'distinct machine')}"
    errors = f"; {counted(outcome.failed, 'row')} with an error" if outcome.failed else ""
    foot = []
    if any(decided):
        share = f"{100 * decided.yes / sum(decided):.1f}%"
        thresholds = counted(sum(decided), "threshold")
        foot = [f"A cheap reading decides {pages_text(decided.yes)} of {thresholds} ({share})."]
    if any(each.without_under or each.without_over for each in summary.quantiles):
        foot.append("Machines without a bound are not included in the figures.")
    return Sheet(
        (f"{machines}{errors}",),
        _table(summary.quantiles, asked),
        tuple(foot),
        details=(_widest(summary.worst, asked),) if summary.worst else (),
    )


def _table(quantiles: Sequence[Quantiles], asked: Asked) -> Table:
    named = _named(asked)
    columns = [
        Column("", "design", tuple(named[each.prefix][0] for each in quantiles), 0, numeric=False),
        Column("", "kernels", tuple(each.series or ALL for each in quantiles), 0, numeric=False),
        Column("", "machines", tuple(pages_text(each.hosts) for each in quantiles), 1),
    ]
    if len(asked.metrics) > 1:
        metrics = tuple(METRIC_WORDS[named[each.prefix][1]] for each in quantiles)
        columns.insert(1, Column("", "of", metrics, 0, numeric=False))
    for side in SIDES:
        for number, per_cent in enumerate(QUANTILES):
            cells = tuple(_cell(getattr(each, side)[number]) for each in quantiles)
            title = "all" if per_cent == 100 else f"{per_cent}%"
            rank = 0 if per_cent == 100 else 2 + number % 2
            columns.append(Column(f"{SIDE_WORDS[side]}, at most", title, cells, rank))
    what = METRIC_WORDS[asked.metrics[0]] if len(asked.metrics) == 1 else "each"
    title = f"largest error of {what} on this share of the machines"
    return Table(title, tuple(columns))


def _widest(worst: Sequence[Worst], asked: Asked) -> Table:
    _, design, metric = asked.bounds[0]
    of = "the kernel's own design" if design == KERNEL else design
    return Table(
        f"widest bounds of {METRIC_WORDS[metric]} with {of}",
        (
            Column("", "machine", tuple(printable(each.name or "-") for each in worst), 0, False),
            Column("", "design", tuple(each.design for each in worst), 0, False),
            Column("", "too low", tuple(_cell(each.under, NO_BOUND) for each in worst)),
            Column("", "too high", tuple(_cell(each.over, NO_BOUND) for each in worst)),
        ),
    )


def _cell(size: int | None, nothing: str = "-") -> str:
    return nothing if size is None else bound_text(size)
