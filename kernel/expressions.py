"""Constant expressions of C: the value of a macro, an enumerator or an initialiser."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

from rssbound.kernel.csource import CSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rssbound.errors import Location

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = (
    "WIDE",
    "folded",
    "has_closed_operands",
    "literal_of",
    "number_in",
    "number_of",
    "numbers_called",
    "size_called",
)

OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
    "<<": operator.lshift,
    ">>": operator.rshift,
}
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
WORD = 64
"""Bits of the widest number; a constant that needs more, or a longer shift, is not a number."""

DEPTH = 16
"""Macros that refer to each other more deeply than this are circular."""


WIDE = {"const", "int", "long", "signed", "unsigned", "s32", "s64", "u32", "u64", "size_t"}
"""Words of integer types that have 32 bits or more."""

OPEN = re.compile(r"[\w)]\s*[-+*/<>]")
"""An operator between two operands."""

LONGEST = 200
"""Bytes of the longest expression that is evaluated as a constant."""


def numbers_called(source: CSource, name: str) -> list[tuple[int | None, Location]]:
    """List every definition of a macro or enumerator: its value (None if unknown) and location."""
    macros = [
        (number_in(source, define.child_by_field_name("value")), source.location(define))
        for define in source.defines(name)
    ]
    enumerators = [
        (_enumerator(source, enumerator), source.location(enumerator))
        for enumerator in source.enumerations(name)
    ]
    return macros + enumerators


def number_of(source: CSource, name: str, depth: int = DEPTH) -> int | None:
    """Give the value of a name in a file; None if it has no single value."""
    values = {
        number_in(source, define.child_by_field_name("value"), depth=depth)
        for define in source.defines(name)
    } | {_enumerator(source, enumerator) for enumerator in source.enumerations(name)}
    return values.pop() if len(values) == 1 else None


def number_in(
    source: CSource,
    node: Node | None,
    names: Mapping[str, int] | None = None,
    depth: int = DEPTH,
) -> int | None:
    """Evaluate a constant expression of numbers, + - * / << >> and a few of the kernel's macros.

    `names` has the values of names that the file does not define, such as PAGE_SHIFT. None for
    any other expression. The body of a macro is plain text for the parser, so it is parsed here.
    """
    value: int | None = None
    if node is None or depth == 0 or node.end_byte - node.start_byte > LONGEST:
        return None
    if node.type == "preproc_arg":
        value = _of_macro(source, node, names, depth)
    elif node.type == "number_literal":
        value = literal_of(source.word(node))
    elif node.type == "identifier":
        value = _of_word(source, source.word(node), names, depth)
    elif node.type == "parenthesized_expression":
        value = number_in(source, node.children[1], names, depth)
    elif node.type == "cast_expression":
        value = number_in(source, node.child_by_field_name("value"), names, depth)
        value = value if _holds(source.word(node.child_by_field_name("type")), value) else None
    elif node.type == "unary_expression" and source.word(node.children[0]) == "-":
        inner = number_in(source, node.child_by_field_name("argument"), names, depth)
        value = None if inner is None else -inner
    elif node.type == "binary_expression":
        value = _of_operands(source, node, names, depth)
    elif node.type == "call_expression":
        value = _called(source, node, names, depth)
    return value if value is None or value.bit_length() <= WORD else None


def _holds(type_: str, value: int | None) -> bool:
    """Return whether an integer type is certainly wide enough for a value."""
    words = set(type_.split())
    least = 0 if words & {"unsigned", "u32", "u64", "size_t"} else -(1 << 31)
    return value is not None and words <= WIDE and least <= value < 1 << 31


def _of_macro(
    source: CSource, node: Node, names: Mapping[str, int] | None, depth: int
) -> int | None:
    """Evaluate the body of a macro."""
    text = _replaced(source, source.word(node), depth)
    return None if text is None else _of_text(source, text.encode(), names, depth)


def _replaced(source: CSource, text: str, depth: int) -> str | None:
    """Put in the macros whose operators are not in parentheses, as the preprocessor does.

    None if it is not known which definition is used.
    """
    if depth == 0 or len(text) > LONGEST:
        return None
    parts = []
    for word in re.split(r"(\w+)", text):
        bodies = {
            source.word(define.child_by_field_name("value")) for define in source.defines(word)
        }
        if not any(OPEN.search(body) for body in map(_outside, bodies)):
            parts.append(word)
            continue
        body = _replaced(source, bodies.pop(), depth - 1) if len(bodies) == 1 else None
        if body is None:
            return None
        parts.append(f" {body} ")
    return "".join(parts)


def _outside(body: str) -> str:
    """Give the part of a macro's body that is in no parentheses."""
    depth, outside = 0, ""
    for sign in re.sub(r"/\*.*?\*/|//.*", "", body, flags=re.DOTALL).strip():
        depth -= sign == ")"
        outside += sign if depth == 0 else ""
        depth += sign == "("
    return outside


