"""All states that a small model can reach: the most it ever is off, on both sides.

A model's error is decided by what its caches hold, and they hold finitely many values, so the
search ends. States that differ only in which of several like caches holds what are one. It knows
the model only; no bound and no level of caches enters it.
"""

from __future__ import annotations

from collections import deque
from itertools import product
from typing import TYPE_CHECKING

from rssbound.bounds.counter.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from rssbound.bounds.counter.executable import CounterModel

__all__ = ("extreme_errors",)


def extreme_errors(
    model: CounterModel, amounts: Iterable[int], most_states: int = 1_000_000
) -> Interval | None:
    """Give the largest errors of all states that updates of some amounts reach from the empty one.

    `amounts` are the pages of one update, made in any of the model's places. None if there are
    more states than `most_states`. AssertionError if one state could have two errors.
    """
    moves = list(product(model.places, amounts))
    start = model.canonical(model.state())
    errors: dict[Hashable, int] = {start: model.precise - model.approximate}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        for place, pages in moves:
            model.enter(state)
            before = model.approximate
            model.update(place, pages)
            error = errors[state] + pages - (model.approximate - before)
            after = model.canonical(model.state())
            if after not in errors:
                if len(errors) >= most_states:
                    return None
                errors[after] = error
                queue.append(after)
            elif errors[after] != error:
                raise AssertionError(f"state {after} is off by {errors[after]} and by {error}")
    return Interval(max(errors.values()), -min(errors.values()))
