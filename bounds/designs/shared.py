"""One shared counter: exact.

    approximate = precise

Assumes nothing: nothing is kept back. Source: kernels 2.6.15 to 2.6.33 (`_file_rss`, `_anon_rss`,
atomic or under mm->page_table_lock); later ones on a uniprocessor, or up to 6.1 with NR_CPUS below
CONFIG_SPLIT_PTLOCK_CPUS. A sum of counters is still several reads, not one snapshot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.counter.design import (
    Cost,
    Design,
    Kernels,
    Place,
    each_batch,
    each_counter,
    exact,
)
from rssbound.bounds.counter.executable import AlikeUpdates
from rssbound.bounds.counter.rests import (
    FUNCTION,
    MACRO,
    MEMORY,
    MM,
    MM_TYPES,
    OF_EVERY_DESIGN,
    PATH,
    USERS,
    Rest,
)
from rssbound.bounds.laws.residuals import nothing_held
from rssbound.bounds.laws.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Hashable

    from rssbound.bounds.counter.executable import Update
    from rssbound.bounds.counter.interval import Level
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGN",)


def levels(_: Parameters) -> tuple[Level, ...]:
    """No level keeps anything back."""
    return ()


class Shared(AlikeUpdates):
    """One number."""

    def __init__(self) -> None:
        self.approximate = self.precise = 0

    @property
    def places(self) -> list[int]:
        """Give any CPU: all update the same counter."""
        return [0]

    def update(self, _: int, pages: int) -> None:
        """Add to the counter."""
        self.approximate += pages
        self.precise += pages

    def structure(self) -> Hashable:
        """There is one counter and no parameter."""
        return "shared"

    def state(self) -> Hashable:
        """Nothing is kept back."""
        return ()

    def canonical(self, state: Hashable) -> Hashable:
        """Give the state unchanged."""
        return state

    def enter(self, _: Hashable) -> None:
        """Start at 0."""
        self.approximate = self.precise = 0


def model(_: Parameters) -> Shared:
    """Make the counter."""
    return Shared()


def witness(_: Parameters, side: str) -> tuple[Update, ...]:  # noqa: ARG001 (exact on either side)
    """Give no updates: none makes the value wrong."""
    return ()


def memory_bytes(_: Parameters) -> int:
    """One word for each counter."""
    return 8 * len(COUNTERS)


def cost(_: Parameters) -> Cost:
    """Every page is an atomic operation on one cache line of the process."""
    rates = each_batch(1)
    return Cost(
        fast_path="one atomic operation on the shared counter",
        slow_path="none",
        shared_atomics=1,
        locks=0,
        lines=1,
        rates=rates,
        slow=rates.first,
        why="Nothing is kept back, so every page is the worst case.",
    )


RESTS = (
    *(
        Rest(name, MACRO, MM, why)
        for name, why in (
            ("add_mm_counter", "An update changes the one counter directly."),
            ("inc_mm_counter", "An update changes the one counter directly."),
            ("dec_mm_counter", "An update changes the one counter directly."),
            ("set_mm_counter", "A counter starts at the value that it is set to."),
            ("get_mm_counter", "A read is the counter itself, so it has no error."),
            ("get_mm_rss", "RSS is the sum of the two counters."),
        )
    ),
    Rest("add_mm_rss", FUNCTION, MEMORY, "It adds the sums that a zap or a fork has gathered."),
    Rest("mm_init", PATH, ("kernel/fork.c",), "The counters of a process start at 0."),
    Rest("mm_counter_t", USERS, MM_TYPES, "The type decides whether updates are atomic."),
    Rest("_file_rss", USERS, (), "Other users of the counter may keep updates back."),
    Rest("_anon_rss", USERS, (), "Other users of the counter may keep updates back."),
    *OF_EVERY_DESIGN,
)
"""The code that its bound rests on."""

DESIGN = Design(
    id="shared",
    title="one shared counter",
    kernels=Kernels("..2.6.33", last=(2, 6, 33), since="2.6.15"),
    source="2.6.15 to 2.6.33, include/linux/sched.h; UP and small NR_CPUS builds later",
    levels=each_counter(levels),
    law=nothing_held,
    slots=lambda _: Slots(),
    published=exact,
    memory_bytes=memory_bytes,
    cost=cost,
    batch=lambda _: 1,
    place=Place.CPU,
    model=model,
    witness=witness,
    search_amounts=lambda _: (1, -1),
    theorem=None,
    rests=RESTS,
)
