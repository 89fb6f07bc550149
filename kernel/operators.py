"""The normal form of operators: constants, comparisons, and chains of operands in one order.

Operands and results are parts of a form that normal_form.py writes.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Protocol

from rssbound.kernel.constants import constant_of

__all__ = ("COUNTS", "Names", "binary", "is_macro", "rounded", "stored", "whole")

CHAINS = ("+", "*", "&", "|", "^")
"""Commutative and associative operators of integers: any number of operands in any order."""

COUNTS = ("num_online_cpus", "num_possible_cpus", "num_present_cpus")
"""Calls without an effect, whose results are small and positive."""

BLANK = re.compile(r"\b_\b")
"""Any local name, where these are not numbered."""

EFFECTS = ("(call", "(assignment_expression", "(update_expression", "++", "--")

STORED_COUNT = re.compile(
    rf"\(cast (?:int|long|long unsigned|s32|s64|u64) (\(call (?:{'|'.join(COUNTS)})\))\)"
)
"""A cast to a type that holds every number of CPUs; it changes arithmetic, but no stored value."""

EQUALITIES = ("==", "!=")
ORDERS = ("<", "<=", ">", ">=")
TURNED = {">": "<", ">=": "<="}
"""Comparisons that are written with swapped operands."""


class Names(Protocol):
    """Names that the tree defines: macros, enumerators with a value, variables at file scope."""

    def constant(self, name: str) -> str | None:
        """Give the constant that a name is in all its definitions, such as 64 or 64ul."""
        ...

    def is_defined(self, name: str) -> bool:
        """Return whether the definition of a name in the tree is part of the code that uses it."""
        ...

    def is_open(self, name: str) -> bool:
        """Return whether a name stands for text whose parts an operator beside it could take."""
        ...


def stored(part: str) -> str:
    """Write a value that is only stored: the place that it goes to decides its type."""
    constant, count = constant_of(part), STORED_COUNT.fullmatch(part)
    if count is not None:
        return count[1]
    return part if constant is None else str(constant.value)


def _compared(part: str) -> str:
    """Write an operand of a comparison: the width of a signed constant from 0 decides nothing."""
    constant = constant_of(part)
    is_signed = constant is not None and not constant.is_unsigned and constant.value >= 0
    return str(constant.value) if constant is not None and is_signed else part


def whole(text: str) -> int | None:
    """Read an int that is a whole form."""
    return int(text) if re.fullmatch(r"-?\d+", text) else None


def binary(left: str, sign: str, right: str, names: Names) -> str:
    """Write two operands: n << 1 as n * 2, and in a fixed order if the operator is commutative."""
    if sign in EQUALITIES or sign in ORDERS:
        left, right = _compared(left), _compared(right)
    shift = whole(right)
    if sign == "<<" and shift is not None and 0 <= shift < 64:
        sign, right = "*", str(1 << shift)
    if sign in TURNED:
        left, sign, right = right, TURNED[sign], left
    if sign in CHAINS:
        chain = f"({sign} "
        operands = [*_operands(left, chain), *_operands(right, chain)]
        if sign == "+":
            operands = _added(operands, names)
        if len(operands) == 1:
            return operands[0]
        return f"{chain}{' '.join(sorted(operands))})"
    if sign in EQUALITIES:
        left, right = sorted((left, right))
    return f"(binary {left} {sign} {right})"


def _added(operands: list[str], names: Names) -> list[str]:
    """Write n + n as n * 2; operands that can have an effect stay as they are."""
    listed = [_times(operand) for operand in operands]
    counts = Counter(factors for factors, _ in listed)
    sums: dict[tuple[str, ...], int] = {}
    kept = []
    for operand, (factors, number) in zip(operands, listed, strict=True):
        is_pure = not any(_has_effect(factor, names) for factor in factors)
        if counts[factors] > 1 and factors and is_pure:
            sums[factors] = sums.get(factors, 0) + number
        else:
            kept.append(operand)
    return kept + [f"(* {' '.join(sorted([*each, str(by)]))})" for each, by in sums.items()]


def _times(operand: str) -> tuple[tuple[str, ...], int]:
    """Split a product into its factors and the one number in it, 1 without one."""
    factors = _operands(operand, "(* ")
    numbers = [number for factor in factors if (number := whole(factor)) is not None]
    if len(numbers) > 1:
        return (operand,), 1
    named = tuple(factor for factor in factors if whole(factor) is None)
    return named, numbers[0] if numbers else 1


def _has_effect(part: str, names: Names) -> bool:
    """Return whether a part of a form can change something, or is not the same everywhere."""
    if BLANK.search(part):
        return True
    for name in COUNTS:
        part = part.replace(f"(call {name})", "")
    return any(sign in part for sign in EFFECTS) or any(
        is_macro(word, names) for word in re.findall(r"[A-Za-z_]\w*", part)
    )


def is_macro(name: str, names: Names) -> bool:
    """Return whether a name can stand for other text, by its definition or by convention."""
    return name.isupper() or names.is_defined(name)


def _operands(part: str, chain: str) -> list[str]:
    """Split a chain of the same operator into its operands."""
    if not part.startswith(chain):
        return [part]
    found, depth, start = [], 0, len(chain)
    for place in range(start, len(part) - 1):
        depth += (part[place] == "(") - (part[place] == ")")
        if part[place] == " " and depth == 0:
            found.append(part[start:place])
            start = place + 1
    return [*found, part[start:-1]]


def rounded(name: str, arguments: list[str]) -> str | None:
    """Give the value of a call that only spells a constant, such as BIT(6)."""
    constant = constant_of(arguments[0]) if len(arguments) == 1 else None
    value = 0 if constant is None else constant.value
    if not 0 < value < 1 << 32:
        return None
    if name in {"BIT", "_BITUL"} and value < 64:
        return f"{1 << value}ul"
    return f"{1 << (value.bit_length() - 1)}ul" if name == "rounddown_pow_of_two" else None
