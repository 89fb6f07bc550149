"""Statements in one form: conditions, jumps, and what follows them.

Each line has two ways of writing one thing:

    if (!x) return; f();             at the end of a function that returns nothing: if (x) f();
    if (x < 0) return 0; return x;   as with the branches swapped, and as x < 0 ? 0 : x
    if (!x) continue; f(x);          at the end of a loop's body: if (x) f(x);
    if (a) if (b) f();               if (a && b) f();
    if (a) { f(); g(); } else g();   if (a) f(); g();
    x = x + n;                       x += n;
    WARN_ON(x); might_sleep();       left out: they report, and change nothing
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from rssbound.kernel.constants import KNOWN, constant_of
from rssbound.kernel.equal_forms.choices import changed_if, converted, extreme, truth
from rssbound.kernel.equal_forms.conditions import both, condition, either, opposite
from rssbound.kernel.equal_forms.effects import (
    Context,
    called,
    depends_on_memory,
    is_head,
    is_of_this_cpu,
    is_own,
    is_plain,
    is_report,
    is_static_place,
    locals_set,
)
from rssbound.kernel.equal_forms.form import (
    BRANCHES,
    JUMPS,
    RETURN,
    blind,
    is_local,
    kind,
    listed,
    text,
    words,
)
from rssbound.kernel.equal_forms.loops import without_head
from rssbound.kernel.equal_forms.types import (
    as_type,
    have_one_width,
    stored,
    type_of,
)
from rssbound.kernel.operators import CHAINS

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.kernel.equal_forms.form import Form

__all__ = ("has_body_elsewhere", "in_one_form")

LOOPS = ("while_statement", "do_statement", "for")
OTHERS = ("-", "/", "%", "<<", ">>")


def in_one_form(statements: list[Form], end: str, context: Context) -> list[Form]:
    """Rewrite a list of statements. `end` is the jump that reaching its end equals, if any."""
    rest: list[Form] = []
    for statement in reversed(_with_bodies(statements)):
        rest = _before(statement, rest, end, context)
    return rest


def _with_bodies(statements: list[Form]) -> list[Form]:
    """Put the body of each for_each_*(..) into it, which the parser reads as the next statement."""
    found: list[Form] = []
    for statement in statements:
        if found and is_head(found[-1]):
            found[-1] = ["each_statement", found[-1][1], ["block", *listed(statement)]]
        else:
            found.append(statement)
    return found


def has_body_elsewhere(form: Form) -> bool:
    """Return whether the body of a loop macro is not the next statement.

    The parser reads the macro as a call, so the body of `if (x) for_each_cpu(i, m) g(i);` is read
    as a statement after the `if`, as are the bodies of nested loops without braces.
    """
    if not isinstance(form, list):
        return False
    heads = list(map(is_head, form))
    return (
        heads[-1]
        or any(pair == (True, True) for pair in pairwise(heads))
        or any(map(has_body_elsewhere, form))
    )


def _before(statement: Form, rest: list[Form], end: str, context: Context) -> list[Form]:
    """Put a statement before others that are in one form already."""
    if statement == ["do"] or is_report(statement, context):
        return rest
    choice = _choice(statement, context)
    if choice is not None:
        return _choice_before(choice, rest, end, context)
    put = PUT.get(kind(statement))
    return [statement, *rest] if put is None else put(statement, rest, end, context)


def _block_before(statement: Form, rest: list[Form], end: str, context: Context) -> list[Form]:
    return _all_before(statement[1:], rest, end, context)


def _loop_before(statement: Form, rest: list[Form], end: str, context: Context) -> list[Form]:
    *first, loop = without_head(statement, context)
    inside = in_one_form(loop[1][1:], "continue", context)
    return _all_before(first, [["loop", ["block", *inside]], *rest], end, context)


def _each_before(statement: Form, rest: list[Form], _: str, context: Context) -> list[Form]:
    inside = in_one_form(statement[2][1:], "continue", context)
    return [["each", statement[1], ["block", *inside]], *rest]


def _label_before(statement: Form, rest: list[Form], end: str, context: Context) -> list[Form]:
    if len(statement) != 4:
        return [statement, *rest]
    return [["label", statement[1]], *_before(statement[3], rest, end, context)]


def _branch_before(statement: Form, rest: list[Form], _: str, context: Context) -> list[Form]:
    return [_preprocessed(statement, context), *rest]


def _all_before(statements: list[Form], rest: list[Form], end: str, context: Context) -> list[Form]:
    for statement in reversed(_with_bodies(statements)):
        rest = _before(statement, rest, end, context)
    return rest


def _preprocessed(statement: Form, context: Context) -> Form:
    """Rewrite the statements in a branch of the preprocessor, each run of them by itself."""
    found: list[Form] = []
    run: list[Form] = []
    for part in [*statement, ""]:
        is_statement = kind(part) not in {"", "binary", "unary", "call", *BRANCHES} and (
            not kind(part).startswith("preproc_")
        )
        if is_statement:
            run.append(part)
            continue
        if run:
            found.append(["block", *in_one_form(run, "", context)])
            run = []
        found.append(_preprocessed(part, context) if kind(part) in BRANCHES else part)
    return found[:-1]


# -- jumps and values that are set


def _jump_before(statement: Form, rest: list[Form], end: str, context: Context) -> list[Form]:
    """Leave out what comes after a jump and is never reached, and a jump to what comes next."""
    kept = rest if any("label" in words(each) for each in rest) else []
    if not kept and end and text(statement) == f"({end}_statement {end})":
        return []
    if kind(statement) == RETURN and len(statement) == 3:
        value = converted(statement[2], context.result)
        value = condition(["cast", "bool", value]) if context.result == "bool" else value
        statement = [RETURN, "return", stored(value)]
    return [statement, *kept]


def _done_before(statement: Form, rest: list[Form], end: str, context: Context) -> list[Form]:
    """Put an expression before some statements; a = b = n is two."""
    form = statement[-1]
    if kind(form) == "comma_expression":
        return _all_before([["do", part] for part in form[1:]], rest, end, context)
    form = _compound(form, context)
    if kind(form) != "assignment_expression" or len(form) != 4:
        return [["do", form], *rest]
    target, sign, value = form[1:]
    is_chain = kind(value) == "assignment_expression" and value[2] == "="
    if sign == "=" and is_chain and is_own(value[1], context):
        second = ["assignment_expression", target, "=", value[1]]
        return _all_before([["do", value], ["do", second]], rest, end, context)
    if sign == "=":
        form = [*form[:3], converted(value, type_of(target, context.types))]
    if is_local(target) and target not in context.passed_on:
        return _set_before(form, rest, context)
    return [["do", form], *rest]


def _set_before(form: Form, rest: list[Form], context: Context) -> list[Form]:
    """Write x = n; return x; as return n, and x = n; x += m; as x = n + m."""
    _, name, sign, value = form
    type_ = type_of(name, context.types)
    if sign == "=" and rest:
        joined = _joined(name, value, rest[0], context)
        if joined is not None:
            return _set_before(["assignment_expression", name, "=", joined], rest[1:], context)
    if rest == [[RETURN, "return", name]]:
        if sign == "=":
            typed = as_type(value, type_, context.types)
        else:
            typed = _added(name, value, name, context) if sign == "+=" else None
        if typed is not None:
            return _before([RETURN, "return", typed], [], "", context)
    return [["do", form], *rest]


def _joined(name: str, value: Form, statement: Form, context: Context) -> Form | None:
    """Give n + m for x = n; x += m, if all are of one width."""
    form = statement[1] if kind(statement) == "do" and len(statement) == 2 else ""
    if kind(form) != "assignment_expression" or form[1:3] != [name, "+="]:
        return None
    if name in words(form[3]) or not is_plain(form[3], context):
        return None
    if depends_on_memory(form[3], context) and not is_plain(value, context):
        return None
    return _added(value, form[3], name, context)


def _added(one: Form, other: Form, name: str, context: Context) -> Form | None:
    """Give the sum of two values, if it and the variable that it goes to are of one width."""
    types = {type_of(part, context.types) for part in (one, other, name) if part != "0"}
    if not have_one_width(types):
        return None
    if one == "0":
        return other
    operands = [*_operands(one, context), *_operands(other, context)]
    return ["+", *operands]


def _operands(form: Form, context: Context) -> list[Form]:
    """Split a sum of longs, which wrap at the same width in any grouping."""
    if kind(form) != "+" or not have_one_width({type_of(part, context.types) for part in form[1:]}):
        return [form]
    return [each for part in form[1:] for each in _operands(part, context)]


def _compound(form: Form, context: Context) -> Form:
    """Write x = x + n as x += n."""
    if kind(form) != "assignment_expression" or len(form) != 4 or form[2] != "=":
        return form
    target, value = form[1], form[3]
    sign = kind(value)
    if not is_plain(target, context) or not is_static_place(target) or is_of_this_cpu(target):
        return form
    if depends_on_memory(target, context) and not is_plain(value, context):
        return form
    if sign in CHAINS and target in value[1:]:
        rest = list(value[1:])
        rest.remove(target)
        by = rest[0] if len(rest) == 1 else [sign, *rest]
        return ["assignment_expression", target, f"{sign}=", by]
    if sign == "binary" and value[1] == target and value[2] in OTHERS:
        return ["assignment_expression", target, f"{value[2]}=", value[3]]
    return form


# -- choices


class _Choice(NamedTuple):
    """A condition and what is done if it holds and if not."""

    test: Form
    then: list[Form]
    otherwise: list[Form]


def _choice(statement: Form, context: Context) -> _Choice | None:
    """Split an if, or the use of one of two values, into its condition and branches."""
    head = kind(statement)
    if head == "if":
        return _Choice(statement[1], list(statement[2][1:]), list(statement[3][1:]))
    if head == "if_statement" and len(statement) in {4, 5} and statement[1] == "if":
        otherwise = statement[4] if len(statement) == 5 else ["block"]
        if kind(otherwise) == "else_clause":
            otherwise = otherwise[2]
        branches = (in_one_form(listed(part), "", context) for part in (statement[3], otherwise))
        return _Choice(condition(statement[2]), *branches)
    change = changed_if(statement, context)
    if change is not None:
        return _Choice(change[0], in_one_form([change[1]], "", context), [])
    if head == RETURN and len(statement) == 3:
        sides = _sides(statement[2], context.result, context)
        if sides is not None:
            first, second = ([[RETURN, "return", side]] for side in sides[1:])
            return _Choice(
                condition(sides[0]),
                in_one_form(first, "", context),
                in_one_form(second, "", context),
            )
    return None


def _sides(value: Form, type_: str, context: Context) -> tuple[Form, Form, Form] | None:
    """Give the condition and the two values of c ? a : b, if neither changes the other's value."""
    if kind(value) != "conditional_expression" or len(value) != 6:
        return None
    first, second = (converted(side, type_) for side in (value[3], value[5]))
    types = {type_of(side, context.types) for side in (first, second)}
    if not (len(types) == 1 and None not in types) and not any(map(_is_count, (first, second))):
        return None
    return value[1], stored(first), stored(second)


