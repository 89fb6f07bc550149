"""The types of values, where they are known: a conversion to the same type changes nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.kernel.constants import TYPES, constant_of, converted
from rssbound.kernel.equal_forms.form import NUMBERED, is_local, kind
from rssbound.kernel.operators import CHAINS
from rssbound.kernel.type_names import RESULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from rssbound.kernel.equal_forms.form import Form

__all__ = (
    "ATOMICS",
    "COMPARING",
    "are_as_wide",
    "as_type",
    "common",
    "have_one_width",
    "is_array",
    "is_pointer",
    "is_unsigned",
    "named_by_types",
    "one_type",
    "stored",
    "structures_passed",
    "type_of",
    "typed_constant",
)

VARIABLES = {
    "percpu_counter_batch": "int",
    "fault_around_bytes": "long unsigned",
    "PAGE_SIZE": "long unsigned",
    "true": "bool",
    "false": "bool",
    "current": "task_struct *",
    **dict.fromkeys(("MM_FILEPAGES", "MM_ANONPAGES", "MM_SWAPENTS", "MM_SHMEMPAGES"), "int"),
}
"""Variables that have a fingerprint of their own with their type, and what never changes type."""

NARROW = ("char unsigned", "short unsigned", "bool")
"""Types without negative values that arithmetic makes an int."""

RANKS = ("int", "unsigned", "long", "long unsigned", "long long", "long long unsigned")
"""Types that arithmetic has, narrowest first."""

LONGS = RANKS[2:]

OF_POINTER = ("per_cpu_ptr", "this_cpu_ptr", "raw_cpu_ptr")
"""Calls that give a pointer of the type of the first argument."""

ATOMICS = {
    "atomic": ("int", "unsigned"),
    "atomic_long": ("long", "long unsigned"),
    "atomic64": ("long long", "long long unsigned"),
}
"""Atomics -> the type of their values, and the unsigned one of that width."""

ATOMIC = re.compile(
    r"(atomic(?:_long|64)?)_(?:read|xchg|(?:add|sub|inc|dec)_return|fetch_(?:add|sub|inc|dec))"
    r"(?:_relaxed|_acquire|_release)?"
)
"""Calls that give the value of an atomic, before or after a change, in its type."""

COMPARING = {"<", "<=", "==", "!=", "&&", "||"}


def one_type(types: Mapping[str, str], name: str) -> str | None:
    """Give the type of a local variable; None if it is two variables, an array, or not known."""
    written = types.get(name, "?")
    return written if _is_one(written) and "[" not in written else None


def named_by_types(types: Mapping[str, str]) -> Iterator[str]:
    """Yield the local names that types depend on, as in typeof(n), and those that are volatile."""
    for name, type_ in types.items():
        yield from NUMBERED.findall(type_)
        if type_.startswith("volatile") and "*" not in type_:
            yield name


def structures_passed(form: Form, types: Mapping[str, str]) -> Iterator[str]:
    """Yield the local structures of which a member is used that can be an array, so an address."""
    if isinstance(form, str):
        return
    if kind(form) == "field_expression" and not _is_number(type_of(form, types)):
        place = form
        while kind(place) == "field_expression":
            place = place[1]
        if is_local(place):
            yield place
    for part in form:
        yield from structures_passed(part, types)


def stored(form: Form) -> Form:
    """Leave out the type of a constant: the place that it goes to has one."""
    constant = constant_of(form) if isinstance(form, str) else None
    return form if constant is None else str(constant.value)


def _is_number(type_: str | None) -> bool:
    return type_ in {*RANKS, *NARROW}


def _is_one(written: str) -> bool:
    """Return whether a type is one, and no function's."""
    return not any(sign in written for sign in "|?(") and "hidden" not in written


def _as_value(written: str) -> str | None:
    """Give the type of a value: an array is a pointer to its first item."""
    item, bracket, more = written.partition(" [")
    if not _is_one(written) or "[" in more:
        return None
    return f"{item} *" if bracket else written


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


def is_array(form: Form, types: Mapping[str, str]) -> bool:
    """Return whether a form is a member that is an array."""
    return kind(form) == "field_expression" and "[" in _member_type(form, types)


def _member_type(form: Form, types: Mapping[str, str]) -> str:
    return types.get(f"{type_of(form[1], types)}.{form[-1]}", "?")


def _of_member(form: Form, types: Mapping[str, str]) -> str | None:
    return _as_value(_member_type(form, types))


