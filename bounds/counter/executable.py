"""What every executable model of a counter can do.

A model is the kernel's algorithm, run with exact integers: updates go in, the approximate and the
precise value come out. It knows nothing of levels or bounds, so what it does is a second road to
every bound: a witness is replayed on it, and all its states are searched on small hosts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

__all__ = ("CounterModel", "Update", "replay", "single_pages")

Update = tuple[int, int]
"""Where (a CPU; for split counting a thread) and how many pages it adds, negative to take."""


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

    def structure(self) -> Hashable:
        """Give what decides all it can do: machines of equal structure differ in names only."""
        ...

    def state(self) -> Hashable:
        """Give what decides the error of everything that follows: the caches' residues."""
        ...

    def canonical(self, state: Any, /) -> Hashable:
        """Give the one state that stands for all that differ in the names of places only.

        Caches that nothing tells apart are put in order: which of them holds what makes no
        difference to the errors that can follow.
        """
        ...

    def enter(self, state: Any, /) -> None:
        """Put the caches into a state, and both values to 0."""
        ...


def replay(model: CounterModel, updates: Iterable[Update]) -> int:
    """Run updates; gives the lowest precise value on the way, 0 if it never was negative."""
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
