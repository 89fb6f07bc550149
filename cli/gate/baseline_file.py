"""The baseline file: sorted JSON with one row per line; equal bounds give identical bytes."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any, cast

from rssbound.bounds.counter.counters import COUNTERS, METRICS, SIDES
from rssbound.bounds.counter.interval import Interval
from rssbound.bounds.designs import BESIDE_COUNTERS, BESIDE_IDS
from rssbound.bounds.gate.record import (
    ALL,
    KERNEL,
    Kernel,
    Key,
    Machine,
    Record,
    Source,
    kernel_errors,
)
from rssbound.cli.render.documents import json_line
from rssbound.cli.render.results.analysis_json import KIND as ANALYSIS_KIND
from rssbound.cli.render.results.analysis_json import VERSION as ANALYSIS_VERSION
from rssbound.errors import InputError, Location
from rssbound.records import dataclass
from rssbound.topology.readers.checks import Checks, parse_json, shown

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Mapping

__all__ = ("Baseline", "document_of", "locations_of", "on_record", "read_baseline")

KIND = "rssbound.baseline"
VERSION = "1.5"
"""1.1 added kernel_source, if a tree was read. 1.2 added the accepted findings to it. 1.3 added
rows of counters other than RSS, and their designs in kernel_source. 1.4 added the ids of the rests
that were looked for. 1.5 added the version of the normal forms behind the
fingerprints, 1 before."""

START = 256
"""Bytes at the start of a file that are searched for its kind."""

BLANK = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class Baseline:
    """A record, the file it was read from, and the lines of its rows; see `locations_of`."""

    file: str
    record: Record
    locations: Mapping[Key, Location]

    def location_of(self, key: Key) -> Location:
        """Give the line of a row, else of the first row of its design, else of its machine.

        Line 0 if the machine is not in the baseline.
        """
        near = (key, key._replace(counter=ALL), key._replace(design=ALL, counter=ALL))
        return next(
            (self.locations[row] for row in near if row in self.locations), Location(self.file, 0)
        )


def document_of(record: Record) -> str:
    """Give a record as a document, without paths of this machine, times or versions."""
    hosts = [
        {
            "topology": digest,
            "name": host.name,
            "scenario": dict(sorted(host.scenario.items())),
            **_kernel_document(host.kernel),
            "levels": {design: list(levels) for design, levels in sorted(host.levels.items())},
        }
        for digest, host in sorted(record.machines.items())
    ]
    rows = [
        {**key._asdict(), "under": error.under, "over": error.over}
        for key, error in sorted(record.rows.items())
    ]
    return (
        f'{{\n"kind": "{KIND}",\n"format_version": "{VERSION}",\n'
        f"{_source_document(record.source)}"
        f'"hosts": [\n{_lines(hosts)}\n],\n"rows": [\n{_lines(rows)}\n]\n}}\n'
    )


def _source_document(source: Source | None) -> str:
    """Give the fingerprints of the code that a tree's bounds depend on; "" without a tree."""
    if source is None:
        return ""
    from rssbound.kernel.record import recorded  # noqa: PLC0415 (only where a tree is read)

    listed = sorted(recorded(source.fingerprints).items())
    prints = ",\n".join(f"{json.dumps(id_)}: {json_line(print_)}" for id_, print_ in listed)
    head = json_line(
        {
            "design": source.design,
            "forms": source.forms,
            **({"accepted": dict(sorted(source.accepted.items()))} if source.accepted else {}),
            **({"findings": dict(sorted(source.findings.items()))} if source.findings else {}),
            **({"beside": dict(sorted(source.beside.items()))} if source.beside else {}),
            **({"rests": list(source.rests)} if source.rests else {}),
        }
    ).removesuffix("}")
    return f'"kernel_source": {head}, "fingerprints": {{\n{prints}\n}}}},\n'


def _kernel_document(kernel: Kernel | None) -> dict[str, Any]:
    if kernel is None:
        return {}
    readers = dict(sorted(kernel.readers.items()))
    return {"kernel": {"design": kernel.design, "readers": readers}}


def _lines(values: list[dict[str, Any]]) -> str:
    return ",\n".join(json_line(value) for value in values)


def read_baseline(file: str) -> Baseline:
    """Read a baseline, `-` from standard input.

    InputError with every fault, each with its JSON path; OSError if there is no such file.
    """
    data = _data(file)
    if not data.strip():
        named = "standard input" if file == "-" else file
        raise InputError(f"{named}: empty; a baseline is written with --write-baseline")
    try:
        document = parse_json(data)
    except InputError as error:
        raise InputError(
            f"{file}: not a baseline: {'; '.join(error.faults)}; write one with --write-baseline"
        ) from None
    try:
        record = _record(document)
    except InputError as error:
        raise error.at(file) from None
    return Baseline(file, record, locations_of(data.decode("utf-8-sig"), file))


