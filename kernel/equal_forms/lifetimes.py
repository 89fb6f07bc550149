"""A local variable that is used for two things in turn: the second use gets a name of its own.

    n = a; f(n); n = b; g(n);           n = a; f(n); m = b; g(m);
    f(n); n = g(n); h(n);               f(n); m = g(n); h(m);

After an assignment, the rest of the block uses the new value. If the function ends with the block,
nothing else does.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rssbound.kernel.equal_forms.effects import locals_set
from rssbound.kernel.equal_forms.form import (
    BREAK,
    CONTINUE,
    GOTO,
    RETURN,
    is_local,
    kind,
    replaced,
    words,
)

if TYPE_CHECKING:
    from rssbound.kernel.equal_forms.effects import Context
    from rssbound.kernel.equal_forms.form import Form

__all__ = ("with_names_of_their_own",)

FIRST = 5000
"""New local names are numbered from here."""

LOOPS = ("loop", "each")
UNCLEAR = ("label", "labeled_statement", "switch_statement", GOTO)
"""Parts of functions whose paths are not followed."""


def with_names_of_their_own(
    body: list[Form], context: Context
) -> tuple[list[Form], dict[str, str]]:
    """Rename variables that are set anew; also gives the types of all local names."""
    types = dict(context.types)
    if not set(UNCLEAR).isdisjoint(words(body)):
        return body, types
    return _renamed(body, Counter(words(body)), context, types), types


def _renamed(
    block: list[Form], times: Counter[str], context: Context, types: dict[str, str]
) -> list[Form]:
    """Rename variables in a block at whose end the function ends.

    `times` counts the words of the whole function.
    """
    found: list[Form] = []
    rest = list(block)
    while rest:
        statement, *rest = rest
        name = _set_anew(statement, context)
        here = 1 + sum(word == name for word in words(rest))
        if name and here < times[name] and not _is_left([*rest]):
            new = f"${FIRST + len(types)}"
            types[new] = types.get(name, "?")
            times[name] -= here
            times[new] = here
            statement = ["do", ["assignment_expression", new, *statement[1][2:]]]
            rest = [replaced(each, name, new) for each in rest]
        found.append(_inside(statement, times, context, types))
    return found


def _inside(statement: Form, times: Counter[str], context: Context, types: dict[str, str]) -> Form:
    """Rename variables in those blocks of a statement that end by returning."""
    if isinstance(statement, str):
        return statement
    return [
        ["block", *_renamed(part[1:], times, context, types)]
        if kind(part) == "block" and kind(part[-1]) == RETURN
        else _inside(part, times, context, types)
        for part in statement
    ]


def _set_anew(statement: Form, context: Context) -> str:
    """Give the variable that a statement sets to a value; "" if it does anything else."""
    form = statement[1] if kind(statement) == "do" and len(statement) == 2 else ""
    if kind(form) != "assignment_expression" or form[2] != "=" or not is_local(form[1]):
        return ""
    name: str = form[1]
    return "" if name in context.passed_on or name in locals_set(form[3]) else name


def _is_left(form: Form) -> bool:
    """Return whether a jump leads to a loop around this."""
    if isinstance(form, str):
        return False
    if kind(form) in {BREAK, CONTINUE}:
        return True
    return kind(form) not in LOOPS and any(map(_is_left, form))
