"""Initial values of variables: lists of values, with designators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.kernel.execution.emission import Place
from rssbound.kernel.execution.tokens import NotUnderstood
from rssbound.kernel.execution.values import Array, CType, Opaque, Struct

if TYPE_CHECKING:
    from rssbound.kernel.execution.expressions import Expressions
    from rssbound.kernel.execution.grammar import Node

__all__ = ("count_of", "initialise")


def count_of(compiler: Expressions, node: Node) -> int:
    """Count the items of a list that initialises an array without a size."""
    if node.kind != "list":
        return len(node.token.text) - 1
    most = place = 0
    for path, _ in node.parts[0]:
        if path and not isinstance(path[0], str):
            place = _last(compiler, path[0])
        place += 1
        most = max(most, place)
    return most


def initialise(compiler: Expressions, place: Place, node: Node) -> None:
    """Compile the stores that give a variable its first value."""
    if isinstance(place.type, Opaque):
        return
    if node.kind != "list":
        value = compiler.value(node)
        if isinstance(place.type, Struct):
            size = compiler.program.layouts.size(place.type)
            compiler.emit(f"m.copy({place.code}, {value.code}, {size})")
        else:
            compiler.store(place, compiler.converted(value, place.type).code)
        return
    if isinstance(place.type, Array | Struct):
        size = compiler.program.layouts.size(place.type)
        compiler.emit(f"m.fill({place.code}, 0, {size})")
        _listed(compiler, place, node)
        return
    for _, inner in node.parts[0][:1]:
        initialise(compiler, place, inner)


def _listed(compiler: Expressions, place: Place, node: Node) -> None:
    """Store the items of a list, each at its designator or after the previous one."""
    kind = place.type
    names = list(kind.fields) if isinstance(kind, Struct) else []
    number = 0
    for given, inner in node.parts[0]:
        step: Any = names[number] if number < len(names) else number
        path = given or (step,)
        first = path[0]
        if isinstance(first, str):
            number = names.index(first) if first in names else number
        elif not isinstance(first, int):
            number = _last(compiler, first)
        for target in _targets(compiler, place, path, node):
            initialise(compiler, target, inner)
        number += 1


def _last(compiler: Expressions, step: Any) -> int:
    """Give the last index of a designator, which can be a range."""
    last: Any = step[1] if isinstance(step, tuple) and not hasattr(step, "kind") else step
    return compiler.constant(last)


def _targets(compiler: Expressions, place: Place, path: tuple[Any, ...], node: Node) -> list[Place]:
    """Give the places that a designator names: one, or each of a range."""
    places = [place]
    for step in path:
        places = [
            found for outer in places for found in _inside(compiler, outer, outer.type, step, node)
        ]
    return places


def _inside(compiler: Expressions, place: Place, kind: CType, step: Any, node: Node) -> list[Place]:
    if isinstance(step, str):
        member = compiler.member(kind, step, node)
        code = f"({place.code} + {member.offset})"
        return [Place(member.type, code, private=place.private)]
    if not isinstance(kind, Array):
        raise NotUnderstood("an index into something that is not an array", node.token.location)
    size = compiler.program.layouts.size(kind.of)
    if isinstance(step, int):
        numbers = [step]
    elif hasattr(step, "kind"):
        numbers = [compiler.constant(step)]
    else:
        numbers = list(range(compiler.constant(step[0]), compiler.constant(step[1]) + 1))
    return [
        Place(kind.of, f"({place.code} + {size * number})", private=place.private)
        for number in numbers
    ]