def _of_text(
    source: CSource, text: bytes, names: Mapping[str, int] | None, depth: int
) -> int | None:
    """Parse an expression, placed in front of the file that defines its names."""
    start = b"int value = " + text + b";\n"
    body = CSource(source.path, start)
    inner = next(iter(body.initialisers("value")), None)
    if inner is None or body.unparsed(body.root) is not None:
        return None
    known = {
        word: number
        for node in body.nodes("identifier", inner)
        if (word := body.word(node)) not in (names or {})
        and (number := number_of(source, word, depth - 1)) is not None
    }
    return number_in(body, inner, {**(names or {}), **known}, depth)


def _of_word(source: CSource, word: str, names: Mapping[str, int] | None, depth: int) -> int | None:
    if names and word in names:
        return names[word]
    size = size_called(word)
    return number_of(source, word, depth - 1) if size is None else size


def size_called(word: str) -> int | None:
    """Give the bytes that a name such as SZ_64K stands for; None for any other."""
    size = re.fullmatch(r"SZ_(\d+)([KMG]?)", word)
    return int(size[1]) * UNITS.get(size[2], 1) if size else None


def _of_operands(
    source: CSource, node: Node, names: Mapping[str, int] | None, depth: int
) -> int | None:
    """Evaluate an operator; one of a macro without parentheses can take an operand beside it."""
    text = source.word(node)
    plain = _replaced(source, text, depth)
    if plain == text:
        return _combined(source, node, names, depth)
    return None if plain is None else _of_text(source, plain.encode(), names, depth - 1)


def has_closed_operands(source: CSource, node: Node) -> bool:
    """Return whether no operator of a macro can take an operand of this expression."""
    text = source.word(node)
    return _replaced(source, text, DEPTH) == text


def _combined(
    source: CSource, node: Node, names: Mapping[str, int] | None, depth: int
) -> int | None:
    sign = source.word(node.child_by_field_name("operator"))
    left, right = (
        number_in(source, node.child_by_field_name(name), names, depth)
        for name in ("left", "right")
    )
    return None if left is None or right is None else folded(sign, left, right)


def folded(sign: str, left: int, right: int) -> int | None:
    """Apply an operator to two constants; None if undefined or unsupported."""
    if sign not in OPERATORS:
        return None
    if sign in {"<<", ">>", "/"} and (left < 0 or right < 0):
        return None
    if (sign == "/" and right == 0) or (sign in {"<<", ">>"} and right >= WORD):
        return None
    return OPERATORS[sign](left, right)


def _called(source: CSource, node: Node, names: Mapping[str, int] | None, depth: int) -> int | None:
    arguments = source.arguments(node)
    number = number_in(source, arguments[0], names, depth) if len(arguments) == 1 else None
    name = source.word(node.child_by_field_name("function"))
    if number is None or number < 0:
        return None
    if name == "rounddown_pow_of_two" and number:
        return 1 << (number.bit_length() - 1)
    if name == "roundup_pow_of_two" and number:
        return 1 << (number - 1).bit_length()
    return 1 << number if name in {"BIT", "_BITUL"} and number < WORD else None


def _enumerator(source: CSource, node: Node) -> int | None:
    """Count from the last preceding enumerator with a value; None if some are conditional."""
    listed = node.parent
    while listed.type != "enumerator_list":
        listed = listed.parent
    value: int | None = -1
    for enumerator in source.nodes("enumerator", listed):
        if source.kept(enumerator) is None and enumerator != node:
            value = None
        given = enumerator.child_by_field_name("value")
        if given is not None:
            value = number_in(source, given)
        elif value is not None:
            value += 1
        if enumerator == node:
            break
    return value


def literal_of(text: str) -> int | None:
    """Give the value of a number literal, in any base; None if it is not an integer."""
    digits = text.rstrip("uUlL")
    try:
        return int(digits, 8) if digits.startswith("0") and digits.isdigit() else int(digits, 0)
    except ValueError:
        return None
