"""The Pareto front: smaller is better in each of several figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Figures = tuple[Any, ...]

__all__ = ("dominates", "front_of")

T = TypeVar("T")


def dominates(one: Figures, other: Figures) -> bool:
    """Return whether one item is at least as good in every figure and better in some."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def front_of(items: Iterable[T], figures: Callable[[T], Figures]) -> list[T]:
    """Give the items that no other dominates, sorted by their figures; equal ones are all kept.

    In sorted order only an earlier item can dominate an item, and then an item of the front does so
    too. So each item is compared only with the front.
    """
    front: list[T] = []
    best: list[Figures] = []
    for item in sorted(items, key=figures):
        its = figures(item)
        if not any(dominates(other, its) for other in best):
            front.append(item)
            best.append(its)
    return front
