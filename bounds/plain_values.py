"""Results as dictionaries, lists and numbers, for JSON and for tables of other programs.

All bounds are pages; None is "no bound".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.counters import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.bounds.analysis import Result
    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.design import Cost
    from rssbound.bounds.counter.interval import Interval, Level
    from rssbound.bounds.typical.error import Typical

__all__ = ("errors_of", "interval_of", "records_of", "values_of")


def records_of(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Give one flat record for each design and each counter or metric."""
    found = []
    for result in results:
        errors = {**result.counters, **{metric: getattr(result, metric) for metric in METRICS}}
        for counter, error in errors.items():
            published = None if counter in METRICS else result.published
            found.append(
                {
                    "design": result.id,
                    "counter": counter,
                    "under_pages": error.under,
                    "over_pages": error.over,
                    "published_under_pages": published and published.under,
                    "published_over_pages": published and published.over,
                }
            )
    return found


def errors_of(result: Result) -> dict[str, Any]:
    """Give the errors of each counter and metric."""
    return {
        "counters": {name: interval_of(error) for name, error in result.counters.items()},
        "rss": interval_of(result.rss),
        "oom": interval_of(result.oom),
    }


def values_of(result: Result) -> dict[str, Any]:
    """Give all fields of a result."""
    return {
        "id": result.id,
        "title": result.design.title,
        "kernels": result.design.kernels.label,
        **errors_of(result),
        "concurrent": interval_of(result.concurrent),
        "published": None if result.published is None else interval_of(result.published),
        "typical": _typical(result.typical),
        "levels": [_level(level) for level in result.levels],
        "memory_bytes": result.memory_bytes,
        "update": _cost(result.cost),
        "caveats": [
            text.replace("{over}", _pages(result.rss.over))
            for text in result.design.caveats
            if result.rss.over != 0 or "{over}" not in text
        ],
    }


def interval_of(error: Interval) -> dict[str, Any]:
    """Give both sides of an error."""
    return {"under": error.under, "over": error.over}


def _pages(pages: Quantity | None) -> str:
    return "any amount" if pages is None else f"{pages} pages"


def _typical(typical: Typical) -> dict[str, Any]:
    return {
        "mean": float(typical.mean),
        "stddev": round(typical.stddev, 3),
        "median": typical.median,
        "p99": typical.p99,
        "workload": typical.workload,
        "settled_after": typical.settled_after,
        "pages": typical.pages,
    }


def _level(level: Level) -> dict[str, Any]:
    return {"name": level.name, "items": level.items, "low": level.low, "high": level.high}


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "fast_path": cost.fast_path,
        "slow_path": cost.slow_path,
        "shared_atomics": cost.shared_atomics,
        "locks": cost.locks,
        "pages_between": cost.pages_between,
    }
