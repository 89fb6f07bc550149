"""The CSV of an analysis: one row for each design and counter or metric, then one for each file.

With --explain, one row for each design and level instead. `inf` is "no bound". New columns are only
added at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import METRICS
from rssbound.cli.render.documents import csv_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rssbound.bounds import Analysis
    from rssbound.bounds.reading.overview import Overview

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
    "kernel_design",
    "kernel_design_guess",
    "reads",
)
LEVEL_COLUMNS = ("host", "design", "level", "items", "low_pages", "high_pages")

Row = tuple[object, ...]


def rows_of(overview: Overview, *, explain: bool = False) -> tuple[Sequence[str], Iterable[Row]]:
    """Give the header and the rows of bounds, or with `explain` those of levels."""
    if explain:
        return LEVEL_COLUMNS, _level_rows(overview.analysis)
    return BOUND_COLUMNS, (*_bound_rows(overview), *_file_rows(overview))


def _bound_rows(overview: Overview) -> Iterator[Row]:
    analysis = overview.analysis
    machine, size = analysis.topology.name, analysis.scenario.page_size
    kernel = _kernel(overview)
    for result in analysis.results:
        published = result.published
        stated = ("", "") if published is None else (published.under, published.over)
        errors = {**result.counters, **{metric: getattr(result, metric) for metric in METRICS}}
        for name, error in errors.items():
            # a published figure is for one counter, so the sums have none
            claimed = ("", "") if name in METRICS else stated
            typical = (result.typical.median, result.typical.p99) if name == "anon" else ("", "")
            bound = (csv_side(error.under), csv_side(error.over))
            yield (machine, size, result.id, name, *bound, *claimed, *typical, *kernel, "")


def _file_rows(overview: Overview) -> Iterator[Row]:
    """Give a row for each file of the kernel, under the design that the kernel uses."""
    analysis = overview.analysis
    for verdict in overview.files:
        bound = (csv_side(verdict.error.under), csv_side(verdict.error.over))
        yield (
            *(analysis.topology.name, analysis.scenario.page_size, analysis.running, verdict.id),
            *(*bound, "", "", "", "", *_kernel(overview), verdict.accuracy.kind),
        )


def _kernel(overview: Overview) -> tuple[str, int | str]:
    """Give the design that the kernel uses and whether that is a guess; empty if not known."""
    running = overview.analysis.running
    return ("", "") if running is None else (running, int(overview.design_guess))


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
