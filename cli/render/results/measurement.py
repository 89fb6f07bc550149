"""What a kernel tree's own counters did, in every format. JSON is in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.counters import SIDE_WORDS
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import counted, pages_text

if TYPE_CHECKING:
    from rssbound.bounds.counter.interval import Interval
    from rssbound.cli.render import Style
    from rssbound.kernel.execution.extremes import Reached
    from rssbound.kernel.execution.measurement import Measurement
    from rssbound.kernel.execution.readings import ReaderRun
    from rssbound.kernel.execution.small_machines import SmallMachine

__all__ = ("render",)

ROADS = ("witness", "saturation", "random")


def render(measured: Measurement, format_: str, style: Style) -> str:
    """Give a measurement in a format."""
    return render_as(
        format_, style, sheet=lambda: _sheet(measured), document=lambda: _document(measured)
    )


# -- JSON


def _document(measured: Measurement) -> dict[str, Any]:
    return {
        "kind": "rssbound.measurement",
        "format_version": "1.1",
        "tree": measured.tree,
        "host": measured.host,
        "cpus": measured.cpus,
        "threads": measured.threads,
        "design": measured.design,
        "fits": list(measured.fits),
        "function": {"name": measured.function, **_place(*measured.location)},
        "build": list(measured.build),
        "bound": _interval(measured.bound),
        "reached": [_reached(one) for one in measured.reached],
        "small": [_small(one) for one in measured.small],
        "readers": [_reader(one) for one in measured.readers],
        "findings": [
            {**_place(finding.file, finding.line), "text": finding.text}
            for finding in measured.findings
        ],
        "notes": list(measured.notes),
    }


def _place(file: str, line: int) -> dict[str, Any]:
    return {"file": file, "line": line}


def _interval(interval: Interval | None) -> dict[str, Any] | None:
    return None if interval is None else {"under": interval.under, "over": interval.over}


def _reached(one: Reached) -> dict[str, Any]:
    return {
        "road": one.road,
        "side": one.side,
        "counter": one.counter,
        "error": one.error,
        "updates": [list(update) for update in one.updates],
    }


def _small(one: SmallMachine) -> dict[str, Any]:
    return {
        "cpus": one.cpus,
        "constants": one.constants,
        "states": one.states,
        "complete": one.complete,
        "under": one.under,
        "over": one.over,
        "bound": _interval(one.bound),
        "in_flight": _interval(one.in_flight),
        "in_flight_bound": _interval(one.in_flight_bound),
        "overlap": _interval(one.overlap),
        "fits": list(one.fits),
        "note": one.note,
    }


def _reader(one: ReaderRun) -> dict[str, Any]:
    return {
        "reader": one.reader,
        "function": one.function,
        **_place(*one.location),
        "accuracy": one.accuracy,
        "counters": one.counters,
        "note": one.note,
    }


# -- for people


def _sheet(measured: Measurement) -> Sheet:
    what = measured.design or "an unknown design"
    size = f"{counted(measured.cpus, 'CPU')}, {counted(measured.threads, 'thread')}"
    heads = (
        f"{measured.tree} on {measured.host}: {what}, {measured.function} at {measured.location}",
        f"{size}; one counter, in pages, once updates have settled",
    )
    columns = [Column("", "", tuple(word for _, word in SIDE_WORDS.items()), 0, numeric=False)]
    columns.append(
        Column("", "bound", tuple(_bound(measured.bound, side) for side, _ in SIDE_WORDS.items()))
    )
    columns += [
        Column("", road, tuple(_of_road(measured, road, side) for side, _ in SIDE_WORDS.items()))
        for road in ROADS
    ]
    details = [_small_table(measured.small), _reader_table(measured.readers)]
    tables = tuple(table for table in details if table is not None)
    return Sheet(heads, Table("", tuple(columns)), _footlines(measured), tables)


def _bound(bound: Interval | None, side: str) -> str:
    value = None if bound is None else getattr(bound, side)
    if value is None:
        return "-" if bound is None else "none"
    return pages_text(value)


def _of_road(measured: Measurement, road: str, side: str) -> str:
    errors = [one.error for one in measured.reached if (one.road, one.side) == (road, side)]
    return pages_text(max(errors)) if errors else "-"


def _small_table(small: tuple[SmallMachine, ...]) -> Table | None:
    if not small:
        return None

    def sides(interval: Interval | None) -> str:
        if interval is None:
            return "-"
        return f"{_bound(interval, 'under')} / {_bound(interval, 'over')}"

    def found(one: SmallMachine) -> str:
        return f"{pages_text(one.under)} / {pages_text(one.over)}" if one.states else "-"

    return Table(
        "Small machines, all states: too low / too high",
        (
            Column("", f"{small[0].unit}s", tuple(str(one.cpus) for one in small)),
            Column("", "states", tuple(_states(one) for one in small)),
            Column("", "bound", tuple(sides(one.bound) for one in small)),
            Column("", "found", tuple(map(found, small))),
            Column("", "in flight", tuple(sides(one.in_flight) for one in small), 2),
            Column("", "its bound", tuple(sides(one.in_flight_bound) for one in small), 2),
            Column("", "overlapping", tuple(sides(one.overlap) for one in small), 2),
            Column("", "with", tuple(one.constants or "-" for one in small), 1, numeric=False),
        ),
    )


def _states(one: SmallMachine) -> str:
    return pages_text(one.states) if one.complete else f"over {pages_text(one.states)}"


def _reader_table(readers: tuple[ReaderRun, ...]) -> Table | None:
    if not readers:
        return None

    def adds(one: ReaderRun) -> str:
        parts = [f"{times} {name}" if times != 1 else name for name, times in one.counters.items()]
        return " + ".join(parts) or "-"

    return Table(
        "Readers, run with full slots",
        (
            Column("", "reader", tuple(one.reader for one in readers), 0, numeric=False),
            Column(
                "", "returns", tuple(one.accuracy or "not run" for one in readers), 0, numeric=False
            ),
            Column("", "of", tuple(map(adds, readers)), 1, numeric=False),
            Column("", "at", tuple(str(one.location) for one in readers), 2, numeric=False),
        ),
    )


def _footlines(measured: Measurement) -> tuple[str, ...]:
    lines = [f"finding: {finding}" for finding in measured.findings]
    lines += [f"note: {note}" for note in measured.notes]
    lines += [
        f"note: {counted(one.cpus, one.unit)} not searched: {one.note}"
        for one in measured.small
        if one.note
    ]
    lines += [f"note: {one.reader} was not run: {one.note}" for one in measured.readers if one.note]
    if measured.design is None:
        fits = ", ".join(measured.fits) or "none"
        lines.append(f"Known designs that match the measured errors: {fits}.")
    if measured.build:
        lines.append(f"Assumed {', '.join(measured.build)}.")
    if not measured.findings and measured.bound is not None:
        lines.append("The tree's code reaches exactly the bound that its constants predict.")
    return tuple(lines)
