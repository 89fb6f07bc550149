"""Values in one form, as far as their types are known.

(long)n                         n, if it is a long
atomic_inc(&v)                  atomic_add(1, &v)
n / 8, n / PAGE_SIZE            n >> 3, n >> PAGE_SHIFT, if n is unsigned
max_t(long, a, b)               max(a, b), if both are long
c ? n : 0UL                     c ? n : 0, if the type of the zero changes nothing
sizeof(*p)                      sizeof(int), if p points to an int
f((struct a *)p)                f(p), if f is a function
(a + b) + c                     a + (b + c), if all have one width
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.kernel.constants import are_small, constant_of
from rssbound.kernel.equal_forms.effects import COPYING, OF_COUNTERS, called
from rssbound.kernel.equal_forms.form import kind, mapped
from rssbound.kernel.equal_forms.types import (
    ATOMICS,
    common,
    have_one_width,
    is_array,
    is_pointer,
    is_unsigned,
    stored,
    type_of,
    typed_constant,
)
from rssbound.kernel.operators import CHAINS, TYPED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rssbound.kernel.equal_forms.form import Form

__all__ = ("ATOMIC_CALLS", "in_one_form")

ATOMIC = re.compile(r"(atomic(?:_long|64)?)_(?:(set)|(?:(add|sub)|(inc|dec))(_return)?)")
"""Calls that set or change an atomic."""
OPPOSITE = {"add": "sub", "sub": "add"}
ATOMIC_CALLS = tuple(
    f"{atomic}_{change}{result}"
    for atomic in ATOMICS
    for change in ("add", "sub", "inc", "dec")
    for result in ("", "_return")
)
"""Calls that are written as each other."""


def in_one_form(form: Form, types: Mapping[str, str], is_redefined: Callable[[str], bool]) -> Form:
    """Rewrite every value in a form."""
    return mapped(form, lambda part: _value(part, types, is_redefined))


def _value(form: Form, types: Mapping[str, str], is_redefined: Callable[[str], bool]) -> Form:
    name = called(form)
    if name in TYPED and not is_redefined(name):
        return _typed(form, types)
    if ATOMIC.fullmatch(name):
        changed = _atomic(form, types)
        return form if any(map(is_redefined, (name, called(changed)))) else changed
    if OF_COUNTERS.fullmatch(name) and not is_redefined(name):
        form = [*form[:2], *map(stored, form[2:])]
    if COPYING.fullmatch(name) and not is_redefined(name):
        return [*form[:2], *(_first_item(argument, types) for argument in form[2:])]
    if f"{name}()" in types and not is_redefined(name):
        return [*form[:2], *(_passed(argument, types) for argument in form[2:])]
    change = CHANGED.get(kind(form))
    return form if change is None else change(form, types)


def _atomic(form: Form, types: Mapping[str, str]) -> Form:
    """Write a change by 1 or by -n as a change by n; the call decides the type of n."""
    atomic = ATOMIC.fullmatch(form[1])
    if atomic is None:
        return form
    of, set_, sign, step, more = atomic.groups(default="")
    if set_:
        return [*form[:3], *map(stored, form[3:])]
    if step:
        sign = {"inc": "add", "dec": "sub"}[step]
        return ["call", f"{of}_{sign}{more}", "1", *form[2:]] if len(form) == 3 else form
    by = stored(form[2])
    if isinstance(by, str) and by.startswith("-"):
        sign, by = OPPOSITE[sign], by[1:]
    elif kind(by) == "unary" and by[1] == "-" and type_of(by[2], types) in ATOMICS[of]:
        sign, by = OPPOSITE[sign], by[2]
    return ["call", f"{of}_{sign}{more}", by, *form[3:]]


def _negative(form: Form, _: Mapping[str, str]) -> Form:
    """Write -n of a constant as one."""
    constant = constant_of(form[-1]) if isinstance(form[-1], str) else None
    is_one = form[1] == "-" and constant is not None and not constant.is_unsigned
    return str(constant.negative()) if is_one and constant is not None else form


def _first_item(argument: Form, types: Mapping[str, str]) -> Form:
    """Write the address of an array as that of its first item, where only the address counts."""
    is_address = argument[:2] == ["pointer_expression", "&"]
    return ["array", argument[2]] if is_address and is_array(argument[2], types) else argument


def _cast(form: Form, types: Mapping[str, str]) -> Form:
    given = type_of(form[-1], types)
    return form[-1] if given is not None and given == type_of(form, types) else form


def _passed(argument: Form, types: Mapping[str, str]) -> Form:
    """Write a pointer that a function takes without a cast: the parameter decides its type."""
    is_cast = kind(argument) == "cast" and is_pointer(type_of(argument, types))
    return argument[-1] if is_cast else argument


def _sizeof(form: Form, types: Mapping[str, str]) -> Form:
    type_ = type_of(form[-1], types) if kind(form[-1]) == "pointer_expression" else None
    return [*form[:2], *type_.split()] if type_ is not None else form


LONGS = ("long", "long unsigned")
"""Types as wide as a pointer."""


def _flat(form: Form, types: Mapping[str, str]) -> Form:
    """Write a chain without groups, if all operands have one width."""
    operands = [
        each for part in form[1:] for each in (part[1:] if kind(part) == form[0] else [part])
    ]
    if len(operands) == len(form) - 1:
        return form
    constants = [constant_of(each) for each in operands if isinstance(each, str)]
    if not are_small(filter(None, constants)):
        return form
    found = {type_of(each, types) for each in operands if not _is_int(each)}
    pointers = [each for each in found if is_pointer(each)]
    if form[0] == "+" and len(pointers) == 1:
        return [form[0], *operands] if found - {*pointers} <= {*LONGS} else form
    if have_one_width(found) or (len(found) == 1 and None not in found):
        return [form[0], *operands]
    return form


def _is_int(form: Form) -> bool:
    constant = constant_of(form) if isinstance(form, str) else None
    return constant is not None and constant.suffix == ""


def _divided(form: Form, types: Mapping[str, str]) -> Form:
    """Write the division of an unsigned value by a power of two as a shift of the same type."""
    if len(form) != 4:
        return form
    _, value, sign, by = form
    type_ = type_of(value, types)
    if sign != "/" or not isinstance(by, str) or not is_unsigned(type_):
        return form
    if type_ != type_of(["binary", value, "/", by], types):
        return form
    if by == "PAGE_SIZE":
        return ["binary", value, ">>", "PAGE_SHIFT"]
    constant = constant_of(by)
    if constant is None or constant.value < 1 or constant.value & (constant.value - 1):
        return form
    return ["binary", value, ">>", str(constant.value.bit_length() - 1)]


def _chosen(form: Form, types: Mapping[str, str]) -> Form:
    """Give a constant the type of the other side."""
    if len(form) != 6:
        return form
    first, second = form[3], form[5]
    return [*form[:3], _as_other(first, second, types), ":", _as_other(second, first, types)]


def _as_other(side: Form, other: Form, types: Mapping[str, str]) -> Form:
    """Write a constant without a type, if the other side alone gives the choice its type."""
    type_ = type_of(other, types)
    constant = constant_of(side) if isinstance(side, str) else None
    if constant is None or type_ is None or common(type_of(side, types), type_) != type_:
        return side
    return typed_constant(side, type_) or side


def _typed(form: Form, types: Mapping[str, str]) -> Form:
    """Write max_t and min_t without their type, if both values have it."""
    *words, first, second = form[2:]
    if not words or not all(isinstance(word, str) for word in words):
        return form
    type_ = type_of(["cast", *words, "?"], types)
    sides = [_of_type(side, type_, types) for side in (first, second)]
    return form if None in sides else ["call", TYPED[form[1]], *sides]


def _of_type(side: Form, type_: str | None, types: Mapping[str, str]) -> Form | None:
    constant = constant_of(side) if isinstance(side, str) else None
    if constant is not None and type_ is not None:
        return typed_constant(side, type_)
    return side if type_ is not None and type_of(side, types) == type_ else None


CHANGED: dict[str, Callable[[Form, Mapping[str, str]], Form]] = {
    "cast": _cast,
    "binary": _divided,
    "conditional_expression": _chosen,
    "sizeof_expression": _sizeof,
    "unary": _negative,
    **dict.fromkeys(CHAINS, _flat),
}
"""What rewrites each kind of value."""
