"""Read the project's own JSON, `"kind": "rssbound.topology"`.

The format is described in docs/topology.md and topology/topology-1.schema.json. The machine is
given in one of three ways: `synthetic`, a string; `tree`, nested objects; `rows`, one object for
each CPU. All faults of a document are reported together, each with its JSON path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError
from rssbound.records import dataclass, field
from rssbound.topology.arity import parse_arity
from rssbound.topology.columns import (
    NAMED,
    column_of_groups,
    column_of_nodes,
    columns_of_rows,
    nodes_of_rows,
    usable_ids,
)
from rssbound.topology.cpuset import CpuSet
from rssbound.topology.model import LEVELS, Columns, NumaNode, Topology
from rssbound.topology.readers import synthetic
from rssbound.topology.readers.checks import Checks, kind_of, parse_json, shown
from rssbound.topology.readers.nested import groups_of

if TYPE_CHECKING:
    from rssbound.topology.model import Column
    from rssbound.topology.sources import Source

__all__ = ("KIND", "VERSION", "accepts", "read")

KIND = "rssbound.topology"
VERSION = "1.0"

_SETS = ("possible", "present", "online")
_WAYS = ("synthetic", "tree", "rows")
_OWN_KIND = re.compile(rb'"kind"\s*:\s*"rssbound\.')
_KEYS = (
    *("kind", "format_version", "name", "page_size", "kernel", "tree_arity"),
    *("cpus", *_SETS, "nodes", "numa_nodes", *_WAYS),
)


def accepts(source: Source) -> bool:
    """Return whether the source is a JSON object of this program, of any kind."""
    data = (source.data or b"").lstrip(b"\xef\xbb\xbf \t\r\n")
    return data.startswith(b"{") and _OWN_KIND.search(data) is not None


def read(source: Source) -> Topology:
    """Read a topology document; InputError with all faults, each with its JSON path."""
    if source.data is None:
        raise InputError("a folder or an archive, not a JSON file")
    document = parse_json(source.data)
    if not isinstance(document, dict):
        raise InputError(f"$: {kind_of(document)}; a topology is an object")
    checks = Checks()
    checks.known_keys(document, _KEYS, "$")
    _check_header(document, checks)
    name = checks.text(document, "name", "$") or source.name
    kernel = checks.text(document, "kernel", "$")
    page_size = _page_size(document, checks)
    tree_arity = _tree_arity(document, checks)
    sets = _sets(document, checks)
    nodes = _nodes(document.get("nodes"), checks)
    node_count = checks.number(document, "numa_nodes", "$")
    described = _described(document, checks)
    checks.finish()
    assembled = _assembled(described, sets, nodes, checks)
    checks.finish()
    possible, present, online, columns, nodes = assembled
    _check_node_count(node_count, nodes, checks)
    checks.finish()
    return Topology(
        possible,
        present,
        online,
        columns,
        nodes,
        page_size=page_size,
        kernel=kernel,
        name=name,
        source=source.label,
        node_count=node_count,
        tree_arity=tree_arity,
    )


# -- the machine as a whole


def _check_header(document: dict[str, Any], checks: Checks) -> None:
    kind = document.get("kind", KIND)
    if kind != KIND:
        raise InputError(
            f"$.kind: {shown(kind)} is not {KIND}; this is a different kind of document"
        )
    version = document.get("format_version", VERSION)
    if not isinstance(version, str) or version.partition(".")[0] != VERSION.partition(".")[0]:
        checks.fault("$.format_version", f"{shown(version)}; versions 1.x are read")


def _page_size(document: dict[str, Any], checks: Checks) -> int | None:
    size = checks.number(document, "page_size", "$")
    if size is not None and (size < 1024 or size & (size - 1)):
        checks.fault("$.page_size", f"{size} is not a page size; give bytes, such as 4096 or 65536")
    return size


def _tree_arity(document: dict[str, Any], checks: Checks) -> tuple[int, ...] | None:
    """Read the shape of the kernel's counter tree."""
    text = checks.text(document, "tree_arity", "$")
    if text is None:
        return None
    try:
        return parse_arity(text)
    except InputError as error:
        checks.add(error, "$.tree_arity")
        return None


def _sets(document: dict[str, Any], checks: Checks) -> dict[str, CpuSet]:
    """Read possible, present and online, at the top or, as `analyze` prints them, in `cpus`."""
    inner = document.get("cpus", {})
    if not isinstance(inner, dict):
        checks.fault("$.cpus", f"{kind_of(inner)}; an object with possible, present, online")
        inner = {}
    checks.known_keys(inner, _SETS, "$.cpus")
    sets: dict[str, CpuSet] = {}
    for name in _SETS:
        if name in inner and name in document:
            checks.fault(f"$.{name}", "given in $.cpus as well; keep one")
        for holder, path in ((document, f"$.{name}"), (inner, f"$.cpus.{name}")):
            if name in holder:
                sets[name] = checks.cpu_list(holder[name], path)
    return sets


def _nodes(value: Any, checks: Checks) -> tuple[NumaNode, ...] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        checks.fault("$.nodes", f'{kind_of(value)}; an object such as {{"0": "0-3", "1": ""}}')
        return None
    nodes: list[NumaNode] = []
    for key, cpus in value.items():
        if re.fullmatch("0|[1-9][0-9]{0,6}", key):
            nodes.append(NumaNode(int(key), checks.cpu_list(cpus, f"$.nodes.{key}")))
        else:
            checks.fault("$.nodes", f"{shown(key)} is not a node id")
    return tuple(sorted(nodes, key=lambda node: node.id))


