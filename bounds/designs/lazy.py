"""Exact in two words while single-threaded, percpu_counter from the second thread on.

    T = 1: approximate = precise;   T > 1: as `percpu`

As `dual-mode`, with a different exact part. The process's own thread adds to a plain word; all
others (reclaim, remote faults) add to a second word by compare-and-exchange. A read adds both, so
updates by others are exact too until there is a second thread. Both words then move to the shared
count, and the counter stays a percpu_counter. Assumes that a process's own updates never overlap. A
symbol for T means several threads.

Source: G. Krisman Bertazi, lazy percpu counters, RFC of 2025-11-27, include/linux/
lazy_percpu_counter.h there; CachyOS and others carry it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.design import Cost, Kernels, each_batch
from rssbound.bounds.counter.executable import AlikeUpdates
from rssbound.bounds.counter.rests import FUNCTION, Rest
from rssbound.bounds.designs import dual_mode, percpu
from rssbound.records import replace

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from rssbound.bounds.counter.executable import CounterModel
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGN", "OwnerAndOthers", "cost_of_two_words")


class OwnerAndOthers(AlikeUpdates):
    """A plain word for the owner (here: the first CPU) and a shared word for all others."""

    def __init__(self, cpus: Iterable[int]) -> None:
        self.cpus = list(cpus)
        self.of_owner = self.of_others = 0

    @property
    def places(self) -> list[int]:
        """List the CPUs."""
        return self.cpus

    @property
    def approximate(self) -> int:
        """The sum of both words."""
        return self.of_owner + self.of_others

    @property
    def precise(self) -> int:
        """The sum of both words: the cheap read is exact."""
        return self.approximate

    def update(self, cpu: int, pages: int) -> None:
        """Add to the owner's word or to the others' word."""
        if cpu == self.cpus[0]:
            self.of_owner += pages
        else:
            self.of_others += pages

    def structure(self) -> Hashable:
        """Two words."""
        return ("two words", len(self.cpus))

    def state(self) -> Hashable:
        """Nothing is kept back."""
        return ()

    def canonical(self, state: Hashable) -> Hashable:
        """Give the state unchanged: it has no symmetry."""
        return state

    def enter(self, _: Hashable) -> None:
        """Start at 0."""
        self.of_owner = self.of_others = 0


def model(p: Parameters) -> CounterModel:
    """Make the counter in its mode."""
    return OwnerAndOthers(p.ids) if p.threads == 1 else percpu.model(p)


def cost_of_two_words(slow_path: str) -> Cost:
    """Cost a plain addition by the owner; each page of others is on a shared cache line."""
    rates = each_batch(1)
    return Cost(
        fast_path="one plain addition by the process's own thread",
        slow_path=slow_path,
        shared_atomics=1,
        locks=0,
        lines=1,
        rates=rates,
        slow=rates.first,
        why="Nothing is kept back, so every page of another updater is the worst case.",
    )


def cost(p: Parameters) -> Cost:
    """Give the cost of the mode."""
    if p.threads == 1:
        return cost_of_two_words("for others, a compare-and-exchange of a word of the counter")
    return percpu.cost(p)


RESTS = (
    Rest(
        "lazy_percpu_counter_*",
        FUNCTION,
        ("include/linux/lazy_percpu_counter.h", "lib/lazy_percpu_counter.c"),
        "Two words until the second thread, and never again after it.",
    ),
    *percpu.RESTS,
)
"""The code that its bound rests on."""

DESIGN = replace(
    dual_mode.DESIGN,
    id="lazy",
    title="exact in two words until the second thread, then percpu",
    kernels=Kernels("RFC 2025-11; vendors", merged=False),
    source="G. Krisman Bertazi, lazy percpu counters, RFC of 2025-11-27",
    cost=cost,
    rests=RESTS,
    model=model,
)
