"""Loops in one form: without an end, left by break.

for (a; b; c) d;    a; loop { if (b) { d; c; } else break; }
while (b) d;        loop { if (b) d; else break; }
do d; while (b);    loop { d; if (b) continue; else break; }
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.kernel.constants import KNOWN
from rssbound.kernel.equal_forms.conditions import condition
from rssbound.kernel.equal_forms.effects import Context, is_head, locals_set
from rssbound.kernel.equal_forms.form import CONTINUE, is_local, kind, listed, words
from rssbound.kernel.equal_forms.types import are_as_wide, is_unsigned, type_of

if TYPE_CHECKING:
    from rssbound.kernel.equal_forms.form import Form

__all__ = ("without_head",)

LEAVE: Form = ["break_statement", "break"]
AGAIN: Form = ["continue_statement", "continue"]


def without_head(statement: Form, context: Context) -> list[Form]:
    """Write a loop as a loop without an end, after what it does first."""
    first, test, step, body, is_tested_late = _parts(statement)
    if is_tested_late:
        late = [_if(test, [AGAIN], [LEAVE])]
        return [["loop", ["block", *_stepped(body, late), *late]]]
    test = _bounded(first, test, step, body, context)
    inside = [*_stepped(body, step), *step]
    if test is not None:
        inside = [_if(test, inside, [LEAVE])]
    return [*first, ["loop", ["block", *inside]]]


def _if(test: Form, then: list[Form], otherwise: list[Form]) -> Form:
    return ["if_statement", "if", test, ["block", *then], ["block", *otherwise]]


def _parts(statement: Form) -> tuple[list[Form], Form, list[Form], list[Form], bool]:
    """Give what a loop does first, its condition, what it does last, its body; and if it is do."""
    if kind(statement) == "while_statement":
        return [], _endless(statement[2]), [], listed(statement[3]), False
    if kind(statement) == "do_statement":
        return [], statement[4], [], listed(statement[2]), True
    groups: list[list[Form]] = [[]]
    for part in statement[1:]:
        if part == ";":
            groups.append([])
        else:
            groups[-1].append(part)
    first, test, step, body = groups
    return (
        [each for part in first for each in _statements(part)],
        _endless(test[0]) if test else None,
        [each for part in step for each in _statements(part)],
        [each for part in body for each in listed(part)],
        False,
    )


def _endless(test: Form) -> Form:
    """Give a condition in one form; None if it always holds."""
    return None if test in ("1", "true") else condition(test)


def _statements(form: Form) -> list[Form]:
    """Split a comma expression into statements."""
    if kind(form) == "comma_expression":
        return [each for part in form[1:] for each in _statements(part)]
    if kind(form) == "do":
        return [form]
    if kind(form) == "update_expression":
        sign = next(part for part in form[1:] if part in ("++", "--"))
        target = next(part for part in form[1:] if part not in ("++", "--"))
        return [["do", ["assignment_expression", target, f"{sign[0]}=", "1"]]]
    return [["do", form]]


def _stepped(body: list[Form], step: list[Form]) -> list[Form]:
    """Put what a loop does last before each continue of its own."""
    if not step:
        return body
    found: list[Form] = []
    for place, statement in enumerate(body):
        if kind(statement) == CONTINUE:
            found += step if kind(step[-1]) == "if_statement" else [*step, statement]
        elif place and is_head(body[place - 1]):  # a continue in it is its own
            found.append(statement)
        else:
            found.append(_stepped_inside(statement, step))
    return found


def _stepped_inside(statement: Form, step: list[Form]) -> Form:
    if isinstance(statement, str) or kind(statement) in {
        "for",
        "while_statement",
        "do_statement",
        "do",
    }:
        return statement
    if kind(statement) in {"block", CONTINUE}:
        return ["block", *_stepped(listed(statement), step)]
    return [_stepped_inside(part, step) for part in statement]


def _bounded(
    first: list[Form], test: Form, step: list[Form], body: list[Form], context: Context
) -> Form:
    """Write i != n as i < n where i counts up from 0 to a number that is not negative."""
    if kind(test) != "binary" or len(test) != 4 or test[2] != "!=" or len(step) != 1:
        return test
    for index, most in ((test[1], test[3]), (test[3], test[1])):
        is_counted = (
            is_local(index)
            and index not in context.passed_on
            and step == [["do", ["assignment_expression", index, "+=", "1"]]]
            and first[-1:] == [["do", ["assignment_expression", index, "=", "0"]]]
        )
        if not is_counted:
            continue
        changed = {name for part in body for name in locals_set(part)}
        can_be_entered = any("label" in word for part in body for word in words(part))
        is_fixed = isinstance(most, str) and most not in {*changed, *context.passed_on, index}
        if not is_fixed or index in changed or can_be_entered:
            continue
        if most in KNOWN or most.isdigit() or _is_as_wide(index, most, context):
            return ["binary", index, "<", most]
    return test


def _is_as_wide(index: Form, most: Form, context: Context) -> bool:
    """Return whether an index reaches an unsigned number before it wraps."""
    types = [type_of(each, context.types) for each in (index, most)]
    return is_unsigned(types[1]) and are_as_wide(*types)
