"""The types of values, where they are known: a conversion to the same type changes nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.kernel.constants import TYPES, constant_of, converted
from rssbound.kernel.equal_forms.form import is_local, kind
from rssbound.kernel.operators import CHAINS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rssbound.kernel.equal_forms.form import Form

__all__ = (
    "LONGS",
    "RESULTS",
    "as_type",
    "is_pointer",
    "is_unsigned",
    "one_type",
    "spelled",
    "type_of",
    "typed_constant",
)

SPELLED = {
    "u32": "unsigned",
    "__u32": "unsigned",
    "s32": "int",
    "__s32": "int",
    "u64": "long long unsigned",
    "__u64": "long long unsigned",
    "s64": "long long",
    "__s64": "long long",
    "size_t": "long unsigned",
    "ssize_t": "long",
    "_Bool": "bool",
}
"""Types with another name."""

RESULTS = {
    **dict.fromkeys(
        ("get_mm_counter", "get_mm_counter_sum", "get_mm_rss", "get_mm_rss_sum"), "long unsigned"
    ),
    **dict.fromkeys(
        (
            *("percpu_counter_read", "percpu_counter_read_positive", "percpu_counter_sum"),
            *("percpu_counter_sum_positive", "__percpu_counter_sum"),
        ),
        "long long",
    ),
    "mm_pgtables_bytes": "long unsigned",
    **dict.fromkeys(("num_online_cpus", "num_possible_cpus", "num_present_cpus"), "unsigned"),
}
"""Functions that have a fingerprint of their own with the type of their result, and those that
never change."""

VARIABLES = {
    "percpu_counter_batch": "int",
    "fault_around_bytes": "long unsigned",
    "PAGE_SIZE": "long unsigned",
    "true": "bool",
    "false": "bool",
}
"""Variables that have a fingerprint of their own with their type, and constants."""

NARROW = ("u8", "u16", "__u8", "__u16", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "bool")

RANKS = ("int", "unsigned", "long", "long unsigned", "long long", "long long unsigned")
LONGS = RANKS[2:]
"""Types of 64 bits, on a 64-bit machine."""

COMPARING = {"<", "<=", "==", "!=", "&&", "||"}


def one_type(types: Mapping[str, str], name: str) -> str | None:
    """Give the type of a local name; None if it is two variables, or not known."""
    return spelled(types.get(name, "?"))


def spelled(written: str) -> str | None:
    """Give one spelling of a type; None if it is several types, an array or a function."""
    if any(sign in written for sign in "|?([") or "hidden" in written:
        return None
    base, star, more = written.partition(" *")
    return f"{SPELLED.get(base, base)}{star}{more}"


def is_pointer(type_: str | None) -> bool:
    """Return whether a type is a pointer to something of a known size."""
    return type_ is not None and type_.endswith("*") and not re.fullmatch(r"void \*+", type_)


def is_unsigned(type_: str | None) -> bool:
    """Return whether a type is known to have no negative values."""
    return type_ is not None and (type_ in NARROW or "unsigned" in type_.split())


def type_of(form: Form, types: Mapping[str, str]) -> str | None:
    """Give the type of a value as normal_form.py writes types; None if it is not known."""
    if isinstance(form, str):
        return _type_of_word(form, types)
    find = FOUND.get(kind(form))
    return None if find is None else find(form, types)


def _of_member(form: Form, types: Mapping[str, str]) -> str | None:
    structure = type_of(form[1], types) or ""
    return spelled(types.get(f"{structure}.{form[-1]}") or types.get(f".{form[-1]}", "?"))


def _of_cast(form: Form, _: Mapping[str, str]) -> str | None:
    is_known = all(isinstance(word, str) for word in form[:-1])
    return spelled(" ".join(form[1:-1])) if is_known else None


def _of_pointer(form: Form, types: Mapping[str, str]) -> str | None:
    pointer = type_of(form[2], types) if form[1] == "*" else None
    return pointer[:-1].strip() if pointer is not None and is_pointer(pointer) else None


def _of_unary(form: Form, _: Mapping[str, str]) -> str | None:
    return "int" if form[1] == "!" else None


def _of_call(form: Form, types: Mapping[str, str]) -> str | None:
    """Give the type of a result; `types` has those of functions of the tree as `name()`."""
    name = form[1] if isinstance(form[1], str) else ""
    if name in {"max", "min"} and len(form) == 4:
        found = {type_of(side, types) for side in form[2:]}
        return next(iter(found)) if len(found) == 1 else None
    return RESULTS.get(name) or spelled(types.get(f"{name}()", "?"))


def _type_of_word(word: str, types: Mapping[str, str]) -> str | None:
    if is_local(word):
        return one_type(types, word)
    constant = constant_of(word)
    if constant is not None:
        return next(name for name, suffix in TYPES.items() if suffix == constant.suffix)
    return VARIABLES.get(word)


def _of_binary(form: Form, types: Mapping[str, str]) -> str | None:
    if form[2] in COMPARING:
        return "int"
    left = type_of(form[1], types)
    if form[2] in {"<<", ">>"}:
        return left if left in RANKS else None
    return _common(left, type_of(form[3], types))


def _of_chain(form: Form, types: Mapping[str, str]) -> str | None:
    found = [type_of(part, types) for part in form[1:]]
    pointers = [each for each in found if is_pointer(each)]
    if form[0] == "+" and len(pointers) == 1 and all(found):
        return pointers[0]
    common: str | None = found[0]
    for each in found[1:]:
        common = _common(common, each)
    return common if common in RANKS else None


def _common(one: str | None, other: str | None) -> str | None:
    """Give the type that arithmetic of two types has, on a 64-bit machine."""
    if one not in RANKS or other not in RANKS:
        return None
    return max(one, other, key=RANKS.index)


def as_type(form: Form, type_: str | None, types: Mapping[str, str]) -> Form | None:
    """Give a value of a certain type; None if that cannot be written."""
    if type_ is None:
        return None
    constant = constant_of(form) if isinstance(form, str) else None
    if constant is not None:
        return typed_constant(form, type_)
    given = type_of(form, types)
    if given == type_ or (is_pointer(type_) and (given is None or is_pointer(given))):
        return form
    return ["cast", *type_.split(), form]


def typed_constant(form: str, type_: str) -> Form | None:
    """Give a constant the type of the variable that had it; None if that cannot hold it."""
    constant = constant_of(form)
    cast = None if constant is None else converted(constant, type_)
    return None if cast is None else str(cast)


FOUND: dict[str, Callable[[Form, Mapping[str, str]], str | None]] = {
    "call": _of_call,
    "field_expression": _of_member,
    "cast": _of_cast,
    "pointer_expression": _of_pointer,
    "binary": _of_binary,
    "unary": _of_unary,
    **dict.fromkeys(CHAINS, _of_chain),
}
"""What finds the type of each kind of value."""
