"""The figure `observed`: differences of running processes over time, with their bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rssbound.cli.render.pictures.chart import (
    DASHED,
    SIGNED,
    TIME,
    Axis,
    Bar,
    Chart,
    Group,
    Line,
    Panel,
    Rows,
)
from rssbound.cli.render.sheet import Column, Table
from rssbound.cli.render.units import bound_text, counted, printable, side_bytes
from rssbound.errors import InputError
from rssbound.live.summary import summary_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rssbound.live.sample import Sample
    from rssbound.live.summary import ProcessSummary, Summary

__all__ = ("MOST_DRAWN", "observed_chart")

MOST_DRAWN = 6
"""Number of processes that are drawn, those with the largest differences."""

MOST_POINTS = 300
"""Points of a curve; each is the sample with the largest difference in its interval."""

LEGEND = (
    "Above 0, the cheap file reads too low; below 0, too high. Each point is the largest "
    "difference of its interval. Dashed: the largest bound of the processes drawn."
)


class _Point(NamedTuple):
    """A sample of a curve: seconds since the first, pages."""

    at: float
    sample: Sample


def observed_chart(read: Callable[[], Iterable[Sample]], source: str) -> Chart:
    """Draw a record; `read` gives its samples, and is called twice. InputError if there is none."""
    summary = summary_of(read())
    if summary.first is None or summary.last is None or summary.page_size is None:
        reason = "has samples of several kernels" if summary.samples else "contains no samples"
        raise InputError(f"{source}: {reason}")
    drawn = [process for process in summary.processes if process.compared][:MOST_DRAWN]
    curves = _curves(read(), drawn, summary.first, summary.last)
    return Chart(
        kind="observed",
        title="Error of cheap reads of RSS in running processes",
        words=(_words(summary, source),),
        notes=_notes(summary, drawn),
        table=_table(drawn, summary.page_size),
        rows=_rows(curves),
        groups=(_group(drawn, summary.page_size),),
        legend=(LEGEND,),
        panels=(_panel(drawn, curves, summary.page_size),) if drawn else (),
    )


def _curves(
    samples: Iterable[Sample], drawn: Sequence[ProcessSummary], first: float, last: float
) -> dict[tuple[int, str], list[_Point]]:
    """Give the points of each process: the largest difference of each interval."""
    width = max(last - first, 1e-3) / MOST_POINTS
    chosen: dict[tuple[int, str], dict[int, Sample]] = {
        (process.pid, process.comm): {} for process in drawn
    }
    for sample in samples:
        points = chosen.get((sample.pid, sample.comm))
        if points is None or sample.difference_pages is None:
            continue
        place = int((sample.time - first) / width)
        kept = points.get(place)
        if kept is None or abs(sample.difference_pages) > abs(kept.difference_pages or 0):
            points[place] = sample
    return {
        key: [
            _Point(round(points[place].time - first, 3), points[place]) for place in sorted(points)
        ]
        for key, points in chosen.items()
    }


def _panel(
    drawn: Sequence[ProcessSummary],
    curves: dict[tuple[int, str], list[_Point]],
    page_size: int,
) -> Panel:
    lines = [
        Line(
            f"{printable(process.comm)} {process.pid}",
            tuple(
                (point.at, (point.sample.difference_pages or 0) * page_size)
                for point in curves[process.pid, process.comm]
            ),
            number,
            bold=number == 0,
        )
        for number, process in enumerate(drawn)
    ]
    ends = [at for points in curves.values() for at, _ in points]
    for pages, sign in (
        (_largest(process.bound_under for process in drawn), 1),
        (_largest(process.bound_over for process in drawn), -1),
    ):
        if pages is not None:
            level = sign * pages * page_size
            label = f"bound, {bound_text(abs(level))} too {'low' if sign > 0 else 'high'}"
            lines.append(Line(label, ((min(ends), level), (max(ends), level)), look=DASHED))
    return Panel(
        Axis("time since the first sample", TIME), Axis("difference", SIGNED), tuple(lines)
    )


def _largest(bounds: Iterable[int | None]) -> int | None:
    """Give the largest of some bounds; None (no bound) if one of them is None."""
    found = list(bounds)
    known = [bound for bound in found if bound is not None]
    return max(known) if len(known) == len(found) else None


def _words(summary: Summary, source: str) -> str:
    processes = len(summary.processes) + summary.others
    seconds = (summary.last or 0) - (summary.first or 0)
    return (
        f"{source}: {counted(summary.samples, 'sample')} of "
        f"{'1 process' if processes == 1 else f'{processes:,} processes'} in {seconds:,.1f} s; "
        f"Linux {summary.kernel}, {summary.design}"
    )


def _notes(summary: Summary, drawn: Sequence[ProcessSummary]) -> tuple[str, ...]:
    others = len(summary.processes) + summary.others - len(drawn)
    notes = []
    if others:
        notes.append(f"Not drawn: {others:,} with smaller or unknown differences.")
    if summary.outside:
        notes.append(f"{counted(summary.outside, 'sample')} outside the bound.")
    return tuple(notes)


def _rows(curves: dict[tuple[int, str], list[_Point]]) -> Rows:
    return Rows(
        (
            *("time", "pid", "comm", "approximate_pages", "precise_pages", "difference_pages"),
            *("bound_under_pages", "bound_over_pages"),
        ),
        tuple(
            (
                *(sample.time, sample.pid, sample.comm, sample.approximate_pages),
                *(sample.precise_pages, sample.difference_pages),
                *(sample.bound_under_pages, sample.bound_over_pages),
            )
            for points in curves.values()
            for _, sample in points
        ),
    )


def _table(drawn: Sequence[ProcessSummary], size: int) -> Table:
    def column(title: str, cells: Iterable[str], *, numeric: bool = True) -> Column:
        return Column("", title, tuple(cells), 0, numeric)

    return Table(
        "",
        (
            column("PID", (str(process.pid) for process in drawn)),
            column("command", (printable(process.comm) for process in drawn), numeric=False),
            column("low by", (bound_text(process.too_low * size) for process in drawn)),
            column("at most", (side_bytes(process.bound_under, size) for process in drawn)),
            column("high by", (bound_text(process.too_high * size) for process in drawn)),
            column("at most", (side_bytes(process.bound_over, size) for process in drawn)),
        ),
    )


def _group(drawn: Sequence[ProcessSummary], size: int) -> Group:
    """Draw the largest share of its bound that each process used."""
    bars = tuple(
        Bar(
            f"{printable(process.comm)} {process.pid}",
            min(process.share or 0.0, 1.0),
            f"{bound_text(process.largest * size)}, {process.share or 0.0:.0%} of its bound",
            number == 0,
        )
        for number, process in enumerate(drawn)
    )
    return Group("largest difference, as a share of the bound", bars)
