"""All states that a small model can reach, and the largest error on both sides.

A model's error is determined by the residuals of its slots, which have finitely many values, so the
search ends. States that differ only by a permutation of identical slots count as one. The search
uses only the model, no bound and no level of slots.
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
    """Give the largest errors of all states that updates of `amounts` reach from the empty state.

    `amounts` are the possible pages of one update; each place of the model can make it. None if
    there are more states than `most_states`. AssertionError if one state has two errors.
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
