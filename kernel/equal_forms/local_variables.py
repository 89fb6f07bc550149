"""Local variables that only give a name to a value: the value is put in their place.

    p = &m->count[i]; f(p);          f(&m->count[i]);
    long n = a + b; return n * 2;    return (long)(a + b) * 2;

A variable is replaced if it is set once, before all its uses in the same block, its address is not
taken, and its value is the same wherever it is used:

- it depends on no memory, and the local variables in it are not set in between; or
- it is used once, not in a loop, and nothing in between reads or changes memory; or
- the next statement uses it once, before anything else that has an effect.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from rssbound.kernel.equal_forms.effects import (
    REPEATING,
    SIZES,
    Context,
    called,
    calls,
    depends_on_memory,
    has_effect,
    is_of_this_cpu,
    is_plain,
    is_staying_set,
    locals_set,
    reads_memory,
)
from rssbound.kernel.equal_forms.form import BRANCHES, RETURN, is_local, kind, replaced, words
from rssbound.kernel.equal_forms.places import in_one_form as places_in_one_form
from rssbound.kernel.equal_forms.types import as_type, one_type
from rssbound.kernel.operators import CHAINS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rssbound.kernel.equal_forms.form import Form

__all__ = ("without_names_of_values",)

LOOPS = ("loop", "each", "switch_statement")

OF_ONE = {"cast": -1, "unary": 2, "pointer_expression": 2, "field_expression": 1, "array": 1}
"""Expressions with one operand -> its place."""

ROUNDS = 10
"""Values are named by values, but not more deeply than this."""

DEEPEST = 80
"""Nesting of a statement into which values are put."""

LONGEST, LONG = 300, 40
"""Words of a value that is put in one place, and in more than one."""


class _Value(NamedTuple):
    """A local variable that is set, and the value."""

    name: str
    form: Form


def without_names_of_values(body: list[Form], context: Context) -> list[Form]:
    """Replace variables by their values, as long as there are any."""
    for _ in range(ROUNDS):
        changed = _replaced(body, _Uses.of(body), context)
        if changed == body:
            break
        body = changed
    return body


class _Uses(NamedTuple):
    """How often each word is in a function, and the local variables that are set once."""

    times: Mapping[str, int]
    set_once: frozenset[str]

    @classmethod
    def of(cls, body: list[Form]) -> _Uses:
        times = Counter(locals_set(body))
        once = frozenset(name for name, number in times.items() if number == 1)
        return cls(Counter(words(body)), once)


def _replaced(block: list[Form], uses: _Uses, context: Context) -> list[Form]:
    """Replace variables that can be, in a block and in those inside it, from the last on."""
    rest: list[Form] = []
    for statement in reversed(block):
        after = _replaced_in(statement, rest, uses, context)
        rest = [_with_blocks(statement, uses, context), *rest] if after is None else after
    return rest


def _replaced_in(
    statement: Form, rest: list[Form], uses: _Uses, context: Context
) -> list[Form] | None:
    """Put the value of the variable that a statement sets into the rest; None if that cannot be."""
    value = _value_in(statement, context)
    if value is None or not _is_only(value.name, rest, uses):
        return None
    if _can_be_set_or_sized(value.name, rest, context):
        return None
    written = _written(value, context)
    if written is None or not _is_same_there(value, rest, context):
        return None
    after = [
        places_in_one_form(replaced(each, value.name, written), context.types)
        if value.name in words(each)
        else each
        for each in rest
    ]
    return after if max(map(_depth, after), default=0) <= DEEPEST else None


def _depth(form: Form) -> int:
    return 0 if isinstance(form, str) else 1 + max(map(_depth, form), default=0)


def _with_blocks(statement: Form, uses: _Uses, context: Context) -> Form:
    """Replace variables in the blocks of a statement."""
    if isinstance(statement, str):
        return statement
    found = []
    for part in statement:
        if kind(part) == "block":
            found.append(["block", *_replaced(part[1:], uses, context)])
        else:
            found.append(_with_blocks(part, uses, context) if kind(part) in BRANCHES else part)
    return found


def _value_in(statement: Form, context: Context) -> _Value | None:
    """Give the local variable that a statement sets to a value without an effect."""
    form = statement[1] if kind(statement) == "do" and len(statement) == 2 else ""
    if kind(form) != "assignment_expression" or len(form) != 4 or form[2] != "=":
        return None
    name, value = form[1], form[3]
    if not is_local(name) or name in context.passed_on:
        return None
    return None if name in words(value) else _Value(name, value)


def _is_only(name: str, rest: list[Form], uses: _Uses) -> bool:
    """Return whether a variable is set once, and not used but in what follows."""
    return name in uses.set_once and uses.times[name] == 1 + _times(name, rest)


def _can_be_set_or_sized(name: str, form: Form, context: Context) -> bool:
    """Return whether a macro can set a variable, or its size or type is taken.

    The size of a pointer is not that of the array to which it points.
    """
    if isinstance(form, str):
        return False
    head = called(form) if kind(form) == "call" else kind(form)
    if (head in context.setting or head.startswith(SIZES)) and name in words(form):
        return True
    return any(_can_be_set_or_sized(name, part, context) for part in form)


def _times(name: str, forms: list[Form]) -> int:
    return sum(word == name for word in words(forms))


def _written(value: _Value, context: Context) -> Form | None:
    """Give the value with the type of the variable; None if the type is not known."""
    return as_type(value.form, one_type(context.types, value.name), context.types)


def _is_same_there(value: _Value, rest: list[Form], context: Context) -> bool:
    """Return whether a value is the same wherever the variable is used."""
    if not is_plain(value.form, context):
        return _is_used_at_once(value, rest, context)
    times = _times(value.name, rest)
    if sum(1 for _ in words(value.form)) > (LONGEST if times == 1 else LONG):
        return False
    before = _before_uses(rest, value.name)
    between = [*before.pieces, *before.operands]
    if _are_names_set(value.form, between, context):
        return False
    depends = depends_on_memory(value.form, context) or is_of_this_cpu(value.form)
    if not depends and not is_staying_set(value.form, between):
        return True
    return (
        times <= 1
        and not before.is_in_loop
        and not any(map(REPEATING.fullmatch, calls(rest)))
        and not any(has_effect(piece, context) for piece in between)
        and not any(map(reads_memory, before.pieces))
    )


def _are_names_set(value: Form, between: list[Form], context: Context) -> bool:
    """Return whether a local variable of a value can be set in between."""
    names = set(filter(is_local, words(value)))
    if not names:
        return False
    if any(word in context.setting for piece in between for word in words(piece)):
        return True
    can_be_written = any(has_effect(piece, context) for piece in between)
    return bool(names & {name for piece in between for name in locals_set(piece)}) or (
        bool(names & context.passed_on) and can_be_written
    )


def _is_used_at_once(value: _Value, rest: list[Form], context: Context) -> bool:
    """Return whether the next statement uses a value once, and nothing else can come before it."""
    use = rest[0] if rest else ""
    times = _times(value.name, rest)
    if times != 1 or value.name not in words(use):
        return False
    inner = _blocks(use)
    if kind(use) in LOOPS or any(value.name in words(part) for part in inner):
        return False
    head = [part for part in use if part not in inner]
    if kind(use) not in {"do", RETURN, "if"} or _is_short(head, value.name):
        return False
    if any(context.is_redefined(word) or REPEATING.fullmatch(word) for word in words(head)):
        return False
    others = [part for part in _evaluated_first(head, value.name) if part != value.name]
    changed = {*locals_set(value.form), *context.passed_on}
    return not any(
        has_effect(part, context) or reads_memory(part) or not changed.isdisjoint(words(part))
        for part in others
    )


def _is_short(form: Form, name: str) -> bool:
    """Return whether a name is in a part that is evaluated only under a condition."""
    if isinstance(form, str) or name not in words(form):
        return False
    if kind(form) == "conditional_expression":
        return name not in words(form[1])
    if kind(form) == "binary" and form[2] in {"&&", "||"} and name in words(form[3:]):
        return True
    return any(_is_short(part, name) for part in form)


class _Before(NamedTuple):
    """What can run before a use of a variable: statements, and operands beside the use."""

    pieces: list[Form]
    operands: list[Form]
    is_in_loop: bool


def _before_uses(statements: list[Form], name: str) -> _Before:
    """Give what can run before a use of a variable; in a loop, that is all of the loop.

    A label can be jumped to from what comes after the use.
    """
    if "label" in words(statements) or "labeled_statement" in words(statements):
        pieces = [piece for statement in statements for piece in _pieces(statement)]
        return _Before(pieces, [], is_in_loop=True)
    before: list[Form] = []
    found = _Before([], [], is_in_loop=False)
    for statement in statements:
        if name in words(statement):
            more = _before_uses_in(statement, name)
            found = _Before(
                [*found.pieces, *before, *more.pieces],
                [*found.operands, *more.operands],
                found.is_in_loop or more.is_in_loop,
            )
        before += _pieces(statement)
    return found


def _before_uses_in(statement: Form, name: str) -> _Before:
    """Give what can run in a statement before it uses a variable."""
    inner = _blocks(statement)
    if kind(statement) in LOOPS:
        return _Before(_pieces(statement), [], is_in_loop=True)
    head = [part for part in statement if part not in inner]
    pieces: list[Form] = []
    operands = _evaluated_first(head, name) if name in words(head) else []
    is_in_loop = False
    for part in inner:
        if name in words(part):
            more = _before_uses(part[1:], name)
            pieces += [head, *more.pieces]
            operands += more.operands
            is_in_loop = is_in_loop or more.is_in_loop
    return _Before(pieces, operands, is_in_loop)


def _evaluated_first(form: Form, name: str) -> list[Form]:
    """Give the parts of a statement that may be evaluated before a variable in it.

    A call, an operator or an assignment comes after all its operands.
    """
    head = kind(form)
    if head in {"do", RETURN, "if"} and len(form) == 2 + (head == RETURN):
        return _evaluated_first(form[-1], name)
    if form == name:
        return []
    operands = _operands(form)
    using = [part for part in operands if name in words(part)]
    if len(using) != 1 or using[0] is form:
        return operands
    others = [part for part in operands if part is not using[0]]
    return [*others, *_evaluated_first(using[0], name)]


def _operands(form: Form) -> list[Form]:
    """Give the parts of an expression that are evaluated before it; all of it if not known."""
    head = kind(form)
    if head == "assignment_expression" and len(form) == 4:
        place = [] if isinstance(form[1], str) else [["pointer_expression", "&", form[1]]]
        return [*place, form[3]]
    if head == "call":
        return list(form[2:])
    if head in OF_ONE:
        return [form[OF_ONE[head]]]
    return list(form[1:]) if head in {"binary", *CHAINS} else [form]


def _blocks(statement: Form) -> list[Form]:
    if isinstance(statement, str):
        return []
    return [part for part in statement if kind(part) == "block" or kind(part) in BRANCHES]


def _pieces(statement: Form) -> list[Form]:
    """Give the statements and conditions in a statement."""
    inner = _blocks(statement)
    if not inner:
        return [statement]
    head = [part for part in statement if part not in inner]
    return [head, *(piece for part in inner for each in part[1:] for piece in _pieces(each))]
