"""Common parts of primitives: the forms in which they are defined."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from rssbound.kernel.execution.emission import Place, Value, narrowed
from rssbound.kernel.execution.tokens import NotUnderstood
from rssbound.kernel.execution.values import BOOL, INT, VOID, CType, Pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rssbound.kernel.execution.expressions import Expressions
    from rssbound.kernel.execution.grammar import Node

    Primitive: TypeAlias = Callable[[Expressions, Node, Sequence[Node]], Value]
    Table: TypeAlias = dict[str, Primitive]
    Reached: TypeAlias = Callable[[Expressions, Node, Value], Place]

__all__ = (
    "NOTHING",
    "asked",
    "called",
    "compared",
    "evaluated",
    "number",
    "pointed_place",
    "same",
    "the",
)

NOTHING = Value("0", VOID)


def the(node: Node, arguments: Sequence[Node], count: int) -> Sequence[Node]:
    """Give the arguments; their number must be right."""
    if len(arguments) != count:
        raise NotUnderstood(f"{count} arguments are expected", node.token.location)
    return arguments


def same(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    """Give the argument itself: likely, READ_ONCE and similar."""
    return compiler.value(the(node, arguments, 1)[0])


def evaluated(result: int | None = None) -> Primitive:
    """Evaluate the arguments, and give a number or nothing."""

    def compile_(compiler: Expressions, _: Node, arguments: Sequence[Node]) -> Value:
        for argument in arguments:
            compiler.value(argument)
        return NOTHING if result is None else compiler.number(result)

    return compile_


def number(value: int, kind: str = "int") -> Primitive:
    """Give a number; the arguments are not evaluated."""

    def compile_(compiler: Expressions, _: Node, __: Sequence[Node]) -> Value:
        return compiler.number(value, compiler.program.layouts.named[kind])

    return compile_


def asked(code: str, kind: CType = INT) -> Primitive:
    """Ask the machine, in Python."""

    def compile_(compiler: Expressions, _: Node, __: Sequence[Node]) -> Value:
        return Value(compiler.temporary(code), kind)

    return compile_


def called(method: str, kind: CType | None = None, count: int | None = None) -> Primitive:
    """Call a method of the machine with the arguments."""

    def compile_(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
        if count is not None:
            arguments = arguments[:count]
        codes = ", ".join(value.code for value in compiler.values(arguments))
        compiler.token = node.token
        if kind is None:
            compiler.emit(f"m.{method}({codes})")
            return NOTHING
        return Value(compiler.temporary(f"m.{method}({codes})"), kind)

    return compile_


def pointed_place(compiler: Expressions, node: Node) -> Place:
    """Compile a pointer; gives the place that it points to."""
    if node.kind == "unary" and node.parts[0] == "&":
        return compiler.place(node.parts[1])
    value = compiler.value(node)
    if not isinstance(value.type, Pointer):
        raise NotUnderstood("an address is expected", node.token.location)
    code = value.code if value.code.isidentifier() else compiler.temporary(value.code)
    return Place(value.type.to, code)


def compared(reached: Reached, *, tries: bool) -> Primitive:
    """Write only if the value is still the old one; the `try` form returns whether it was.

    `reached` compiles the target; another update can run before this single step.
    """

    def compile_(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
        target, expected, given = the(node, arguments, 3)
        value = compiler.value(given)
        given_code = compiler.temporary(value.code)
        out = pointed_place(compiler, expected) if tries else None
        old = compiler.load(out) if out else compiler.value(expected)
        old_code = compiler.temporary(old.code)
        place = reached(compiler, target, value)
        where = place.name or f"mem[{place.code}]"
        found = compiler.temporary(where)
        done = compiler.temporary(f"{found} == {narrowed(Value(old_code, old.type), place.type)}")
        with compiler.indented(f"if {done}:"):
            compiler.emit(f"{where} = {narrowed(Value(given_code, value.type), place.type)}")
        if out is None:
            return Value(found, place.type)
        with compiler.indented("else:"):
            compiler.store(out, compiler.converted(Value(found, place.type), out.type).code)
        return Value(f"(1 if {done} else 0)", BOOL, done)

    return compile_
