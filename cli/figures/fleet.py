"""The figure `fleet`: the width of the bounds of a fleet's machines, by design."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import SIDE_WORDS
from rssbound.bounds.designs import DESIGNS
from rssbound.cli.figures.common import log_length
from rssbound.cli.render.pictures.chart import (
    SHARE,
    SIZE,
    Axis,
    Bar,
    Chart,
    Group,
    Line,
    Panel,
    Rows,
)
from rssbound.cli.render.sheet import Column, Table
from rssbound.cli.render.units import bound_text, counted, pages_text
from rssbound.cli.render.words import METRIC_WORDS
from rssbound.fleet.columns import KERNEL
from rssbound.fleet.plan import QUANTILES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.fleet.answers import Quantiles, Summary

__all__ = ("fleet_chart",)

OWN = "the kernel's own"
LEGEND = (
    "A marker at 90% is the smallest bound that 90% of the machines do not exceed. Lines between "
    "markers only connect them."
)


def fleet_chart(summary: Summary, metric: str, side: str, source: str) -> Chart:
    """Draw the bounds of a summary on one side, in bytes; all are for one metric."""
    designs = {f"{id_}_{metric}".replace("-", "_"): id_ for id_ in (KERNEL, *DESIGNS)}
    found = [(designs[each.prefix], each) for each in summary.quantiles if each.series is None]
    figures = [(design, _figures(each, side), each.hosts) for design, each in found]
    lines = _lines(figures)
    return Chart(
        kind="fleet",
        title=f"How much {METRIC_WORDS[metric]} can be {SIDE_WORDS[side]} in a fleet",
        words=(_words(summary, source),),
        notes=_notes(found, side),
        table=_table(figures),
        rows=_rows(summary, designs, side),
        groups=(_group(figures),),
        legend=(LEGEND,) if lines else (),
        panels=(Panel(Axis("share of the machines", SHARE), Axis("bound", SIZE), lines),)
        if lines
        else (),
    )


def _figures(each: Quantiles, side: str) -> tuple[int | None, ...]:
    return each.under if side == "under" else each.over


def _called(design: str) -> str:
    return OWN if design == KERNEL else design


def _lines(figures: Sequence[tuple[str, tuple[int | None, ...], int]]) -> tuple[Line, ...]:
    """Make a line for each design, without zeros, which a logarithmic scale cannot show."""
    order = [KERNEL, *DESIGNS]
    lines = []
    for design, sizes, _ in figures:
        points = tuple(
            (float(per_cent), size) for per_cent, size in zip(QUANTILES, sizes, strict=True) if size
        )
        if points:
            is_own = design == KERNEL
            number = order.index(design)
            lines.append(Line(_called(design), points, number, bold=is_own))
    return tuple(lines)


def _words(summary: Summary, source: str) -> str:
    outcome = summary.outcome
    return (
        f"{source}: {counted(outcome.rows, 'row')}, {counted(outcome.shapes, 'distinct machine')}"
    )


def _notes(found: Sequence[tuple[str, Quantiles]], side: str) -> tuple[str, ...]:
    notes = []
    for design, each in found:
        without = each.without_under if side == "under" else each.without_over
        if without:
            machines = counted(without, "machine")
            notes.append(f"{_called(design)}: {machines} without a bound, not included.")
        if not any(_figures(each, side)) and without < each.hosts:
            notes.append(f"{_called(design)}: never {SIDE_WORDS[side]}.")
    return tuple(notes)


def _table(figures: Sequence[tuple[str, tuple[int | None, ...], int]]) -> Table:
    shares = tuple(
        Column(
            "bound not exceeded by this share of the machines",
            _share(per_cent),
            tuple(_cell(sizes[at]) for _, sizes, _ in figures),
        )
        for at, per_cent in enumerate(QUANTILES)
    )
    names = tuple(_called(design) for design, _, _ in figures)
    machines = tuple(pages_text(hosts) for _, _, hosts in figures)
    return Table(
        "",
        (
            Column("", "design", names, 0, numeric=False),
            Column("", "machines", machines, 1),
            *shares,
        ),
    )


def _cell(size: int | None) -> str:
    return "-" if size is None else bound_text(size)


def _share(per_cent: int) -> str:
    return "all" if per_cent == 100 else f"{per_cent}%"


def _group(figures: Sequence[tuple[str, tuple[int | None, ...], int]]) -> Group:
    """Draw the largest bound of each design, logarithmically."""
    largest = [(design, sizes[-1]) for design, sizes, _ in figures if sizes[-1]]
    most = max((size or 0 for _, size in largest), default=1)
    bars = tuple(
        Bar(_called(design), log_length(size, most), bound_text(size or 0), design == KERNEL)
        for design, size in largest
    )
    return Group("largest bound of any machine", bars)


def _rows(summary: Summary, designs: dict[str, str], side: str) -> Rows:
    """Give the exact numbers, also for each series of kernels."""
    return Rows(
        ("design", "series", "machines", "per_cent", f"{side}_bytes"),
        tuple(
            (designs[each.prefix], each.series or "all", each.hosts, per_cent, size)
            for each in summary.quantiles
            for per_cent, size in zip(QUANTILES, _figures(each, side), strict=True)
        ),
    )
