"""Locks that are held to the end of a block, as calls that take and release them.

    guard(mutex)(&m->lock);             mutex_lock(&m->lock);
    ...                                 ...
    return n;                           mutex_unlock(&m->lock); return n;

    scoped_guard(irqsave) f();          local_irq_save(flags); f(); local_irq_restore(flags);

The value of a return is computed before the lock is released, so it gets a name. A function stays
as it is if a lock is not one of those below, if a jump is not known to stay inside the block, or if
anything else is done at the end of a block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rssbound.kernel.constants import constant_of
from rssbound.kernel.equal_forms.effects import (
    called,
    is_head,
    is_static_place,
    is_staying_set,
    locals_set,
    passed_on,
    reads_memory,
)
from rssbound.kernel.equal_forms.form import (
    BREAK,
    CONTINUE,
    GOTO,
    JUMPS,
    RETURN,
    is_local,
    kind,
    listed,
    words,
)
from rssbound.kernel.equal_forms.places import in_one_form as places_in_one_form

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from rssbound.kernel.equal_forms.form import Form

__all__ = ("GUARDS", "does_more_at_ends", "with_calls")

GUARD, SCOPED_GUARD = "guard", "scoped_guard"
GUARDS = (GUARD, SCOPED_GUARD)

OTHERS = ("CLASS", "__free", "__cleanup", "init_declarator", "function_declarator")
"""What declares a variable for which something may be done at the end of its block."""

CLEANUP = "cleanup"
"""A word of the attribute that has something done at the end of a variable's block."""

FIRST = 8000
"""New local names are numbered from here."""

FLAGS = "long unsigned"
LOOPS = ("for", "while_statement", "do_statement", "each_statement")
SWITCH, CASE = "switch_statement", "case_statement"
LABELS = ("labeled_statement", "label")


class _Lock(NamedTuple):
    """The calls that take and release a lock; `saves` says that both get a variable for flags."""

    take: str
    release: str
    saves: bool = False


def _spinning(name: str, call: str) -> Iterator[tuple[str, _Lock]]:
    """Yield a lock that spins or is local, and its variants with interrupts off."""
    yield name, _Lock(f"{call}_lock", f"{call}_unlock")
    yield f"{name}_irq", _Lock(f"{call}_lock_irq", f"{call}_unlock_irq")
    yield f"{name}_irqsave", _Lock(f"{call}_lock_irqsave", f"{call}_unlock_irqrestore", saves=True)


LOCKS = {
    **dict(_spinning("spinlock", "spin")),
    **dict(_spinning("raw_spinlock", "raw_spin")),
    **dict(_spinning("read_lock", "read")),
    **dict(_spinning("write_lock", "write")),
    **dict(_spinning("local_lock", "local")),
    "spinlock_bh": _Lock("spin_lock_bh", "spin_unlock_bh"),
    "mutex": _Lock("mutex_lock", "mutex_unlock"),
    "rwsem_read": _Lock("down_read", "up_read"),
    "rwsem_write": _Lock("down_write", "up_write"),
    "task_lock": _Lock("task_lock", "task_unlock"),
    "rcu": _Lock("rcu_read_lock", "rcu_read_unlock"),
    "preempt": _Lock("preempt_disable", "preempt_enable"),
    "migrate": _Lock("migrate_disable", "migrate_enable"),
    "cpus_read_lock": _Lock("cpus_read_lock", "cpus_read_unlock"),
    "irq": _Lock("local_irq_disable", "local_irq_enable"),
    "irqsave": _Lock("local_irq_save", "local_irq_restore", saves=True),
}
"""The class of a guard -> what it calls, as include/linux defines them."""


class _OtherError(Exception):
    """A guard of another kind, or a jump out of its block."""


def does_more_at_ends(form: Form, types: Mapping[str, str]) -> bool:
    """Return whether anything but statements is done at the end of a block, as guards do it."""
    return any(CLEANUP in type_ for type_ in types.values()) or any(
        word in {GUARD, *OTHERS} or word.startswith("scoped_") or "_scoped" in word
        for word in words(form)
    )


def with_calls(
    body: Form, result: str, types: Mapping[str, str], is_redefined: Callable[[str], bool]
) -> tuple[Form, Mapping[str, str]]:
    """Write the guards of a body as calls; also gives the types of all local names.

    `result` is what the function returns.
    """
    if not any(word in GUARDS for word in words(body)) or any(map(is_redefined, GUARDS)):
        return body, types
    passed = frozenset(passed_on(places_in_one_form(body, types)))
    scopes = _Scopes(result, passed, is_redefined, dict(types))
    try:
        found = ["block", *scopes.statements(body[1:])]
    except _OtherError:
        return body, types
    return (body, types) if does_more_at_ends(found, types) else (found, scopes.types)


