"""The table of primitives: functions and macros of the kernel that are defined here.

A name that is neither here nor in the tree is reported, never guessed.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from rssbound.kernel.execution.primitives.arithmetic import ARITHMETIC_TABLE
from rssbound.kernel.execution.primitives.atomics import atomic_operation
from rssbound.kernel.execution.primitives.locks import LOCK_TABLE, lock_operation, quiet
from rssbound.kernel.execution.primitives.machine_state import (
    HEADS,
    LIMITS,
    MACHINE_TABLE,
    MASKS,
    primitive_variable,
)
from rssbound.kernel.execution.primitives.percpu import PERCPU_TABLE, percpu_operation

if TYPE_CHECKING:
    from rssbound.kernel.execution.primitives.support import Primitive

__all__ = ("HEADS", "is_primitive", "primitive", "primitive_variable")

TABLE = {**ARITHMETIC_TABLE, **LOCK_TABLE, **MACHINE_TABLE, **PERCPU_TABLE}
NAMES = frozenset({*LIMITS, *MASKS, "LONG_MAX", "LONG_MIN", "ULONG_MAX", "current", "nr_cpu_ids"})


@cache
def primitive(name: str) -> Primitive | None:
    """Give the compiler of a call of a primitive; None if the table does not have it."""
    return (
        TABLE.get(name)
        or percpu_operation(name)
        or atomic_operation(name)
        or lock_operation(name)
        or quiet(name)
    )


def is_primitive(name: str) -> bool:
    """Return whether the table has a name, as a call, a loop or a value."""
    return name in NAMES or name in HEADS or primitive(name) is not None