# -- the CPUs and their groups


@dataclass(frozen=True)
class _Described:
    """The content of the synthetic string, the tree or the rows."""

    cpus: CpuSet = field(default_factory=CpuSet)
    columns: Columns = field(default_factory=Columns)
    nodes: tuple[NumaNode, ...] = ()


def _described(document: dict[str, Any], checks: Checks) -> _Described:
    ways = [way for way in _WAYS if way in document]
    if len(ways) != 1:
        given = f"both {' and '.join(ways)}" if ways else f"none of {', '.join(_WAYS)}"
        checks.fault("$", f"{given}; describe the machine in only one way")
        return _Described()
    read_way = {"synthetic": _of_synthetic, "tree": _of_tree, "rows": _of_rows}[ways[0]]
    return read_way(document[ways[0]], checks)


def _of_synthetic(value: Any, checks: Checks) -> _Described:
    if not isinstance(value, str):
        checks.fault("$.synthetic", f"{kind_of(value)}; a string is expected")
        return _Described()
    try:
        machine = synthetic.topology_of(value)
    except InputError as error:
        checks.add(error, "$.synthetic")
        return _Described()
    return _Described(machine.possible, machine.columns, machine.nodes)


def _of_rows(value: Any, checks: Checks) -> _Described:
    if not isinstance(value, list) or not value:
        checks.fault("$.rows", 'a list of objects such as {"cpu": 0, "core": 0} is expected')
        return _Described()
    rows: dict[int, dict[str, int]] = {}
    for number, row in enumerate(value):
        path = f"$.rows[{number}]"
        if not isinstance(row, dict):
            checks.fault(path, f"{kind_of(row)}; an object is expected")
            continue
        checks.known_keys(row, ("cpu", *LEVELS), path)
        cpu = checks.cpu(row, "cpu", path)
        ids = {level: checks.number(row, level, path) for level in LEVELS}
        if cpu in rows:
            checks.fault(f"{path}.cpu", f"CPU {cpu} is also in an earlier row; keep one")
        if cpu is not None:
            rows[cpu] = {level: id_ for level, id_ in ids.items() if id_ is not None}
    if not rows:
        return _Described()
    return _Described(CpuSet.of(rows), columns_of_rows(rows), nodes_of_rows(rows))


def _of_tree(value: Any, checks: Checks) -> _Described:
    groups = groups_of(value, checks)
    cpus = CpuSet()
    for group in groups:
        cpus |= group.cpus
    if not cpus and not checks.faults:
        checks.fault(
            "$.tree",
            'no CPUs in it; its last child must be such as {"type": "core", "cpus": "0-1"}',
        )
    if checks.faults:
        return _Described()
    size = cpus.highest + 1
    columns: dict[str, Column] = {}
    nodes: tuple[NumaNode, ...] = ()
    for level in LEVELS:
        at_level = [group for group in groups if group.type == level]
        at_level.sort(key=lambda group: group.cpus.lowest)
        sets, ids = [group.cpus for group in at_level], [group.id for group in at_level]
        if level == "node":
            nodes = tuple(map(NumaNode, usable_ids(ids), sets))
            columns[level] = column_of_nodes(nodes, size)
        else:
            numbers = ids if level in NAMED else [None] * len(ids)
            columns[level] = column_of_groups(sets, numbers, size)
    nodes = tuple(sorted(nodes, key=lambda node: node.id))
    return _Described(cpus, Columns(**columns), nodes)


# -- combining the parts


def _assembled(
    described: _Described,
    sets: dict[str, CpuSet],
    nodes: tuple[NumaNode, ...] | None,
    checks: Checks,
) -> tuple[CpuSet, CpuSet, CpuSet, Columns, tuple[NumaNode, ...]]:
    """Combine sets, columns and nodes; missing sets are the CPUs described."""
    present = sets.get("present", described.cpus | sets.get("online", CpuSet()))
    possible = sets.get("possible", present | described.cpus)
    online = sets.get("online", present)
    if described.cpus - possible:
        extra = described.cpus - possible
        checks.fault("$", f"CPUs {extra} are described but not possible; add them to possible")
        return possible, present, online, Columns(), ()
    size = possible.highest + 1
    columns = {
        level: column + (None,) * (size - len(column)) if column else ()
        for level in LEVELS
        for column in [getattr(described.columns, level)]
    }
    if nodes is not None:
        _check_nodes(nodes, columns["node"], possible, checks)
        if not checks.faults:
            columns["node"] = columns["node"] or column_of_nodes(nodes, size)
    return possible, present, online, Columns(**columns), nodes or described.nodes


def _check_node_count(count: int | None, nodes: tuple[NumaNode, ...], checks: Checks) -> None:
    listed = sum(1 for node in nodes if node.cpus)
    if count is not None and count < max(listed, 1):
        what = f"{count}; {listed} NUMA nodes with CPUs are listed" if listed else f"{count}"
        checks.fault("$.numa_nodes", f"{what}; give how many, 1 or more")


def _check_nodes(
    nodes: tuple[NumaNode, ...], column: Column, possible: CpuSet, checks: Checks
) -> None:
    cpus_of = {node.id: node.cpus for node in nodes}
    for cpu, id_ in enumerate(column):
        if id_ is not None and cpu not in cpus_of.get(id_, CpuSet()):
            checks.fault("$.nodes", f"node {id_} does not name its CPU {cpu}")
    for node in nodes:
        if node.cpus - possible:
            checks.fault(f"$.nodes.{node.id}", f"CPUs {node.cpus - possible} are not possible")
