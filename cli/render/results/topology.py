"""A machine as a tree for the terminal, with identical branches folded into one."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

from rssbound.cli.render.formats.table import Page, console_on
from rssbound.cli.render.units import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rssbound.cli.render import Style
    from rssbound.topology import Topology
    from rssbound.topology.nesting import Domain, Nesting

__all__ = ("outline",)


def outline(topology: Topology, nesting: Nesting, style: Style, *, full: bool = False) -> str:
    """Draw the tree; `full` draws every domain."""
    state_of = _states(topology)
    shapes = _shapes(nesting, state_of)
    root = Tree(Text(_machine(topology)))
    left = [(root, nesting.machine)]
    while left:
        branch, domain = left.pop()
        for alike in _folded(domain.children, shapes, full=full):
            names, last = _joined(alike[0])
            added = branch.add(Text(_label(alike, names) + state_of(alike[0])))
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


def _states(topology: Topology) -> Callable[[Domain], str]:
    """Give the remark on a domain whose CPUs are not all online."""
    if topology.online == topology.possible:
        return lambda _: ""
    online, present = bytearray(topology.nr_cpu_ids), bytearray(topology.nr_cpu_ids)
    for flags, cpus in ((online, topology.online), (present, topology.present)):
        for cpu in cpus:
            flags[cpu] = 1

    def state_of(domain: Domain) -> str:
        up = sum(map(online.__getitem__, domain.ids))
        if up == len(domain.ids):
            return ""
        if up:
            return f" ({counted(len(domain.ids) - up, 'CPU')} not online)"
        return " (offline)" if all(map(present.__getitem__, domain.ids)) else " (not present)"

    return state_of


def _shapes(nesting: Nesting, state_of: Callable[[Domain], str]) -> dict[Domain, int]:
    """Number the shapes of all domains; equal numbers mean identical down to the CPUs."""
    numbers: dict[tuple[object, ...], int] = {}
    shapes: dict[Domain, int] = {}
    for child in nesting.domains:  # children come before their parents
        inner = tuple([shapes[grandchild] for grandchild in child.children])
        shape = (child.type, state_of(child), inner)
        shapes[child] = numbers.setdefault(shape, len(numbers))
    return shapes


def _folded(
    children: Sequence[Domain], shapes: Mapping[Domain, int], *, full: bool
) -> list[list[Domain]]:
    if full:
        return [[child] for child in children]
    return [list(alike) for _, alike in groupby(children, key=shapes.__getitem__)]


def _joined(domain: Domain) -> tuple[list[Domain], Domain]:
    """Join a domain with the domains below it that have the same CPUs; gives them and the last."""
    names = [domain]
    while True:
        children = names[-1].children
        if len(children) != 1 or len(children[0].ids) != len(domain.ids):
            return names, names[-1]
        names.append(children[0])


def _label(alike: list[Domain], names: list[Domain]) -> str:
    first = alike[0]
    if len(alike) == 1:
        ids = " + ".join(f"{name.type} {name.id}" for name in names)
        one_cpu = len(first.ids) == 1 and names[-1].type == "cpu"
        return ids if one_cpu or not first.ids else f"{ids}: CPUs {first.cpus}"
    types = " + ".join(name.type for name in names)
    if first.type == "cpu":
        return f"{len(alike)} x {types}"
    if not first.ids:
        return f"{len(alike)} x {types}: {', '.join(str(domain.id) for domain in alike)}"
    each = counted(len(first.ids), "CPU")
    return f"{len(alike)} x {types}: {each} each, first {first.cpus}"
