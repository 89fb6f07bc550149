"""One distinct machine of a fleet: from the texts of its columns to its exact bounds.

A whole number is a count and stands for the first CPUs: 64 is 0-63, and in an outer set 0,2,4,6 a
count of 2 is 0,2. But 0 is CPU 0, because a machine has at least one CPU.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.bounds.analysis import bound_of
from rssbound.bounds.counter.counters import COUNTER, sums_of
from rssbound.bounds.counter.design import version_of
from rssbound.bounds.counter.interval import EXACT, Interval, worst_of
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.reading.accuracy import accuracy_on, error_of
from rssbound.bounds.reading.catalogue import INTERFACES
from rssbound.bounds.scenario.kernel_constants import USUAL
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import CPU_SETS, resolve
from rssbound.bounds.vendors import design_on
from rssbound.errors import InputError, RssboundError, ScenarioError, shortened
from rssbound.fleet.columns import KERNEL
from rssbound.topology.columns import column_of_nodes
from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet
from rssbound.topology.model import Columns, NumaNode, Topology
from rssbound.topology.readers import document
from rssbound.topology.readers.checks import parse_json
from rssbound.topology.sources import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rssbound.bounds.scenario.parameters import Parameters
    from rssbound.bounds.scenario.scenario import Scenario
    from rssbound.fleet.columns import Asked

__all__ = ("Shape", "answer_to", "answered", "machine_of", "scenario_of")

FILES = ("status", "statm", "stat")
"""Files with a process's current RSS; if several are equally wrong, the first is named."""

MOST = (1 << 63) - 1
"""The largest number in a 64-bit column."""

_COUNT = re.compile(r"[0-9]{1,30}(\.0+)?")
_DOCUMENT = ("kind", "synthetic", "tree", "rows")
_JSON_COLUMNS = frozenset({"tree", "rows", "nodes", "cpus"})
_NUMBER_COLUMNS = frozenset({"page_size", "numa_nodes"})


@dataclass(frozen=True)
class Shape:
    """The texts of a row's columns by name, if present; `bad` is a line that is not a row."""

    texts: Mapping[str, str]
    bad: str = ""


class _KernelFacts(NamedTuple):
    """What a release implies: its series, its possible designs, and the accuracy of its files."""

    series: str
    candidates: tuple[str, ...]
    guess: bool
    kinds: tuple[str, ...]


# -- the answer


def answered(shape: Shape, asked: Asked) -> dict[str, Any]:
    """Give plan.py's `answer_columns` of a shape; `error` alone if nothing of it can be bounded."""
    try:
        return answer_to(shape, asked)
    except RssboundError as error:
        return {"error": "; ".join(error.faults)}


def answer_to(shape: Shape, asked: Asked) -> dict[str, Any]:
    """As `answered`; InputError or ScenarioError with the faults of the machine or the process.

    For each design and metric: PREFIX_under and PREFIX_over, None for no bound. If the size of the
    process is known, under is at most its pages + PREFIX_beside, or PREFIX_floor if that is larger,
    as `capped` in process_size.py does for a total. If the machine is too large for a design, these
    values are missing and `error` has the fault; PREFIX_known is true for the other designs.
    """
    topology = machine_of(shape)
    resolved = resolve(scenario_of(shape, topology, asked.scenario), topology)
    parameters = parameters_of(topology, resolved)
    kernel = None if topology.kernel is None else _kernel_facts(topology.kernel)
    page_bytes = resolved.page_size
    faults: dict[str, None] = {}
    answer: dict[str, Any] = {"page_bytes": page_bytes}
    try:
        answer.update(_of_kernel(kernel, parameters))
    except ScenarioError as error:
        faults.update(dict.fromkeys(error.faults))
    for prefix, design, metric in asked.bounds:
        if design != KERNEL:
            designs: tuple[str, ...] = (design,)
        else:
            designs = kernel.candidates if kernel else ()
        if designs:
            try:
                answer.update(_bounds(prefix, designs, metric, parameters, page_bytes))
            except ScenarioError as error:
                faults.update((f"{design}: {fault}", None) for fault in error.faults)
    if faults:
        answer["error"] = "; ".join(faults)
    return answer


