"""What evaluating a form changes and reads: which statements can change places."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rssbound.kernel.constants import constant_of
from rssbound.kernel.equal_forms.form import NUMBERED, kind, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rssbound.kernel.equal_forms.form import Form

__all__ = (
    "INERT",
    "REPORTS",
    "Context",
    "called",
    "calls",
    "fields_set",
    "has_effect",
    "is_each",
    "is_head",
    "is_plain",
    "is_pure",
    "is_read_through_pointer",
    "is_report",
    "locals_set",
    "passed_on",
    "reads_memory",
)

REPORTS = re.compile(
    r"(?:VM_)?(?:WARN|BUG)_ON(?:_ONCE)?(?:_MM|_VMA|_FOLIO|_PAGE)?|lockdep_assert\w*|might_sleep"
    r"|cond_resched|mmap_assert_(?:write_)?locked|kmsan_\w+|kasan_\w+"
    r"|pr_(?:debug|devel)(?:_once|_ratelimited)?"
)
"""Calls that report a fault of the kernel, and change nothing."""

PRINTS = re.compile(r"pr_(?:info|notice|warn|err)(?:_once|_ratelimited)?")
"""Calls that print; they show no counter if they print only text."""

PURE = re.compile(
    r"get_mm_(?:counter|rss)(?:_sum)?|num_(?:online|possible|present)_cpus|per_cpu_ptr|this_cpu_ptr"
    r"|max|min|abs|is_power_of_2|mm_pgtables_bytes"
)
"""Calls that only read."""

INERT = re.compile(
    r"(?:raw_)?(?:spin|read|write)_(?:un)?lock(?:_\w+)?|rcu_read_(?:un)?lock|preempt_(?:en|dis)able"
    r"|local_irq_\w+|task_(?:un)?lock|get_mm_\w+|per_cpu_ptr|this_cpu_ptr|max|min|abs"
    r"|num_(?:online|possible|present)_cpus|_*this_cpu_(?:read|write|add|sub|inc|dec|xchg)\w*"
    r"|_*this_cpu_\w*cmpxchg|atomic\w+|seq_p\w+"
)
"""Calls that change no pointer to where something is counted."""

SETTING = re.compile(r"\w*irq\w*save\w*|\w*save_flags|\w*swap|\w*get_user\w*|\w*do_div\w*")
"""Macros that set a variable which is an argument."""

EACH = re.compile(r"\w*(?:for|do)_each\w*")
"""Macros of loops; the statement after them is the body."""

PLACES = ("field_expression", "pointer_expression", "subscript_expression")
SIGNS = {*"+-*/%&|^<>!~?:=.", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "cast", "call"}
CHANGING = ("assignment_expression", "update_expression", "compound_literal_expression")


class Context(NamedTuple):
    """A function: macros of the tree, locals whose address is taken, and types of locals."""

    is_redefined: Callable[[str], bool]
    passed_on: frozenset[str]
    types: Mapping[str, str]
    result: str


def is_each(name: str) -> bool:
    """Return whether a called name is a macro of a loop, by convention."""
    return EACH.fullmatch(name) is not None


def is_head(statement: Form) -> bool:
    """Return whether a statement is for_each_*(..), whose body is the next statement."""
    return kind(statement) == "do" and len(statement) == 2 and is_each(called(statement[1]))


def called(form: Form) -> str:
    """Give the name that a call calls; "" for anything else."""
    if kind(form) != "call" or len(form) < 2 or not isinstance(form[1], str):
        return ""
    return form[1]


def calls(form: Form) -> Iterator[str]:
    """Yield the names of all calls in a form; "" for a call through a pointer."""
    if isinstance(form, list):
        if kind(form) == "call":
            yield called(form)
        for part in form:
            yield from calls(part)


def is_pure(form: Form) -> bool:
    """Return whether evaluating a form changes nothing and calls only what reads."""
    if isinstance(form, str):
        return True
    head = kind(form)
    if head == "call" and not PURE.fullmatch(called(form)):
        return False
    unknown = head == "comma_expression" or head.startswith(("initializer", "compound_literal"))
    return head not in CHANGING and not unknown and all(map(is_pure, form))


def is_plain(form: Form, context: Context) -> bool:
    """Return whether a form is pure and names no macro of the tree, which could have an effect."""
    return is_pure(form) and not any(map(context.is_redefined, words(form)))


def is_report(statement: Form, context: Context) -> bool:
    """Return whether a statement is only a report, with arguments that have no effect."""
    call = statement[1] if kind(statement) == "do" and len(statement) == 2 else ""
    name = called(call)
    if PRINTS.fullmatch(name) and not context.is_redefined(name):
        return all(kind(argument) == "string_literal" for argument in call[2:])
    return bool(
        REPORTS.fullmatch(name)
        and not context.is_redefined(name)
        and all(is_plain(argument, context) for argument in call[2:])
    )


def reads_memory(form: Form) -> bool:
    """Return whether a value depends on what others can change, and so on the order of reads."""
    if isinstance(form, str):
        is_value = NUMBERED.fullmatch(form) or constant_of(form) or form in SIGNS
        return not (is_value or form.isupper())
    head = kind(form)
    if head == "call":
        return not PURE.fullmatch(called(form)) or any(map(reads_memory, form[2:]))
    if head == "pointer_expression" and form[1] == "&":
        return _is_read_for_address(form[2])
    if head == "cast":
        return reads_memory(form[-1])
    return head in PLACES or any(map(reads_memory, form[1:]))


def _is_read_for_address(place: Form) -> bool:
    """Return whether memory is read to know where a place is: for &a->b->c, but not for &a->c."""
    if kind(place) == "field_expression":
        return _is_read_for_address(place[1])
    if kind(place) == "pointer_expression" and place[1] == "*":
        return reads_memory(place[2])
    return False if isinstance(place, str) else reads_memory(place)


def passed_on(form: Form) -> Iterator[str]:
    """Yield the names whose address is taken."""
    if kind(form) == "pointer_expression" and form[1] == "&":
        place = form[2]
        while kind(place) == "field_expression":
            place = place[1]
        if isinstance(place, str):
            yield place
    if isinstance(form, list):
        for part in form:
            yield from passed_on(part)


def locals_set(form: Form) -> Iterator[str]:
    """Yield the local names that a form sets, once for each assignment; "" for an unknown one."""
    if not isinstance(form, list):
        return
    head = kind(form)
    if head == "assignment_expression":
        if isinstance(form[1], str):
            yield form[1]
    elif head == "update_expression":
        yield from (part for part in form[1:] if isinstance(part, str) and "$" in part)
    elif head == "call" and (is_each(called(form)) or SETTING.fullmatch(called(form))):
        yield from (part for part in form[2:] if isinstance(part, str))
    for part in form:
        yield from locals_set(part)


def fields_set(form: Form) -> Iterator[str]:
    """Yield the members and the variables that a form sets; * for what a pointer points to."""
    if not isinstance(form, list):
        return
    if kind(form) in {"assignment_expression", "update_expression"}:
        targets = form[1:2] if kind(form) == "assignment_expression" else form[1:]
        for target in targets:
            if kind(target) == "field_expression":
                yield target[-1]
            elif isinstance(target, list):
                yield "*"
            elif not NUMBERED.fullmatch(target):
                yield target
    for part in form:
        yield from fields_set(part)


def has_effect(form: Form, context: Context) -> bool:
    """Return whether a form can change memory, or do anything that others see."""
    return any(fields_set(form)) or not all(
        PURE.fullmatch(name) and not context.is_redefined(name) for name in calls(form)
    )


def is_read_through_pointer(form: Form) -> bool:
    """Return whether a value is read through a pointer that is not that of a member."""
    if isinstance(form, str):
        return False
    if kind(form) == "pointer_expression" and form[1] == "*":
        return True
    if kind(form) == "field_expression" and kind(form[1]) == "pointer_expression":
        return is_read_through_pointer(form[1][2])
    return any(map(is_read_through_pointer, form))
