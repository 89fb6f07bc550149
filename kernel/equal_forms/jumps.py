"""The end of a function after each way to it: after jumps to it, and after the branches before it.

    if (!x)                 if (!x) {
            goto out;               unlock(l);
    f(x);                           return;
    out:                    }
    unlock(l);              f(x);
                            unlock(l);

A label at the top level of a function goes, if all jumps to it come before it and what follows it
is short. A jump back, as to `retry`, is a loop and stays.

    if (!x)                 if (!x) {
            err = -EINVAL;          err = -EINVAL; unlock(l); return err;
    unlock(l);              }
    return err;             unlock(l); return err;

A branch that sets the variable which is returned gets an end of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.kernel.equal_forms import scopes
from rssbound.kernel.equal_forms.effects import is_head, locals_set
from rssbound.kernel.equal_forms.form import GOTO, JUMPS, RETURN, is_local, kind, words

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from rssbound.kernel.equal_forms.form import Form

__all__ = ("with_own_ends", "with_plain_ends")

LABELED = "labeled_statement"
LABELS = (GOTO, LABELED, "label")

MOST = 300
"""Words of what follows a label; all of it is written again for each jump."""

MOST_AT_END = 60
"""Words of the end of a function that each branch before it gets."""

MOST_IN_ALL = 2000
"""Words that the jumps of a function can add."""


def with_plain_ends(
    body: Form, result: str, types: Mapping[str, str], is_redefined: Callable[[str], bool]
) -> tuple[Form, Mapping[str, str]]:
    """Write the ends of scopes and what follows labels where they are reached.

    `result` is what the function returns. Also gives the types of all local names.
    """
    body, types = scopes.with_calls(body, result, types, is_redefined)
    if scopes.does_more_at_ends(body, types):
        return body, types
    return _without_labels(body, result), types


def _without_labels(body: Form, result: str) -> Form:
    """Write the statements after a label in place of each jump to it; the last labels first."""
    left = MOST_IN_ALL
    for place in range(len(body) - 1, 1, -1):
        if kind(body[place]) != LABELED or len(body[place]) != 4 or is_head(body[place - 1]):
            continue
        label = body[place][1]
        after = _after(body, place, result)
        size = sum(1 for each in after or () for _ in words(each))
        jumps = _jumps_to(body[:place], label)
        if after is None or size > MOST or size * jumps > left:
            continue
        if sum(word == label for word in words(body)) != jumps + 1:  # its address is taken
            continue
        left -= size * jumps
        before = [_replaced(each, label, after) for each in body[:place]]
        body = [*before, body[place][3], *body[place + 1 :]]
    return body


def _after(body: Form, place: int, result: str) -> list[Form] | None:
    """Give what runs from a label to the end of a function; None if a label or jump is in it."""
    after = [body[place][3], *body[place + 1 :]]
    if any(word in LABELS for each in after for word in words(each)):
        return None
    last = kind(after[-1])
    if last in JUMPS:
        return after if last == RETURN else None
    return [*after, [RETURN, "return"]] if result == "void" else None


def _replaced(form: Form, label: str, after: list[Form]) -> Form:
    if isinstance(form, str):
        return form
    if form == [GOTO, "goto", label]:
        return ["block", *after]
    return [_replaced(part, label, after) for part in form]


def _jumps_to(form: Form, label: str) -> int:
    if isinstance(form, str):
        return 0
    return int(form == [GOTO, "goto", label]) + sum(_jumps_to(part, label) for part in form)


def with_own_ends(body: list[Form], passed_on: Collection[str]) -> list[Form]:
    """Give the branches before the end of a function an end of their own, if it returns a local.

    `passed_on` has the locals whose address is taken.
    """
    if any(word in LABELS for word in words(body)):
        return body
    return _ended(body, passed_on, MOST_IN_ALL)


def _ended(block: list[Form], passed_on: Collection[str], left: int) -> list[Form]:
    """Put the end of a block into the branches before it, if these set what the end returns."""
    last: Form = block[-1] if block else ""
    if kind(last) == "if":
        inside = [["block", *_ended(each[1:], passed_on, left)] for each in last[2:]]
        return [*block[:-1], [*last[:2], *inside]]
    if kind(last) != RETURN or len(last) != 3 or not is_local(last[2]) or last[2] in passed_on:
        return block
    place = len(block) - 2
    while place >= 0 and kind(block[place]) == "do":
        place -= 1
    end = block[place + 1 :]
    size = sum(1 for each in end for _ in words(each))
    if place < 0 or kind(block[place]) != "if" or size > min(MOST_AT_END, left):
        return block
    branch = block[place]
    if last[2] not in locals_set(branch) or last[2] in locals_set(end):
        return block
    both = [
        ["block", *_ended(_with_end(each[1:], end), passed_on, left - size)] for each in branch[2:]
    ]
    return [*block[:place], [*branch[:2], *both]]


def _with_end(statements: list[Form], end: list[Form]) -> list[Form]:
    """Put the end of a function after some statements, if theirs is reached."""
    is_left = bool(statements) and kind(statements[-1]) in JUMPS
    return statements if is_left else [*statements, *end]