def _is_count(form: Form) -> bool:
    """Return whether a side is a constant that changes the value of no other side."""
    constant = constant_of(form) if isinstance(form, str) else None
    if constant is None:
        return form in KNOWN
    return not constant.is_unsigned and constant.value >= 0


def _choice_before(choice: _Choice, rest: list[Form], end: str, context: Context) -> list[Form]:
    test, then, otherwise = choice
    if rest and _is_left(then):
        otherwise, rest = _all_before(otherwise, rest, end, context), []
        then = _stripped(then, end, context)
    elif rest and _is_left(otherwise):
        then, rest = _all_before(then, rest, end, context), []
        otherwise = _stripped(otherwise, end, context)
    elif rest and _is_set_last(then, otherwise, rest, context):
        then, otherwise = (_all_before(each, rest, end, context) for each in (then, otherwise))
        rest = []
    elif not rest:
        then, otherwise = (_stripped(each, end, context) for each in (then, otherwise))
    return [*_if(test, then, otherwise, context), *rest]


def _stripped(statements: list[Form], end: str, context: Context) -> list[Form]:
    """Leave out the jumps at the end of some statements that equal reaching their end."""
    if not end or not statements:
        return statements
    *before, last = statements
    if text(last) == f"({end}_statement {end})":
        return _stripped(before, end, context)
    if kind(last) != "if":
        return statements
    _, test, *branches = last
    then, otherwise = (_stripped(list(branch[1:]), end, context) for branch in branches)
    return [*before, *_if(test, then, otherwise, context)]


