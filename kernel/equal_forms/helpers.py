"""Helpers of a function in its own form: static functions of the same file, called by name.

A helper is put in place of its call if it is one expression, or if its call is a statement, a value
that is set, or a value that is returned. Parameters are set first, as local variables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rssbound.kernel.equal_forms import branches, places
from rssbound.kernel.equal_forms.effects import (
    Context,
    called,
    depends_on_memory,
    is_of_this_cpu,
    is_plain,
    locals_set,
    passed_on,
)
from rssbound.kernel.equal_forms.form import (
    BRANCHES,
    RETURN,
    is_local,
    kind,
    mapped,
    read,
    replaced,
    words,
)
from rssbound.kernel.equal_forms.jumps import with_plain_ends
from rssbound.kernel.equal_forms.types import as_type, one_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rssbound.kernel.equal_forms.form import Form

__all__ = ("Function", "with_helpers")

REFUSED = {"static", "labeled_statement", "goto_statement", "label", "preproc_if", "preproc_ifdef"}
"""Words of functions that cannot be put in place of a call."""

DEPTH = 6
"""Helpers that call each other more deeply than this stay calls."""

NOWHERE = "nowhere"
"""The type of a result that nothing uses."""

FIRST = 1000
"""Local names of helpers are numbered from here."""


class Function(NamedTuple):
    """A function as it is written: result, parameters, body, and the types and names of locals.

    `setting` has the macros of the tree that it calls and that can set an argument.
    """

    result: str
    parameters: tuple[str, ...]
    body: str
    types: dict[str, str]
    names: tuple[str, ...]
    setting: frozenset[str] = frozenset()


class _Helper(NamedTuple):
    """A function that can be put in place of a call."""

    result: str
    parameters: tuple[str, ...]
    body: list[Form]


@dataclass
class _Inliner:
    """Puts helpers in place of their calls; `types` gets the types of their local names."""

    helpers: Mapping[str, Function]
    context: Context
    types: dict[str, str]
    _next: int = FIRST
    _open: list[str] = field(default_factory=list)

    def block(self, statements: list[Form]) -> list[Form]:
        return [each for statement in statements for each in self.statement(statement)]

    def statement(self, statement: Form) -> list[Form]:
        if isinstance(statement, str):
            return [statement]
        found = self._call(statement)
        if found is not None:
            return found
        return [[self._part(part) for part in statement]]

    def _part(self, part: Form) -> Form:
        if kind(part) == "block":
            return ["block", *self.block(part[1:])]
        if kind(part) in BRANCHES:
            return [self._part(each) for each in part]
        return mapped(part, self._value)

    def _call(self, statement: Form) -> list[Form] | None:
        """Put a helper in place of a statement that is its call, or sets or returns its result."""
        form = statement[-1] if kind(statement) in {"do", RETURN} and len(statement) > 1 else ""
        if kind(statement) == RETURN:
            return self._placed(
                form, lambda value: [[RETURN, "return", value]], self.context.result
            )
        if kind(form) == "call":
            return self._placed(form, self._evaluated, NOWHERE)
        if kind(form) == "assignment_expression" and form[2:3] == ["="]:
            target = form[1]
            if is_local(target):
                return self._placed(
                    form[3],
                    lambda value: [["do", ["assignment_expression", target, "=", value]]],
                    one_type(self.types, target) or "?",
                )
        return None

    def _evaluated(self, value: Form) -> list[Form]:
        is_name = isinstance(value, str) and not self.context.is_redefined(value)
        return [] if is_name else [["do", value]]

    def _placed(
        self, call: Form, use: Callable[[Form], list[Form]], type_: str
    ) -> list[Form] | None:
        """Give the statements of a helper, with its result used; None if that is not possible.

        `type_` is the type to which the result is converted.
        """
        name = called(call)
        helper = self._helper(name, len(call) - 2)
        if helper is None or not self._have_no_order(call[2:]):
            return None
        arguments = [mapped(argument, self._value) for argument in call[2:]]
        first = [
            ["do", ["assignment_expression", parameter, "=", argument]]
            for parameter, argument in zip(helper.parameters, arguments, strict=True)
        ]

        def used(value: Form) -> list[Form] | None:
            is_same = type_ in {NOWHERE, helper.result}
            converted = value if is_same else as_type(value, helper.result, self.types)
            return None if converted is None else use(converted)

        body = helper.body
        if helper.result != "void":
            last_used = _with_last(body, used)
            if last_used is None:
                return None
            body = last_used
        if helper.result == "void" and RETURN in words(body):
            return None
        self._open.append(name)
        inside = self.block(body)
        self._open.pop()
        return [*first, *inside]

    def _have_no_order(self, arguments: list[Form]) -> bool:
        """Return whether arguments give the same values in whichever order they are evaluated."""
        acting = [each for each in arguments if not is_plain(each, self.context)]
        others = [each for each in arguments if is_plain(each, self.context)]
        return not acting or (
            len(acting) == 1
            and not any(depends_on_memory(each, self.context) for each in others)
            and not set(locals_set(acting)).intersection(words(others))
        )

    def _value(self, form: Form) -> Form:
        """Put a helper that is one expression in place of its call."""
        name = called(form)
        helper = self._helper(name, len(form) - 2) if name else None
        if helper is None or len(helper.body) != 1 or kind(helper.body[0]) != RETURN:
            return form
        value = helper.body[0][2]
        if set(helper.parameters) & {*locals_set(value), *passed_on(value)}:
            return form
        for parameter, argument in zip(helper.parameters, form[2:], strict=True):
            given = as_type(argument, one_type(self.types, parameter), self.types)
            if given is None or not self._can_be_put(argument, parameter, value):
                return form
            value = replaced(value, parameter, given)
        self._open.append(name)
        value = mapped(places.in_one_form(value, self.types), self._value)
        self._open.pop()
        typed = as_type(value, helper.result, self.types)
        return form if typed is None else typed

    def _can_be_put(self, argument: Form, parameter: str, value: Form) -> bool:
        """Return whether an argument can be evaluated where a helper uses it."""
        if not is_plain(argument, self.context):
            return False
        if not depends_on_memory(argument, self.context):
            return not set(words(argument)).intersection(locals_set(value))
        times = sum(word == parameter for word in words(value))
        return times <= 1 and is_plain(value, self.context)

    def _helper(self, name: str, arguments: int) -> _Helper | None:
        """Give a helper with new numbers for its local names; None if it has to stay a call."""
        function = self.helpers.get(name)
        if function is None or name in self._open or len(self._open) >= DEPTH:
            return None
        form = read(function.body)
        is_known = form is not None and kind(form) == "block"
        if not is_known or len(function.parameters) != arguments:
            return None
        if branches.has_body_elsewhere(form):
            return None
        form, types = with_plain_ends(
            form, function.result, function.types, self.context.is_redefined
        )
        if REFUSED.intersection(words(form)):
            return None
        if not all(map(is_local, function.parameters)):
            return None
        form = places.in_one_form(form, types)
        context = Context(
            self.context.is_redefined,
            frozenset(passed_on(form)),
            types,
            function.result,
            self.context.is_of_this_cpu or is_of_this_cpu(form),
        )
        end = "return" if function.result == "void" else ""
        body = branches.in_one_form(form[1:], end, context)
        local = [name for name in types if is_local(name)]
        new = {name: f"${self._next + place}" for place, name in enumerate(local)}
        self._next += len(new)
        self.types.update({new.get(name, name): each for name, each in types.items()})
        more = {new.get(name, name) for name in context.passed_on}
        self.context = self.context._replace(passed_on=self.context.passed_on | more)
        return _Helper(
            function.result,
            tuple(new[parameter] for parameter in function.parameters),
            [mapped(each, lambda part: _renamed(part, new)) for each in body],
        )


def _renamed(part: Form, new: Mapping[str, str]) -> Form:
    return new.get(part, part) if isinstance(part, str) else part


def _with_last(body: list[Form], use: Callable[[Form], list[Form] | None]) -> list[Form] | None:
    """Use the values that are returned at the end; None if there are other returns."""
    if not body:
        return None
    *before, last = body
    if RETURN in words(before):
        return None
    if kind(last) == RETURN and len(last) == 3:
        found = use(last[2])
        return None if found is None else [*before, *found]
    if kind(last) != "if":
        return None
    inside = [_with_last(list(branch[1:]), use) for branch in last[2:]]
    if any(branch is None for branch in inside):
        return None
    return [
        *before,
        ["if", last[1], *(["block", *branch] for branch in inside if branch is not None)],
    ]


def with_helpers(
    form: list[Form], helpers: Mapping[str, Function], context: Context
) -> tuple[list[Form], dict[str, str]]:
    """Put helpers in place of their calls; also gives the types of all local names."""
    types = dict(context.types)
    inliner = _Inliner(helpers, context._replace(types=types), types)
    return inliner.block(form), types
