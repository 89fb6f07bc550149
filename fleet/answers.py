"""The bounds of shapes, as an engine requests them, and counts of rows and errors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.errors import InputError
from rssbound.fleet import plan
from rssbound.fleet.shapes import Shape, answered, machine_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rssbound.fleet.columns import Asked
    from rssbound.fleet.plan import Rows
    from rssbound.fleet.sources import Part
    from rssbound.topology.model import Topology

__all__ = (
    "Decided",
    "Outcome",
    "Quantiles",
    "Summary",
    "Worst",
    "answers_to",
    "machines_of",
    "require_rows",
    "summary_of",
    "without_process",
)


@dataclass
class Outcome:
    """Counts of a run: rows, distinct shapes that were bounded, and rows by error message."""

    rows: int = 0
    shapes: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def is_unread(self) -> bool:
        """Whether there are rows, and none of them has a bound."""
        return self.rows > 0 and self.shapes == 0

    @property
    def failed(self) -> int:
        """Count the rows with an error."""
        return self.errors.total()

    @property
    def frequent(self) -> tuple[tuple[str, int], ...]:
        """Give the errors with their numbers of rows, the most frequent first."""
        return tuple(sorted(self.errors.items(), key=lambda each: (-each[1], each[0])))


def require_rows(outcome: Outcome, parts: Iterable[Part]) -> None:
    """InputError if no part has any rows."""
    if not outcome.rows:
        raise InputError(f"{', '.join(part.label for part in parts)}: no rows in it")


class Quantiles(NamedTuple):
    """Quantiles of bounds, at plan.QUANTILES, of all machines or of one kernel series; bytes.

    `without_under` machines have no lower bound, `without_over` machines no upper bound. The
    quantiles are of the other machines; None if there are none.
    """

    prefix: str
    series: str | None
    hosts: int
    without_under: int
    without_over: int
    under: tuple[int | None, ...]
    over: tuple[int | None, ...]


class Worst(NamedTuple):
    """A machine with one of the largest bounds, in bytes; None means no bound."""

    name: str | None
    design: str
    under: int | None
    over: int | None


class Decided(NamedTuple):
    """How many machines have a threshold that a reading can decide, and that it cannot."""

    yes: int
    no: int


class Summary(NamedTuple):
    """The figures for a fleet as a whole."""

    outcome: Outcome
    quantiles: tuple[Quantiles, ...]
    worst: tuple[Worst, ...]
    decided: Decided


def summary_of(
    rows: Rows, asked: Asked, outcome: Outcome, query: Callable[[str], list[tuple[Any, ...]]]
) -> Summary:
    """Get the figures of a summary from an engine."""
    found = sorted(query(plan.quantiles_sql(rows, asked)), key=_by_design_and_series)
    quantiles = tuple(_quantiles(*row) for _, *row in found)
    worst = tuple(Worst(*row) for row in query(plan.worst_sql(rows, asked)))
    return Summary(outcome, quantiles, worst, Decided(*query(plan.decided_sql(rows, asked))[0]))


def _quantiles(
    prefix: str, series: str | None, hosts: int, low: int, high: int, *figures: int | None
) -> Quantiles:
    half = len(plan.QUANTILES)
    return Quantiles(prefix, series, hosts, low, high, figures[:half], figures[half:])


def _by_design_and_series(row: tuple[Any, ...]) -> tuple[int, tuple[int, ...]]:
    number, _, series, *_ = row
    return number, tuple(map(int, series.split("."))) if series else ()


def answers_to(
    groups: Iterable[tuple[Any, ...]], rows: Rows, asked: Asked, outcome: Outcome
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Answer each shape once, by its number in `groups`, and count in `outcome`.

    `groups` are the rows of plan.texts_sql for fleet_shapes.
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
            outcome.shapes += "page_bytes" in answer
            yield number, answer
        if error:
            outcome.errors[error] += count


PROCESS = frozenset({"threads", "cpus"})
"""Columns of a shape that describe the process, not the machine."""

MOST_FAULTS = 20


def without_process(rows: Rows) -> Rows:
    """Remove the columns about the process."""
    kept = tuple(column for column in rows.columns if column.name.lower() not in PROCESS)
    return replace(rows, columns=kept)


def machines_of(
    groups: Iterable[tuple[Any, ...]], rows: Rows
) -> tuple[tuple[Topology, ...], tuple[str, ...]]:
    """Give the machines of distinct rows: plan.texts_sql, then name and place of the first row.

    Also gives the faults of the other rows, or the first of them and their number.
    """
    names = tuple(column.name.lower() for column in rows.shape)
    machines: list[Topology] = []
    faults: list[str] = []
    for *texts, bad, fault, count, name, place in groups:
        called = name or f"row {place + 1}"
        if fault:
            faults.append(f"{called}: {fault}")
            continue
        known = zip(names, texts, strict=True)
        try:
            machine = machine_of(Shape({key: text for key, text in known if text}, bad or ""))
        except InputError as error:
            faults += error.at(called).faults
            continue
        label = called if count == 1 else f"{called} and {count - 1} more"
        machines.append(replace(machine, name=label, source=label))
    if len(faults) > MOST_FAULTS:
        faults[MOST_FAULTS:] = [f"and {len(faults) - MOST_FAULTS} more faults"]
    return tuple(machines), tuple(faults)
