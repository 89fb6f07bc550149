"""Write a synthetic string, for machines in which all branches are equal.

A level is written if its groups have equal sizes and are divided evenly by the next level. hwloc's
own exporter has the same limit. Other machines are refused, so that nothing is lost silently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.errors import InputError
from rssbound.topology.nesting import nest

if TYPE_CHECKING:
    from rssbound.topology.model import Topology
    from rssbound.topology.nesting import Domain

__all__ = ("write",)

_NAMES = {"node": "numa", "llc": "l3", "cpu": "pu"}


def write(topology: Topology) -> str:
    """Give the line; InputError, with the place, for a machine whose branches differ."""
    if topology.online != topology.possible:
        raise InputError("some possible CPUs are not online, which one line cannot say; use json")
    if any(not node.cpus for node in topology.nodes):
        raise InputError("a NUMA node has memory only, which one line cannot say; use json")
    if topology.node_count is not None:
        raise InputError("the CPUs of its NUMA nodes are not known; use json")
    nesting = nest(topology)
    if nesting.warnings:
        raise InputError("some domains cut through others, which one line cannot say; use json")
    words: list[str] = []
    level = [nesting.machine]
    while True:
        level = [child for parent in level for child in parent.children]
        if not level:
            break
        words.append(_word(level, words))
    return " ".join(words) + "\n"


def _word(level: list[Domain], above: list[str]) -> str:
    """Write one level, given the words of those above it."""
    types = {domain.type for domain in level}
    sizes = {len(domain.ids) for domain in level}
    fan_ins = {len(domain.children) for domain in level}
    if len(types) > 1 or len(sizes) > 1 or len(fan_ins) > 1:
        detail = ", ".join(sorted(types)) if len(types) > 1 else f"{level[0].type} groups"
        raise InputError(f"branches differ ({detail}), which one line cannot say; use json")
    type_ = level[0].type
    parents = 1
    for word in above:
        parents *= int(word.partition("(")[0].partition(":")[2])
    word = f"{_NAMES.get(type_, type_)}:{len(level) // parents}"
    ids = [domain.id for domain in level]
    if type_ in {"node", "cpu"} and ids != list(range(len(ids))):
        word += f"(indexes={_loops(ids) or ','.join(map(str, ids))})"
    return word


def _loops(ids: list[int]) -> str | None:
    """Give a regular numbering as loops of step*count, the first one fastest; None if irregular."""
    loops: list[tuple[int, int]] = []
    factor = 1
    while factor < len(ids):
        if factor not in ids:
            return None
        step = ids.index(factor)
        if step == 0:
            return None
        count = 1
        while step * count < len(ids) and ids[step * count] == factor * count:
            count += 1
        loops.append((step, count))
        factor *= count
    places = range(len(ids))
    if ids != [_looped(place, loops) for place in places]:
        return None
    return ":".join(f"{step}*{count}" for step, count in loops)


def _looped(place: int, loops: list[tuple[int, int]]) -> int:
    id_, factor = 0, 1
    for step, count in loops:
        id_ += place // step % count * factor
        factor *= count
    return id_