def _data(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    with open(file, "rb") as stream:
        return stream.read()


def on_record(file: str) -> Record | None:
    """Read a saved baseline or analysis, `-` from standard input.

    None for anything else, and then nothing is consumed from standard input; InputError if it is
    broken.
    """
    try:
        data = _saved(file)
    except OSError:
        return None
    if data is None:
        return None
    try:
        document = parse_json(data)
        kind = document.get("kind") if isinstance(document, dict) else None
        return _record_of_analysis(document) if kind == ANALYSIS_KIND else _record(document)
    except InputError as error:
        raise error.at(file) from None


def _saved(file: str) -> bytes | None:
    """Give the content of a file that begins like a saved result, else None."""
    if file == "-":
        if sys.stdin.isatty():
            return None
        stream = cast("io.BufferedReader", sys.stdin.buffer)
        return stream.read() if _is_saved(stream.peek(START)) else None
    with open(file, "rb") as stream:
        return stream.read() if _is_saved(stream.peek(START)) else None


def _is_saved(start: bytes) -> bool:
    return any(f'"{kind}"'.encode() in start[:START] for kind in (KIND, ANALYSIS_KIND))


def locations_of(text: str, file: str) -> dict[Key, Location]:
    """Find the line on which each row begins, for any layout of the document.

    A key with ALL as its counter, or as its counter and design, maps to the first such row.
    """
    locations: dict[Key, Location] = {}
    line, counted_to = 1, 0
    for position, row in _elements(text, "rows"):
        line, counted_to = line + text.count("\n", counted_to, position), position
        topology, design, counter = (str(row.get(name)) for name in Key._fields)
        for key in ((topology, ALL, ALL), (topology, design, ALL), (topology, design, counter)):
            locations.setdefault(Key(*key), Location(file, line))
    return locations


def _elements(text: str, wanted: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a list in the document's outermost object, with their positions."""
    decoder = json.JSONDecoder()
    position = _next(text, _next(text, 0) + 1)
    while text[position] == '"':
        key, position = decoder.raw_decode(text, position)
        position = _next(text, _next(text, position) + 1)
        if key != wanted:
            _, position = decoder.raw_decode(text, position)
        else:
            position = _next(text, position + 1)
            while text[position] == "{":
                element, end = decoder.raw_decode(text, position)
                yield position, element
                position = _next(text, end)
                position = _next(text, position + 1) if text[position] == "," else position
            position += 1
        position = _next(text, position)
        position = _next(text, position + 1) if text[position] == "," else position


def _next(text: str, position: int) -> int:
    """Give the position of the next character that is not white space."""
    match = BLANK.match(text, position)
    return match.end() if match else position


def _record(document: Any) -> Record:
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise InputError(
            f'not a baseline: "kind" must be "{KIND}"; write one with --write-baseline'
        )
    _refuse_version(document, VERSION)
    checks = Checks()
    hosts: dict[str, Machine] = {}
    for path, host in _objects(checks, document, "hosts"):
        digest = checks.text(host, "topology", path) or ""
        if digest in hosts:
            checks.fault(f"{path}.topology", f"{shown(digest)} is listed twice")
        hosts[digest] = Machine(
            checks.text(host, "name", path) or digest,
            _scenario(checks, host.get("scenario"), f"{path}.scenario"),
            _levels(checks, host.get("levels", {}), f"{path}.levels"),
            _kernel(checks, host.get("kernel"), f"{path}.kernel"),
        )
    rows = {}
    for path, row in _objects(checks, document, "rows"):
        key = Key(*(checks.text(row, name, path) or "" for name in Key._fields))
        if key.topology not in hosts:
            checks.fault(f"{path}.topology", f"{shown(key.topology)} is not among the hosts")
        if key in rows:
            checks.fault(path, f"{key.design} {key.counter} has two rows for this topology")
        rows[key] = _interval(checks, row, path)
    source = _source(checks, document.get("kernel_source"))
    checks.finish()
    return Record(hosts, rows, source)


def _source(checks: Checks, value: Any) -> Source | None:
    """Read the fingerprints of a tree; None if the baseline has none."""
    if value is None:
        return None
    from rssbound.kernel.record import fingerprints_in  # noqa: PLC0415 (only where a tree was read)

    path = "$.kernel_source"
    source = _object(value)
    accepted, findings = source.get("accepted", {}), source.get("findings", {})
    beside, rests = source.get("beside", {}), source.get("rests", [])
    if not _is_texts(beside) or not all(map(_is_design_of, beside.items())):
        checks.fault(f"{path}.beside", "expected counters other than RSS, each with its design")
        return None
    if not isinstance(source.get("design"), str) or not _is_texts(accepted):
        checks.fault(path, "expected a design, and reasons in the object accepted")
        return None
    lists = {"findings": findings, "rests": {"rests": rests}}
    for name, value_ in lists.items():
        if not isinstance(value_, dict) or not all(map(_is_list_of_texts, value_.values())):
            checks.fault(f"{path}.{name}", "expected lists of strings")
            return None
    try:
        fingerprints = fingerprints_in(source.get("fingerprints"))
    except InputError as error:
        checks.faults += [path + fault.removeprefix("$") for fault in error.faults]
        return None
    forms = checks.number({"forms": 1, **source}, "forms", path) or 0
    found = {id_: tuple(texts) for id_, texts in findings.items()}
    return Source(source["design"], fingerprints, accepted, found, beside, tuple(rests), forms)


def _is_design_of(entry: tuple[str, str]) -> bool:
    counter, design = entry
    return counter in BESIDE_COUNTERS and design in BESIDE_IDS


def _is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _refuse_version(document: dict[str, Any], known: str) -> None:
    version = document.get("format_version")
    if not isinstance(version, str) or version.partition(".")[0] != known.partition(".")[0]:
        raise InputError(
            f"format_version {shown(version)} is not supported; this program reads {known}"
        )


def _record_of_analysis(document: dict[str, Any]) -> Record:
    """Read the rows of a document of `analyze --format json`, without levels."""
    _refuse_version(document, ANALYSIS_VERSION)
    checks = Checks()
    host = _object(document.get("host"))
    name = checks.text(host, "name", "$.host") or "host"
    values = {**_object(document.get("scenario")), "page_size": host.get("page_size")}
    kernel = _kernel_of_analysis(document.get("kernel_source"))
    hosts = {name: Machine(name, _scenario(checks, values, "$.host"), {}, kernel)}
    rows: dict[Key, Interval] = {}
    for path, design in _objects(checks, document, "designs"):
        rows |= _rows_of_design(checks, name, design, path)
    checks.finish()
    return Record(hosts, rows | _rows_of_kernel(name, kernel, rows))


def _rows_of_design(
    checks: Checks, machine: str, design: dict[str, Any], path: str
) -> dict[Key, Interval]:
    """Read the bounds of a design for each counter and metric."""
    errors = {**_object(design.get("counters")), **{name: design.get(name) for name in METRICS}}
    id_ = checks.text(design, "id", path) or ""
    return {
        Key(machine, id_, counter): _interval(checks, _object(error), f"{path}.{counter}")
        for counter, error in errors.items()
    }


def _rows_of_kernel(
    machine: str, kernel: Kernel | None, rows: Mapping[Key, Interval]
) -> dict[Key, Interval]:
    """Give the bounds of the kernel's design; none if it or some of its bounds are unknown."""
    if kernel is None:
        return {}
    errors = {key.counter: error for key, error in rows.items() if key.design == kernel.design}
    if not errors.keys() >= {*COUNTERS, *METRICS}:
        return {}
    return {
        Key(machine, KERNEL, counter): error
        for counter, error in kernel_errors(errors, kernel).items()
    }


def _kernel_of_analysis(value: Any) -> Kernel | None:
    """Read the kernel from an analysis; None if it has no source tree with a design."""
    source = _object(value)
    design = source.get("design")
    if not isinstance(design, str):
        return None
    readers = _object(source.get("readers"))
    return Kernel(
        design,
        {
            name: str(reader.get("accuracy"))
            for name, reader in readers.items()
            if isinstance(reader, dict)
        },
    )


def _object(value: Any) -> dict[str, Any]:
    """Give a value that should be a JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def _interval(checks: Checks, row: dict[str, Any], path: str) -> Interval:
    return Interval(*(_side(checks, row, side, path) for side in SIDES))


def _objects(checks: Checks, document: dict[str, Any], key: str) -> list[tuple[str, Any]]:
    values = document.get(key)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        checks.fault(f"$.{key}", "expected a list of objects")
        return []
    return [(f"$.{key}[{number}]", value) for number, value in enumerate(values)]


def _side(checks: Checks, row: dict[str, Any], side: str, path: str) -> int | None:
    value = row.get(side, False)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    checks.fault(f"{path}.{side}", "expected a number of pages, or null for no bound")
    return None


def _scenario(checks: Checks, value: Any, path: str) -> Mapping[str, int | str]:
    scenario = _object(value)
    page_size = scenario.get("page_size")
    if not isinstance(page_size, int) or isinstance(page_size, bool) or page_size <= 0:
        checks.fault(f"{path}.page_size", "expected a number of bytes")
    return {name: known for name, known in scenario.items() if isinstance(known, int | str)}


def _levels(checks: Checks, value: Any, path: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict) or not all(
        isinstance(levels, list) for levels in value.values()
    ):
        checks.fault(path, "expected an object with the list of levels of each design")
        return {}
    return {design: tuple(map(str, levels)) for design, levels in value.items()}


def _kernel(checks: Checks, value: Any, path: str) -> Kernel | None:
    if value is None:
        return None
    kernel = _object(value)
    design, readers = kernel.get("design"), kernel.get("readers", {})
    if not isinstance(design, str) or not isinstance(readers, dict):
        checks.fault(path, "expected a design and an object of readers")
        return None
    return Kernel(design, {name: str(accuracy) for name, accuracy in readers.items()})