def _is_left(statements: list[Form]) -> bool:
    """Return whether the end of some statements is never reached."""
    if not statements:
        return False
    last = statements[-1]
    if kind(last) == "if":
        return all(_is_left(list(branch[1:])) for branch in last[2:])
    return kind(last) in JUMPS


def _is_set_last(
    then: list[Form], otherwise: list[Form], rest: list[Form], context: Context
) -> bool:
    """Return whether a branch ends by setting the local variable that is returned next."""
    if len(rest) != 1 or kind(rest[0]) != RETURN or len(rest[0]) != 3:
        return False
    name = rest[0][2]
    if not is_local(name) or name in context.passed_on:
        return False
    last = [branch[-1] for branch in (then, otherwise) if branch]
    return any(name in locals_set(each) for each in last if kind(each) == "do")


def _if(test: Form, then: list[Form], otherwise: list[Form], context: Context) -> list[Form]:
    """Write an if: what both branches end with after it, one if for nested ones, in one order."""
    last: list[Form] = []
    while then and otherwise and then[-1] == otherwise[-1] and kind(then[-1]) != "label":
        last = [then[-1], *last]
        then, otherwise = then[:-1], otherwise[:-1]
    test, then, otherwise = _nested(test, then, otherwise)
    if not then and not otherwise:
        value = test[2] if kind(test) == "unary" and test[1] == "!" else test
        return last if is_plain(test, context) else [["do", value], *last]
    if len(then) == 1 and not otherwise and _is_trace(test, then[0], context):
        return [*then, *last]
    one = extreme(test, then, otherwise, context) or truth(test, then, otherwise, context)
    if one is not None:
        return [one, *last]
    turned = opposite(test)
    if blind(turned) < blind(test):
        test, then, otherwise = turned, otherwise, then
    return [["if", test, ["block", *then], ["block", *otherwise]], *last]


