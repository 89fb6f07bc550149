"""Evaluate expressions whose values are known before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.kernel.execution.tokens import NotUnderstood, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rssbound.kernel.execution.grammar import Node

__all__ = ("BINARY_VALUES", "constant_value", "divided", "remainder")


def divided(left: int, right: int) -> int:
    """Divide as C does, toward zero; ZeroDivisionError."""
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def remainder(left: int, right: int) -> int:
    """Give the remainder of a division toward zero."""
    return left - right * divided(left, right)


BINARY_VALUES: Mapping[str, Callable[[int, int], int]] = {
    "+": int.__add__,
    "-": int.__sub__,
    "*": int.__mul__,
    "/": divided,
    "%": remainder,
    "<<": int.__lshift__,
    ">>": int.__rshift__,
    "&": int.__and__,
    "|": int.__or__,
    "^": int.__xor__,
    "==": lambda left, right: int(left == right),
    "!=": lambda left, right: int(left != right),
    "<": lambda left, right: int(left < right),
    "<=": lambda left, right: int(left <= right),
    ">": lambda left, right: int(left > right),
    ">=": lambda left, right: int(left >= right),
    "&&": lambda left, right: int(bool(left) and bool(right)),
    "||": lambda left, right: int(bool(left) or bool(right)),
}


def constant_value(node: Node, names: Mapping[str, int]) -> int:
    """Evaluate a condition of a directive; an unknown name is 0 there."""
    match node.kind:
        case "number":
            return number_of(node.token)[0]
        case "name":
            return names.get(node.token.text, 0)
        case "unary":
            sign, inner = node.parts
            value = constant_value(inner, names)
            return {"-": -value, "+": value, "!": int(not value), "~": ~value}[sign]
        case "conditional":
            condition, middle, last = node.parts
            value = constant_value(condition, names)
            chosen = middle if value else last
            return value if chosen is None else constant_value(chosen, names)
        case "binary":
            sign, left, right = node.parts
            first = constant_value(left, names)
            if (sign == "&&" and not first) or (sign == "||" and first):
                return int(bool(first))
            try:
                return BINARY_VALUES[sign](first, constant_value(right, names))
            except (ZeroDivisionError, ValueError) as error:
                raise NotUnderstood(str(error), node.token.location) from None
    raise NotUnderstood(f"{node.kind} in a condition", node.token.location)
