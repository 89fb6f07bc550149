"""The figure `batch`: bounds against the batch of the tree, and the rates of slow paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds import DESIGNS
from rssbound.bounds.sweeps.batches import BATCHES, over_batches
from rssbound.cli.figures.common import bars_of, curve_rows, joined, lines_of, log_length, never
from rssbound.cli.render.pictures.chart import (
    COUNT,
    EXACT,
    RATE,
    SIZE,
    THIN,
    Axis,
    Bar,
    Chart,
    Group,
    Line,
    Mark,
    Panel,
    Rows,
)
from rssbound.cli.render.sheet import Column, Table
from rssbound.cli.render.units import pages_text

if TYPE_CHECKING:
    from rssbound.bounds.sweeps.batches import BatchCurves, BatchRates
    from rssbound.cli.figures.asked import Asked

__all__ = ("batch_chart",)

RATE_WORDS = (
    "Slow paths: updates that reach the first level shared by CPUs, or the root, while a process "
    "grows page by page. In the worst case, every update of a tree is one."
)


def batch_chart(asked: Asked) -> Chart:
    """Draw the bounds against the batch of the tree, and the rates of slow paths."""
    data = over_batches(asked.topology, asked.scenario, asked.designs, asked.metric, asked.side)
    constant = [
        Line(id_, tuple((batch, asked.size(pages)) for batch in _ends(data)), look=THIN)
        for id_, pages in data.fixed.items()
        if pages
    ]
    rings = tuple(
        asked.size(pages)
        for curve in data.curves
        for batch, pages in curve.points
        if batch == data.batch
    )
    bounds_panel = Panel(
        Axis("batch of the tree, pages", COUNT),
        Axis(f"{asked.what} by", SIZE),
        (*lines_of(data.curves, asked), *joined(constant, asked)),
        (Mark(data.batch, f"batch {pages_text(data.batch)}", rings),),
    )
    rates_panel = Panel(
        Axis("batch of the tree, pages", COUNT),
        Axis("slow paths per page", RATE),
        tuple(_rate_lines(data, asked)),
        (Mark(data.batch, ""),),
    )
    bounds = {curve.design: [pages for _, pages in curve.points] for curve in data.curves}
    bounds |= {id_: [] if pages is None else [pages] for id_, pages in data.fixed.items()}
    return Chart(
        kind="batch",
        title=f"{asked.what}: worst case by batch of the tree",
        words=asked.words("batch"),
        notes=(*never(bounds, asked), *asked.running_note()),
        legend=(RATE_WORDS,),
        table=_batch_table(data, asked),
        rows=_batch_rows(data, asked),
        groups=_batch_groups(data, asked),
        panels=tuple(panel for panel in (bounds_panel, rates_panel) if panel.lines),
    )


def _rate_lines(data: BatchCurves, asked: Asked) -> list[Line]:
    """Make a line for each rate; one line if all slow paths of a design go to the root."""
    found: dict[object, list[tuple[str, str]]] = {}
    for rates in data.rates:
        deep = rates.root != rates.first
        found.setdefault(rates.first, []).append((rates.design, "first level" if deep else ""))
        if deep:
            found.setdefault(rates.root, []).append((rates.design, "root"))
    trees = [curve.design for curve in data.curves]
    return [_rate_line(points, names, trees, asked) for points, names in found.items()]


def _rate_line(points: Any, names: list[tuple[str, str]], trees: list[str], asked: Asked) -> Line:
    """Label a rate with its designs and, if they have several, with the level."""
    ids = [id_ for id_, _ in names]
    if len(trees) > 1 and set(trees) <= set(ids):
        ids = ["trees", *(id_ for id_ in ids if id_ not in trees)]
    level = names[0][1]
    constant = len({rate for _, rate in points}) == 1
    return Line(
        ", ".join(ids) + (f", {level}" if level else ""),
        points,
        list(DESIGNS).index(names[0][0]),
        THIN if constant else EXACT,
        asked.is_running(ids),
    )


def _batch_rows(data: BatchCurves, asked: Asked) -> Rows:
    """Give the bounds, and the pages between slow paths to the first level and to the root."""
    bounds = curve_rows("batch", data.curves, asked)
    between = {
        (rates.design, batch): (str(1 / first), str(1 / root))
        for rates in data.rates
        for (batch, first), (_, root) in zip(rates.first, rates.root, strict=True)
    }
    return Rows(
        (*bounds.names, "pages_per_first", "pages_per_root"),
        tuple((*row, *between[str(row[1]), int(str(row[4]))]) for row in bounds.rows),
    )


def _ends(data: BatchCurves) -> tuple[int, int]:
    """Give the smallest and the largest batch that is drawn."""
    batches = [batch for curve in data.curves for batch, _ in curve.points] or BATCHES
    return min(batches), max(batches)


def _batch_table(data: BatchCurves, asked: Asked) -> Table:
    bounds = {curve.design: dict(curve.points) for curve in data.curves}
    batches = sorted({batch for points in bounds.values() for batch in points}) or [data.batch]
    columns = [Column("", "batch, pages", tuple(map(pages_text, batches)), 0)]
    for id_ in asked.designs:
        points = bounds.get(id_) or dict.fromkeys(batches, data.fixed.get(id_))
        cells = tuple(asked.text(points.get(batch)) for batch in batches)
        columns.append(Column("", id_, cells, 0))
    columns += [
        Column("pages between updates of the root", rates.design, _pages_between(rates), 1)
        for rates in data.rates
        if rates.design in bounds
    ]
    return Table("", tuple(columns), batches.index(data.batch))


def _pages_between(rates: BatchRates) -> tuple[str, ...]:
    """Give the pages that a growing process adds between updates of the root, for each batch."""
    return tuple(pages_text(round(1 / rate)) for _, rate in rates.root)


def _batch_groups(data: BatchCurves, asked: Asked) -> tuple[Group, ...]:
    most = max((pages for curve in data.curves for _, pages in curve.points), default=1)
    groups = [
        Group(
            f"{curve.design} (logarithmic bars)",
            tuple(
                Bar(
                    pages_text(batch),
                    log_length(pages, most),
                    asked.text(pages),
                    batch == data.batch,
                )
                for batch, pages in curve.points
            ),
        )
        for curve in data.curves
    ]
    return (*groups, Group("independent of the batch", bars_of(data.fixed, most, asked)))
