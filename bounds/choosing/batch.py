"""The largest batch whose bound fits a budget, on one machine or on several.

    bound(batch) <= budget,  bound does not fall when the batch grows

so all batches up to the largest fit. It is found by trial, never by inverting a formula. The only
benefit of a larger batch is fewer slow paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTER, COUNTERS, SIDES, TYPICAL
from rssbound.bounds.typical.error import Typical, summary_of
from rssbound.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rssbound.bounds.counter.design import Cost, Design, Knob
    from rssbound.bounds.counter.interval import Interval
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = (
    "MOST_BATCH",
    "SIDES_OF",
    "Candidate",
    "Choice",
    "Goal",
    "Machine",
    "choice_of",
)

SIDES_OF = {"under": ("under",), "over": ("over",), "both": SIDES}
"""Requested side -> the sides that it covers."""

MOST_BATCH = 1 << 30
"""Slots of percpu_counter are 32-bit integers; if this batch fits, every batch fits."""


@dataclass(frozen=True)
class Machine:
    """A machine that the choice is for; `page_size` in bytes."""

    name: str
    parameters: Parameters
    page_size: int


@dataclass(frozen=True)
class Goal:
    """The quantity that must fit: a side of a metric of a design, in bytes."""

    design: Design
    metric: str
    side: str
    budget_bytes: int

    def error(self, machine: Machine) -> Interval:
        """Give the error of the metric on a machine, in pages."""
        return self.design.worst(machine.parameters, self.metric)

    def bytes_of(self, machine: Machine) -> int:
        """Give the larger of the requested sides, in bytes."""
        error = self.error(machine)
        pages: int = max(getattr(error, side) for side in SIDES_OF[self.side])
        return pages * machine.page_size


@dataclass(frozen=True)
class Candidate:
    """A batch, and its figures on the machine where its bound is largest.

    `error` is in pages, `typical` is for one counter, `memory_bytes` for one process; all on
    `machine`.
    """

    batch: int
    machine: str
    page_size: int
    error: Interval
    bound_bytes: int
    fits: bool
    typical: Typical
    cost: Cost
    memory_bytes: int


@dataclass(frozen=True)
class Choice:
    """The answer. `batch` is None if none fits, or if every batch fits: then `any_fits`.

    `least_bytes` is the smallest budget that a batch fits. `worst_counter` is the counter with that
    bound, if it is not the one whose typical error is given.
    """

    goal: Goal
    knob: Knob
    batch: int | None
    any_fits: bool
    least_bytes: int
    present: int | None
    candidates: tuple[Candidate, ...]
    worst_counter: str | None = None


def choice_of(goal: Goal, knob: Knob, machines: Sequence[Machine]) -> Choice:
    """Find the largest batch that fits all machines, with the candidates around it."""

    def bound(batch: int) -> int:
        return max(goal.bytes_of(_with(knob, batch, machine)) for machine in machines)

    batch = _largest(goal, knob, bound)
    any_fits = batch is not None and batch >= MOST_BATCH
    present = _present(knob, machines)
    middle = knob.least if batch is None else batch
    if any_fits and present is not None:
        middle = present
    around = set(_around(knob, middle))
    if present is not None:
        around.add(present)
    return Choice(
        goal=goal,
        knob=knob,
        batch=None if any_fits else batch,
        any_fits=any_fits,
        least_bytes=bound(knob.least),
        present=present,
        candidates=tuple(_candidate(goal, knob, value, machines) for value in sorted(around)),
        worst_counter=_worst_counter(goal, machines),
    )


def _worst_counter(goal: Goal, machines: Sequence[Machine]) -> str | None:
    """Name the counter whose bound limits a choice for one counter; None if it is TYPICAL."""
    if goal.metric != COUNTER:
        return None
    worst = max(machines, key=goal.bytes_of)
    alone = {counter: replace(goal, metric=counter).bytes_of(worst) for counter in COUNTERS}
    most = max(alone.values())
    return None if alone[TYPICAL] == most else next(name for name in alone if alone[name] == most)


def _largest(goal: Goal, knob: Knob, bound: Callable[[int], int]) -> int | None:
    """Find the largest value that fits, MOST_BATCH if all do, None if none does."""
    if bound(knob.least) > goal.budget_bytes:
        return None
    fits, fails = knob.least, max(1, knob.least) * 2
    while fits < MOST_BATCH and bound(fails) <= goal.budget_bytes:
        fits, fails = fails, fails * 2
    while not knob.powers_of_two and fits < MOST_BATCH and fails - fits > 1:
        middle = (fits + fails) // 2
        fits, fails = (middle, fails) if bound(middle) <= goal.budget_bytes else (fits, middle)
    return fits


def _around(knob: Knob, middle: int) -> Iterator[int]:
    """Yield the values to show: some below and some above a value."""
    for power in range(-3, 3):
        value = middle << power if power >= 0 else middle >> -power
        if knob.least <= value <= MOST_BATCH:
            yield value
    if not knob.powers_of_two:
        yield middle + 1


def _candidate(goal: Goal, knob: Knob, batch: int, machines: Sequence[Machine]) -> Candidate:
    tried = [_with(knob, batch, machine) for machine in machines]
    worst = max(tried, key=goal.bytes_of)
    size = goal.bytes_of(worst)
    return Candidate(
        batch=batch,
        machine=worst.name,
        page_size=worst.page_size,
        error=goal.error(worst),
        bound_bytes=size,
        fits=size <= goal.budget_bytes,
        typical=summary_of(goal.design, worst.parameters),
        cost=goal.design.cost(worst.parameters),
        memory_bytes=goal.design.memory_bytes(worst.parameters),
    )


def _with(knob: Knob, batch: int, machine: Machine) -> Machine:
    return replace(machine, parameters=machine.parameters.having(**{knob.field: batch}))


def _present(knob: Knob, machines: Sequence[Machine]) -> int | None:
    """Give the kernel's own value for this design, if it is the same on all machines."""
    values = {getattr(machine.parameters, knob.field) for machine in machines}
    return values.pop() if len(values) == 1 else None
