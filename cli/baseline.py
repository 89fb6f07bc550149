"""The baseline as a file: JSON, sorted, one row on a line, equal to the byte for equal bounds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rssbound.bounds.baseline import SIDES, Host, Key, Record
from rssbound.bounds.consumers import METRICS
from rssbound.bounds.interval import Interval
from rssbound.cli.config import Place
from rssbound.cli.render.json import KIND as ANALYSIS_KIND
from rssbound.errors import InputError
from rssbound.topology.readers.checks import Checks, parse_json, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("document_of", "on_record", "places_of", "read_baseline")

KIND = "rssbound.baseline"
VERSION = "1.0"


def document_of(record: Record) -> str:
    """Give a record as a document; no paths, times or versions are in it."""
    hosts = [
        {
            "topology": digest,
            "name": host.name,
            "scenario": dict(sorted(host.scenario.items())),
            "levels": {design: list(levels) for design, levels in sorted(host.levels.items())},
        }
        for digest, host in sorted(record.hosts.items())
    ]
    rows = [
        {**key._asdict(), "under": error.under, "over": error.over}
        for key, error in sorted(record.rows.items())
    ]
    return (
        f'{{\n"kind": "{KIND}",\n"format_version": "{VERSION}",\n'
        f'"hosts": [\n{_lines(hosts)}\n],\n"rows": [\n{_lines(rows)}\n]\n}}\n'
    )


def _lines(values: list[dict[str, Any]]) -> str:
    return ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)


def read_baseline(path: str) -> tuple[Record, dict[Key, Place]]:
    """Read a baseline; gives the record and the line on which each row stands.

    InputError with every fault, each with its JSON path; OSError if there is no such file.
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        record = _record(parse_json(data))
    except InputError as error:
        raise error.at(path) from None
    return record, places_of(data.decode("utf-8-sig"), path)


def on_record(path: str) -> Record | None:
    """Read a saved baseline or analysis; None for anything else, InputError for a broken one."""
    try:
        with open(path, "rb") as file:
            data = file.read() if b"rssbound." in file.peek(256) else b""
    except OSError:
        return None
    kinds = [kind for kind in (KIND, ANALYSIS_KIND) if kind.encode() in data[:256]]
    if not kinds:
        return None
    try:
        document = parse_json(data)
        return _record(document) if kinds == [KIND] else _record_of_analysis(document)
    except InputError as error:
        raise error.at(path) from None


def places_of(text: str, path: str) -> dict[Key, Place]:
    """Find the line of each row, as far as rows stand on lines of their own."""
    places = {}
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            row = json.loads(line.strip().rstrip(","))
            places[Key(row["topology"], row["design"], row["counter"])] = Place(path, number)
        except (ValueError, KeyError, TypeError):
            continue
    return places


def _record(document: Any) -> Record:
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise InputError(f'no baseline: "kind" must be "{KIND}"; write one with --write-baseline')
    version = document.get("format_version")
    if not isinstance(version, str) or version.partition(".")[0] != VERSION.partition(".")[0]:
        raise InputError(f"format_version {shown(version)}; this program reads {VERSION}")
    checks = Checks()
    hosts = {}
    for place, host in _objects(checks, document, "hosts"):
        digest = checks.text(host, "topology", place) or ""
        hosts[digest] = Host(
            checks.text(host, "name", place) or digest,
            _scenario(checks, host.get("scenario"), f"{place}.scenario"),
            _levels(host.get("levels")),
        )
    rows = {}
    for place, row in _objects(checks, document, "rows"):
        key = Key(*(checks.text(row, name, place) or "" for name in Key._fields))
        if key.topology not in hosts:
            checks.fault(f"{place}.topology", f"{shown(key.topology)} is not among the hosts")
        if key in rows:
            checks.fault(place, f"a second row of {key.design} {key.counter} on this topology")
        rows[key] = _interval(checks, row, place)
    checks.finish()
    return Record(hosts, rows)


def _record_of_analysis(document: Any) -> Record:
    """Take the rows of what `analyze --format json` wrote; levels are not needed to compare."""
    checks = Checks()
    host = document.get("host")
    host = host if isinstance(host, dict) else {}
    name = checks.text(host, "name", "$.host") or "host"
    scenario = {**(document.get("scenario") or {}), "page_size": host.get("page_size")}
    hosts = {name: Host(name, _scenario(checks, scenario, "$.host"), {})}
    rows = {}
    for place, design in _objects(checks, document, "designs"):
        errors = {**(design.get("counters") or {}), **{name: design.get(name) for name in METRICS}}
        for counter, error in errors.items():
            own = error if isinstance(error, dict) else {}
            key = Key(name, checks.text(design, "id", place) or "", counter)
            rows[key] = _interval(checks, own, f"{place}.{counter}")
    checks.finish()
    return Record(hosts, rows)


def _interval(checks: Checks, row: dict[str, Any], place: str) -> Interval:
    return Interval(*(_side(checks, row, side, place) for side in SIDES))


def _objects(checks: Checks, document: dict[str, Any], key: str) -> list[tuple[str, Any]]:
    values = document.get(key)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        checks.fault(f"$.{key}", "a list of objects is expected")
        return []
    return [(f"$.{key}[{number}]", value) for number, value in enumerate(values)]


def _side(checks: Checks, row: dict[str, Any], side: str, place: str) -> int | None:
    value = row.get(side, False)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    checks.fault(f"{place}.{side}", "pages are expected, or null for no bound")
    return None


def _scenario(checks: Checks, value: Any, place: str) -> Mapping[str, int | str]:
    scenario = value if isinstance(value, dict) else {}
    page_size = scenario.get("page_size")
    if not isinstance(page_size, int) or page_size <= 0:
        checks.fault(f"{place}.page_size", "bytes are expected")
    return {name: own for name, own in scenario.items() if isinstance(own, int | str)}


def _levels(value: Any) -> dict[str, tuple[str, ...]]:
    levels = value if isinstance(value, dict) else {}
    return {design: tuple(map(str, own)) for design, own in levels.items() if isinstance(own, list)}