def _is_trace(test: Form, then: Form, context: Context) -> bool:
    """Return whether a tracepoint is only reached if it is enabled, as it is anyway.

    Its arguments are evaluated in any case, so they have no effect.
    """
    name = called(then[1]) if kind(then) == "do" and len(then) == 2 else ""
    is_one = name.startswith("trace_") and called(test) == f"{name}_enabled"
    return is_one and all(is_plain(argument, context) for argument in then[1][2:])


def _nested(
    test: Form, then: list[Form], otherwise: list[Form]
) -> tuple[Form, list[Form], list[Form]]:
    """Join an if with the one that is its whole branch, if both do the same else."""
    if len(then) == 1 and kind(then[0]) == "if":
        inner, first, second = then[0][1], list(then[0][2][1:]), list(then[0][3][1:])
        if second == otherwise:
            return _nested(both(test, inner), first, otherwise)
        if first == otherwise:
            return _nested(both(test, opposite(inner)), second, otherwise)
    if len(otherwise) == 1 and kind(otherwise[0]) == "if":
        inner = otherwise[0][1]
        first, second = list(otherwise[0][2][1:]), list(otherwise[0][3][1:])
        if first == then:
            return _nested(either(test, inner), then, second)
        if second == then:
            return _nested(either(test, opposite(inner)), then, first)
    return test, then, otherwise


PUT: dict[str, Callable[[Form, list[Form], str, Context], list[Form]]] = {
    "block": _block_before,
    "do": _done_before,
    "each_statement": _each_before,
    "labeled_statement": _label_before,
    **dict.fromkeys(JUMPS, _jump_before),
    **dict.fromkeys(LOOPS, _loop_before),
    **dict.fromkeys(BRANCHES, _branch_before),
}
"""What puts each kind of statement before others."""
