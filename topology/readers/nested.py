"""The nested form of a machine: `{"type": "package", "id": 0, "children": [..]}`.

Any object may list `cpus`; an object has its own CPUs and those of its children. The walk is not
recursive, so the depth is not limited by the stack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.topology.aliases import level_of
from rssbound.topology.cpuset import CpuSet
from rssbound.topology.model import LEVELS
from rssbound.topology.readers.checks import kind_of, shown

if TYPE_CHECKING:
    from rssbound.topology.readers.checks import Checks

__all__ = ("Group", "groups_of")


class Group:
    """An object of the tree: its level, its given id, and all CPUs in it."""

    def __init__(
        self, type_: str, id_: int | None, cpus: CpuSet, path: str, parent: Group | None = None
    ) -> None:
        self.type = type_
        self.id = id_
        self.cpus = cpus
        self.path = path
        self.parent = parent
        self.listed = self.below = CpuSet()

    def inside(self, type_: str) -> bool:
        """Return whether this object or one above it is of a type."""
        group: Group | None = self
        while group:
            if group.type == type_:
                return True
            group = group.parent
        return False


def groups_of(value: Any, checks: Checks) -> list[Group]:
    """Give all objects of a tree, or of a list of trees, each with the CPUs below it."""
    root = Group("root", None, CpuSet(), "$.tree")
    groups: list[Group] = []
    many = isinstance(value, list)
    left = [(child, f"$.tree[{n}]", root) for n, child in enumerate(value)] if many else []
    left = left[::-1] if many else [(value, "$.tree", root)]
    while left:
        child, path, parent = left.pop()
        group = _group(child, path, parent, checks)
        if group is None:
            continue
        groups.append(group)
        children = child.get("children", [])
        if isinstance(children, list):
            below = [(below, f"{path}.children[{n}]", group) for n, below in enumerate(children)]
            left += below[::-1]
        else:
            checks.fault(f"{path}.children", f"{kind_of(children)}; a list is expected")
    if not checks.faults:
        _add_upwards(groups, checks)
    return groups


def _group(value: Any, path: str, parent: Group, checks: Checks) -> Group | None:
    if not isinstance(value, dict):
        checks.fault(path, f'{kind_of(value)}; an object such as {{"type": "core"}} is expected')
        return None
    checks.known_keys(value, ("type", "id", "cpus", "children"), path)
    name = value.get("type")
    type_ = level_of(name) if isinstance(name, str) else None
    if type_ is None:
        checks.fault(f"{path}.type", f"{shown(name)}; one of {', '.join(LEVELS)}, machine, cpu")
        return None
    if type_ not in {"group", "cache"} and parent.inside(type_):
        checks.fault(f"{path}.type", f"a {type_} inside a {type_}")
        return None
    cpus = checks.cpu_list(value.get("cpus", ""), f"{path}.cpus")
    if type_ != "cpu":
        group = Group(type_, checks.number(value, "id", path), cpus, path, parent)
        group.listed = cpus
        return group
    cpu = checks.cpu(value, "id", path)
    return None if cpu is None else Group(type_, cpu, cpus | CpuSet.of([cpu]), path, parent)


def _add_upwards(groups: list[Group], checks: Checks) -> None:
    """Add the CPUs of each object to its parent, inner objects first; none may appear twice."""
    for group in reversed(groups):
        parent = group.parent
        if not group.cpus and group.type != "node":  # a NUMA node may be memory-only
            checks.fault(group.path, "no CPUs in it; give cpus or children")
        if parent is None:  # pragma: no cover (only the root has none, and it is not in the list)
            continue
        if parent.below & group.cpus:
            twice = parent.below & group.cpus
            checks.fault(group.path, f"CPUs {twice} are also in another object; keep one")
        if parent.listed and group.cpus - parent.listed:
            extra = group.cpus - parent.listed
            checks.fault(group.path, f"CPUs {extra} are not among the cpus of the object around it")
        parent.below |= group.cpus
        parent.cpus |= group.cpus