class _Scopes:
    """Writes the guards of one function as calls; `types` has those of its local names."""

    def __init__(
        self,
        result: str,
        passed: Collection[str],
        is_redefined: Callable[[str], bool],
        types: dict[str, str],
    ) -> None:
        self.result = result
        self.passed = passed
        self.is_redefined = is_redefined
        self.types = types
        self._free: list[str] = []

    def statements(self, block: list[Form]) -> list[Form]:
        """Write the statements of a block; a guard lasts to its end."""
        found: list[Form] = []
        for place, statement in enumerate(block):
            if _is_guard(statement):
                _, (_, _, class_), *given = statement[1]
                return [*found, *self._held(class_, given, block[place + 1 :])]
            if found and _is_scoped(found[-1]):
                _, _, class_, *given = found.pop()[1]
                if _leaves(statement):
                    raise _OtherError  # scoped_guard is a loop of its own
                found += self._held(class_, given, listed(statement))
            else:
                found.append(self._inside(statement))
        if found and _is_scoped(found[-1]):
            raise _OtherError
        return found

    def _inside(self, form: Form) -> Form:
        """Write the guards in the blocks of a statement."""
        if isinstance(form, str):
            return form
        if kind(form) == "block":
            return ["block", *self.statements(form[1:])]
        if _is_guard(form):  # the end of a branch of #if is not that of its block
            raise _OtherError
        return [self._inside(part) for part in form]

    def _held(self, class_: Form, given: list[Form], block: list[Form]) -> list[Form]:
        """Hold a lock while some statements run; it must be the same at both ends."""
        lock = LOCKS.get(class_) if isinstance(class_, str) else None
        if lock is None or any(map(self.is_redefined, (class_, *lock[:2]))):
            raise _OtherError
        if any(map(_can_be_entered, block)):
            raise _OtherError
        if not all(self._is_fixed_place(form, block) for form in given):
            raise _OtherError
        flags = [self._free.pop() if self._free else self._new(FLAGS)] if lock.saves else []
        release = ["do", ["call", lock.release, *given, *flags]]
        inside = self._released(self.statements(block), release)
        self._free += flags
        return [["do", ["call", lock.take, *given, *flags]], *inside]

    def _is_fixed_place(self, form: Form, block: list[Form]) -> bool:
        """Return whether a lock is the same after some statements."""
        if any(map(self.is_redefined, words(form))) or is_staying_set(form, block):
            return False
        changed = {*self.passed, *(name for each in block for name in locals_set(each))}
        place = places_in_one_form(form, self.types)
        is_address = place[:2] == ["pointer_expression", "&"] and is_static_place(place[2])
        names = set(filter(is_local, words(form)))
        return names.isdisjoint(changed) and (is_address or not reads_memory(place))

    def _released(self, inside: list[Form], release: Form) -> list[Form]:
        """Release a lock at the end of some statements, and before each jump out of them."""
        found = self._before_jumps(inside, release, frozenset(JUMPS))
        return found if inside and kind(inside[-1]) in JUMPS else [*found, release]

    def _before_jumps(
        self, block: list[Form], release: Form, leaving: frozenset[str]
    ) -> list[Form]:
        found: list[Form] = []
        for statement in block:
            inner = leaving
            if kind(statement) in LOOPS or (found and is_head(found[-1])):
                inner = leaving - {BREAK, CONTINUE}
            elif kind(statement) == SWITCH:
                inner = leaving - {BREAK}
            found.append(self._before_jump(statement, release, inner))
        return found

    def _before_jump(self, form: Form, release: Form, leaving: frozenset[str]) -> Form:
        if isinstance(form, str):
            return form
        if kind(form) not in JUMPS:
            return self._before_jumps(form, release, leaving)
        if kind(form) not in leaving:
            return form
        if kind(form) == RETURN and len(form) == 3 and not self._is_fixed(form[2]):
            name = self._new(self.result)
            value = ["do", ["assignment_expression", name, "=", form[2]]]
            return ["block", value, release, [RETURN, "return", name]]
        return ["block", release, form]

    def _is_fixed(self, value: Form) -> bool:
        """Return whether a value is the same before and after a lock is released."""
        if not isinstance(value, str):
            return False
        is_own = is_local(value) and value not in self.passed
        return is_own or constant_of(value) is not None or value == "NULL"

    def _new(self, type_: str) -> str:
        name = f"${FIRST + len(self.types)}"
        self.types[name] = type_
        return name


def _is_guard(statement: Form) -> bool:
    call = statement[1] if kind(statement) == "do" and len(statement) == 2 else ""
    inner = call[1] if kind(call) == "call" else ""
    return called(inner) == GUARD and len(inner) == 3


def _is_scoped(statement: Form) -> bool:
    call = statement[1] if kind(statement) == "do" and len(statement) == 2 else ""
    return called(call) == SCOPED_GUARD and len(call) >= 3


def _can_be_entered(form: Form) -> bool:
    """Return whether a part can be left by a jump by name, or be entered by any jump."""
    if isinstance(form, str):
        return False
    if kind(form) in {GOTO, CASE, *LABELS}:
        return True
    inside = form[1:] if kind(form) != SWITCH else [each for each in form if kind(each) == "block"]
    if kind(form) == SWITCH:
        inside = [part for block in inside for case in block[1:] for part in _inside_case(case)]
    return any(map(_can_be_entered, inside))


def _inside_case(case: Form) -> Form:
    return case[1:] if kind(case) == CASE else [case]


def _leaves(form: Form) -> bool:
    """Return whether a part has a break or continue, perhaps of a loop inside it."""
    return any(word in {BREAK, CONTINUE} for word in words(form))
