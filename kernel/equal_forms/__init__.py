"""Functions that do the same, in one form: what an author may write in two ways.

A form of normal_form.py is read as nested lists, rewritten, and written again. Every rewriting
keeps what the code does, on every path and for every value: locks that are held to the end of a
block (scopes.py), jumps to the end of the function (jumps.py), places in memory (places.py), loops
(loops.py), conditions and other jumps (branches.py), helpers (helpers.py), variables used for two
things (lifetimes.py), constants in variables (carried.py), names of values (local_variables.py),
and the order of what has none (order.py).

A form that has text which the parser did not understand stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rssbound.kernel.equal_forms import branches, local_variables, order, places, values
from rssbound.kernel.equal_forms.carried import with_constants
from rssbound.kernel.equal_forms.conditions import conditions_of, without_negation
from rssbound.kernel.equal_forms.effects import Context, is_each, is_of_this_cpu, passed_on
from rssbound.kernel.equal_forms.form import kind, read, text
from rssbound.kernel.equal_forms.helpers import Function, with_helpers
from rssbound.kernel.equal_forms.jumps import with_own_ends, with_plain_ends
from rssbound.kernel.equal_forms.lifetimes import with_names_of_their_own
from rssbound.kernel.equal_forms.order import numbered
from rssbound.kernel.equal_forms.scopes import GUARDS
from rssbound.kernel.equal_forms.types import named_by_types, structures_passed
from rssbound.kernel.equal_forms.values import ATOMIC_CALLS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rssbound.kernel.equal_forms.form import Form

__all__ = (
    "REPLACED",
    "Body",
    "Function",
    "body_of",
    "conditions_of",
    "is_each",
    "rewritten",
    "without_negation",
)

REPLACED = (*GUARDS, *ATOMIC_CALLS, "per_cpu", "per_cpu_ptr")
"""Names that a form replaces by others; their definitions count wherever either is used."""

MOST = 60
"""Conditions of a function that is rewritten; each can make the nesting deeper."""

MOST_STATEMENTS = 500
"""Statements of a function that is rewritten; generated code can have thousands."""

ROUNDS = 4
"""Rewriting can make more rewriting possible; a few rounds are enough for real code."""


class Body(NamedTuple):
    """The statements of a function in one form, and the types of local names in them."""

    statements: list[Form]
    types: dict[str, str]


def rewritten(
    function: Function, helpers: Mapping[str, Function], is_redefined: Callable[[str], bool]
) -> str:
    """Write a function in one form; its body is unchanged if a part of it is not understood."""
    found = body_of(function, helpers, is_redefined)
    body = function.body if found is None else text(["block", *found.statements])
    types = function.types if found is None else found.types
    parts = [function.result, *function.parameters, body]
    return f"(function {' '.join(numbered(parts, types))})"


def body_of(
    function: Function, helpers: Mapping[str, Function], is_redefined: Callable[[str], bool]
) -> Body | None:
    """Give the body of a function in one form; None if a part of it is not understood."""
    is_known = not any(map(is_redefined, function.names))
    body = function.body
    is_short = body.count("(if_statement ") <= MOST and body.count("(do ") <= MOST_STATEMENTS
    is_one = not any("hidden" in type_ for type_ in function.types.values())
    form = read(function.body) if is_known and is_short and is_one else None
    if form is None or kind(form) != "block" or branches.has_body_elsewhere(form):
        return None
    form, types = with_plain_ends(form, function.result, function.types, is_redefined)
    function = function._replace(types=dict(types))
    types, listed = _in_one_form(
        places.in_one_form(form, function.types), function, helpers, is_redefined
    )
    return Body(listed, types)


def _in_one_form(
    form: Form,
    function: Function,
    helpers: Mapping[str, Function],
    is_redefined: Callable[[str], bool],
) -> tuple[dict[str, str], list[Form]]:
    end = "return" if function.result == "void" else ""
    types = function.types
    setting = function.setting.union(*(each.setting for each in helpers.values()))
    function = function._replace(setting=setting)
    context = _context(form, function, types, is_redefined)
    form = values.in_one_form(form, types, is_redefined)
    listed = branches.in_one_form(form[1:], end, context)
    if helpers:
        listed, types = with_helpers(listed, helpers, context)
        context = _context(listed, function, types, is_redefined)
        listed = branches.in_one_form(listed, end, context)
    listed = with_own_ends(listed, context.passed_on)
    listed, types = with_names_of_their_own(listed, context)
    context = context._replace(types=types)
    for _ in range(ROUNDS):
        before = listed
        listed = with_constants(listed, context)
        listed = local_variables.without_names_of_values(listed, context)
        listed = [values.in_one_form(each, types, is_redefined) for each in listed]
        listed = branches.in_one_form(listed, end, context)
        form = order.with_sorted_statements(["block", *listed], context)
        *_, form = order.with_sorted_operands([*function.parameters, form], context)
        listed = form[1:]
        if listed == before:
            break
    return order.with_types_of_cpus(listed, types), listed


def _context(
    form: Form, function: Function, types: dict[str, str], is_redefined: Callable[[str], bool]
) -> Context:
    kept = {*passed_on(form), *structures_passed(form, types), *named_by_types(types)}
    return Context(
        *(is_redefined, frozenset(kept), types, function.result),
        *(is_of_this_cpu(form), function.setting),
    )
