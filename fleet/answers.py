"""Answers to shapes, as an engine asks for them, and the count of what was found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rssbound.fleet.shapes import Shape, answered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rssbound.fleet.columns import Asked
    from rssbound.fleet.plan import Rows

__all__ = ("Outcome", "answers_to")


@dataclass
class Outcome:
    """What became of a fleet: rows, distinct shapes, rows with an error by what it says."""

    rows: int = 0
    shapes: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        """Count the rows with an error."""
        return self.errors.total()


def answers_to(
    groups: Iterable[tuple[Any, ...]], rows: Rows, asked: Asked, outcome: Outcome
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Answer each shape once, by its number in `groups`, and count in `outcome`.

    `groups` are what plan.texts_sql gives of fleet_shapes.
    """
    names = tuple(column.name.lower() for column in rows.shape)
    for number, (*texts, bad, fault, count) in enumerate(groups):
        outcome.rows += count
        error = fault
        if fault is None:
            known = zip(names, texts, strict=True)
            shape = Shape({name: text for name, text in known if text}, bad or "")
            answer = answered(shape, asked)
            error = answer.get("error")
            outcome.shapes += 1
            yield number, answer
        if error:
            outcome.errors[error] += count