def _of_cast(form: Form, _: Mapping[str, str]) -> str | None:
    is_known = all(isinstance(word, str) for word in form[:-1])
    return _as_value(" ".join(form[1:-1])) if is_known else None


def _of_pointer(form: Form, types: Mapping[str, str]) -> str | None:
    """Give the type of *p and of &x; that of the address of an array is not known."""
    if form[1] == "*":
        pointer = type_of(form[2], types)
        return pointer[:-1].strip() if pointer is not None and is_pointer(pointer) else None
    place = form[2]
    written = _member_type(place, types) if kind(place) == "field_expression" else ""
    if isinstance(place, str):
        written = types.get(place, "?")
    return f"{written} *" if written and _is_one(written) and "[" not in written else None


def _of_unary(form: Form, _: Mapping[str, str]) -> str | None:
    return "int" if form[1] == "!" else None


def _of_call(form: Form, types: Mapping[str, str]) -> str | None:
    """Give the type of a result; `types` has those of functions of the tree as `name()`."""
    name = form[1] if isinstance(form[1], str) else ""
    if name in {"max", "min"} and len(form) == 4:
        found = {type_of(side, types) for side in form[2:]}
        return next(iter(found)) if len(found) == 1 else None
    if name in OF_POINTER and len(form) > 2:
        return type_of(form[2], types)
    atomic = ATOMIC.fullmatch(name)
    if atomic is not None:
        return ATOMICS[atomic[1]][0]
    return RESULTS.get(name) or _as_value(types.get(f"{name}()", "?"))


def _of_choice(form: Form, types: Mapping[str, str]) -> str | None:
    """Give the type of c ? a : b."""
    first, second = (type_of(side, types) for side in (form[-3], form[-1]))
    return first if first == second and is_pointer(first) else common(first, second)


def _type_of_word(word: str, types: Mapping[str, str]) -> str | None:
    if is_local(word):
        return _as_value(types.get(word, "?"))
    constant = constant_of(word)
    if constant is not None:
        return next(name for name, suffix in TYPES.items() if suffix == constant.suffix)
    return VARIABLES.get(word)


def _of_binary(form: Form, types: Mapping[str, str]) -> str | None:
    if len(form) != 4:
        return None
    if form[2] in COMPARING:
        return "int"
    left = type_of(form[1], types)
    if form[2] in {"<<", ">>"}:
        return left if left in RANKS else None
    return common(left, type_of(form[3], types))


def _of_chain(form: Form, types: Mapping[str, str]) -> str | None:
    found = [type_of(part, types) for part in form[1:]]
    pointers = [each for each in found if is_pointer(each)]
    if form[0] == "+" and len(pointers) == 1 and all(found):
        return pointers[0]
    type_: str | None = found[0]
    for each in found[1:]:
        type_ = common(type_, each)
    return type_ if type_ in RANKS else None


def common(one: str | None, other: str | None) -> str | None:
    """Give the type that arithmetic of two types has; None if it depends on the width of a long."""
    if one not in RANKS or other not in RANKS:
        return None
    less, more = sorted((one, other), key=RANKS.index)
    if is_unsigned(less) and not is_unsigned(more):
        return more if (less, more) == ("unsigned", "long long") else None
    return more


def are_as_wide(one: str | None, other: str | None) -> bool:
    """Return whether two types differ in nothing but the sign."""
    if one not in RANKS or other not in RANKS:
        return one == other
    return RANKS.index(one) // 2 == RANKS.index(other) // 2


def have_one_width(types: Collection[str | None]) -> bool:
    """Return whether sums of these types wrap in the same place in any grouping.

    A long can have 32 or 64 bits, so it is no long long.
    """
    return set(types) <= set(LONGS[:2]) or set(types) <= set(LONGS[2:])


def as_type(form: Form, type_: str | None, types: Mapping[str, str]) -> Form | None:
    """Give a value of a certain type; None if that cannot be written."""
    if type_ is None:
        return None
    constant = constant_of(form) if isinstance(form, str) else None
    if constant is not None:
        return typed_constant(form, type_)
    given = type_of(form, types)
    if given == type_:
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
    "array": lambda form, types: type_of(form[1], types),
    "cast": _of_cast,
    "pointer_expression": _of_pointer,
    "binary": _of_binary,
    "unary": _of_unary,
    "conditional_expression": _of_choice,
    **dict.fromkeys(CHAINS, _of_chain),
}
"""What finds the type of each kind of value."""
