"""The statements of a function that matter for something, with the conditions around them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rssbound.kernel.equal_forms.effects import called, locals_set
from rssbound.kernel.equal_forms.form import (
    BREAK,
    GOTO,
    JUMPS,
    RETURN,
    kind,
    text,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from rssbound.kernel.equal_forms.form import Form

__all__ = ("reached", "reading", "updating", "written")

PLACES = ("field_expression", "pointer_expression")
PROCESS = " . mm)"
"""The end of a place in which a task has its process."""

STORING = re.compile(r"\w*xchg\w*|rcu_assign_pointer|smp_store_\w+")
"""Calls that set the place which is their first argument, or its address."""

PRINTING = re.compile(r"seq_put\w*|seq_printf|seq_write")
ESCAPE, LETTER = re.compile(r"\\\s*\S"), re.compile(r"[A-Za-z]")

CONTAINERS = ("if", "loop", "each", "block")


def _is_nothing(_: Form) -> bool:
    return False


class _Kept(NamedTuple):
    """Which statements are kept, and whether jumps are, with the conditions around them.

    Of others before the last of these, some are counted.
    """

    is_wanted: Callable[[Form], bool]
    jumps: tuple[str, ...]
    with_conditions: bool
    is_counted: Callable[[Form], bool] = _is_nothing


def reading(statements: list[Form], is_read: Callable[[str], bool]) -> list[Form]:
    """Keep what reads something, what it is read from, and what uses the result.

    Returns before the last of these are kept too. A result can be used through a local variable,
    or a place in memory that it was stored to. Fields without a name, as in /proc/PID/stat, are
    counted.
    """
    pieces = list(_pieces(statements))
    read = [piece for piece in pieces if any(map(is_read, words(piece)))]
    steps = [(_used_in(piece), _changed_in(piece)) for piece in pieces]
    tainted = reached({name for piece in read for name in _changed_in(piece)}, steps)

    def is_of_result(piece: Form) -> bool:
        return any(map(is_read, words(piece))) or not tainted.isdisjoint(_used_in(piece))

    of_result = [piece for piece in pieces if is_of_result(piece)]
    needed = _needed(statements, of_result)
    later = _passed_later(statements, of_result)

    def is_wanted(piece: Form) -> bool:
        return is_of_result(piece) or piece in later or not needed.isdisjoint(_set_in(piece))

    counted = _is_field if any(map(_is_field, of_result)) else _is_nothing
    return _filtered(
        statements,
        _Kept(is_wanted, (RETURN, GOTO), with_conditions=False, is_counted=counted),
        is_last=True,
    )


def _passed_later(statements: list[Form], of_result: list[Form]) -> list[Form]:
    """Give the calls that get a whole structure, after a result was stored to a member of it."""
    structures: set[str] = set()
    found = []
    for piece in _pieces(statements):
        passed = piece[-1][2:] if called(piece[-1]) else ()
        if not structures.isdisjoint(map(text, passed)):
            found.append(piece)
        if piece in of_result:
            structures |= {*_structures(piece)}
    return found


def _structures(form: Form) -> Iterator[str]:
    """Yield the pointers to structures of which a form sets a member, as text."""
    if isinstance(form, str):
        return
    if kind(form) == "assignment_expression" and kind(form[1]) == "field_expression":
        structure = form[1][1]
        if structure[:2] == ["pointer_expression", "*"]:
            yield text(structure[2])
    for part in form:
        yield from _structures(part)


def _is_field(piece: Form) -> bool:
    """Return whether a statement prints a field that has no name, so its place among all counts."""
    call = piece[-1] if kind(piece) == "do" else ""
    strings = [text(part) for part in call[2:] if kind(part) == "string_literal"]
    return PRINTING.fullmatch(called(call)) is not None and not any(
        LETTER.search(ESCAPE.sub("", string.removeprefix("(string_literal"))) for string in strings
    )


def updating(statements: list[Form], is_update: Callable[[str], bool]) -> list[Form]:
    """Keep what updates something, what sets the amounts, and the jumps before the last update.

    What sets a variable of a condition around an update is kept too, and what gives a task another
    process.
    """
    needed = _needed(statements, _with_heads(statements, is_update))

    def is_wanted(piece: Form) -> bool:
        return (
            any(map(is_update, words(piece)))
            or not needed.isdisjoint(_set_in(piece))
            or any(place.endswith(PROCESS) for place in _stored_to(piece))
        )

    return _filtered(statements, _Kept(is_wanted, JUMPS, with_conditions=True), is_last=True)


def _needed(statements: list[Form], kept: Iterable[Form]) -> set[str]:
    """Give the local names that kept pieces use, and those that these are computed from."""
    steps = [(_set_in(piece), _locals_in(piece)) for piece in _pieces(statements)]
    return reached({name for piece in kept for name in _locals_in(piece)}, steps)


def reached(
    names: Collection[str], steps: Collection[tuple[Collection[str], Collection[str]]]
) -> set[str]:
    """Give names and all that steps lead to; a step leads from any of some names to all others."""
    found = set(names)
    while True:
        more = {name for start, ends in steps if not found.isdisjoint(start) for name in ends}
        if more <= found:
            return found
        found |= more


def _used_in(piece: Form) -> set[str]:
    return {*words(piece), *_places(piece)}


def _changed_in(piece: Form) -> set[str]:
    return {*_set_in(piece), *_stored_to(piece)}


def _locals_in(piece: Form) -> set[str]:
    return {word for word in words(piece) if word.startswith("$")}


def _filtered(statements: list[Form], kept: _Kept, *, is_last: bool) -> list[Form]:
    """Filter a list from its end; `is_last` says that nothing wanted comes after it."""
    found: list[Form] = []
    for statement in reversed(statements):
        parts = _part(statement, kept, is_last=is_last)
        is_last = is_last and not _has_wanted([statement], kept)
        found = [*parts, *found]
    return found


def _part(statement: Form, kept: _Kept, *, is_last: bool) -> list[Form]:
    if not _is_container(statement):
        if kept.is_wanted(statement):
            return [statement]
        if is_last:
            return []
        if kind(statement) in kept.jumps:
            return [[kind(statement)]]
        return [["counted"]] if kept.is_counted(statement) else []
    test, blocks = _head(statement), _blocks(statement)
    if kind(statement) == "if" and not kept.with_conditions and not kept.is_wanted(test):
        alone = _after_jump(blocks, kept, is_last=is_last)
        if alone is not None:
            return alone
    inside = [
        ["block", *_filtered(part[1:], kept, is_last=is_last)] if kind(part) == "block" else part
        for part in statement
    ]
    wanted = kept.is_wanted(test) or any(_has_wanted(block, kept) for block in blocks)
    kept_inside = [each for block in _blocks(inside) for each in block]
    return [inside] if wanted or (kept.with_conditions and kept_inside) else kept_inside


def _after_jump(blocks: list[list[Form]], kept: _Kept, *, is_last: bool) -> list[Form] | None:
    """Write `if (c) return; f();`, of which the condition does not matter, as `return; f();`."""
    for one, other in (blocks, blocks[::-1]):
        if _has_wanted(other, kept) and not _has_wanted(one, kept) and _jumps(one):
            return [
                *_filtered(one, kept, is_last=False),
                *_filtered(other, kept, is_last=is_last),
            ]
    return None


def _has_wanted(statements: list[Form], kept: _Kept) -> bool:
    return any(map(kept.is_wanted, _pieces(statements)))


def _jumps(statements: list[Form]) -> bool:
    return bool(statements) and kind(statements[-1]) in JUMPS


def _is_container(statement: Form) -> bool:
    return kind(statement) in CONTAINERS or kind(statement).startswith("preproc_")


def _head(statement: Form) -> Form:
    """Give what a statement has outside its blocks, such as a condition."""
    return [part for part in statement if kind(part) != "block"]


def _blocks(statement: Form) -> list[list[Form]]:
    """Give the statements in each block of a statement."""
    return [part[1:] for part in statement if kind(part) == "block"]


def _pieces(statements: list[Form]) -> Iterator[Form]:
    """Yield the statements that have none in them, and the conditions of the others."""
    for statement in statements:
        if not _is_container(statement):
            yield statement
            continue
        yield _head(statement)
        for block in _blocks(statement):
            yield from _pieces(block)


def _with_heads(statements: list[Form], is_update: Callable[[str], bool]) -> Iterator[Form]:
    """Yield the statements that update something, and the conditions around them."""
    for statement in statements:
        if not any(map(is_update, words(statement))):
            if kind(statement) == "if" and BREAK in words(statement):  # the end of a loop
                yield statement[1]
        elif not _is_container(statement):
            yield statement
        else:
            yield _head(statement)
            for block in _blocks(statement):
                yield from _with_heads(block, is_update)


def _places(form: Form) -> Iterator[str]:
    """Yield the places in memory that a form names, as text."""
    if isinstance(form, str):
        return
    if kind(form) in PLACES:
        yield text(form)
    for part in form:
        yield from _places(part)


def _stored_to(form: Form) -> Iterator[str]:
    """Yield the places in memory that a form stores to, as text."""
    if isinstance(form, str):
        return
    if kind(form) == "assignment_expression" and kind(form[1]) in PLACES:
        yield text(form[1])
    if STORING.fullmatch(called(form)) and len(form) > 2:
        is_address = form[2][:2] == ["pointer_expression", "&"]
        yield text(form[2][2] if is_address else form[2])
    for part in form:
        yield from _stored_to(part)


def _set_in(piece: Form) -> set[str]:
    """Give the names that a statement sets, also what they point to, or passes the address of."""
    return {*locals_set(piece), *_based(piece)}


def _based(form: Form) -> Iterator[str]:
    if isinstance(form, str):
        return
    head = kind(form)
    target = form[1] if head == "assignment_expression" else form[-1]
    is_address = head == "pointer_expression" and form[1] == "&"
    if head == "assignment_expression" or is_address:
        while kind(target) == "pointer_expression" or kind(target) == "+":
            inner = [word for word in words(target) if word.startswith("$")]
            target = inner[0] if inner else ""
        if isinstance(target, str) and target.startswith("$"):
            yield target
    for part in form:
        yield from _based(part)


def written(statements: list[Form]) -> str:
    """Write statements one after the other."""
    return " ".join(map(text, statements))
