"""Runs of a kernel tree's functions of counters other than RSS, in every format.

JSON is in pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds.scenario.beside import MOST_THRESHOLD
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import counted, pages_text

if TYPE_CHECKING:
    from rssbound.bounds.counter.interval import Interval
    from rssbound.cli.render import Style
    from rssbound.kernel.execution.beside_measurement import BesideMeasurement, CounterMeasured

__all__ = ("render",)


def render(measured: BesideMeasurement, format_: str, style: Style) -> str:
    """Give a measurement in a format."""
    return render_as(
        format_, style, sheet=lambda: _sheet(measured), document=lambda: _document(measured)
    )


def _document(measured: BesideMeasurement) -> dict[str, Any]:
    return {
        "kind": "rssbound.beside-measurement",
        "format_version": "1.0",
        "tree": measured.tree,
        "host": measured.host,
        "cpus": measured.cpus,
        "counters": [_counter(one) for one in measured.counters],
        "findings": [
            {"file": finding.file, "line": finding.line, "text": finding.text}
            for finding in measured.findings
        ],
    }


def _counter(one: CounterMeasured) -> dict[str, Any]:
    return {
        "counter": one.counter,
        "design": one.design or None,
        "function": {"name": one.function, "file": one.location.file, "line": one.location.line},
        "bound": _interval(one.bound),
        "witness": _interval(one.witness),
        "random": _interval(one.random),
        "small": {
            "states": one.states,
            "bound": _interval(one.small_bound),
            "found": _interval(one.small),
        },
        "note": one.note,
    }


def _interval(interval: Interval) -> dict[str, Any]:
    return {"under": interval.under, "over": interval.over}


def _sheet(measured: BesideMeasurement) -> Sheet:
    run = [one for one in measured.counters if not one.note]
    heads = (
        f"{measured.tree} on {measured.host}: running the functions of the counters other than RSS",
        f"{counted(measured.cpus, 'CPU')}; too low / too high, in pages, once updates have settled",
    )
    columns = (
        Column("", "counter", tuple(one.counter for one in run), 0, numeric=False),
        Column("", "design", tuple(one.design for one in run), 0, numeric=False),
        Column("", "bound", tuple(_sides(one.bound) for one in run)),
        Column("", "witness", tuple(_sides(one.witness) for one in run)),
        Column("", "random", tuple(_sides(one.random) for one in run), 1),
        Column("", "function", tuple(_place(one) for one in run), 2, numeric=False),
    )
    return Sheet(heads, Table("", columns), _footlines(measured), (_small_table(run),))


def _sides(interval: Interval) -> str:
    return " / ".join(
        "none" if value is None else pages_text(value) for value in (interval.under, interval.over)
    )


def _place(one: CounterMeasured) -> str:
    return f"{one.function} at {one.location}"


def _small_table(run: list[CounterMeasured]) -> Table:
    return Table(
        "All states of a machine of 2 CPUs with a batch, threshold or reserve of 3",
        (
            Column("", "counter", tuple(one.counter for one in run), 0, numeric=False),
            Column("", "function", tuple(one.function for one in run), 1, numeric=False),
            Column("", "states", tuple(str(one.states) for one in run)),
            Column("", "bound", tuple(_sides(one.small_bound) for one in run)),
            Column("", "found", tuple(_sides(one.small) for one in run)),
        ),
    )


def _footlines(measured: BesideMeasurement) -> tuple[str, ...]:
    run = [one for one in measured.counters if not one.note]
    lines = [f"finding: {finding}" for finding in measured.findings]
    lines += [
        f"note: {one.counter} was not run: {one.note}"
        for one in measured.counters
        if one.note and not one.there
    ]
    lines.append(
        "Not run, only read: try_charge_memcg beyond its first charge, the flush of rstat, and "
        "the flush of a CPU that goes offline."
    )
    if not measured.memory_known and any(one.counter == "zoneinfo.zone" for one in run):
        lines.append(
            "zoneinfo.zone: the memory of this machine is not known, so its threshold is taken as "
            f"the largest possible, {MOST_THRESHOLD}."
        )
    if not measured.findings:
        lines.append("The tree's functions reach exactly these bounds.")
    return tuple(lines)