def _of_kernel(kernel: _KernelFacts | None, parameters: Parameters) -> dict[str, Any]:
    """Give the kernel's design, the bounds of RSS with it, and the least accurate file."""
    if kernel is None:
        return {}
    bounds = {design: _bound(design, "rss", parameters) for design in kernel.candidates}
    meant = max(bounds, key=lambda design: _size(bounds[design]))
    worst = worst_of(bounds.values())
    errors = {
        file: error
        for file, kind in zip(FILES, kernel.kinds, strict=True)
        if (error := error_of(kind, worst)) is not None and error != EXACT
    }
    file = max(errors, key=lambda file: _size(errors[file]), default=None)
    return {
        "series": kernel.series,
        "design": meant,
        "design_guess": kernel.guess,
        "worst_file": file,
        "reads_under": worst.under,
        "reads_over": worst.over,
    }


def _bounds(
    prefix: str, designs: tuple[str, ...], metric: str, parameters: Parameters, page_bytes: int
) -> dict[str, int | None]:
    """Give the largest bound of some designs on each side, and its limits for a known size."""
    worst = worst_of(_bound(design, metric, parameters) for design in designs)
    swap = worst_of(_bound(design, "swap", parameters) for design in designs).under
    pages = max(worst.under or 0, worst.over or 0)
    if pages * page_bytes > MOST:
        raise ScenarioError(f"a bound of {pages} pages has more bytes than a column of 64 bits")
    return {
        f"{prefix}_known": True,
        f"{prefix}_under": worst.under,
        f"{prefix}_over": worst.over,
        f"{prefix}_over_bytes": None if worst.over is None else worst.over * page_bytes,
        f"{prefix}_beside": swap if metric == "oom" else 0,
        f"{prefix}_floor": swap if metric in {COUNTER, "swap"} else 0,
    }


def _bound(design: str, metric: str, parameters: Parameters) -> Interval:
    sums = sums_of(metric)
    return worst_of(bound_of(DESIGNS[design], parameters, counters) for counters in sums)


def _size(bound: Interval) -> tuple[bool, int]:
    """Sort key of bounds: the larger side; no bound is the largest."""
    sides = (bound.under, bound.over)
    return None in sides, max(side or 0 for side in sides)


@lru_cache(maxsize=4096)
def _kernel_facts(release: str) -> _KernelFacts:
    version = version_of(release)
    if version is None:
        raise InputError(f"kernel: {shortened(release)!r} is not a kernel release such as 6.12.117")
    design = design_on(release)
    kinds = tuple(accuracy_on(INTERFACES[file], release, USUAL).kind for file in FILES)
    series = ".".join(map(str, version[:2]))
    return _KernelFacts(series, design.candidates, design.guess, kinds)


# -- the machine


def machine_of(shape: Shape) -> Topology:
    """Give the machine that a row describes; InputError with all its faults."""
    if shape.bad:
        raise _faults_of_line(shape.bad)
    texts = shape.texts
    if "unread" in texts:
        raise InputError(texts["unread"])
    nested = texts.get("topology") or texts.get("rssbound.topology")
    if nested is not None:
        machine = _of_document(nested, "topology")
        return replace(machine, kernel=texts["kernel"]) if "kernel" in texts else machine
    if any(name in texts for name in _DOCUMENT):
        own = {name: _json_value(name, text) for name, text in texts.items() if name != "threads"}
        return _of_document(json.dumps(own), "row")
    return _of_columns(texts)


def scenario_of(shape: Shape, topology: Topology, scenario: Scenario) -> Scenario:
    """Give the scenario with a row's values for the process."""
    texts = shape.texts
    given: dict[str, Any] = {}
    if "threads" in texts:
        given["threads"] = _number("threads", texts["threads"])
    cpus = texts.get("cpus")
    if cpus in CPU_SETS:
        given["cpus"] = cpus
    elif cpus is not None and not cpus.startswith("{"):
        given["cpus"] = _cpus("cpus", cpus, topology.online)
    return replace(scenario, **given) if given else scenario


def _faults_of_line(line: str) -> InputError:
    """Say why a line is not a row."""
    try:
        value = parse_json(line.encode("utf-8", "replace"))
    except InputError as error:
        return InputError(error.faults[0].replace("line 1 column", "column"))
    if isinstance(value, dict):
        return InputError("contains half of a surrogate pair; that is not valid text")
    return InputError('not a JSON object; a row is an object such as {"possible": "0-63"}')


def _of_document(text: str, label: str) -> Topology:
    try:
        data = text.encode("utf-8", "surrogatepass")
        return document.read(Source(label, "", data=data))
    except InputError as error:
        raise error.at(label) from None


