"""Interfaces and their errors, in every format. JSON and CSV are in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.bounds.reading.accuracy import AT_MOST, OF_MEMORY
from rssbound.bounds.reading.catalogue import ELSEWHERE
from rssbound.cli.render.documents import csv_side
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import bound_text, guessed, pages_text, side_bytes
from rssbound.cli.render.words import PROMISE, error_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rssbound.bounds import Interval
    from rssbound.bounds.reading.accuracy import Reading
    from rssbound.bounds.reading.signature import Measured, Signature
    from rssbound.cli.inputs.probe import Probe
    from rssbound.cli.render import Style
    from rssbound.topology import Topology

__all__ = ("Probed", "render")

CSV_COLUMNS = (
    *("host", "kernel", "page_size_bytes", "interface", "where", "accuracy", "guess", "since"),
    *("under_pages", "over_pages"),
)


class Probed(NamedTuple):
    """What was measured on this machine: its files and its counters."""

    files: tuple[Probe, ...]
    counters: Measured


def render(
    machine: Topology,
    kernel: str,
    page_size: int,
    readings: Sequence[Reading],
    alone: Sequence[Reading],
    probed: Probed | None,
    format_: str,
    style: Style,
) -> str:
    """Give readings in a format, with the measurements of a probe if there was one.

    `alone` are the same readings while nothing else updates the process; `kernel` names the release
    or the source tree of the readings.
    """
    head = f"{machine.name}, {kernel}: one process, once updates have settled"
    return render_as(
        format_,
        style,
        sheet=lambda: _sheet(head, page_size, readings, alone, probed),
        document=lambda: _document(machine, page_size, readings, alone, probed),
        rows=lambda: (CSV_COLUMNS, _rows(machine, page_size, readings)),
    )


def _document(
    machine: Topology,
    page_size: int,
    readings: Sequence[Reading],
    alone: Sequence[Reading],
    probed: Probed | None,
) -> dict[str, Any]:
    own = {reading.interface.id: reading.error for reading in _changed(readings, alone)}
    return {
        "kind": "rssbound.interfaces",
        "format_version": "1.0",
        "host": machine.name,
        "kernel": machine.kernel,
        "page_size": page_size,
        "interfaces": [
            {
                "id": reading.interface.id,
                "where": reading.interface.where,
                "counters": list(reading.interface.counters),
                "accuracy": reading.accuracy.kind,
                "guess": reading.accuracy.guess,
                "since": reading.accuracy.since,
                "why": reading.accuracy.why,
                "under": reading.error.under if reading.error else None,
                "over": reading.error.over if reading.error else None,
                "cost": reading.interface.cost,
                "users": reading.interface.users,
                "instead": reading.instead,
                "caveats": list(reading.caveats),
                "own_updates": _interval(own.get(reading.interface.id)),
            }
            for reading in readings
        ],
        "probe": None if probed is None else [_probe(probe) for probe in probed.files],
        "measured": None if probed is None else _measured(probed.counters),
    }


def _changed(readings: Sequence[Reading], alone: Sequence[Reading]) -> list[Reading]:
    """Give the readings whose error differs while nothing else updates the process."""
    pairs = zip(readings, alone, strict=True)
    of_process = (pair for pair in pairs if pair[0].interface.kind != ELSEWHERE)
    return [own for reading, own in of_process if own.error not in {None, reading.error}]


def _interval(error: Interval | None) -> dict[str, Any] | None:
    return None if error is None else {"under": error.under, "over": error.over}


def _measured(counters: Measured) -> dict[str, Any]:
    def signature(found: Signature | None) -> dict[str, int] | None:
        return None if found is None else found._asdict()

    return {
        "cpu": counters.cpu,
        "designs": list(counters.designs),
        "alone": signature(counters.alone),
        "threaded": signature(counters.threaded),
    }


def _probe(probe: Probe) -> dict[str, Any]:
    return {
        "interface": probe.interface,
        "reads": probe.reads,
        "agrees": probe.agrees,
        "too_low_bytes": probe.too_low,
        "too_high_bytes": probe.too_high,
        "wobble_bytes": probe.wobble,
    }


def _rows(
    machine: Topology, page_size: int, readings: Sequence[Reading]
) -> Iterator[tuple[object, ...]]:
    for reading in readings:
        error, accuracy, interface = reading.error, reading.accuracy, reading.interface
        yield (
            *(machine.name, machine.kernel, page_size, interface.id, interface.where),
            *(accuracy.kind, int(accuracy.guess), accuracy.since),
            *((csv_side(error.under), csv_side(error.over)) if error else ("", "")),
        )


# -- for people


def _sheet(
    head: str,
    page_size: int,
    readings: Sequence[Reading],
    alone: Sequence[Reading],
    probed: Probed | None,
) -> Sheet:
    def column(
        group: str, title: str, rank: int, cell: Callable[[Reading], str], *, numeric: bool = False
    ) -> Column:
        return Column(group, title, tuple(map(cell, readings)), rank, numeric)

    def side(title: str, name: str) -> Column:
        return column(
            "worst case", title, 0, lambda reading: _side(reading, name, page_size), numeric=True
        )

    table = Table(
        "",
        (
            column("", "interface", 0, lambda reading: reading.interface.id),
            column("", "accuracy", 0, _kind),
            side("too low", "under"),
            side("too high", "over"),
            column("", "since", 1, lambda reading: reading.accuracy.since),
            column("", "cost of a read", 3, lambda reading: reading.interface.cost),
            column("", "read by", 2, lambda reading: reading.interface.users),
            column("", "instead", 4, _instead),
            column("", "why", 5, lambda reading: reading.accuracy.why),
        ),
    )
    whereabouts = Table(
        "Locations",
        (
            column("", "interface", 0, lambda reading: reading.interface.id),
            column("", "where", 0, lambda reading: reading.interface.where),
        ),
    )
    details = (whereabouts,) if probed is None else (_probe_table(probed.files), whereabouts)
    promised = _promised(_changed(readings, alone), page_size)
    return Sheet((head,), table, (*promised, *_footlines(readings, probed)), details)


def _promised(own: Sequence[Reading], page_size: int) -> tuple[str, ...]:
    """Give the errors while nothing else updates the process, if they are smaller."""
    by_error: dict[str, list[str]] = {}
    for reading in own:
        error = reading.error or reading.sums
        by_error.setdefault(error_words(error, page_size), []).append(reading.interface.id)
    words = "; ".join(f"{', '.join(ids)}: {error}" for error, ids in by_error.items())
    return (f"{PROMISE[0].upper()}{PROMISE[1:]}: {words}.",) if own else ()


def _kind(reading: Reading) -> str:
    return guessed(reading.accuracy.kind, guess=reading.accuracy.guess)


def _side(reading: Reading, side: str, page_size: int) -> str:
    return "-" if reading.error is None else side_bytes(getattr(reading.error, side), page_size)


def _instead(reading: Reading) -> str:
    return reading.instead if _is_unknown(reading) or _is_low(reading) else "-"


def _is_unknown(reading: Reading) -> bool:
    """Return whether no bound of a counter other than RSS is known."""
    return reading.accuracy.kind == ELSEWHERE


def _is_low(reading: Reading) -> bool:
    return reading.error is not None and reading.error.under != 0


def _footlines(readings: Sequence[Reading], probed: Probed | None) -> tuple[str, ...]:
    lines = []
    if any(reading.accuracy.guess for reading in readings):
        lines.append(
            "guess: the release does not show which fixes were backported."
            + ("" if probed else " rssbound interfaces --probe measures it on the machine.")
        )
    if probed:
        lines.append(_counters_line(probed.counters))
    if any(reading.accuracy.kind == "peak" for reading in readings):
        lines.append(
            "peak: the largest approximate reading that the kernel has recorded. It does not "
            "record all of them, so a peak can be too low by any amount."
        )
    lines += _unknown_lines(readings)
    instead: dict[str, list[str]] = {}
    for reading in readings:
        if _instead(reading) != "-" and not _is_unknown(reading):
            instead.setdefault(reading.instead, []).append(reading.interface.id)
    lines += [f"{', '.join(ids)}: read {what} instead." for what, ids in instead.items()]
    of_process = [reading for reading in readings if reading.interface.kind != ELSEWHERE]
    lines += dict.fromkeys(f"{text}." for reading in of_process for text in reading.caveats)
    lines += _zone_lines(readings)
    if len(of_process) < len(readings):
        lines.append(
            "Counters of cgroups, zones, nodes and sockets are not part of RSS; rssbound analyze "
            "--counters beside lists the caveats of their bounds."
        )
    return tuple(lines)


def _unknown_lines(readings: Sequence[Reading]) -> list[str]:
    """Say why no bound of a counter is known, and what to read in its place."""
    lines = []
    for reading in filter(_is_unknown, readings):
        what = "" if reading.instead == "-" else f"; read {reading.instead}"
        lines.append(f"{reading.interface.id}: {reading.accuracy.why}{what}.")
    return lines


def _zone_lines(readings: Sequence[Reading]) -> list[str]:
    """Name the bounds of vmstat that do not use the machine's own thresholds."""
    found: dict[str, list[str]] = {}
    for reading in readings:
        for text in (AT_MOST, OF_MEMORY):
            if any(caveat.endswith(text) for caveat in reading.caveats):
                found.setdefault(text, []).append(reading.interface.id)
    return [f"{', '.join(ids)}: {text}." for text, ids in found.items()]


