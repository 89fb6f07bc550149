"""A machine as a tree for the terminal, with branches that are alike folded into one."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

from rssbound.cli.render.formats.table import Page, console_on
from rssbound.cli.render.units import counted

if TYPE_CHECKING:
    from rssbound.cli.render import Style
    from rssbound.topology import Topology
    from rssbound.topology.nesting import Domain, Nesting

__all__ = ("outline",)

Below = dict[str, list["Domain"]]


def outline(topology: Topology, nesting: Nesting, style: Style, *, full: bool = False) -> str:
    """Draw the tree; `full` draws every domain."""
    below: Below = {}
    for child, parent in nesting.parents:
        below.setdefault(parent.key, []).append(child)
    for children in below.values():
        children.sort(key=lambda child: (child.cpus.lowest, child.id))
    shapes = _shapes(nesting, below, topology)
    root = Tree(Text(_machine(topology)))
    left = [(root, nesting.machine)]
    while left:
        branch, domain = left.pop()
        for alike in _folded(below.get(domain.key, []), shapes, full=full):
            names, last = _joined(alike[0], below)
            added = branch.add(Text(_label(alike, names) + _state(alike[0], topology)))
            left.append((added, last))
    page = Page(style.encoding)
    console_on(page, style).print(root)
    return "\n".join(line.rstrip() for line in page.getvalue().split("\n"))


def _machine(topology: Topology) -> str:
    sets = f"{counted(len(topology.online), 'CPU')} online ({topology.online})"
    if topology.possible != topology.online:
        sets += f", present are {topology.present}, possible {topology.possible}"
    kernel = f"; Linux {topology.kernel}" if topology.kernel else ""
    return f"{topology.name}: {sets}{kernel}"


def _state(domain: Domain, topology: Topology) -> str:
    """Say that the CPUs of a domain are not all online."""
    if domain.cpus <= topology.online:
        return ""
    if domain.cpus & topology.online:
        return f" ({counted(len(domain.cpus - topology.online), 'CPU')} not online)"
    return " (offline)" if domain.cpus <= topology.present else " (not present)"


def _shapes(nesting: Nesting, below: Below, topology: Topology) -> dict[str, int]:
    """Number the shapes of all domains: equal numbers are alike down to the CPUs."""
    numbers: dict[tuple[object, ...], int] = {}
    shapes: dict[str, int] = {}
    for child, _ in nesting.parents:  # children stand before their parents
        inner = tuple(shapes[grandchild.key] for grandchild in below.get(child.key, []))
        shapes[child.key] = numbers.setdefault(
            (child.type, _state(child, topology), inner), len(numbers)
        )
    return shapes


def _folded(children: list[Domain], shapes: dict[str, int], *, full: bool) -> list[list[Domain]]:
    if full:
        return [[child] for child in children]
    return [list(alike) for _, alike in groupby(children, key=lambda child: shapes[child.key])]


def _joined(domain: Domain, below: Below) -> tuple[list[Domain], Domain]:
    """Join a domain with those below it that have the same CPUs; gives them and the last."""
    names = [domain]
    while True:
        children = below.get(names[-1].key, [])
        if len(children) != 1 or children[0].cpus != domain.cpus:
            return names, names[-1]
        names.append(children[0])


def _label(alike: list[Domain], names: list[Domain]) -> str:
    first = alike[0]
    if len(alike) == 1:
        ids = " + ".join(f"{name.type} {name.id}" for name in names)
        one_cpu = len(first.cpus) == 1 and names[-1].type == "cpu"
        return ids if one_cpu or not first.cpus else f"{ids}: CPUs {first.cpus}"
    types = " + ".join(name.type for name in names)
    if first.type == "cpu":
        return f"{len(alike)} x {types}"
    if not first.cpus:
        return f"{len(alike)} x {types}: {', '.join(str(domain.id) for domain in alike)}"
    each = counted(len(first.cpus), "CPU")
    return f"{len(alike)} x {types}: {each} each, first {first.cpus}"