def _json_value(name: str, text: str) -> Any:
    """Convert a column's text to its value in a topology document."""
    if name in _JSON_COLUMNS and text[:1] in {"{", "["}:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise InputError(f"{name}: {shortened(text)!r} is not JSON") from None
    return int(text) if name in _NUMBER_COLUMNS and text.isdecimal() else text


def _of_columns(texts: Mapping[str, str]) -> Topology:
    """Make a machine of flat columns."""
    faults: list[str] = []

    def given(name: str, outer: CpuSet | None = None) -> CpuSet | None:
        try:
            return _cpus(name, texts[name], outer) if name in texts else None
        except InputError as error:
            faults.extend(error.faults)
            return CpuSet.first(1)

    possible = given("possible")
    present = given("present", possible)
    online = given("online", present or possible)
    if possible is None:
        possible = present if present is not None else online
    if possible is None:
        raise InputError("none of possible, present, online; give the CPUs of the machine")
    present = possible if present is None else present
    online = present if online is None else online
    nodes: tuple[NumaNode, ...] = ()
    count: int | None = None
    page_size: int | None = None
    try:
        nodes, count = _nodes(texts.get("nodes"))
        page_size = _page_size(texts.get("page_size"))
    except InputError as error:
        faults.extend(error.faults)
    if faults:
        raise InputError(*faults)
    beyond = [node.id for node in nodes if node.cpus - possible]
    if beyond:
        raise InputError(f"nodes: CPUs of node {beyond[0]} are not possible")
    columns = Columns(node=column_of_nodes(nodes, possible.highest + 1))
    return Topology(
        possible,
        present,
        online,
        columns,
        nodes,
        page_size=page_size,
        kernel=texts.get("kernel"),
        node_count=count,
    )


def _cpus(name: str, text: str, outer: CpuSet | None) -> CpuSet:
    """Read a CPU list, a count of the CPUs of an outer set, or a JSON list of ids."""
    try:
        if text.startswith("["):
            return CpuSet.of(_ids(text))
        if not _COUNT.fullmatch(text) or text == "0":
            return CpuSet.parse(text)
    except InputError as error:
        raise error.at(name) from None
    count = int(text.partition(".")[0])
    most = MAX_CPU_IDS if outer is None else len(outer)
    if count > most:
        of = "are read" if outer is None else "are there"
        raise InputError(f"{name}: {count} CPUs; at most {most} {of}")
    if outer is None or outer.highest + 1 == most:
        return CpuSet.first(count)
    return CpuSet.of(cpu for cpu, _ in zip(outer, range(count), strict=False))


def _ids(text: str) -> list[int]:
    try:
        ids = json.loads(text)
    except (ValueError, RecursionError):
        ids = None
    if not isinstance(ids, list) or not all(type(cpu) is int for cpu in ids):
        raise InputError(f"{shortened(text)!r} is not a list of CPU ids such as [0, 1, 2]")
    return ids


def _nodes(text: str | None) -> tuple[tuple[NumaNode, ...], int | None]:
    """Read NUMA nodes: their CPUs as a JSON object, or a count, or a list of ids."""
    if text is None:
        return (), None
    if text.startswith("{"):
        try:
            listed = json.loads(text)
        except (ValueError, RecursionError):
            raise InputError(f"nodes: {shortened(text)!r} is not a JSON object") from None
        found = {key: cpus for key, cpus in listed.items() if cpus is not None}
        if not all(key.isdecimal() and isinstance(cpus, str) for key, cpus in found.items()):
            raise InputError('nodes: give node ids and CPU lists, such as {"0": "0-3", "1": "4-7"}')
        try:
            nodes = [NumaNode(int(key), CpuSet.parse(cpus)) for key, cpus in found.items()]
        except InputError as error:
            raise error.at("nodes") from None
        return tuple(sorted(nodes, key=lambda node: node.id)), None
    count = len(_cpus("nodes", text, None))
    if not count:
        raise InputError("nodes: none; a machine has at least one node")
    return (), count


def _page_size(text: str | None) -> int | None:
    if text is None:
        return None
    size = _number("page_size", text)
    if size < 1024 or size & (size - 1):
        raise InputError(f"page_size: {size} is not a page size; give bytes, such as 4096 or 65536")
    return size


def _number(name: str, text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise InputError(f"{name}: {shortened(text)!r}; a whole number is expected")
    return int(text.partition(".")[0])
