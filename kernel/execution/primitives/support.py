"""What do primitives have in common? The shapes in which they are stated."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from rssbound.kernel.execution.emission import Place, Value
from rssbound.kernel.execution.tokens import NotUnderstood
from rssbound.kernel.execution.values import INT, VOID, CType, Pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rssbound.kernel.execution.expressions import Expressions
    from rssbound.kernel.execution.grammar import Node

    Primitive: TypeAlias = Callable[[Expressions, Node, Sequence[Node]], Value]
    Table: TypeAlias = dict[str, Primitive]

__all__ = (
    "NOTHING",
    "asked",
    "called",
    "evaluated",
    "number",
    "out_place",
    "pointed_place",
    "same",
    "the",
)

NOTHING = Value("0", VOID)


def the(node: Node, arguments: Sequence[Node], count: int) -> Sequence[Node]:
    """Give the arguments, of which there must be so many."""
    if len(arguments) != count:
        raise NotUnderstood(f"{count} arguments are expected", node.token.location)
    return arguments


def same(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    """Give the argument itself: likely, READ_ONCE and their kin."""
    return compiler.value(the(node, arguments, 1)[0])


def evaluated(result: int | None = None) -> Primitive:
    """Evaluate the arguments, and give a number or nothing."""

    def compile_(compiler: Expressions, _: Node, arguments: Sequence[Node]) -> Value:
        for argument in arguments:
            compiler.value(argument)
        return NOTHING if result is None else compiler.number(result)

    return compile_


def number(value: int, kind: str = "int") -> Primitive:
    """Give a number, whatever the arguments are; they are not looked at."""

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


def out_place(compiler: Expressions, node: Node) -> Place:
    """Compile what a primitive writes through: the address of a variable, or a pointer."""
    return pointed_place(compiler, node)
