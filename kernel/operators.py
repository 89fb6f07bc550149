"""The normal form of operators: constants, comparisons, and chains of operands in one order.

Operands and results are parts of a form that normal_form.py writes.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from rssbound.kernel.constants import are_small, constant_of
from rssbound.kernel.type_names import RESULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rssbound.kernel.csource import CSource

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = (
    "CHAINS",
    "COMMUTATIVE",
    "COUNTS",
    "EQUALITIES",
    "TYPED",
    "Names",
    "binary",
    "can_act",
    "is_macro",
    "rounded",
    "stored",
    "whole",
)

CHAINS = ("+", "*", "&", "|", "^")
"""Commutative and associative operators of integers: any number of operands in any order.

They are associative among operands of one type: in a + b + c, a and b can wrap as ints before c
makes it a long.
"""

COMMUTATIVE = ("max", "min")
"""Calls whose arguments have no order."""

TYPED = {"max_t": "max", "min_t": "min"}
"""Calls that take a type first; with that of both values they equal the calls without a type."""

NUMBER = "number"
"""The type of an int constant; among operands of one type it becomes one of them."""

RANKS = {
    **dict.fromkeys((NUMBER, "bool", "char", "char signed", "char unsigned"), 0),
    **dict.fromkeys(("short", "short unsigned", "int"), 0),
    "unsigned": 1,
    "long": 2,
    "long unsigned": 3,
    "long long": 4,
    "long long unsigned": 5,
}
"""Type -> its place among the types to which operands are converted, narrowest first."""

COUNTS = ("num_online_cpus", "num_possible_cpus", "num_present_cpus")
"""Calls without an effect, whose results are small and positive."""

BLANK = re.compile(r"\b_\b")
"""Any local name, where these are not numbered."""

EFFECTS = ("(call", "(assignment_expression", "(update_expression", "++", "--")

STORED_COUNT = re.compile(
    rf"\(cast (?:int|(?:long )?long|(?:long )?long unsigned) (\(call (?:{'|'.join(COUNTS)})\))\)"
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

    def words_of_macro(self, name: str) -> frozenset[str]:
        """Give the words of a macro that are not its parameters, and of macros that it uses."""
        ...

    def can_set(self, name: str) -> bool:
        """Return whether a name is a macro that can set an argument, or take its size."""
        ...

    def is_open(self, name: str) -> bool:
        """Return whether a name stands for text whose parts an operator beside it could take."""
        ...

    def result(self, name: str) -> str | None:
        """Give the type that a function of the tree returns, if all its definitions agree."""
        ...

    def member(self, name: str) -> dict[str, str]:
        """Give the types of members of that name, by structure."""
        ...

    def helper(self, name: str, caller: Node | None = None) -> Node | None:
        """Give the definition of a static function of the file that no list of a design names.

        It is there whenever `caller` is, a function of the same file or a call in it.
        """
        ...

    def wrapper(self, name: str, caller: Node) -> tuple[CSource, Names, Node] | None:
        """Give the definition of a short function of counters in a header, with its file."""
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


def _unknown(_: str) -> str | None:
    return None


def binary(
    left: str,
    sign: str,
    right: str,
    names: Names,
    type_of: Callable[[str], str | None] = _unknown,
) -> str:
    """Write two operands: n << 1 as n * 2, and in a fixed order if the operator is commutative.

    `type_of` gives the type of a local name.
    """
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
        if len(operands) > 2 and not _are_of_one_type(operands, type_of):
            return f"{chain}{' '.join(sorted((left, right)))})"
        if sign == "+":
            operands = _added(operands, names)
        if len(operands) == 1:
            return operands[0]
        return f"{chain}{' '.join(sorted(operands))})"
    if sign in EQUALITIES:
        left, right = sorted((left, right))
    return f"(binary {left} {sign} {right})"


def _are_of_one_type(operands: Sequence[str], type_of: Callable[[str], str | None]) -> bool:
    """Return whether operands can be grouped in any way.

    One can have a narrower type: whatever it meets first, it becomes what it would become last.
    """
    types = [_type(operand, type_of) for operand in operands]
    if not are_small(filter(None, map(constant_of, operands))):
        return False
    if None in types or len({*types} - {NUMBER}) < 2:
        return None not in types
    ranks = sorted(RANKS.get(type_ or "", -1) for type_ in types)
    return ranks[0] >= 0 and len(set(ranks[1:])) == 1


def _type(part: str, type_of: Callable[[str], str | None]) -> str | None:
    """Give the type of a part of a form, or the function whose result it is; None if unknown."""
    constant = constant_of(part)
    if constant is not None:
        return _of_suffix(constant.suffix)
    called = re.match(r"\(call (\w+)", part)
    if called is not None:
        return RESULTS.get(called[1], f"{called[1]}()")
    cast = re.match(r"\(cast ((?:\w+ )+)", part)
    if cast is not None:
        return cast[1].strip()
    operands = _converted(part)
    if operands:
        types = {_type(operand, type_of) for operand in operands} - {NUMBER}
        return next(iter(types)) if len(types) == 1 else None
    return "long unsigned" if part == "PAGE_SIZE" else type_of(part)


def _converted(part: str) -> Sequence[str]:
    """Give the operands of an operator that converts them to one type."""
    quotient = re.fullmatch(r"\(binary (.+) [-/%] (.+)\)", part)
    if quotient is not None:
        return quotient.groups()
    chain = next((f"({sign} " for sign in CHAINS if part.startswith(f"({sign} ")), "")
    return _operands(part, chain) if chain else ()


def _of_suffix(suffix: str) -> str:
    """Give the type of a constant with a suffix such as ul."""
    if suffix == "":
        return NUMBER
    long = {0: "", 1: "long", 2: "long long"}[suffix.count("l")]
    return " ".join(filter(None, (long, "unsigned" if "u" in suffix else "")))


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
    return can_act(part) or any(is_macro(word, names) for word in re.findall(r"[A-Za-z_]\w*", part))


def can_act(part: str) -> bool:
    """Return whether evaluating a part of a form can do more than give a value."""
    for name in COUNTS:
        part = part.replace(f"(call {name})", "")
    return any(sign in part for sign in EFFECTS)


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
