"""The order of statements that do not depend on each other, and the numbers of local names."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from rssbound.kernel.constants import constant_of
from rssbound.kernel.equal_forms.effects import (
    Context,
    depends_on_memory,
    is_plain,
    is_pure,
    reads_more_than_counters,
)
from rssbound.kernel.equal_forms.form import NUMBERED, blind, is_local, kind, mapped, words
from rssbound.kernel.equal_forms.types import COMPARING
from rssbound.kernel.operators import CHAINS, COMMUTATIVE, EQUALITIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rssbound.kernel.equal_forms.form import Form

__all__ = ("numbered", "with_sorted_operands", "with_sorted_statements", "with_types_of_cpus")

MOST = 60
"""A longer run of assignments stays in its order."""

LOGICAL = ("&&", "||")

MEMORY, COUNTERS = "memory", "counters"
"""Stand for what others can change, among the names that a statement uses.

Counters are read one after the other in any order: each is as far off as it can be by itself.
"""


class _Set(NamedTuple):
    """The local variable that a statement sets, and the names that it uses."""

    target: str
    used: frozenset[str]


# -- statements


def with_sorted_statements(form: Form, context: Context) -> Form:
    """Bring adjacent settings of local variables into a fixed order, in every block."""
    if isinstance(form, str):
        return form
    inside = [with_sorted_statements(part, context) for part in form]
    return ["block", *_sorted_block(inside[1:], context)] if kind(form) == "block" else inside


def _sorted_block(listed: list[Form], context: Context) -> list[Form]:
    found: list[Form] = []
    run: list[tuple[Form, _Set]] = []
    for place, statement in enumerate([*listed, None]):
        set_ = None if statement is None else _set_by(statement, context)
        if statement is not None and set_ is not None:
            run.append((statement, set_))
            continue
        found += _sorted(run, listed[place:]) if len(run) > 1 else [each for each, _ in run]
        run = []
        if statement is not None:
            found.append(statement)
    return found


def _set_by(statement: Form, context: Context) -> _Set | None:
    """Give the local variable that a statement sets; None if it does anything else."""
    form = statement[1] if kind(statement) == "do" and len(statement) == 2 else ""
    if kind(form) != "assignment_expression" or len(form) != 4 or form[2] == "static":
        return None
    target, value = form[1], form[3]
    if not is_local(target) or target in context.passed_on or not is_plain(value, context):
        return None
    used = {*words(value)}
    if depends_on_memory(value, context):
        used.add(MEMORY if reads_more_than_counters(value, context) else COUNTERS)
    return _Set(target, frozenset(used | (set() if form[2] == "=" else {target})))


def _sorted(run: list[tuple[Form, _Set]], rest: list[Form]) -> list[Form]:
    """Always take the first statement, as text, that meets none of those before it.

    Of two that differ only in a name, it is the one whose name the rest uses first.
    """
    if len(run) > MOST:
        return [statement for statement, _ in run]
    waiting, found = list(run), []
    first = numbers_of(rest)
    while waiting:
        free = [
            place
            for place, (_, one) in enumerate(waiting)
            if not any(_meet(one, other) for _, other in waiting[:place])
        ]
        best = min(
            free, key=lambda place: (blind(waiting[place][0]), _use(waiting[place][1], first))
        )
        found.append(waiting.pop(best)[0])
    return found


def _use(set_: _Set, first: dict[str, int]) -> int:
    """Give when a variable is used first; two reads of one thing stay in their order."""
    is_read = {MEMORY, COUNTERS} & set_.used
    return 0 if is_read else first.get(set_.target, len(first))


def _meet(one: _Set, other: _Set) -> bool:
    """Return whether one of two statements sets what the other uses or sets, or both read memory.

    Others can write between two reads, so their order counts.
    """
    return bool(
        one.target == other.target
        or one.target in other.used
        or other.target in one.used
        or (MEMORY in one.used and {MEMORY, COUNTERS} & other.used)
        or (MEMORY in other.used and COUNTERS in one.used)
    )


# -- operands and numbers


def with_sorted_operands(forms: list[Form], context: Context) -> list[Form]:
    """Bring the operands of commutative operators into an order that names do not decide.

    Operands of && and || have no order either if they depend on local variables alone.
    """
    first = numbers_of([mapped(form, lambda part: _without_ties(part, context)) for form in forms])
    return [mapped(form, lambda part: _sorted_operands(part, first, context)) for form in forms]


def numbers_of(forms: list[Form]) -> dict[str, int]:
    """Number local names in the order in which they are used."""
    order: dict[str, int] = {}
    for form in forms:
        for word in words(form):
            if is_local(word):
                order.setdefault(word, len(order))
    return order


def _operands(form: Form) -> tuple[list[Form], list[Form]] | None:
    """Split a form into what is before its operands that have no order, and these."""
    head = kind(form)
    if head in CHAINS and len(form) > 2:
        return form[:1], form[1:]
    if head == "call" and form[1] in COMMUTATIVE and len(form) == 4 and is_pure(form):
        return form[:2], form[2:]
    return None


def _without_ties(form: Form, context: Context) -> Form:
    """Leave out operands that only the numbers of local names tell apart."""
    if kind(form) == "binary" and len(form) == 4 and form[2] in EQUALITIES:
        return form if blind(form[1]) != blind(form[3]) else ["binary", form[2]]
    if _is_logical(form):
        return ["logical", form[2], *_arranged(form, _sorted_once, context)]
    split = _operands(form)
    if split is None:
        return form
    before, operands = split
    return [*before, *_sorted_once(operands)]


def _sorted_once(operands: list[Form]) -> list[Form]:
    """Sort operands without their names, and leave out those that are then equal."""
    written = [blind(operand) for operand in operands]
    kept = [each for each, one in zip(operands, written, strict=True) if written.count(one) == 1]
    return sorted(kept, key=blind)


def _sorted_operands(form: Form, first: dict[str, int], context: Context) -> Form:
    def key(operand: Form) -> tuple[str, list[int]]:
        names = list(filter(is_local, words(operand)))
        return blind(operand), [first.get(name, len(first)) for name in names]

    if kind(form) == "binary" and len(form) == 4 and form[2] in EQUALITIES:
        left, right = sorted((form[1], form[3]), key=key)
        return ["binary", left, form[2], right]
    if _is_logical(form):
        operands = _arranged(form, lambda some: sorted(some, key=key), context)
        return _chained(operands, form[2])
    split = _operands(form)
    if split is None:
        return form
    before, operands = split
    return [*before, *sorted(operands, key=key)]


def _is_logical(form: Form) -> bool:
    return kind(form) == "binary" and len(form) == 4 and form[2] in LOGICAL


def _arranged(
    form: Form, arrange: Callable[[list[Form]], list[Form]], context: Context
) -> list[Form]:
    """Give the operands of a chain of && or ||, with those in a row that have no order arranged."""
    groups = groupby(_flat(form, form[2]), key=lambda operand: _is_of_locals(operand, context))
    listed = (arrange(list(group)) if is_still else group for is_still, group in groups)
    return [operand for group in listed for operand in group]


def _flat(form: Form, sign: str) -> list[Form]:
    """Give the operands of a chain, however it is grouped."""
    if not _is_logical(form) or form[2] != sign:
        return [form]
    return [*_flat(form[1], sign), *_flat(form[3], sign)]


def _chained(operands: list[Form], sign: str) -> Form:
    *others, form = operands
    for operand in reversed(others):
        form = ["binary", operand, sign, form]
    return form


def _is_of_locals(form: Form, context: Context) -> bool:
    """Return whether a value is a local variable or a constant, or only compares such values."""
    if isinstance(form, str):
        is_own = is_local(form) and form not in context.passed_on
        return is_own or constant_of(form) is not None
    if kind(form) == "unary":
        return form[1] == "!" and _is_of_locals(form[2], context)
    if kind(form) == "binary" and len(form) == 4 and form[2] in COMPARING:
        return _is_of_locals(form[1], context) and _is_of_locals(form[3], context)
    return False


def with_types_of_cpus(statements: list[Form], types: dict[str, str]) -> dict[str, str]:
    """Give variables that only number CPUs one type: an int holds each CPU, as an unsigned does."""
    listed = list(words(statements))
    used = list(_cpus(statements))
    changed = {
        name: "unsigned"
        for name in set(used)
        if types.get(name) == "int" and used.count(name) == listed.count(name)
    }
    return {**types, **changed}


def _cpus(form: Form) -> Iterator[str]:
    """Yield local names where they are the CPU of a loop over CPUs, or of per_cpu_ptr."""
    if isinstance(form, str):
        return
    if kind(form) == "call" and len(form) > 2 and isinstance(form[1], str):
        if re.fullmatch(r"for_each_\w*cpu\w*", form[1]) and is_local(form[2]):
            yield form[2]
        if form[1] in {"per_cpu_ptr", "per_cpu"} and is_local(form[-1]):
            yield form[-1]
    for part in form:
        yield from _cpus(part)


def numbered(parts: list[str], types: dict[str, str]) -> list[str]:
    """Number local names in the order in which they are used, and add the types of those used."""
    order: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return order.setdefault(match[0], f"${len(order)}")

    named = [NUMBERED.sub(number, part) for part in parts]
    typed: list[str] = []
    while len(typed) < len(order):  # a type can name more
        name = list(order)[len(typed)]
        typed.append(NUMBERED.sub(number, types.get(name, "?")))
    return [*named, *(f"{one}:{type_}" for one, type_ in zip(order.values(), typed, strict=True))]
