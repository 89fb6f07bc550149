"""The CSV of an analysis: one row for each design and counter or metric.

With --explain, one row for each design and level instead. `inf` is "no bound". Columns are only
ever added at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import METRICS
from rssbound.cli.render.documents import csv_side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rssbound.bounds import Analysis

__all__ = ("rows_of",)

BOUND_COLUMNS = (
    "host",
    "page_size_bytes",
    "design",
    "counter",
    "under_pages",
    "over_pages",
    "published_under_pages",
    "published_over_pages",
    "typical_median_pages",
    "typical_p99_pages",
)
LEVEL_COLUMNS = ("host", "design", "level", "items", "low_pages", "high_pages")

Row = tuple[object, ...]


def rows_of(analysis: Analysis, *, explain: bool = False) -> tuple[Sequence[str], Iterator[Row]]:
    """Give the header and the rows, of bounds or with `explain` of levels."""
    if explain:
        return LEVEL_COLUMNS, _level_rows(analysis)
    return BOUND_COLUMNS, _bound_rows(analysis)


def _bound_rows(analysis: Analysis) -> Iterator[Row]:
    machine, size = analysis.topology.name, analysis.scenario.page_size
    for result in analysis.results:
        published = result.published
        stated = ("", "") if published is None else (published.under, published.over)
        errors = {**result.counters, **{metric: getattr(result, metric) for metric in METRICS}}
        for name, error in errors.items():
            # a published figure is for one counter, so the sums have none
            claimed = ("", "") if name in METRICS else stated
            typical = (result.typical.median, result.typical.p99) if name == "anon" else ("", "")
            bound = (csv_side(error.under), csv_side(error.over))
            yield (machine, size, result.id, name, *bound, *claimed, *typical)


def _level_rows(analysis: Analysis) -> Iterator[Row]:
    for result in analysis.results:
        for level in result.levels:
            yield (
                analysis.topology.name,
                result.id,
                level.name,
                level.items,
                level.low,
                level.high,
            )
