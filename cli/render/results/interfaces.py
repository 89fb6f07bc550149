"""Interfaces and how far off they are, in every format; JSON and CSV in pages."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from rssbound.cli.render import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import bytes_text, pages_text, side_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rssbound.bounds.reading.accuracy import Reading
    from rssbound.cli.inputs.probe import Probe
    from rssbound.cli.render import Style
    from rssbound.topology import Topology

__all__ = ("render",)

CSV_COLUMNS = (
    *("host", "kernel", "page_size_bytes", "interface", "where", "accuracy", "guess", "since"),
    *("under_pages", "over_pages"),
)


def render(
    host: Topology,
    kernel: str,
    page_size: int,
    readings: Sequence[Reading],
    probes: Sequence[Probe] | None,
    format_: str,
    style: Style,
) -> str:
    """Give readings, and what a probe measured if there was one, in a format.

    `kernel` says for people what the readings are of: a release, or a source tree.
    """
    if format_ == "json":
        document = _document(host, page_size, readings, probes)
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if format_ == "csv":
        return _csv(host, page_size, readings)
    head = f"{host.name}, {kernel}: one process, once updates have settled"
    return render_as(_sheet(head, page_size, readings, probes), format_, style)


def _document(
    host: Topology, page_size: int, readings: Sequence[Reading], probes: Sequence[Probe] | None
) -> dict[str, Any]:
    return {
        "kind": "rssbound.interfaces",
        "format_version": "1.0",
        "host": host.name,
        "kernel": host.kernel,
        "page_size": page_size,
        "interfaces": [
            {
                "id": own.interface.id,
                "where": own.interface.where,
                "counters": list(own.interface.counters),
                "accuracy": own.accuracy.kind,
                "guess": own.accuracy.guess,
                "since": own.accuracy.since,
                "why": own.accuracy.why,
                "under": own.error.under if own.error else None,
                "over": own.error.over if own.error else None,
                "cost": own.interface.cost,
                "users": own.interface.users,
                "instead": own.instead,
            }
            for own in readings
        ],
        "probe": None if probes is None else [_probe(own) for own in probes],
    }


def _probe(own: Probe) -> dict[str, Any]:
    return {
        "interface": own.interface,
        "reads": own.reads,
        "agrees": own.agrees,
        "too_low_bytes": own.too_low,
        "too_high_bytes": own.too_high,
        "wobble_bytes": own.wobble,
    }


def _csv(host: Topology, page_size: int, readings: Sequence[Reading]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for own in readings:
        error = (own.error.under, own.error.over) if own.error else ("", "")
        sides = ["inf" if side is None else side for side in error]
        writer.writerow(
            (
                *(host.name, host.kernel, page_size, own.interface.id, own.interface.where),
                *(own.accuracy.kind, int(own.accuracy.guess), own.accuracy.since, *sides),
            )
        )
    return stream.getvalue()


# -- for people


def _sheet(
    head: str, page_size: int, readings: Sequence[Reading], probes: Sequence[Probe] | None
) -> Sheet:
    def column(
        group: str, title: str, rank: int, cell: Callable[[Reading], str], *, numeric: bool = False
    ) -> Column:
        return Column(group, title, tuple(map(cell, readings)), rank, numeric)

    def side(title: str, name: str) -> Column:
        return column("worst case", title, 0, lambda own: _side(own, name, page_size), numeric=True)

    table = Table(
        "",
        (
            column("", "interface", 0, lambda own: own.interface.id),
            column("", "reads", 0, _kind),
            side("too low", "under"),
            side("too high", "over"),
            column("", "since", 1, lambda own: own.accuracy.since),
            column("", "cost of a read", 3, lambda own: own.interface.cost),
            column("", "read by", 2, lambda own: own.interface.users),
            column("", "instead", 4, _instead),
            column("", "why", 5, lambda own: own.accuracy.why),
        ),
    )
    places = Table(
        "Where they are",
        (
            column("", "interface", 0, lambda own: own.interface.id),
            column("", "where", 0, lambda own: own.interface.where),
        ),
    )
    details = (places,) if probes is None else (_probe_table(probes), places)
    return Sheet((head,), table, _footlines(readings, probes), details)


def _kind(own: Reading) -> str:
    return f"{own.accuracy.kind}{' (guess)' if own.accuracy.guess else ''}"


def _side(own: Reading, side: str, page_size: int) -> str:
    return "-" if own.error is None else side_bytes(getattr(own.error, side), page_size)


def _instead(own: Reading) -> str:
    return own.instead if own.error and own.error.under != 0 else "-"


def _footlines(readings: Sequence[Reading], probes: Sequence[Probe] | None) -> tuple[str, ...]:
    lines = []
    if any(own.accuracy.guess for own in readings):
        lines.append(
            "guess: the release does not tell what was backported."
            + ("" if probes else " rssbound interfaces --probe measures it on the machine itself.")
        )
    if any(own.accuracy.kind == "peak" for own in readings):
        lines.append("peak: the largest of approximate readings; the error is that of the peak.")
    instead: dict[str, list[str]] = {}
    for own in readings:
        if _instead(own) != "-":
            instead.setdefault(own.instead, []).append(own.interface.id)
    lines += [f"{', '.join(ids)}: read {what} instead." for what, ids in instead.items()]
    lines.append("cgroup files count charges, not RSS; they have errors of their own.")
    return tuple(lines)


def _probe_table(probes: Sequence[Probe]) -> Table:
    return Table(
        "Measured here, beside smaps_rollup",
        (
            Column("", "interface", tuple(own.interface for own in probes), numeric=False),
            Column("", "", tuple(map(_verdict, probes)), numeric=False),
            Column("at most", "too low", tuple(bytes_text(own.too_low) for own in probes)),
            Column("at most", "too high", tuple(bytes_text(own.too_high) for own in probes)),
            Column("", "reads", tuple(pages_text(own.reads) for own in probes)),
        ),
    )


def _verdict(own: Probe) -> str:
    return "agrees" if own.agrees else "is off"
