"""An if, or a choice of one of two values, that is one statement in its simplest form.

if (x < y) x = y;                   x = max(x, y);
if (f(x)) return true; return y;    return f(x) || y, in a function that returns a bool
x = c ? x : y;                      if (!c) x = y;
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.kernel.constants import Constant, constant_of
from rssbound.kernel.equal_forms.conditions import both, condition, either, opposite
from rssbound.kernel.equal_forms.effects import Context, depends_on_memory, is_plain
from rssbound.kernel.equal_forms.form import RETURN, is_local, kind, text
from rssbound.kernel.equal_forms.types import is_unsigned, stored, type_of, typed_constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.kernel.equal_forms.form import Form

__all__ = ("changed_if", "converted", "extreme", "truth")

TRUTHS = ("1", "0")


def converted(value: Form, type_: str | None) -> Form:
    """Leave out a cast to the type that a value gets by itself."""
    while kind(value) == "cast" and type_ is not None and value[1:-1] == type_.split():
        value = value[-1]
    return value


def extreme(test: Form, then: list[Form], otherwise: list[Form], context: Context) -> Form | None:
    """Write x < y ? y : x as max(x, y), and the opposite as min, for values of one type."""
    if kind(test) != "binary" or len(test) != 4 or test[2] not in {"<", "<="}:
        return None
    for less, more in _bounds(test):
        type_ = type_of(less, context.types) or type_of(more, context.types)
        sides = [_typed(side, type_, context) for side in (less, more)]
        if None in sides or not all(_is_still(side, context) for side in (less, more)):
            continue
        for name, first, second in (("max", more, less), ("min", less, more)):
            call = ["call", name, *sorted(sides, key=text)]
            if _is_return(then, first) and _is_return(otherwise, second):
                return [RETURN, "return", converted(call, context.result)]
            for one, other, target, value in (
                (then, otherwise, second, first),
                (otherwise, then, first, second),
            ):
                is_set = one == [["do", ["assignment_expression", target, "=", stored(value)]]]
                if is_set and not other and constant_of(text(target)) is None:
                    return ["do", ["assignment_expression", target, "=", call]]
    return None


def _is_still(value: Form, context: Context) -> bool:
    """Return whether a value is the same if it is read once or twice."""
    return is_plain(value, context) and not depends_on_memory(value, context)


def _bounds(test: Form) -> Iterator[tuple[Form, Form]]:
    """Yield the two values that a comparison compares; n < 1 compares n with 0 as well."""
    _, less, sign, more = test
    yield less, more
    if sign != "<":
        return
    below, above = (constant_of(side) if isinstance(side, str) else None for side in (more, less))
    if below is not None and below.value > 0:
        yield less, str(Constant(below.value - 1, below.suffix))
    if above is not None and Constant(above.value + 1, above.suffix).fits:
        yield str(Constant(above.value + 1, above.suffix)), more


def _is_return(statements: list[Form], value: Form) -> bool:
    return len(statements) == 1 and statements[0] == [RETURN, "return", stored(value)]


def _typed(side: Form, type_: str | None, context: Context) -> Form | None:
    constant = constant_of(side) if isinstance(side, str) else None
    if constant is not None:
        is_turned = constant.is_unsigned and not is_unsigned(type_)
        return None if type_ is None or is_turned else typed_constant(side, type_)
    return side if type_ is not None and type_of(side, context.types) == type_ else None


def truth(test: Form, then: list[Form], otherwise: list[Form], context: Context) -> Form | None:
    """Write an if of which one branch returns true or false as the return of one condition."""
    sides = [_returned(branch) for branch in (then, otherwise)]
    if context.result != "bool" or None in sides:
        return None
    first, second = sides
    if first in TRUTHS and second in TRUTHS:
        value = test if first == "1" else opposite(test)
        return None if first == second else [RETURN, "return", value]
    if first in TRUTHS:
        value = either(test, second) if first == "1" else both(opposite(test), second)
    elif second in TRUTHS:
        value = either(opposite(test), first) if second == "1" else both(test, first)
    else:
        return None
    return [RETURN, "return", condition(value)]


def _returned(statements: list[Form]) -> Form | None:
    """Give the value that is returned, if some statements do nothing else."""
    is_one = len(statements) == 1 and kind(statements[0]) == RETURN and len(statements[0]) == 3
    return statements[0][2] if is_one else None


def changed_if(statement: Form, context: Context) -> tuple[Form, Form] | None:
    """Split x = c ? x : y, or x = x ?: y, into the condition under which x changes, and x = y."""
    form = statement[1] if kind(statement) == "do" and len(statement) == 2 else ""
    if kind(form) != "assignment_expression" or len(form) != 4 or form[2] != "=":
        return None
    name, value = form[1], form[3]
    is_own = is_local(name) and name not in context.passed_on
    if not is_own or kind(value) != "conditional_expression" or len(value) not in {5, 6}:
        return None
    test, first, second = value[1], value[-3], value[-1]
    if len(value) == 5:  # x ?: y
        first = test
    if name not in (first, second) or first == second:
        return None
    other = second if first == name else first
    type_ = type_of(name, context.types)
    if type_ is None or not (type_.endswith("*") or type_ == type_of(other, context.types)):
        return None
    change = ["do", ["assignment_expression", name, "=", stored(other)]]
    return (opposite(condition(test)) if first == name else condition(test)), change
