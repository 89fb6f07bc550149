"""Read a machine from one line: `package:2 numa:4 core:24 pu:2`.

Each word gives a level and the number of its objects in every object of the level before it. The
syntax is hwloc's ("Synthetic topologies" in its manual) plus clusters, books and drawers; any
subset of levels is accepted. CPUs are numbered in order unless the last level has `indexes=`:

    pu:2(indexes=0,4,1,5,2,6,3,7)    the ids, one for each CPU
    pu:2(indexes=2*4:1*2)            loops of step*count, fastest first: SMT siblings at +4
    pu:2(indexes=core:pu)            the same by level: all first threads, then all second ones
    [NUMANode(memory=1GB)]           a NUMA node beside each object of the level before
"""

from __future__ import annotations

import re
from itertools import chain, repeat
from math import prod
from typing import TYPE_CHECKING

from rssbound.errors import InputError
from rssbound.records import dataclass
from rssbound.topology.aliases import cache_level, level_of
from rssbound.topology.columns import column_of_keys
from rssbound.topology.cpuset import MAX_CPU_IDS, CpuSet
from rssbound.topology.model import LEVELS, Columns, NumaNode, Topology

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.topology.model import Column
    from rssbound.topology.sources import Source

__all__ = ("accepts", "fault_of", "read", "topology_of")

_WORD = re.compile(
    r"\s*(?:"
    r"\[\s*(?P<memory>[A-Za-z]+)(?::1)?\s*(?:\((?P<memory_attributes>[^()]*)\))?\s*\]"
    r"|(?:(?P<name>[A-Za-z]\w*):)?(?P<count>(?(name)\d{1,30}|\d{1,9}))(?:\((?P<attributes>[^()]*)\))?"
    r"|\((?P<machine_attributes>[^()]*)\)"
    r")(?=\s|\[|$)",
    re.ASCII,
)
_DEFAULT_CACHES = ((), ("l2",), ("l2", "l1"), ("l3", "l2", "l1"), ("l3", "l2", "l1", "l1i"))

_LONGEST = 1 << 16
"""Bytes of a text that is examined for a wrong word."""

MOST_WORDS = 100
"""Limit of levels and attached NUMA nodes; hwloc has at most 128 levels."""


@dataclass(frozen=True)
class _Level:
    """One word: its name as given, its meaning, objects per parent and in total, attributes."""

    name: str
    type: str
    count: int
    total: int
    attributes: str


def accepts(source: Source) -> bool:
    """Return whether the source is lines of words with counts, or comments."""
    if source.data is None or len(source.data) > MAX_CPU_IDS:
        return False
    lines = _lines(source.data)
    return bool(lines) and all(_WORD.match(line) for line in lines)


def read(source: Source) -> Topology:
    """Read a source with a synthetic string; InputError with the wrong word."""
    if source.data is None:
        raise InputError("a folder or an archive; a synthetic string is one line of text")
    lines = _lines(source.data)
    if len(lines) > 1:
        raise InputError(f"{len(lines)} synthetic strings in it; give one")
    return topology_of("".join(lines), name=source.name, source=source.label)


