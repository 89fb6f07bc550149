"""What evaluating a form changes and reads: which statements can change places."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rssbound.kernel.constants import constant_of
from rssbound.kernel.equal_forms.form import NUMBERED, kind, mapped, words

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from rssbound.kernel.equal_forms.form import Form

__all__ = (
    "COPYING",
    "OF_COUNTERS",
    "READING",
    "REPEATING",
    "REPORTS",
    "SETTING",
    "SIZES",
    "Context",
    "called",
    "calls",
    "depends_on_memory",
    "has_effect",
    "is_each",
    "is_head",
    "is_of_this_cpu",
    "is_own",
    "is_plain",
    "is_pure",
    "is_report",
    "is_static_place",
    "is_staying_set",
    "locals_set",
    "passed_on",
    "reads_memory",
    "reads_more_than_counters",
)

REPORTS = re.compile(
    r"(?:VM_)?(?:WARN|BUG)_ON(?:_ONCE)?(?:_MM|_VMA|_FOLIO|_PAGE)?|lockdep_assert\w*|might_sleep"
    r"|cond_resched|mmap_assert_(?:write_)?locked|kmsan_\w+|kasan_\w+"
    r"|pr_(?:debug|devel)(?:_once|_ratelimited)?"
)
"""Calls that report a fault of the kernel, and change nothing."""

MOVING = re.compile(r"might_sleep|cond_resched")
"""Reports at which a task can move to another CPU."""

PRINTS = re.compile(r"pr_(?:info|notice|warn|err)(?:_once|_ratelimited)?")
"""Calls that print; they show no counter if they print only text."""

VALUES = re.compile(r"per_cpu_ptr|this_cpu_ptr|max|min|abs|is_power_of_2|num_possible_cpus")
"""Calls whose result depends on their arguments alone; this_cpu_ptr also on the CPU."""

READING = re.compile(
    r"get_mm_(?:counter|rss)(?:_sum)?|num_(?:online|present)_cpus|mm_pgtables_bytes"
)
"""Calls that only read, but what others can change."""

OF_COUNTERS = re.compile(r"(?:add|inc|dec)_mm_counter|percpu_counter_(?:tree_)?\w+")
"""Functions of counters, which call each other."""

OF_THIS_CPU = re.compile(r"_*(?:this|raw)_cpu_\w+|(?:raw_)?smp_processor_id|get_cpu_\w+")
"""Values that are those of another CPU after the task has moved."""

STAYING = ("vm_mm",)
"""Members that keep their value as long as their structure exists, or is used at all."""

COPYING = re.compile(r"mem(?:cpy|move|set)")
"""Calls that set all of a structure, of any type."""

SETTING = re.compile(
    r"\w*irq\w*save\w*|\w*save_flags|\w*swap|\w*get_user\w*|\w*_div\w*|\w*_nofault|\w*_overflow"
)
"""Macros that set a variable which is an argument."""

TRYING = re.compile(r"\w*try_cmpxchg\w*")
"""Macros that take the address of a local variable, may set it, and do not keep the address."""

REPEATING = re.compile(r"\w*wait_\w+|\w*poll_\w+|\w*_until\w*")
"""Macros that can evaluate an argument more than once."""

EACH = re.compile(r"\w*(?:for|do)_each\w*|scoped_\w+")
"""Macros of loops, and of scopes, which are loops of one turn; their body is the next statement."""

PLACES = ("field_expression", "pointer_expression", "subscript_expression")
SIGNS = {*"+-*/%&|^<>!~?:=.", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "cast", "call"}
STEPS = ("++", "--")
SAME = ("current",)
"""Names that are the same in all of a function."""

SIZES = ("sizeof", "typeof", "__typeof", "alignof")
"""Beginnings of words that take the size or the type of what follows."""

CHANGING = ("assignment_expression", "update_expression", "compound_literal_expression")


class Context(NamedTuple):
    """A function: macros of the tree, locals whose address is taken, types of locals, its result.

    `is_of_this_cpu` says that it takes what belongs to the CPU that it runs on; `setting` has the
    macros of the tree that it calls and that can set an argument.
    """

    is_redefined: Callable[[str], bool]
    passed_on: frozenset[str]
    types: Mapping[str, str]
    result: str
    is_of_this_cpu: bool = False
    setting: frozenset[str] = frozenset()


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
    if head == "call" and not _only_reads(called(form)):
        return False
    unknown = head == "comma_expression" or head.startswith(("initializer", "compound_literal"))
    return head not in CHANGING and not unknown and all(map(is_pure, form))


def _only_reads(name: str) -> bool:
    return bool(VALUES.fullmatch(name) or READING.fullmatch(name))


def is_plain(form: Form, context: Context) -> bool:
    """Return whether a form is pure and names no macro of the tree, which could have an effect."""
    return is_pure(form) and not any(map(context.is_redefined, words(form)))


def is_report(statement: Form, context: Context) -> bool:
    """Return whether a statement is only a report, with arguments that have no effect."""
    call = statement[1] if kind(statement) == "do" and len(statement) == 2 else ""
    name = called(call)
    if context.is_of_this_cpu and MOVING.fullmatch(name):
        return False
    if PRINTS.fullmatch(name) and not context.is_redefined(name):
        return all(kind(argument) == "string_literal" for argument in call[2:])
    return bool(
        REPORTS.fullmatch(name)
        and not context.is_redefined(name)
        and all(is_plain(argument, context) for argument in call[2:])
    )


def reads_memory(form: Form) -> bool:
    """Return whether a value depends on what others can change, and so on when it is read."""
    if isinstance(form, str):
        is_value = NUMBERED.fullmatch(form) or constant_of(form) or form in SIGNS or form in SAME
        return not (is_value or form.isupper())
    head = kind(form)
    if head == "call":
        return not VALUES.fullmatch(called(form)) or any(map(reads_memory, form[2:]))
    if head == "array" or form[:2] == ["pointer_expression", "&"]:
        return not is_static_place(form[-1])
    if head == "cast":
        return reads_memory(form[-1])
    if head == "field_expression" and form[-1] in STAYING:
        return not is_static_place(form)
    return head in PLACES or any(map(reads_memory, form[1:]))


def reads_more_than_counters(form: Form, context: Context) -> bool:
    """Return whether a value depends on more memory than that of counters that calls read."""

    def without_count(part: Form) -> Form:
        is_count = READING.fullmatch(called(part)) and not any(map(reads_memory, part[2:]))
        return "0" if is_count else part

    return depends_on_memory(mapped(form, without_count), context)


def is_staying_set(value: Form, between: Iterable[Form]) -> bool:
    """Return whether a member in a value, which keeps its value as a rule, is set in between.

    It is also set with all of its structure.
    """
    members = set(STAYING).intersection(words(value))
    places = [place for member in members for place in _structures_of(value, member)]
    return bool(members) and any(_is_set(form, members, places) for form in between)


def _structures_of(form: Form, member: str) -> Iterator[Form]:
    """Yield the structures of which a form names a member."""
    if kind(form) == "field_expression" and form[-1] == member:
        yield form[1]
    if isinstance(form, list):
        for part in form:
            yield from _structures_of(part, member)


def _is_set(form: Form, members: Container[str], structures: Sequence[Form]) -> bool:
    """Return whether a form sets a member or a structure, or takes the address of a member."""
    if isinstance(form, str):
        return False
    is_address = form[:2] == ["pointer_expression", "&"]
    place = form[1] if kind(form) == "assignment_expression" else form[-1] if is_address else ""
    if kind(place) == "field_expression" and place[-1] in members:
        return True
    if place in structures and not is_address:
        return True
    if COPYING.fullmatch(called(form)) and ["pointer_expression", "*", form[2]] in structures:
        return True
    return any(_is_set(part, members, structures) for part in form)


def is_static_place(place: Form) -> bool:
    """Return whether no memory is read to know where a place is: &a->c, but not &a->b->c."""
    if kind(place) == "field_expression":
        return is_static_place(place[1])
    if kind(place) == "pointer_expression" and place[1] == "*":
        return not reads_memory(place[2])
    return isinstance(place, str) or not reads_memory(place)


def depends_on_memory(form: Form, context: Context) -> bool:
    """Return whether calls and stores can change a value: also one of a local passed on."""
    return reads_memory(form) or not context.passed_on.isdisjoint(words(form))


def is_of_this_cpu(form: Form) -> bool:
    """Return whether a form takes what belongs to the CPU that it runs on."""
    return any(map(OF_THIS_CPU.fullmatch, words(form)))


def passed_on(form: Form) -> Iterator[str]:
    """Yield the names whose address is taken, or which keep their value after the function."""
    if kind(form) == "assignment_expression" and form[2:3] == ["static"]:
        yield form[1]
    if TRYING.fullmatch(called(form)):
        form = [part[2] if part[:2] == ["pointer_expression", "&"] else part for part in form]
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
    """Yield the local names that a form sets, wholly or in part, once for each assignment."""
    if not isinstance(form, list):
        return
    head = kind(form)
    if head == "assignment_expression":
        yield from _stored_in(form[1])
    elif head == "update_expression":
        yield from (name for part in form[1:] if part not in STEPS for name in _stored_in(part))
    elif head == "call" and (is_each(called(form)) or SETTING.fullmatch(called(form))):
        yield from (name for part in form[2:] for name in _stored_in(part))
    elif TRYING.fullmatch(called(form)):
        addresses = (part for part in form[2:] if part[:2] == ["pointer_expression", "&"])
        yield from (name for part in addresses for name in _stored_in(part[2]))
    elif head == "comma_expression":  # the parts of while_each_thread(p, t), which sets t
        yield from filter(NUMBERED.fullmatch, filter(lambda part: isinstance(part, str), form))
    for part in form:
        yield from locals_set(part)


def _stored_in(place: Form) -> Iterator[str]:
    """Yield the local variable that a store changes; for *v, only if v can be an array in one."""
    if isinstance(place, str):
        yield place
    elif kind(place) == "field_expression" and place[2] == ".":
        yield from _stored_in(place[1])
    elif kind(place) == "pointer_expression" and place[1] == "*":
        yield from _arrays_in(place[2])
    elif kind(place) in {"subscript_expression", "all", "cast", "conditional_expression"}:
        yield from filter(NUMBERED.fullmatch, words(place))


def _arrays_in(pointer: Form) -> Iterator[str]:
    """Yield the local structures of which a member can be the array that is stored to."""
    if kind(pointer) in {"field_expression", "array"}:
        yield from _stored_in(pointer if kind(pointer) == "field_expression" else pointer[1])
    elif kind(pointer) in {"+", "binary", "cast", "conditional_expression"}:
        for part in pointer[1:]:
            yield from _arrays_in(part)


def has_effect(form: Form, context: Context) -> bool:
    """Return whether a form can change memory, or do anything that others see."""
    if any(map(context.is_redefined, words(form))):
        return True
    return _stores(form, context) or not all(map(_only_reads, calls(form)))


def _stores(form: Form, context: Context) -> bool:
    """Return whether a form stores anything but a local variable that only the function knows."""
    if not isinstance(form, list):
        return False
    if kind(form) in {"assignment_expression", "update_expression"}:
        targets = form[1:2] if kind(form) == "assignment_expression" else form[1:]
        if any(target not in STEPS and not is_own(target, context) for target in targets):
            return True
    return any(_stores(part, context) for part in form)


def is_own(place: Form, context: Context) -> bool:
    """Return whether a place is a local variable that only the function knows, or a part of one."""
    if kind(place) == "field_expression" and place[2] == ".":
        return is_own(place[1], context)
    return (
        isinstance(place, str)
        and NUMBERED.fullmatch(place) is not None
        and place not in context.passed_on
    )
