"""min, max, abs, logarithms, alignment, and hints such as likely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.kernel.execution.emission import Value
from rssbound.kernel.execution.primitives.support import pointed_place, same, the
from rssbound.kernel.execution.values import (
    BOOL,
    INT,
    Array,
    CType,
    Int,
    Pointer,
    common,
    promoted,
    wrapped,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.kernel.execution.expressions import Expressions
    from rssbound.kernel.execution.grammar import Node
    from rssbound.kernel.execution.primitives.support import Primitive, Table

__all__ = ("ARITHMETIC_TABLE",)

LOGARITHMS = {
    "ilog2": "({0}.bit_length() - 1)",
    "__ilog2_u64": "({0}.bit_length() - 1)",
    "order_base_2": "(({0} - 1).bit_length() if {0} > 1 else 0)",
    "get_count_order": "(({0} - 1).bit_length() if {0} else -1)",
    "get_count_order_long": "(({0} - 1).bit_length() if {0} else -1)",
    "fls": "{0}.bit_length()",
    "fls64": "{0}.bit_length()",
    "fls_long": "{0}.bit_length()",
    "__fls": "({0}.bit_length() - 1)",
    "__ffs": "(({0} & -{0}).bit_length() - 1)",
    "ffs": "({0} & -{0}).bit_length()",
    "hweight32": "{0}.bit_count()",
    "hweight_long": "{0}.bit_count()",
    "int_sqrt": "isqrt({0})",
}
"""A function that counts bits, of an unsigned value in a variable."""

POWERS = {
    "roundup_pow_of_two": "(1 << ({0} - 1).bit_length())",
    "rounddown_pow_of_two": "(1 << ({0}.bit_length() - 1))",
}


def _extreme(word: str) -> Primitive:
    """Smallest or largest of two or three values, in their common type."""

    def compile_(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
        name = node.parts[0].token.text
        kind = None
        if name.endswith("_t"):
            kind, arguments = compiler.type_of(arguments[0]), arguments[1:]
        return _of_values(compiler, word, compiler.values(arguments), kind, node)

    return compile_


def _of_values(
    compiler: Expressions, word: str, values: Sequence[Value], kind: CType | None, node: Node
) -> Value:
    if kind is None:
        kind = compiler.integer(values[0], node)
        for value in values[1:]:
            kind = common(kind, compiler.integer(value, node))
    values = [compiler.converted(value, kind) for value in values]
    numbers = [value.number for value in values if value.number is not None]
    if len(numbers) == len(values):
        return compiler.number(min(numbers) if word == "min" else max(numbers), kind)
    codes = ", ".join(value.code for value in values)
    return Value(compiler.temporary(f"{word}({codes})"), kind)


def _clamp(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    """clamp(value, low, high), clamp_t(type, ..), clamp_val(..) in the type of the value."""
    name = node.parts[0].token.text
    kind = None
    if name == "clamp_t":
        kind, arguments = compiler.type_of(arguments[0]), arguments[1:]
    value, low, high = compiler.values(the(node, arguments, 3))
    if name == "clamp_val":
        kind = value.type
    least = _of_values(compiler, "max", (value, low), kind, node)
    return _of_values(compiler, "min", (least, high), kind, node)


def _absolute(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    value = compiler.value(the(node, arguments, 1)[0])
    kind = promoted(compiler.integer(value, node))
    if value.number is not None:
        return compiler.number(abs(value.number), kind)
    return Value(
        wrapped(f"abs({value.code})", kind) if kind.bits < 64 else f"abs({value.code})", kind
    )


def _bits(form: str, kind: Int | None) -> Primitive:
    def compile_(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
        value = compiler.value(the(node, arguments, 1)[0])
        type_ = compiler.integer(value, node)
        unsigned = Int(type_.name, type_.size, signed=False, bits=type_.bits)
        name = compiler.temporary(compiler.converted(value, unsigned).code)
        result = kind or compiler.program.layouts.named["unsigned long"]
        return Value(form.format(name), result)

    return compile_


def _is_power(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    value = compiler.value(the(node, arguments, 1)[0])
    name = compiler.temporary(value.code)
    truth = f"({name} > 0 and not {name} & ({name} - 1))"
    return Value(f"(1 if {truth} else 0)", BOOL, truth)


def _aligned(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    """ALIGN(value, step): rounded up."""
    value, step = compiler.values(the(node, arguments, 2))
    kind = compiler.integer(value, node)
    if value.number is not None and step.number is not None:
        return compiler.number(-(-value.number // step.number) * step.number, kind)
    return Value(wrapped(f"(-(-{value.code} // {step.code}) * {step.code})", kind), kind)


def _ratio(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    """DIV_ROUND_UP(value, by)."""
    value, step = compiler.values(the(node, arguments, 2))
    kind = compiler.integer(value, node)
    if value.number is not None and step.number:
        return compiler.number(-(-value.number // step.number), kind)
    return Value(f"(-(-{value.code} // {step.code}))", kind)


def _length(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    kind = compiler.type_of_value(the(node, arguments, 1)[0])
    named = compiler.program.layouts.named["unsigned long"]
    return compiler.number(kind.count if isinstance(kind, Array) else 0, named)


def _bit(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    kind = compiler.program.layouts.named["unsigned long"]
    value = compiler.value(the(node, arguments, 1)[0])
    return compiler.arithmetic("<<", compiler.number(1, kind), value, node)


def _swap(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    first, second = the(node, arguments, 2)
    values = [compiler.temporary(value.code) for value in compiler.values((first, second))]
    for place, value in ((compiler.place(first), values[1]), (compiler.place(second), values[0])):
        compiler.store(place, value)
    return compiler.number(0)


def _write_once(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    target, given = the(node, arguments, 2)
    value = compiler.value(given)
    return compiler.assigned(compiler.place(target), value)


def _release_store(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    target, given = the(node, arguments, 2)
    value = compiler.value(given)
    return compiler.assigned(pointed_place(compiler, target), value)


def _acquire_load(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    return compiler.read(pointed_place(compiler, the(node, arguments, 1)[0]))


def _container(compiler: Expressions, node: Node, arguments: Sequence[Node]) -> Value:
    """container_of(pointer, type, member)."""
    pointer, kind_node, member = the(node, arguments, 3)
    kind = compiler.type_of(kind_node)
    offset = compiler.offset(kind, _members(member), node)
    value = compiler.value(pointer)
    return Value(f"({value.code} - {offset})", compiler.program.layouts.pointer(kind))


def _members(node: Node) -> tuple[str, ...]:
    if node.kind == "member":
        return (*_members(node.parts[0]), node.parts[1])
    return (node.token.text,)


def _expected(compiler: Expressions, _: Node, arguments: Sequence[Node]) -> Value:
    return compiler.value(arguments[0])


def _constant_p(compiler: Expressions, _: Node, __: Sequence[Node]) -> Value:
    return compiler.number(0)


def _word(compiler: Expressions, _: Node, arguments: Sequence[Node]) -> Value:
    value = compiler.value(arguments[0])
    long = compiler.program.layouts.named["unsigned long"]
    return compiler.converted(value, long) if isinstance(value.type, Pointer) else value


ARITHMETIC_TABLE: Table = {
    **dict.fromkeys(
        ("likely", "unlikely", "READ_ONCE", "data_race", "READ_ONCE_NOCHECK", "rcu_dereference"),
        same,
    ),
    **dict.fromkeys(("__builtin_expect", "lockless_dereference", "ASSERT_CONST"), _expected),
    **dict.fromkeys(
        ("rcu_dereference_protected", "rcu_access_pointer", "rcu_dereference_raw"), _expected
    ),
    "__builtin_constant_p": _constant_p,
    **dict.fromkeys(("WRITE_ONCE", "RCU_INIT_POINTER", "rcu_assign_pointer"), _write_once),
    "smp_store_release": _release_store,
    "smp_load_acquire": _acquire_load,
    **dict.fromkeys(("min", "min_t", "min3", "umin", "__builtin_min"), _extreme("min")),
    **dict.fromkeys(("max", "max_t", "max3", "umax", "__builtin_max"), _extreme("max")),
    **dict.fromkeys(("clamp", "clamp_t", "clamp_val"), _clamp),
    **dict.fromkeys(("abs", "labs", "llabs"), _absolute),
    **{name: _bits(form, INT) for name, form in LOGARITHMS.items()},
    **{name: _bits(form, None) for name, form in POWERS.items()},
    "is_power_of_2": _is_power,
    **dict.fromkeys(("ALIGN", "round_up", "roundup", "__ALIGN_KERNEL"), _aligned),
    "DIV_ROUND_UP": _ratio,
    "ARRAY_SIZE": _length,
    **dict.fromkeys(("BIT", "_BITUL", "BIT_ULL"), _bit),
    "swap": _swap,
    "container_of": _container,
}
