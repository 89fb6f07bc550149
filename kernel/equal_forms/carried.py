"""Constants that a local variable holds: written where they are used, and set as late as possible.

    n = 0; if (c) return n; n = g();    n = 0; if (c) return 0; n = g();
    n = 0; lock(l); n += f();           lock(l); n = 0; n += f();

Only the function itself can see such a variable, so nothing depends on when it is set.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rssbound.kernel.constants import constant_of
from rssbound.kernel.equal_forms.effects import SIZES, locals_set
from rssbound.kernel.equal_forms.form import (
    BRANCHES,
    BREAK,
    CONTINUE,
    GOTO,
    JUMPS,
    is_local,
    kind,
    replaced,
    words,
)
from rssbound.kernel.equal_forms.types import as_type, one_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rssbound.kernel.equal_forms.effects import Context
    from rssbound.kernel.equal_forms.form import Form

__all__ = ("with_constants",)

UNCLEAR = ("label", "labeled_statement", GOTO)
"""Parts of functions whose paths are not followed."""


def with_constants(body: list[Form], context: Context) -> list[Form]:
    """Rewrite the constants that local variables are set to, in every block of a function."""
    if not set(UNCLEAR).isdisjoint(words(body)):
        return body
    return _block(body, Counter(words(body)), context)


def _block(block: list[Form], times: Mapping[str, int], context: Context) -> list[Form]:
    rest: list[Form] = []
    for statement in reversed(block):
        constant = _constant(statement, context)
        if constant is None:
            rest = [_inside(statement, times, context), *rest]
        else:
            rest = _sunk(statement, _carried(*constant, rest, context), times)
    return rest


def _inside(statement: Form, times: Mapping[str, int], context: Context) -> Form:
    if isinstance(statement, str):
        return statement
    if kind(statement) == "block":
        return ["block", *_block(statement[1:], times, context)]
    return [_inside(part, times, context) for part in statement]


def _constant(statement: Form, context: Context) -> tuple[str, Form] | None:
    """Give the local variable that a statement sets to a constant, and that in its type."""
    form = statement[1] if kind(statement) == "do" and len(statement) == 2 else ""
    if kind(form) != "assignment_expression" or len(form) != 4 or form[2] != "=":
        return None
    name, value = form[1], form[3]
    if not is_local(name) or name in context.passed_on or not isinstance(value, str):
        return None
    if constant_of(value) is None:
        return None
    typed = as_type(value, one_type(context.types, name), context.types)
    return None if typed is None else (name, typed)


def _carried(name: str, value: Form, rest: list[Form], context: Context) -> list[Form]:
    """Put a constant in place of its variable, up to where that can be set."""
    found: list[Form] = []
    for place, statement in enumerate(rest):
        if name in locals_set(statement) or not _can_be_put(name, statement, context):
            return [*found, *_into(name, value, statement, context), *rest[place + 1 :]]
        found.append(replaced(statement, name, value))
    return found


def _can_be_put(name: str, form: Form, context: Context) -> bool:
    """Return whether a constant can be written: no macro sets the variable or takes its size."""
    used = set(words(form))
    is_sized = any(word.startswith(SIZES) for word in used)
    return name not in used or not (is_sized or any(map(context.is_redefined, used)))


def _into(name: str, value: Form, statement: Form, context: Context) -> list[Form]:
    """Put a constant into the condition and the branches of an if, as far as it is still held."""
    if kind(statement) != "if" or name in locals_set(statement[1]):
        return [statement]
    if not _can_be_put(name, statement[1], context):
        return [statement]
    _, test, *branches = statement
    inside = [["block", *_carried(name, value, each[1:], context)] for each in branches]
    return [["if", replaced(test, name, value), *inside]]


def _sunk(statement: Form, rest: list[Form], times: Mapping[str, int]) -> list[Form]:
    """Put a setting of a local variable after the statements that do not name it."""
    name = statement[1][1]
    place = 0
    while place < len(rest) and not _can_meet(rest[place], name):
        place += 1
    if place < len(rest) and kind(rest[place]) == "if":
        rest_of_it = _sunk_into(statement, rest[place], times)
        if rest_of_it is not None:
            return [*rest[:place], rest_of_it, *rest[place + 1 :]]
    return [*rest[:place], statement, *rest[place:]]


def _sunk_into(statement: Form, choice: Form, times: Mapping[str, int]) -> Form | None:
    """Put a setting of a local variable into the only branch that names it."""
    name = statement[1][1]
    _, test, *branches = choice
    here = [sum(word == name for word in words(branch)) for branch in branches]
    if name in words(test) or 0 not in here or sum(here) + 1 != times[name]:
        return None
    inside = [
        ["block", *_sunk(statement, branch[1:], times)] if number else branch
        for number, branch in zip(here, branches, strict=True)
    ]
    return ["if", test, *inside] if any(here) else None


def _can_meet(statement: Form, name: str) -> bool:
    """Return whether a statement uses a variable, or leads to where it may be used."""
    if kind(statement) in {*JUMPS, *BRANCHES, "switch_statement"}:
        return True
    return any(word in {name, BREAK, CONTINUE} for word in words(statement))
