"""this_cpu_*, per_cpu_ptr and similar: data of one CPU.

Each operation is one step: nothing else runs on its CPU between its read and its write.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.kernel.execution.emission import Place, Value
from rssbound.kernel.execution.machine import CPU_STRIDE
from rssbound.kernel.execution.primitives.support import NOTHING, compared, the
from rssbound.kernel.execution.tokens import NotUnderstood
from rssbound.kernel.execution.values import Array, Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.kernel.execution.expressions import Expressions
    from rssbound.kernel.execution.grammar import Node
    from rssbound.kernel.execution.primitives.support import Primitive, Table

__all__ = ("PERCPU_TABLE", "percpu_operation")

OPERATION = re.compile(
    r"(?:__this_cpu|this_cpu|raw_cpu)_(read|write|add_return|sub_return|inc_return|dec_return"
    r"|add|sub|inc|dec|and|or|xchg|cmpxchg|try_cmpxchg)(?:_[1248])?"
)
SIGNS = {"add": "+", "sub": "-", "inc": "+", "dec": "-", "and": "&", "or": "|"}


def percpu_operation(name: str) -> Primitive | None:
    """Give the definition of an operation on a variable of this CPU, by its name."""
    match = OPERATION.fullmatch(name)
    if match is None:
        return None
    word = match[1]
    if word == "read":
        return _read
    if word in {"write", "xchg"}:
        return _exchange
    if word in {"cmpxchg", "try_cmpxchg"}:
        return compared(_reached, tries=word == "try_cmpxchg")
    return _update(SIGNS[word.removesuffix("_return")])


def here(compiler: Expressions, node: Node) -> Place:
    """Give the place of a per-CPU variable on the current CPU."""
    place = compiler.place(node)
    if place.name:
        raise NotUnderstood("this is not a per-CPU variable", node.token.location)
    code = compiler.temporary(f"{place.code} + m.context.offset")
    return Place(place.type, code)


def _read(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    place = here(compiler, the(node, arguments, 1)[0])
    compiler.interruption(place)
    return Value(compiler.temporary(f"mem[{place.code}]"), place.type)


def _exchange(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    variable, given = the(node, arguments, 2)
    value = compiler.value(given)
    compiler.interruption(Place(value.type, "0"))
    place = here(compiler, variable)
    old = compiler.temporary(f"mem[{place.code}]")
    compiler.emit(f"mem[{place.code}] = {compiler.converted(value, place.type).code}")
    return Value(old, place.type)


def _update(sign: str) -> Primitive:
    def compile_(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
        one = compiler.number(1)
        value = compiler.value(arguments[1]) if len(arguments) > 1 else one
        value = Value(compiler.temporary(value.code), value.type, number=value.number)
        compiler.interruption(Place(value.type, "0"))
        place = here(compiler, arguments[0])
        old = Value(f"mem[{place.code}]", place.type)
        new = compiler.converted(compiler.arithmetic(sign, old, value, node), place.type)
        result = compiler.temporary(new.code)
        compiler.emit(f"mem[{place.code}] = {result}")
        return Value(result, place.type)

    return compile_


def _reached(compiler: Expressions, variable: Node, value: Value) -> Place:
    compiler.interruption(Place(value.type, "0"))
    return here(compiler, variable)


def _pointer(compiler: Expressions, offset: str, node: Node) -> Value:
    """Add the offset of a CPU to a per-CPU pointer."""
    value = compiler.value(node)
    return Value(compiler.temporary(f"{value.code} + {offset}"), value.type)


def _of_cpu(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    pointer, cpu = the(node, arguments, 2)
    number = compiler.temporary(compiler.value(cpu).code)
    return _pointer(compiler, f"({number} + 1) * {CPU_STRIDE}", pointer)


def _of_this(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    return _pointer(compiler, "m.context.offset", the(node, arguments, 1)[0])


def _variable(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    """per_cpu(variable, cpu), when it is read."""
    variable, cpu = the(node, arguments, 2)
    number = compiler.temporary(compiler.value(cpu).code)
    place = compiler.place(variable)
    code = compiler.temporary(f"{place.code} + ({number} + 1) * {CPU_STRIDE}")
    if isinstance(place.type, Array | Struct):
        return Value(code, place.type)
    return compiler.load(Place(place.type, code))


def _allocate(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    """__alloc_percpu(size, align), or alloc_percpu(type)."""
    layouts = compiler.program.layouts
    if node.parts[0].token.text.startswith("alloc"):
        kind = compiler.type_of(arguments[0])
        size, result = str(layouts.size(kind)), layouts.pointer(kind)
    else:
        size, result = compiler.value(arguments[0]).code, layouts.pointer(NOTHING.type)
    return Value(compiler.temporary(f"m.allocate_percpu({size})"), result)


PERCPU_TABLE: Table = {
    "per_cpu_ptr": _of_cpu,
    **dict.fromkeys(("this_cpu_ptr", "raw_cpu_ptr", "get_cpu_ptr"), _of_this),
    "per_cpu": _variable,
    **dict.fromkeys(
        ("__alloc_percpu", "__alloc_percpu_gfp", "alloc_percpu", "alloc_percpu_gfp"), _allocate
    ),
}