def _counters_line(counters: Measured) -> str:
    """Describe how the counters behaved, and the designs that behave so."""
    where = f"Measured on CPU {counters.cpu}:"
    seen = counters.threaded
    if counters.alone is None or seen is None:
        return f"{where} no design could be determined; something else ran in the process."
    pages = f"{seen.step} {'page' if seen.step == 1 else 'pages'} at once, back after {seen.back}"
    if counters.alone != seen:
        pages += f" (with one thread {counters.alone.step} at once)"
    designs = " or ".join(counters.designs)
    whose = f"the design is {designs}" if designs else "no known design"
    return f"{where} {whose}: the value changes by {pages}."


def _probe_table(probes: Sequence[Probe]) -> Table:
    return Table(
        "Measured on this machine, compared with smaps_rollup",
        (
            Column("", "interface", tuple(probe.interface for probe in probes), numeric=False),
            Column("", "", tuple(map(_verdict, probes)), numeric=False),
            Column("at most", "too low", tuple(bound_text(probe.too_low) for probe in probes)),
            Column("at most", "too high", tuple(bound_text(probe.too_high) for probe in probes)),
            Column("", "reads", tuple(pages_text(probe.reads) for probe in probes)),
        ),
    )


def _verdict(probe: Probe) -> str:
    return "agrees" if probe.agrees else "is off"
