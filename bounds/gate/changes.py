"""Changes since the bounds were recorded: the ratchet that keeps a bound from growing.

Rows are matched by machine, design and counter only, so a different batch is a better or worse
bound, never a different row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import SIDES
from rssbound.bounds.gate.reasons import differences, level_differences
from rssbound.bounds.gate.record import ALL, KERNEL, Key, Target
from rssbound.bounds.reading.tolerance import in_bytes
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rssbound.bounds.gate.amounts import Amount
    from rssbound.bounds.gate.record import Machine, Record

__all__ = ("BETTER", "MISSING", "NEW", "SAME", "WORSE", "Change", "changes_of")

WORSE, BETTER, SAME, MISSING, NEW = "worse", "better", "same", "missing", "new"


@dataclass(frozen=True)
class Change:
    """One side of one row, before and now, in pages; None is "no bound".

    `verdict` is WORSE, BETTER, SAME, MISSING (only before) or NEW (only now). `most` is the number
    of pages allowed now, None if it is the old bound. `cause` is what else differs, in the same
    words on all machines: options or the kernel, even if the bound has not changed. `why`
    adds how the levels of this machine have changed.
    `page_size` is the current one and `page_size_before` the old one, in bytes.
    """

    key: Key
    host: str
    side: str
    before: int | None
    now: int | None
    verdict: str
    page_size: int
    page_size_before: int
    most: int | None = None
    why: str = ""
    cause: str = ""

    @property
    def target(self) -> Target:
        """The change's design, counter and side."""
        return Target(self.key.design, self.key.counter, self.side)


def changes_of(
    before: Record, now: Record, allowances: Mapping[Target, Amount] | None = None
) -> tuple[Change, ...]:
    """Compare two records row by row, each side separately, in the order of their keys.

    A machine or a design that only one record has is one change, for any number of rows. A
    row of KERNEL that repeats another row is not a change.
    """
    alone = [
        *(_alone(key, before, MISSING) for key in _only_in(before, now)),
        *(_alone(key, now, NEW) for key in _only_in(now, before)),
    ]
    common = sorted(before.rows.keys() & now.rows.keys())
    both = [key for key in common if not _repeats(key, before, now)]
    compared = [change for key in both for change in _changes(key, before, now, allowances or {})]
    return tuple(sorted([*alone, *compared], key=lambda change: change.key))


def _repeats(key: Key, before: Record, now: Record) -> bool:
    """Return whether a row of KERNEL repeats a design or a sum that is compared anyway."""
    old, new = before.machines[key.topology].kernel, now.machines[key.topology].kernel
    if key.design != KERNEL or old is None or new is None or old.design != new.design:
        return False
    accuracy = old.readers.get(key.counter)
    if accuracy is not None:
        return accuracy == new.readers.get(key.counter)
    row = key._replace(design=new.design)
    return row in before.rows and row in now.rows


def _only_in(one: Record, other: Record) -> list[Key]:
    """List the rows that only one record has, a whole machine or design as one."""
    machines = {key.topology for key in other.rows}
    designs = {key[:2] for key in other.rows}
    keys = {
        Key(key.topology, ALL, ALL)
        if key.topology not in machines
        else Key(key.topology, key.design, ALL)
        if key[:2] not in designs
        else key
        for key in one.rows.keys() - other.rows.keys()
    }
    return sorted(keys)


def _alone(key: Key, record: Record, verdict: str) -> Change:
    machine = record.machines[key.topology]
    why = ""
    if key.design == KERNEL and key.counter == ALL:
        without = "this check" if verdict == MISSING else "the baseline"
        why = f"{without} was made without a kernel source tree"
    return Change(
        key, machine.name, "", None, None, verdict, machine.page_size, machine.page_size, why=why
    )


def _changes(
    key: Key, before: Record, now: Record, allowances: Mapping[Target, Amount]
) -> Iterator[Change]:
    old, new = before.machines[key.topology], now.machines[key.topology]
    for side in SIDES:
        was, is_ = getattr(before.rows[key], side), getattr(now.rows[key], side)
        was_bytes, is_bytes = in_bytes(was, old.page_size), in_bytes(is_, new.page_size)
        amount = allowances.get(Target(key.design, key.counter, side))
        allowed = amount.in_bytes(new.page_size, was_bytes or 0) if amount else 0
        most = None if was_bytes is None else was_bytes + allowed
        changed = was_bytes != is_bytes
        cause = _kernel_reason(key, old, new) or (_cause(key, old, new) if changed else "")
        details = _levels_reason(key, old, new) if changed else ()
        yield Change(
            key=key,
            host=new.name,
            side=side,
            before=was,
            now=is_,
            verdict=_verdict(was_bytes, is_bytes, most),
            page_size=new.page_size,
            page_size_before=old.page_size,
            most=most // new.page_size if most is not None and allowed else None,
            why=_kernel_reason(key, old, new) or ", ".join(filter(None, (cause, *details))),
            cause=cause or (f"the levels of {_design_of(key, new)}" if details else ""),
        )


def _verdict(before: int | None, now: int | None, most: int | None) -> str:
    """Judge bytes; None is "no bound"."""
    if before == now:
        return SAME
    if now is None:
        return WORSE
    if before is None or most is None or now < before:
        return BETTER
    return WORSE if now > most else SAME


def _kernel_reason(key: Key, old: Machine, new: Machine) -> str:
    """Say what differs in the kernel: how a reader reads, or else the design in use."""
    was, is_ = old.kernel, new.kernel
    if key.design != KERNEL or was is None or is_ is None:
        return ""
    readers = (was.readers.get(key.counter), is_.readers.get(key.counter))
    if readers[0] != readers[1]:
        return f"{key.counter} {readers[0]} -> {readers[1]}"
    return f"design in use {was.design} -> {is_.design}" if was.design != is_.design else ""


def _cause(key: Key, old: Machine, new: Machine) -> str:
    """Say what differs in the settings that the design uses."""
    used = new.uses.get(_design_of(key, new))
    return ", ".join(differences(old.scenario, new.scenario, used))


def _levels_reason(key: Key, old: Machine, new: Machine) -> tuple[str, ...]:
    """Say what differs in the levels of the design."""
    design = _design_of(key, new)
    return tuple(level_differences(old.levels.get(design, ()), new.levels.get(design, ())))


def _design_of(key: Key, machine: Machine) -> str:
    return machine.kernel.design if key.design == KERNEL and machine.kernel else key.design
