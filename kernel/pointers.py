"""Local pointers that are only another name: `mm` after `struct mm_struct *mm = vma->vm_mm`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rssbound.kernel.files import declared_name

if TYPE_CHECKING:
    from rssbound.kernel.csource import CSource

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("fixed_pointers",)

SETS = (
    ("assignment_expression", "left"),
    ("update_expression", "argument"),
    ("pointer_expression", "argument"),
)
"""Expressions that can change a variable or member, and which part of them it is."""


CURRENT = "current"
"""The task that runs; it stays the same in all of a function."""


def fixed_pointers(source: CSource, function: Node) -> dict[str, Node]:
    """Give the pointers that a function sets once: name -> value.

    The value is the member of another pointer, `current`, or the address of a variable that is not
    local. Neither the pointer, nor what it is set from, is changed anywhere in the function.
    """
    declared = Counter(_declared(source, function))
    changed = set(_changed(source, function))
    found = {}
    for node in source.nodes("init_declarator", function):
        name = source.word(declared_name(node))
        value = node.child_by_field_name("value")
        is_pointer = node.child_by_field_name("declarator").type == "pointer_declarator"
        names = _path(source, value)
        is_fixed = bool(names) or _is_fixed(source, value, declared)
        is_one = all(declared[one] < 2 and one not in changed for one in (name, *names))
        if is_pointer and is_fixed and is_one:
            found[name] = value
    return found


def _path(source: CSource, value: Node) -> list[str]:
    """Give the variable and the members of `a->b->c`; nothing for any other expression."""
    members = []
    while value.type == "field_expression":
        members.append(source.word(value.child_by_field_name("field")))
        value = value.child_by_field_name("argument")
    return [*members, source.word(value)] if members and value.type == "identifier" else []


def _is_fixed(source: CSource, value: Node, declared: Counter[str]) -> bool:
    """Return whether a value is `current`, or the address of a variable that is not local."""
    if value.type == "pointer_expression" and source.word(value.children[0]) == "&":
        value = value.child_by_field_name("argument")
        return value.type == "identifier" and not declared[source.word(value)]
    return source.word(value) == CURRENT and not declared[CURRENT]


def _declared(source: CSource, function: Node) -> list[str]:
    return [
        source.word(name)
        for kind in ("parameter_declaration", "declaration")
        for node in source.nodes(kind, function)
        for declarator in node.children_by_field_name("declarator")
        if (name := declared_name(declarator)) is not None
    ]


def _changed(source: CSource, function: Node) -> list[str]:
    """List the variables and members that are set, or whose address is passed on."""
    found = []
    for kind, field in SETS:
        for node in source.nodes(kind, function):
            if kind == "pointer_expression" and source.word(node.children[0]) != "&":
                continue
            target = node.child_by_field_name(field)
            while target.type in {"parenthesized_expression", "subscript_expression"}:
                target = target.child_by_field_name("argument") or target.named_children[0]
            last = target.child_by_field_name("field")
            found.append(source.word(target if last is None else last))
    return found
