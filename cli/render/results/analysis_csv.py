"""CSV: one row for each design and counter or metric; columns are only ever added at the end.

With --explain, one row for each design and level instead. `inf` is "no bound".
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rssbound.bounds import Analysis

__all__ = ("render",)

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


def render(analysis: Analysis, *, explain: bool = False) -> str:
    """Give the analysis as CSV with a header."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    if explain:
        writer.writerow(LEVEL_COLUMNS)
        writer.writerows(_level_rows(analysis))
    else:
        writer.writerow(BOUND_COLUMNS)
        writer.writerows(_bound_rows(analysis))
    return stream.getvalue()


def _bound_rows(analysis: Analysis) -> Iterator[Row]:
    host, size = analysis.topology.name, analysis.scenario.page_size
    for result in analysis.results:
        published = result.published
        stated = ("", "") if published is None else (published.under, published.over)
        errors = {**result.counters, **{metric: getattr(result, metric) for metric in METRICS}}
        for name, error in errors.items():
            # a published figure is for one counter, so the sums have none
            own = ("", "") if name in METRICS else stated
            typical = (result.typical.median, result.typical.p99) if name == "anon" else ("", "")
            bound = _sides((error.under, error.over))
            yield (host, size, result.id, name, *bound, *own, *typical)


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


def _sides(sides: Iterable[int | None]) -> list[int | str]:
    return ["inf" if side is None else side for side in sides]
