"""percpu_counter of a kernel source tree: the formula of its batch, and how RSS updates it.

    lib/percpu_counter.c    percpu_counter_batch = max(32, nr * 2), nr = num_online_cpus()
    include/linux/mm.h      add_mm_counter: percpu_counter_add(&mm->rss_stat[member], value)

In dual mode, add_mm_counter first checks whether the counter has per-CPU slots, and uses a pointer:

    struct percpu_counter *fbc = &mm->rss_stat[member];
    if (percpu_counter_initialized(fbc)) percpu_counter_add(fbc, value);
    else percpu_counter_atomic_add(fbc, value);

Only this exact code, with other numbers, is understood. Anything else would be a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.errors import Location
from rssbound.kernel.expressions import WIDE, has_closed_operands, number_in

if TYPE_CHECKING:
    from rssbound.kernel.csource import CSource
    from rssbound.kernel.source_tree import SourceTree

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("Batch", "is_dual_mode", "percpu_batch")

FILE = "lib/percpu_counter.c"
VARIABLE = "percpu_counter_batch"
PLAIN = ("percpu_counter_add", "percpu_counter_sub", "percpu_counter_inc", "percpu_counter_dec")
"""Updates whose batch is percpu_counter_batch."""

WITH_BATCH = "percpu_counter_add_batch"
ATOMIC = ("percpu_counter_initialized", "percpu_counter_atomic_add", "atomic64_add")
"""Dual mode calls these as well as PLAIN: the check, and the exact update without per-CPU slots."""

COUNTERS = "rss_stat"
RSS_BATCH = "rss_batch"
"""Name of the batch that the updates of RSS pass."""

UPDATES_FILE = "include/linux/mm.h"
UPDATES = ("add_mm_counter", "inc_mm_counter", "dec_mm_counter")


DEPTH = 12
"""Expressions that are nested more deeply than this are not understood."""

SHIFT = 16
"""No batch is shifted by this many bits."""


class Batch(NamedTuple):
    """max(least, each * online CPUs), in pages, and its location."""

    least: int
    each: int
    location: Location


class Unclear(NamedTuple):
    """Why a formula is not understood, and its location."""

    text: str
    location: Location


class Update(NamedTuple):
    """An update of RSS in a function: its batch, None for percpu_counter_batch.

    `fault` says what is not understood, "" if all is.
    """

    function: str
    location: Location
    batch: int | None
    fault: str


def is_dual_mode(tree: SourceTree) -> bool:
    """Return whether updates of RSS are atomic until the counter has per-CPU slots."""
    called = {
        name
        for source in tree.sources(UPDATES_FILE)
        for function in _updating(source)
        for name, _ in _counter_calls(source, function)
    }
    return bool(called & set(ATOMIC[1:])) and bool(called & {*PLAIN, WITH_BATCH})


def percpu_batch(tree: SourceTree, *, needed: bool) -> Batch | None:
    """Read the formula; with `needed` also a batch that the updates of RSS pass themselves."""
    source = tree.source(FILE)
    batch = _formula(source) if source else None
    if isinstance(batch, Unclear):
        tree.lacks(VARIABLE, batch.location, batch.text)
        batch = None
    if needed:
        fault = f"{VARIABLE} = max(LEAST, EACH * nr) cannot be found; percpu needs it"
        tree.need(VARIABLE, batch, FILE, fault)
        batch = _of_rss(tree) or batch
    if batch is not None:
        text = f"max({batch.least}, {batch.each} * CPUs)" if batch.each else str(batch.least)
        tree.note(VARIABLE, text, batch.location)
    return batch


def _of_rss(tree: SourceTree) -> Batch | None:
    """Give the batch that add_mm_counter and similar functions pass; None if they pass none."""
    updates = [update for source in tree.sources(UPDATES_FILE) for update in _updates(source)]
    for update in updates:
        if update.fault:
            tree.lacks(update.function, update.location, update.fault)
    if not updates:
        names = ", ".join(UPDATES)
        fault = f"no update of {COUNTERS} in {names}"
        tree.lacks(COUNTERS, Location(UPDATES_FILE, 0), fault)
    batches = [
        (update.batch or VARIABLE, update.location) for update in updates if not update.fault
    ]
    one = tree.one_of(RSS_BATCH, batches, "the batch of RSS")
    return Batch(one[0], 0, one[1]) if one is not None and isinstance(one[0], int) else None


def _formula(source: CSource) -> Batch | Unclear | None:
    """Read the formula; None if there is none."""
    assigned = [
        node
        for node in source.nodes("assignment_expression")
        if source.word(node.child_by_field_name("left")) == VARIABLE
    ]
    if not assigned:
        return None
    if len(assigned) > 1:
        first, second = (source.location(node) for node in assigned[:2])
        text = f"{VARIABLE} is set again at {second}, and it is not known which applies"
        return Unclear(text, first)
    (node,) = assigned
    found = None
    if source.word(node.child_by_field_name("operator")) == "=":
        found = _largest(source, node.child_by_field_name("right"), _function_around(node))
    if found is None:
        text = (
            f"{' '.join(source.word(node).split())} is not understood; "
            f"expected max(LEAST, EACH * nr), where nr is num_online_cpus()"
        )
        return Unclear(text, source.location(node))
    return Batch(*found, source.location(node))


def _largest(source: CSource, node: Node, function: Node) -> tuple[int, int] | None:
    """Read max(32, nr * 2), in either order, or max_t with a type, or a ?: that does the same.

    A local variable that is set once to one of these stands for it.
    """
    node = _bare(node)
    if node.type == "identifier":
        named = _only_value(source, source.word(node), function)
        node = node if named is None else _bare(named)
    operands = _operands_of_max(source, node)
    for least, product in (operands, operands[::-1]) if len(operands) == 2 else ():
        number, each = number_in(source, least), _each(source, product, function)
        if number is not None and each is not None and number > 0:
            return number, each
    return None


def _operands_of_max(source: CSource, node: Node) -> list[Node]:
    """Give the operands of which the larger one is the value; none for any other expression."""
    if node.type == "conditional_expression":
        return _operands_of_choice(source, node)
    if node.type != "call_expression":
        return []
    name, arguments = source.word(node.child_by_field_name("function")), source.arguments(node)
    if name == "max_t" and arguments and _is_wide(source.word(arguments[0])):
        return arguments[1:]
    return arguments if name == "max" else []


def _operands_of_choice(source: CSource, node: Node) -> list[Node]:
    """Give the operands of `a > b ? a : b`, or of `a < b ? b : a`."""
    condition = _bare(node.child_by_field_name("condition"))
    sign = source.word(condition.child_by_field_name("operator"))
    if condition.type != "binary_expression" or sign not in {"<", "<=", ">", ">="}:
        return []
    sides = [_bare(condition.child_by_field_name(side)) for side in ("left", "right")]
    branches = [
        _bare(node.child_by_field_name(branch)) for branch in ("consequence", "alternative")
    ]
    larger_first = sides if sign in {">", ">="} else sides[::-1]
    texts = [
        ["".join(source.word(each).split()) for each in two] for two in (larger_first, branches)
    ]
    return sides if texts[0] == texts[1] else []


def _each(source: CSource, node: Node, function: Node) -> int | None:
    """Read a multiple of the online CPUs: nr, nr * 2, nr << 1 or nr + nr."""
    terms = _terms(source, node, function)
    return terms[0] if terms is not None and terms[0] >= 0 and terms[1] == 0 else None


def _terms(
    source: CSource, node: Node, function: Node, depth: int = DEPTH
) -> tuple[int, int] | None:
    """Read a * CPUs + b, as (a, b); local variables that are set once stand for their value."""
    node = _bare(node)
    if depth == 0:
        return None
    if node.type == "call_expression" and source.word(node) == "num_online_cpus()":
        return 1, 0
    if node.type == "identifier":
        value = _only_value(source, source.word(node), function)
        if value is not None:
            return _terms(source, value, function, depth - 1)
    if node.type == "binary_expression" and has_closed_operands(source, node):
        left, right = (
            _terms(source, node.child_by_field_name(side), function, depth - 1)
            for side in ("left", "right")
        )
        if left is not None and right is not None:
            return _combined(source.word(node.child_by_field_name("operator")), left, right)
    number = number_in(source, node)
    return None if number is None else (0, number)


def _combined(sign: str, left: tuple[int, int], right: tuple[int, int]) -> tuple[int, int] | None:
    """Apply an operator to two sums of terms; None if the result is not one."""
    if sign in {"+", "-"}:
        by = 1 if sign == "+" else -1
        return left[0] + by * right[0], left[1] + by * right[1]
    if sign == "<<" and right[0] == 0 and 0 <= right[1] < SHIFT:
        return left[0] << right[1], left[1] << right[1]
    if sign == "*" and left[0] == 0:
        left, right = right, left
    if sign == "*" and right[0] == 0:
        return left[0] * right[1], left[1] * right[1]
    return None


def _only_value(source: CSource, name: str, function: Node) -> Node | None:
    """Give the value of a local variable that is set once; None for any other name."""
    set_ = (
        ("init_declarator", "declarator", "value"),
        ("assignment_expression", "left", "right"),
        ("update_expression", "argument", "argument"),
        ("pointer_expression", "argument", "argument"),
    )
    found = [
        (kind, node, node.child_by_field_name(value))
        for kind, target, value in set_
        for node in source.nodes(kind, function)
        if source.word(node.child_by_field_name(target)) == name
    ]
    if len(found) != 1 or found[0][0] in {"update_expression", "pointer_expression"}:
        return None
    if not _is_declared_wide(source, name, function):
        return None
    kind, node, value = found[0]
    plain = kind == "init_declarator" or source.word(node.child_by_field_name("operator")) == "="
    return value if plain else None


def _is_declared_wide(source: CSource, name: str, function: Node) -> bool:
    """Return whether a local variable is declared once, as an integer that holds every batch."""
    declared = [
        (node, declarator)
        for node in source.nodes("declaration", function)
        for declarator in node.children_by_field_name("declarator")
        if source.word(_declared(declarator)) == name
    ]
    return len(declared) == 1 and _is_wide(source.word(declared[0][0].child_by_field_name("type")))


def _declared(declarator: Node) -> Node:
    """Give what a declarator declares, without the initial value."""
    starts = declarator.type == "init_declarator"
    return declarator.child_by_field_name("declarator") if starts else declarator


def _is_wide(type_: str) -> bool:
    return WIDE.issuperset(type_.split())


def _function_around(node: Node) -> Node:
    while node.parent is not None and node.type != "function_definition":
        node = node.parent
    return node


def _bare(node: Node) -> Node:
    """Remove parentheses, and casts to an integer that is wide enough for every batch."""
    while node.type == "parenthesized_expression" or (
        node.type == "cast_expression" and _is_wide(node.child_by_field_name("type").text.decode())
    ):
        node = node.child_by_field_name("value") or node.children[1]
    return node


def _updates(source: CSource) -> list[Update]:
    """List the updates of RSS."""
    return [
        Update(source.name_of(function), source.location(call), *_batch_of(source, name, call))
        for function in _updating(source)
        for name, call in _counter_calls(source, function)
        if name not in ATOMIC
    ]


def _updating(source: CSource) -> list[Node]:
    return [function for name in UPDATES for function in source.functions(name)]


def _counter_calls(source: CSource, function: Node) -> list[tuple[str, Node]]:
    """List the calls that get a counter of RSS, directly or through a local pointer."""
    pointers = {
        source.word(name)
        for declarator in source.nodes("init_declarator", function)
        if COUNTERS in source.word(declarator.child_by_field_name("value"))
        for name in source.nodes("identifier", declarator.child_by_field_name("declarator"))
    }
    return [
        (name, call)
        for name, call in source.calls(function)
        if any(_is_counter(source, argument, pointers) for argument in source.arguments(call))
    ]


def _is_counter(source: CSource, argument: Node, pointers: set[str]) -> bool:
    words = [source.word(word) for word in source.nodes("field_identifier", argument)]
    return COUNTERS in words or any(
        source.word(word) in pointers for word in source.nodes("identifier", argument)
    )


def _batch_of(source: CSource, name: str, call: Node) -> tuple[int | None, str]:
    """Give the batch that a call passes, None for the variable, and what is not understood."""
    arguments = source.arguments(call)
    if name in PLAIN:
        return None, ""
    if name == WITH_BATCH and len(arguments) == 3:
        number = number_in(source, arguments[2])
        if number is not None and number > 0:
            return number, ""
        if source.word(arguments[2]) == VARIABLE:
            return None, ""
    return None, f"the update of RSS by {name} is not understood"