def _lines(data: bytes) -> list[str]:
    """Give the lines that are neither empty nor comments."""
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def topology_of(text: str, *, name: str = "", source: str = "") -> Topology:
    """Make the machine that a string describes; InputError with the wrong word."""
    levels, memory = _parse(text)
    size = levels[-1].total
    ids = _indexes(levels[-1], levels)
    possible = CpuSet.first(size) if ids is None else CpuSet.of(ids)
    columns = {
        level.type: _column(size // level.total, level.total, ids)
        for level in levels
        if level.type in LEVELS and level.type != "node"
    }
    caches = [level for level in levels if level.type == "cache"]
    if caches and "llc" not in columns:
        last = max(caches, key=lambda level: cache_level(level.name))
        columns["llc"] = _column(size // last.total, last.total, ids)
    columns["node"], nodes = _nodes(levels, memory, ids)
    return Topology(
        possible=possible,
        present=possible,
        online=possible,
        columns=Columns(**columns),
        nodes=nodes,
        name=name or text,
        source=source or text,
    )


def _parse(text: str) -> tuple[list[_Level], list[tuple[int, str]]]:
    """Split the line into levels and attached NUMA nodes: (objects, attributes)."""
    words: list[tuple[str, int, str]] = []
    memory: list[tuple[int, str]] = []
    place = 0
    while place < len(text):
        match = _WORD.match(text, place)
        if not match:
            raise _wrong_word(text[place:])
        place = match.end()
        if len(words) + len(memory) >= MOST_WORDS:
            raise InputError(f"more than {MOST_WORDS} words; no machine has that many levels")
        if match["memory"]:
            if level_of(match["memory"]) != "node":
                raise InputError(f"[{match['memory']}] is not a NUMA node; write [numa]")
            memory.append((prod(count for _, count, _ in words), match["memory_attributes"] or ""))
        elif match["count"]:
            words.append((match["name"] or "", int(match["count"]), match["attributes"] or ""))
    return _levels(words), memory


def fault_of(data: bytes) -> InputError | None:
    """Name the wrong word of a text that begins as a synthetic string does; else None."""
    lines = _lines(data[:_LONGEST])
    start = re.match(r"([A-Za-z]\w*)[:=]", lines[0], re.ASCII) if len(lines) == 1 else None
    if start is None or level_of(start[1]) is None:
        return None
    try:
        topology_of(lines[0])
    except InputError as error:
        return error
    return None


def _wrong_word(rest: str) -> InputError:
    """Describe the first word of a text, which is not a level and a count."""
    word = _short(rest.split(maxsplit=1)[0])
    name, colon, count = word.partition(":")
    if not colon or level_of(name) is None or "(" in word:
        return InputError(f"{word!r} is not a level and its count, such as core:24 or pu:2")
    if "," in count:
        return InputError(f"{word!r}: separate levels with spaces, as in 'core:4 pu:2'")
    given = f"the count of {name} is {count!r}" if count else f"{name} has no count"
    return InputError(f"{given}; give a whole number from 1 to {MAX_CPU_IDS}, as in {name}:2")


def _levels(words: list[tuple[str, int, str]]) -> list[_Level]:
    if not words:
        raise InputError("no level in it; write for example 'package:2 core:24 pu:2'")
    named = [name for name, _, _ in words if name]
    if named and len(named) < len(words):
        raise InputError("either every level has a name or none has, as in 2 2 4 2")
    names = named or _default_names(len(words))
    levels: list[_Level] = []
    total = 1
    for name, (_, count, attributes) in zip(names, words, strict=True):
        type_ = level_of(name)
        if type_ is None:
            raise InputError(
                f"{name!r} is not a level; use {', '.join(reversed(LEVELS))}, l1 to l5 or pu"
            )
        if any(type_ == level.type for level in levels if type_ not in {"cache", "group"}):
            raise InputError(
                f"{name}:{count} is the second {type_} level; each level may appear only once"
            )
        if levels and levels[-1].type == "cpu":
            raise InputError(f"{name}:{count} is below the CPUs; pu must be the last level")
        total *= count
        if not 0 < total <= MAX_CPU_IDS:
            raise InputError(f"{name}:{count} makes {total} objects; must be 1 to {MAX_CPU_IDS}")
        levels.append(_Level(name, type_, count, total, attributes))
    if levels[-1].type != "cpu":
        levels.append(_Level("pu", "cpu", 1, total, ""))
    return levels


def _default_names(count: int) -> list[str]:
    """Name `count` levels of bare numbers as hwloc does; the last are the PUs."""
    caches = _DEFAULT_CACHES[min(max(count - 4, 0), 4)]
    names = ["package"] * (count >= 3) + ["numa"] * (count >= 2) + [*caches]
    names += ["core"] * (count >= 4) + ["pu"]
    return ["group"] * (count - len(names)) + names


def _column(width: int, groups: int, ids: Sequence[int] | None) -> Column:
    """Make the column of a level of `groups` objects of `width` CPUs each."""
    if ids is not None:
        keys = {cpu: place // width for place, cpu in enumerate(ids)}
        return column_of_keys(keys, max(ids) + 1)
    if width == 1:
        return tuple(range(groups))
    return tuple(chain.from_iterable(map(repeat, range(groups), repeat(width))))


def _nodes(
    levels: list[_Level], memory: list[tuple[int, str]], ids: Sequence[int] | None
) -> tuple[Column, tuple[NumaNode, ...]]:
    """Make the node column and the nodes; the first of several nodes at one place has the CPUs."""
    places = [(level.total, level.attributes) for level in levels if level.type == "node"] + memory
    if not places:
        return (), ()
    size = levels[-1].total
    nodes: list[NumaNode] = []
    names: tuple[int, ...] = ()
    for total, attributes in places:
        indexes = _indexes(_Level("numa", "node", total, total, attributes), levels)
        node_ids = indexes or range(len(nodes), len(nodes) + total)
        width = size // total
        if not names:
            names = tuple(node_ids)
            nodes += [
                NumaNode(node, _slice(place, width, ids)) for place, node in enumerate(node_ids)
            ]
        else:
            nodes += [NumaNode(node, CpuSet()) for node in node_ids]
    width = size // len(names)
    if len({node.id for node in nodes}) < len(nodes):
        raise InputError("two NUMA nodes have the same index")
    by_place = tuple(chain.from_iterable(map(repeat, names, repeat(width))))
    if ids is None:
        return by_place, tuple(nodes)
    column: list[int | None] = [None] * (max(ids) + 1)
    for place, cpu in enumerate(ids):
        column[cpu] = by_place[place]
    return tuple(column), tuple(nodes)


def _slice(place: int, width: int, ids: Sequence[int] | None) -> CpuSet:
    if ids is None:
        return CpuSet(((1 << width) - 1) << place * width)
    return CpuSet.of(ids[place * width : (place + 1) * width])


def _indexes(level: _Level, levels: list[_Level]) -> Sequence[int] | None:
    """Give the ids that `indexes=` sets for the objects of a level; None if it sets none."""
    if not level.attributes or not (
        match := re.search(r"(?:^|[\s,])indexes=(\S+)", level.attributes)
    ):
        return None
    text = match[1]
    if re.fullmatch(r"\d{1,9}(?:,\d{1,9})*", text, re.ASCII):
        ids = [int(number) for number in text.split(",")]
    else:
        loops = [_loop(piece, level, levels, text) for piece in text.split(":")]
        missing = level.total // max(prod(count for _, count in loops), 1)
        if missing > 1 and min(step for step, _ in loops) == missing:
            loops.append((1, missing))
        ids = _looped(loops, level.total)
    if len(ids) != level.total or len(set(ids)) < len(ids):
        raise InputError(
            f"indexes={_short(text)} gives {len(set(ids))} different ids "
            f"for {level.total} {level.name}; give one for each"
        )
    return ids


def _loop(piece: str, level: _Level, levels: list[_Level], text: str) -> tuple[int, int]:
    """Read one loop of an interleaving: step*count, or the name of a level above."""
    if match := re.fullmatch(r"(\d{1,9})\*(\d{1,9})", piece, re.ASCII):
        step, count = int(match[1]), int(match[2])
        if step and count:
            return step, count
    named = [other for other in levels if other.type == level_of(piece)]
    if not named:
        raise InputError(
            f"indexes={_short(text)}: {_short(piece)!r} is neither step*count nor a level"
        )
    loops = [level_of(other) for other in text.split(":")]
    above = [
        other.total for other in levels if other.type in loops and other.total < named[0].total
    ]
    return max(level.total // named[0].total, 1), named[0].total // max(above, default=1)


def _looped(loops: list[tuple[int, int]], total: int) -> list[int]:
    """Give ids to `total` objects by nested loops, the first one fastest."""
    ids = [0] * total
    factor = 1
    for step, count in loops:
        for place in range(total):
            ids[place] += place // step % count * factor
        factor *= count
    return ids


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "..."
