"""The normal form of a structure: its members that matter, with their types, in no order.

A member that none of a design's functions names cannot change what these do. When one of them names
it, that function has changed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from rssbound.kernel.files import SearchedFile
    from rssbound.kernel.normal_form import Writer

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("members_named", "structure_form")

NAMED = re.compile(rb"(?:->|\.)\s*(\w+)")
"""A member that code names, also in an initial value."""

WORD = re.compile(rb"[A-Za-z_]\w*")


def members_named(text: bytes, files: Sequence[SearchedFile]) -> frozenset[str]:
    """Give the members of structures that code names, itself or by macros of some files."""
    found, known = set(NAMED.findall(text)), set(WORD.findall(text))
    waiting = list(known)
    while waiting:
        name = waiting.pop().decode(errors="replace")
        bodies = (macro.body.encode() for file in files for macro in file.macros.get(name, ()))
        for body in bodies:
            found |= set(NAMED.findall(body))
            more = set(WORD.findall(body)) - known
            known |= more
            waiting += more
    return frozenset(name.decode(errors="replace") for name in found)


def structure_form(file: SearchedFile, struct: Node, writer: Writer, named: Collection[str]) -> str:
    """Write the members of a structure that are named somewhere, with their conditions and types.

    All of it counts, in its order, if the parser did not understand a part.
    """
    body = struct.child_by_field_name("body")
    if file.source.unparsed(body) is not None:
        return writer.of(body)
    members = sorted(_members(file, body, writer, named))
    return f"({struct.type} {' '.join(members)})"


def _members(
    file: SearchedFile, body: Node, writer: Writer, named: Collection[str]
) -> Iterator[str]:
    for member in _declared(body):
        condition = file.condition(member)
        inside = {file.source.word(name) for name in file.source.nodes("field_identifier", member)}
        if not inside.isdisjoint(named):
            yield f"(member {condition}: {' '.join(_written(member, writer))})"


def _declared(body: Node) -> Iterator[Node]:
    """Yield the members in a body, those of each branch of #if too."""
    for child in body.children:
        if child.type.startswith("preproc_if") or child.type in {"preproc_else", "preproc_elif"}:
            yield from _declared(child)
        elif child.type == "field_declaration":
            yield child


def _written(member: Node, writer: Writer) -> Iterator[str]:
    """Write the type of a member, and what it declares."""
    type_ = member.child_by_field_name("type")
    inner = None if type_ is None else type_.child_by_field_name("body")
    yield writer.type_of(type_) if inner is None else writer.of(type_)
    yield from (writer.of(child) for child in member.children if child != type_)
