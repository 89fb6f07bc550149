"""What if updates overlap? They are run in steps, and others run in between.

Before each access to memory that others may see, an update can be stopped. A lock keeps others
waiting; where an update must not be moved from its CPU nothing else runs on that CPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError
from rssbound.kernel.execution.machine import STACK, Context
from rssbound.kernel.execution.process import explained

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rssbound.kernel.execution.process import Process

__all__ = ("Overlap", "in_flight", "overlapped")

MOST_STEPS = 10_000
STACK_APART = 1 << 16


@dataclass
class Updater:
    """An update that runs in steps."""

    process: Process
    cpu: int
    pages: int
    number: int
    counter: str = "anon"

    def __post_init__(self) -> None:
        machine = self.process.machine
        task = self.process.tasks[0] if self.process.tasks else 0
        self.context = Context(self.cpu, task, STACK + (self.number + 1) * STACK_APART)
        function = self.process.code.add(self.counter, stepped=True)
        self.steps: Iterator[Any] = function(machine, self.process.mm, self.pages)
        self.done = False
        self.waits = False

    def step(self) -> None:
        """Run to the next access."""
        machine = self.process.machine
        machine.context = self.context
        try:
            self.waits = next(self.steps) == "waits"
        except StopIteration:
            self.done = True
            self.waits = False
        except Exception as error:
            raise explained(self.process.code.program, error) from error

    def run(self, most: int = MOST_STEPS) -> None:
        """Run so many steps, or to the end, or until it waits for a lock."""
        for _ in range(most):
            if self.done:
                return
            self.step()
            if self.waits:
                return
        if most == MOST_STEPS:
            raise InputError("an update does not come to an end")


@dataclass(frozen=True)
class Overlap:
    """Two updates that overlapped: what each was, where it was stopped, and the error they leave.

    `lost` pages are missing in the precise sum.
    """

    first: tuple[int, int]
    second: tuple[int, int]
    stops: tuple[int, int]
    error: int
    lost: int


def steps_of(process: Process, cpu: int, pages: int) -> int:
    """Count the steps of an update."""
    updater = Updater(process, cpu, pages, 0)
    steps = 0
    while not updater.done:
        updater.step()
        steps += 1
    return steps


def in_flight(process: Process, cpu: int, pages: int, counter: str = "anon") -> tuple[int, int]:
    """Stop an update at each of its steps; gives the lowest and highest error seen on the way.

    The update counts as made from its first step on. The process is left as it was.
    """
    before = process.snapshot()
    updater = Updater(process, cpu, pages, 0, counter)
    process.total[counter] += pages
    seen = [process.error(counter)]
    while not updater.done:
        updater.step()
        context = process.machine.context
        process.machine.context = Context()
        seen.append(process.error(counter))
        process.machine.context = context
    process.machine.held.clear()
    process.restore(before)
    return min(seen), max(seen)


def overlapped(
    process: Process, first: tuple[int, int], second: tuple[int, int], counter: str = "anon"
) -> Iterator[Overlap]:
    """Let two updates overlap in every way that switches between them at most three times.

    The first runs some steps, then the second some, then the first to its end, then the second.
    """
    before = process.snapshot()
    many = [steps_of(process, *update) for update in (first, second)]
    process.restore(before)
    for stop in range(1, many[0]):
        for other in range(1, many[1] + 1):
            overlap = _run(process, first, second, (stop, other), counter)
            process.machine.held.clear()
            process.restore(before)
            if overlap is not None:
                yield overlap


def _run(
    process: Process,
    first: tuple[int, int],
    second: tuple[int, int],
    stops: tuple[int, int],
    counter: str,
) -> Overlap | None:
    """Run one way; None if it cannot happen."""
    pair = [Updater(process, *update, number) for number, update in enumerate((first, second))]
    pair[0].run(stops[0])
    if pair[0].context.pinned and first[0] == second[0]:
        return None
    pair[1].run(stops[1])
    if pair[1].context.pinned and first[0] == second[0] and not pair[1].done:
        return None
    _finish(pair)
    process.machine.context = Context()
    process.total[counter] += first[1] + second[1]
    return Overlap(first, second, stops, process.error(counter), process.lost(counter))


def _finish(pair: Sequence[Updater]) -> None:
    """Run both to their ends; one that waits for a lock lets the other go on."""
    for _ in range(4):
        for updater in pair:
            updater.run()
    if not all(updater.done for updater in pair):
        raise InputError("two updates wait for each other")
