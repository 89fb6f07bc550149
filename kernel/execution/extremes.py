"""Find the largest errors of a tree's counter on a given host, by running it.

witness      the updates that reach a design's bound, made here by the tree's own code
saturation   every CPU filled, by the largest steps that increase the error
random       pages, huge pages and page tables, added and removed on random CPUs
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rssbound.kernel.execution.process import Process

    Update = tuple[int | None, int | Mapping[str, int]]

__all__ = ("Reached", "faults_of", "random_updates", "run_updates", "saturated", "sided")

PREFILL = 1 << 22
"""Pages that a process has at the start, so that it can lose some."""

STEPS = tuple(1 << place for place in range(14, -1, -1))
RANDOM_UPDATES = 20_000
HUGE = 512


@dataclass(frozen=True)
class Reached:
    """An error that the tree's code reached on a side, and the updates that did it; pages."""

    road: str
    side: str
    counter: str
    error: int
    updates: tuple[Update, ...]


def sided(error: int, side: str) -> int:
    """Give an error on one side."""
    return error if side == "under" else -error


def run_updates(
    process: Process, updates: Iterable[Update], counter: str, enter: Callable[[int], None]
) -> None:
    """Make updates; if the tree counts faults by thread, they are faults.

    `enter` is called with the CPU before anything runs on it.
    """
    for place, pages in updates:
        if process.code.has_faults:
            effect = {counter: pages} if isinstance(pages, int) else pages
            if place is None:
                for name, amount in effect.items():
                    process.update(process.machine.online[0], amount, name)
            else:
                process.fault(place, effect)
        elif isinstance(pages, int) and place is not None:
            enter(place)
            process.update(place, pages, counter)


def saturated(
    process: Process,
    side: str,
    cpus: Sequence[int],
    counter: str,
    enter: Callable[[int], None],
) -> Reached:
    """Fill every CPU toward a side: the largest steps first; a step is kept if the error grows.

    `enter` is called with the CPU before anything runs on it.
    """
    sign = 1 if side == "under" else -1
    updates: list[Update] = [(process.machine.online[0], PREFILL)]
    process.update(process.machine.online[0], PREFILL, counter)
    error = 0
    for cpu in cpus:
        enter(cpu)
        error = sided(process.error(counter), side)
        for step in STEPS:
            state = process.snapshot()
            process.update(cpu, sign * step, counter)
            reached = sided(process.error(counter), side)
            if reached > error:
                error = reached
                updates.append((cpu, sign * step))
            else:
                process.restore(state)
    return Reached("saturation", side, counter, error, tuple(updates))


def random_updates(
    process: Process, cpus: Sequence[int], counter: str, count: int = RANDOM_UPDATES
) -> tuple[Reached, Reached]:
    """Make random updates of pages, huge pages and tables; gives the largest errors."""
    chance = random.Random(2)  # noqa: S311 (any sequence is good enough)
    best = {"under": 0, "over": 0}
    at = {"under": 0, "over": 0}
    history: list[Update] = [(cpus[0], PREFILL)]
    process.update(cpus[0], PREFILL, counter)
    read = process.code.read(counter)
    for number in range(count):
        pages = chance.choice((1, 1, 1, 1, -1, -1, -1, chance.randint(-32, 32), HUGE, -HUGE))
        cpu = chance.choice(cpus)
        process.update(cpu, pages, counter)
        history.append((cpu, pages))
        error = process.total[counter] - process.run(read, process.mm)
        for side, most in best.items():
            if sided(error, side) > most:
                best[side], at[side] = sided(error, side), number + 2
    return (
        Reached("random", "under", counter, best["under"], tuple(history[: at["under"]])),
        Reached("random", "over", counter, best["over"], tuple(history[: at["over"]])),
    )


def faults_of(
    process: Process, pages: int, counter: str, most: int
) -> tuple[int, list[tuple[int, int]]]:
    """Let each thread fault as long as the error grows; gives the error and the faults.

    Each thread first faults until a fault is followed by a flush, so that the pages of that fault
    stay in its slot too.
    """
    made: list[tuple[int, int]] = []
    for thread in range(process.threads):
        best = None
        for _ in range(most):
            process.fault(thread, {counter: pages})
            made.append((thread, pages))
            error = process.error(counter)
            if best is None or abs(error) > abs(best[0]):
                best = (error, process.snapshot(), len(made))
        if best is not None:
            process.restore(best[1])
            del made[best[2] :]
    return process.error(counter), made
