"""The interface of all executable models of a counter.

A model is the kernel's algorithm, run with exact integers: updates go in, the approximate and the
precise value come out. It does not use levels or bounds, so it checks every bound independently:
witnesses are replayed on it, and all its states are searched on small machines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

__all__ = (
    "AlikeUpdates",
    "AnyUpdate",
    "CachesOfCpus",
    "CounterModel",
    "Replayed",
    "Round",
    "Runaway",
    "Update",
    "replay",
    "single_pages",
)

Update = tuple[int, int]
"""A place (a CPU; for split counting a thread) and how many pages it adds, negative to take."""

AnyUpdate = tuple[int | None, int | Mapping[str, int]]
"""As Update, with pages by counter if counters differ; no place: an update past the slots."""


class CounterModel(Protocol):
    """One counter of one process; starts empty."""

    @property
    def places(self) -> list[int]:
        """List where updates may be made: CPUs, for split counting threads."""
        ...

    @property
    def approximate(self) -> int:
        """What the cheap read returns before it is clamped at 0, in pages."""
        ...

    @property
    def precise(self) -> int:
        """The sum of all completed updates, in pages."""
        ...

    def update(self, place: int, pages: int, /) -> None:
        """Run one update to its end."""
        ...

    def preload(self, pages: int, /) -> None:
        """Give the process pages at the start."""
        ...

    def work(
        self, updates: Iterable[Update], /, *, by_munmap: bool = False, huge: bool = False
    ) -> None:
        """Run updates of a workload; `by_munmap`: the process removes pages by munmap.

        Otherwise pages are reclaimed, or unmapped by others. `huge`: each maps a huge page.
        """
        ...

    def structure(self) -> Hashable:
        """Give what determines its behaviour: models of equal structure differ only in names."""
        ...

    def state(self) -> Hashable:
        """Give the state that determines all later errors: the residues of the slots."""
        ...

    def canonical(self, state: Any, /) -> Hashable:
        """Give the representative of all states that differ only in the names of places.

        Equivalent slots are sorted: their order makes no difference to later errors.
        """
        ...

    def enter(self, state: Any, /) -> None:
        """Set the slots to a state and both values to 0."""
        ...


class AlikeUpdates:
    """The effect of a workload on a model in which all updates are alike."""

    def preload(self: CounterModel, pages: int) -> None:
        """Give the process pages at the start."""
        self.update(self.places[0], pages)

    def work(
        self: CounterModel,
        updates: Iterable[Update],
        *,
        by_munmap: bool = False,  # noqa: ARG002 (makes no difference)
        huge: bool = False,  # noqa: ARG002 (see by_munmap)
    ) -> None:
        """Run updates of a workload."""
        for place, pages in updates:
            self.update(place, pages)


class CachesOfCpus(AlikeUpdates):
    """A shared count and a slot of pages on each CPU; all CPUs are equivalent."""

    def __init__(self, cpus: Iterable[int]) -> None:
        self.count = 0
        self.slots = dict.fromkeys(cpus, 0)

    @property
    def places(self) -> list[int]:
        """List the CPUs that have a slot."""
        return list(self.slots)

    @property
    def approximate(self) -> int:
        """The shared count."""
        return self.count

    @property
    def precise(self) -> int:
        """The shared count and all slots."""
        return self.count + sum(self.slots.values())

    def state(self) -> Hashable:
        """Give the slots."""
        return tuple(self.slots.values())

    def canonical(self, state: Any) -> Hashable:
        """Sort the slots."""
        return tuple(sorted(state))

    def enter(self, state: Any) -> None:
        """Fill the slots and set the count to 0."""
        self.slots = dict(zip(self.slots, state, strict=True))
        self.count = 0


@dataclass(frozen=True)
class Replayed:
    """Updates and the resulting values of a model, in pages; `lowest` is the lowest precise one."""

    updates: tuple[AnyUpdate, ...]
    approximate: int
    precise: int
    lowest: int


@dataclass(frozen=True)
class Round:
    """One round of a schedule without a bound, in pages of one slot.

    An updater adds `begins` and is stopped, others add `others` a page at a time, and it resumes
    and subtracts `takes`. Once settled, the approximate value is too high by `error`.
    """

    begins: int
    others: int
    takes: int
    error: int


@dataclass(frozen=True)
class Runaway:
    """The first rounds of a schedule whose error grows without limit, and both values after them.

    `words` say when there is no bound, {batch} being the design's, and what a round does.
    """

    rounds: tuple[Round, ...]
    approximate: int
    precise: int
    words: tuple[str, str]


def replay(model: CounterModel, updates: Iterable[Update]) -> int:
    """Run updates; return the lowest precise value on the way, 0 if it was never negative."""
    lowest = precise = 0
    for place, pages in updates:
        model.update(place, pages)
        precise += pages
        lowest = min(lowest, precise)
    return lowest


def single_pages(updates: Iterable[Update]) -> tuple[Update, ...]:
    """Split updates into updates of one page each, as page faults make them."""
    return tuple(
        (place, 1 if pages > 0 else -1) for place, pages in updates for _ in range(abs(pages))
    )
