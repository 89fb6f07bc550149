"""Run overlapping updates: one update runs in steps, and others run in between.

An update can be stopped before each access to shared memory. A lock makes others wait. While
migration or preemption is disabled, nothing else runs on that CPU.

An update counts from its first write. So pages that are on their way from a slot to the counter are
missing, and pages of updates that have not started are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError
from rssbound.kernel.execution.machine import PERCPU, STACK, Context
from rssbound.kernel.execution.process import explained

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rssbound.kernel.execution.process import Part, Process

__all__ = ("Overlap", "in_flight", "overlapped")

MOST_STEPS = 10_000
STACK_APART = 1 << 16


@dataclass
class Updater:
    """An update, or a fault of a thread, that runs in steps."""

    process: Process
    place: int
    pages: int
    number: int
    counter: str

    def __post_init__(self) -> None:
        cpu, task, parts = self.process.in_parts(self.place, self.pages, self.counter)
        self.context = Context(cpu, task, STACK + (self.number + 1) * STACK_APART)
        self.parts: Sequence[Part] = parts
        self.at = -1
        self.added = 0
        self.done = self.waits = False
        self._next_part()

    def _next_part(self) -> None:
        self.at += 1
        self.done = self.at == len(self.parts)
        if not self.done:
            part = self.parts[self.at]
            self.steps: Iterator[Any] = part.function(self.process.machine, *part.arguments)
            self.mark = self._shared()

    def _shared(self) -> dict[int, int]:
        """Give the contents of memory, without local variables and zeros."""
        memory = self.process.machine.memory
        return {
            address: value
            for address, value in memory.items()
            if value and not STACK <= address < PERCPU
        }

    def counted(self) -> int:
        """Give the pages that it has added so far."""
        if self.done or not self.parts[self.at].pages or self._shared() == self.mark:
            return self.added
        return self.added + self.parts[self.at].pages

    def step(self) -> None:
        """Run to the next access."""
        machine = self.process.machine
        machine.context = self.context
        try:
            self.waits = next(self.steps) == "waits"
        except StopIteration:
            self.waits = False
            self.added += self.parts[self.at].pages
            self._next_part()
        except Exception as error:
            raise explained(self.process.code.program, error) from error

    def run(self, most: int = MOST_STEPS) -> None:
        """Run this number of steps, or to the end, or until it waits for a lock."""
        for _ in range(most):
            if self.done:
                return
            self.step()
            if self.waits:
                return
        if most == MOST_STEPS:
            raise InputError("an update does not end")


@dataclass(frozen=True)
class Overlap:
    """Two updates that overlapped, in pages.

    `stopped` is the error while both were stopped, `error` the error that they leave. `lost` pages
    are missing in the precise sum.
    """

    stopped: int
    error: int
    lost: int


def steps_of(process: Process, update: tuple[int, int], counter: str) -> int:
    """Count the steps of an update."""
    updater = Updater(process, *update, 0, counter)
    steps = 0
    while not updater.done:
        updater.step()
        steps += 1
    return steps


def in_flight(process: Process, place: int, pages: int, counter: str) -> tuple[int, int]:
    """Stop an update at each of its steps; gives the lowest and highest error that was seen.

    The process is left as it was.
    """
    before = process.snapshot()
    updater = Updater(process, place, pages, 0, counter)
    seen = [_error(process, counter, [updater])]
    while not updater.done:
        updater.step()
        seen.append(_error(process, counter, [updater]))
    process.machine.held.clear()
    process.restore(before)
    return min(seen), max(seen)


def _error(process: Process, counter: str, updaters: Sequence[Updater]) -> int:
    """Give how far the cheap read is below all pages that have been added so far."""
    process.machine.context = Context()
    added = sum(updater.counted() for updater in updaters)
    return process.error(counter) + added


def overlapped(
    process: Process, first: tuple[int, int], second: tuple[int, int], counter: str
) -> Iterator[Overlap]:
    """Let two updates overlap in every way that switches between them at most three times.

    The first runs some steps, then the second some, then the first to its end, then the second.
    """
    before = process.snapshot()
    many = []
    for update in (first, second):
        many.append(steps_of(process, update, counter))
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
    """Run one interleaving; None if it cannot happen."""
    one = Updater(process, *first, 0, counter)
    one.run(stops[0])
    added = one.counted()
    other = Updater(process, *second, 1, counter)
    same_cpu = one.context.cpu == other.context.cpu
    if one.context.pinned and same_cpu:
        return None
    other.run(stops[1])
    if other.context.pinned and same_cpu and not other.done:
        return None
    stopped = _error(process, counter, [other]) + added
    _finish([one, other])
    process.machine.context = Context()
    process.total[counter] += first[1] + second[1]
    return Overlap(stopped, process.error(counter), process.lost(counter))


def _finish(pair: Sequence[Updater]) -> None:
    """Run both to the end; one that waits for a lock lets the other continue."""
    for _ in range(4):
        for updater in pair:
            updater.run()
    if not all(updater.done for updater in pair):
        raise InputError("two updates deadlock: each waits for the other")
