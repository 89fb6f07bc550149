"""Statements that do the same, in one form: what an author may write in two ways.

A form of normal_form.py is read as nested lists, rewritten, and written again. Every rewriting
keeps what the code does, on every path and for every value:

    if (!x) return; f();             at the end of a function that returns nothing: if (x) f();
    if (x < 0) return 0; return x;   as with the branches swapped, and as x < 0 ? 0 : x
    if (!x) continue; f(x);          at the end of a loop's body: if (x) f(x);
    x = x + n;                       x += n;
    p == NULL, n != 0                in a condition: !p, n
    a = b; c = d;                    in a fixed order, for local variables that do not meet
    WARN_ON(x); might_sleep();       left out: they report, and change nothing

A form that has text which the parser did not understand stays as it is.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from rssbound.kernel.constants import constant_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("conditions_of", "is_each", "renumbered", "rewritten", "without_negation")

Form: TypeAlias = Any
"""A word, or a list of forms."""

LEXEME = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])+\'|\(|\)|[^\s()"\']+')
NUMBERED = re.compile(r"\$\d+")

RETURN, BREAK, CONTINUE, GOTO = (
    f"{word}_statement" for word in ("return", "break", "continue", "goto")
)
JUMPS = (RETURN, BREAK, CONTINUE, GOTO)
LOOPS = {"while_statement": 3, "do_statement": 2, "for": -1}
"""Kinds of loops -> where the body is in the form."""

UNREAD = ("text", "missing", "ERROR", "all", "preproc_", "statement_expression")
"""Parts that are kept word by word: the form around them is not changed."""

EACH = re.compile(r"\w*(?:for|do)_each\w*")
"""Macros of loops; the statement after them is the body."""

REPORTS = re.compile(r"(?:VM_)?WARN_ON(?:_ONCE)?|lockdep_assert_\w+|lockdep_assert|might_sleep")
"""Calls that report a fault of the kernel, and change nothing."""

PURE = re.compile(
    r"get_mm_(?:counter|rss)(?:_sum)?|num_(?:online|possible|present)_cpus|per_cpu_ptr"
)
"""Calls that only read."""

MOST = 60
"""Conditions of a function that is rewritten; each can make the nesting deeper."""

MEMORY = "memory"
"""Stands for all memory that others can change, among the names that a statement uses."""

PLACES = ("field_expression", "pointer_expression", "subscript_expression")
SIGNS = {*"+-*/%&|^<>!~?:=", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||"}

OPPOSITE = {"==": "!=", "!=": "=="}
TURNED = {"<": "<=", "<=": "<"}
LOGICAL = {"&&": "||", "||": "&&"}
CHAINS = ("+", "*", "&", "|", "^")
OTHERS = ("-", "/", "%", "<<", ">>")
ZERO: tuple[Form, ...] = ("0", "NULL", ["null", "NULL"])


def rewritten(form: str, *, is_void: bool, is_redefined: Callable[[str], bool]) -> str:
    """Rewrite the body of a function; unchanged if a part of it was not understood."""
    read = None if form.count("(if_statement ") > MOST else _read(form)
    if read is None or _kind(read) != "block" or _has_body_elsewhere(read):
        return form
    context = _Context(is_redefined, frozenset(_passed_on(read)))
    body = _statements(list(read[1:]), "return" if is_void else "", context)
    return _text(["block", *body])


def without_negation(condition: str) -> tuple[str, bool]:
    """Give the value that a condition compares with 0 or NULL, and whether it holds for 0."""
    read = _read(condition) if condition.startswith("(") else None
    if read is None:
        return condition, False
    form = _condition(read)
    if _kind(form) == "unary" and form[1] == "!":
        return _text(form[2]), True
    return _text(form), False


def conditions_of(condition: str, *, holds: bool = True) -> list[str]:
    """Split a condition into those that must all hold; with `holds` false, for it not to hold."""
    read = _read(condition if holds else f"(unary ! {condition})")
    return [condition if holds else f"! {condition}"] if read is None else _conjuncts(read)


def _conjuncts(form: Form) -> list[str]:
    form = _condition(form)
    if _kind(form) == "binary" and len(form) == 4 and form[2] == "&&":
        return [*_conjuncts(form[1]), *_conjuncts(form[3])]
    return [_text(form)]


class _Context(NamedTuple):
    """The function: which names are macros of the tree, and locals whose address is taken."""

    is_redefined: Callable[[str], bool]
    passed_on: frozenset[str]


def renumbered(parts: list[str], typed: list[str]) -> list[str]:
    """Number local names in the order in which they are used, and add the types of those used."""
    types = dict(one.split(":", 1) for one in typed)
    order: dict[str, str] = {}
    for name in NUMBERED.findall(" ".join(parts)):
        order.setdefault(name, f"${len(order)}")
    named = [NUMBERED.sub(lambda match: order[match[0]], part) for part in parts]
    return [*named, *(f"{number}:{types[name]}" for name, number in order.items())]


def _read(form: str) -> Form | None:
    """Read nested lists; None if a part is kept word by word."""
    if re.search(r"\( |\(\)|\($", re.sub(r'"(?:\\.|[^"\\])*"', '""', form)):
        return None
    stack: list[list[Form]] = [[]]
    for word in LEXEME.findall(form):
        if word == "(":
            stack.append([])
        elif word == ")":
            if len(stack) < 2:
                return None
            done = stack.pop()
            if not done or (isinstance(done[0], str) and done[0].startswith(UNREAD)):
                return None
            stack[-1].append(done)
        else:
            stack[-1].append(word)
    return stack[0][0] if len(stack) == 1 and len(stack[0]) == 1 else None


def _text(form: Form) -> str:
    return form if isinstance(form, str) else f"({' '.join(map(_text, form))})"


def _blind(form: Form) -> str:
    """Write a form without the numbers of its local names, which depend on the order."""
    return NUMBERED.sub("$", _text(form))


def _kind(form: Form) -> str:
    return form[0] if isinstance(form, list) and form and isinstance(form[0], str) else ""


def _listed(form: Form) -> list[Form]:
    """Give the statements of a block, or of a branch that is one statement."""
    return list(form[1:]) if _kind(form) == "block" else [form]


def _words(form: Form) -> Iterator[str]:
    if isinstance(form, str):
        yield form
    else:
        for part in form:
            yield from _words(part)


# -- statements


def _statements(listed: list[Form], end: str, context: _Context) -> list[Form]:
    """Rewrite a list of statements. `end` is the jump that reaching its end equals, if any."""
    found: list[Form] = []
    for place, statement in enumerate(listed):
        kind, rest = _kind(statement), listed[place + 1 :]
        if found and _is_loop_head(found[-1]):
            found.append(["block", *_statements(_listed(statement), "continue", context)])
            continue
        if kind == "do" and _is_report(statement, context):
            continue
        choice = _choice(statement)
        if choice is None:
            found.append(_inner(statement, context))
            continue
        condition, then, otherwise = choice
        merged = _jumps(then) or _jumps(otherwise)
        if _jumps(then):
            otherwise = [*otherwise, *rest]
        elif _jumps(otherwise):
            then = [*then, *rest]
        last = end if merged or not rest else ""
        branches = [_statements(branch, last, context) for branch in (then, otherwise)]
        found.append(_if(condition, branches))
        if merged:
            break
    while found and end and _text(found[-1]) == f"({end}_statement {end})":
        found.pop()
    return _ordered(found, context)


def is_each(name: str) -> bool:
    """Return whether a called name is a macro of a loop, by convention."""
    return EACH.fullmatch(name) is not None


def _is_loop_head(statement: Form) -> bool:
    call = statement[1] if _kind(statement) == "do" and len(statement) == 2 else ""
    name = call[1] if _kind(call) == "call" and len(call) > 1 else ""
    return isinstance(name, str) and is_each(name)


def _has_body_elsewhere(form: Form) -> bool:
    """Return whether the body of a loop macro is not the next statement.

    The parser reads the macro as a call, so the body of `if (x) for_each_cpu(i, m) g(i);` is read
    as a statement after the `if`, as are the bodies of nested loops without braces.
    """
    if not isinstance(form, list):
        return False
    heads = list(map(_is_loop_head, form))
    return (
        heads[-1]
        or any(both == (True, True) for both in pairwise(heads))
        or any(map(_has_body_elsewhere, form))
    )


def _jumps(listed: list[Form]) -> bool:
    return bool(listed) and _kind(listed[-1]) in JUMPS


def _choice(statement: Form) -> tuple[Form, list[Form], list[Form]] | None:
    """Split an if, or a return of one of two values, into its condition and branches."""
    kind = _kind(statement)
    if kind == "if_statement" and len(statement) in {4, 5} and statement[1] == "if":
        otherwise = statement[4] if len(statement) == 5 else ["block"]
        if _kind(otherwise) == "else_clause":
            otherwise = otherwise[2]
        return statement[2], _listed(statement[3]), _listed(otherwise)
    if kind == RETURN and len(statement) == 3:
        value = statement[2]
        if _kind(value) == "conditional_expression" and len(value) == 6:
            sides = value[3], value[5]
            if any(map(_is_count, sides)):
                first, second = ([[RETURN, "return", _stored(side)]] for side in sides)
                return value[1], first, second
    return None


def _is_count(form: Form) -> bool:
    """Return whether a side is a constant that changes the value of no other side."""
    constant = constant_of(form) if isinstance(form, str) else None
    return constant is not None and not constant.is_unsigned and constant.value >= 0


def _stored(form: Form) -> Form:
    constant = constant_of(form) if isinstance(form, str) else None
    return form if constant is None else str(constant.value)


def _if(condition: Form, branches: list[list[Form]]) -> Form:
    """Write an if with the condition or its opposite, whichever comes first."""
    condition = _condition(condition)
    opposite = _opposite(condition)
    if _blind(opposite) < _blind(condition):
        condition, branches = opposite, branches[::-1]
    return ["if", condition, *(["block", *branch] for branch in branches)]


def _inner(statement: Form, context: _Context) -> Form:
    """Rewrite a statement that is no choice, and the statements in it."""
    kind = _kind(statement)
    if kind == "block":
        return ["block", *_statements(statement[1:], "", context)]
    if kind in LOOPS and isinstance(statement, list):
        place = LOOPS[kind]
        body = ["block", *_statements(_listed(statement[place]), "continue", context)]
        changed = list(statement)
        changed[place] = body
        head = 2 if kind == "while_statement" else -1
        if kind != "for":
            changed[head] = _condition(changed[head])
        return changed
    if kind == "do" and len(statement) == 2:
        return ["do", _compound(statement[1], context)]
    return statement


def _is_report(statement: Form, context: _Context) -> bool:
    """Return whether a statement is only a report, with arguments that have no effect."""
    call = statement[1] if len(statement) == 2 else ""
    if _kind(call) != "call" or len(call) < 2 or not isinstance(call[1], str):
        return False
    name = call[1]
    return bool(
        REPORTS.fullmatch(name)
        and not context.is_redefined(name)
        and all(_is_plain(argument, context) for argument in call[2:])
    )


def _compound(form: Form, context: _Context) -> Form:
    """Write x = x + n as x += n."""
    if _kind(form) != "assignment_expression" or len(form) != 4 or form[2] != "=":
        return form
    target, value = form[1], form[3]
    sign = _kind(value)
    if not _is_plain(target, context):
        return form
    if sign in CHAINS and target in value[1:]:
        rest = list(value[1:])
        rest.remove(target)
        by = rest[0] if len(rest) == 1 else [sign, *rest]
        return ["assignment_expression", target, f"{sign}=", by]
    if sign == "binary" and value[1] == target and value[2] in OTHERS:
        return ["assignment_expression", target, f"{value[2]}=", value[3]]
    return form


# -- conditions


def _condition(form: Form) -> Form:
    """Write a value of which only whether it is 0 counts."""
    if _kind(form) == "unary" and form[1] == "!":
        return _opposite(_condition(form[2]))
    if _kind(form) != "binary" or len(form) != 4:
        return form
    _, left, sign, right = form
    if sign in LOGICAL:
        return ["binary", _condition(left), sign, _condition(right)]
    if sign in OPPOSITE and (left in ZERO or right in ZERO):
        value = _condition(right if left in ZERO else left)
        return value if sign == "!=" else _opposite(value)
    return form


def _opposite(form: Form) -> Form:
    """Write a condition that holds where this one does not."""
    if _kind(form) == "unary" and form[1] == "!":
        return form[2]
    if _kind(form) == "binary" and len(form) == 4:
        _, left, sign, right = form
        if sign in LOGICAL:
            return ["binary", _opposite(left), LOGICAL[sign], _opposite(right)]
        if sign in OPPOSITE:
            return ["binary", left, OPPOSITE[sign], right]
        if sign in TURNED:
            return ["binary", right, TURNED[sign], left]
    return ["unary", "!", form]


# -- order


def _is_pure(form: Form) -> bool:
    """Return whether evaluating a form changes nothing and calls only what reads."""
    if isinstance(form, str):
        return True
    kind = _kind(form)
    if kind == "call" and not (isinstance(form[1], str) and PURE.fullmatch(form[1])):
        return False
    changing = kind in {"assignment_expression", "update_expression", "compound_literal"}
    unknown = kind == "comma_expression" or kind.startswith(("ms_", "gnu_", "statement"))
    return not changing and not unknown and all(map(_is_pure, form))


def _is_plain(form: Form, context: _Context) -> bool:
    """Return whether a form is pure and names no macro of the tree, which could have an effect."""
    return _is_pure(form) and not any(map(context.is_redefined, _words(form)))


def _passed_on(form: Form) -> Iterator[str]:
    """Yield the names in operands of &."""
    if _kind(form) == "pointer_expression" and form[1] == "&":
        yield from _words(form)
    elif isinstance(form, list):
        for part in form:
            yield from _passed_on(part)


def _sets(statement: Form, context: _Context) -> tuple[str, frozenset[str]] | None:
    """Give the local variable that a statement sets and the names that it uses; None for others."""
    if _kind(statement) != "do" or len(statement) != 2:
        return None
    form = statement[1]
    if _kind(form) != "assignment_expression" or len(form) != 4 or form[2] == "static":
        return None
    target, value = form[1], form[3]
    if not isinstance(target, str) or not NUMBERED.fullmatch(target):
        return None
    if not _is_plain(value, context):
        return None
    used = {*_words(value), *(() if form[2] == "=" else (target,))}
    return target, frozenset(used | ({MEMORY} if _reads_memory(value) else set()))


def _reads_memory(form: Form) -> bool:
    """Return whether a value depends on what others can change, and so on the order of reads."""
    if isinstance(form, str):
        return not (NUMBERED.fullmatch(form) or constant_of(form) or form in SIGNS)
    if _kind(form) == "call":
        return False
    return _kind(form) in PLACES or any(map(_reads_memory, form[1:]))


def _ordered(listed: list[Form], context: _Context) -> list[Form]:
    """Bring adjacent assignments of local variables that do not meet into a fixed order."""
    found: list[Form] = []
    run: list[tuple[Form, tuple[str, frozenset[str]]]] = []
    for statement in [*listed, None]:
        set_ = None if statement is None else _sets(statement, context)
        if statement is not None and set_ is not None and set_[0] not in context.passed_on:
            run.append((statement, set_))
            continue
        found += _sorted(run)
        run = []
        if statement is not None:
            found.append(statement)
    return found


def _sorted(run: list[tuple[Form, tuple[str, frozenset[str]]]]) -> list[Form]:
    """Always take the first statement, as text, that meets none of those before it."""
    waiting, found = list(run), []
    while waiting:
        free = [
            place
            for place, (_, one) in enumerate(waiting)
            if not any(_meet(one, other) for _, other in waiting[:place])
        ]
        best = min(free, key=lambda place: _blind(waiting[place][0]))
        found.append(waiting.pop(best)[0])
    return found


def _meet(one: tuple[str, frozenset[str]], other: tuple[str, frozenset[str]]) -> bool:
    """Return whether one of two statements sets what the other uses or sets."""
    both_read = MEMORY in one[1] and MEMORY in other[1]
    return both_read or one[0] == other[0] or one[0] in other[1] or other[0] in one[1]
