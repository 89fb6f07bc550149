"""Search all states of a tree's counter on a small machine for its largest errors.

A state is the contents of memory after an update. Values that only grow, such as the shared count,
would give an infinite number of states. So a period is found for each of them: adding it does not
change what the code does afterwards. States that differ by periods are the same state. Periods are
checked on states of a random walk first, and on random states of the search afterwards. A state
with two different errors fails the search.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rssbound.errors import InputError
from rssbound.kernel.execution.machine import PERCPU, STACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rssbound.kernel.execution.process import Process

    State = tuple[tuple[int, int], ...]
    # addresses and values that differ from the start

__all__ = ("Move", "Searched", "search")

BASE = 1 << 20
"""Pages that a process has before the search, so that the clamp of a reader hides nothing."""

PERIODS = (*range(1, 65), 96, 128, 192, 256, 512, 1024, 2048, 4096)
WALK = 140
"""Steps of a walk: enough to flush a slot of 66 faults twice."""

TRIALS_OF_A_KIND = 6
TRIALS = 40


@dataclass(frozen=True)
class Move:
    """One update: its CPU or thread, and the number of pages that it adds."""

    place: int
    pages: int
    run: Callable[[Process], None]


@dataclass(frozen=True)
class Searched:
    """How far the counter was too low and too high, in pages, and the number of states.

    `complete` if all states were seen; `paths` lists the updates that reach each side, `worst` the
    memory and the error there.
    """

    under: int
    over: int
    states: int
    complete: bool
    paths: Mapping[str, tuple[tuple[int, int], ...]]
    worst: tuple[tuple[dict[int, int], int], ...] = ()


@dataclass
class _Search:
    process: Process
    moves: Sequence[Move]
    counter: str

    def __post_init__(self) -> None:
        self.base = self.process.machine.snapshot()
        self.total = self.process.total[self.counter]
        self.start_error = self.total - self.process.approximate(self.counter)
        self.periods: dict[int, int] = {}
        self.wraps: dict[int, int] = {}
        self.random = random.Random(1)  # noqa: S311 (any walk is good enough)

    def enter(self, state: Mapping[int, int]) -> None:
        """Set memory to a state."""
        self.process.machine.restore(self.base | dict(state))

    def held(self) -> dict[int, int]:
        """Give the values that differ from the start, without remains of local variables."""
        base = self.base
        return {
            address: value
            for address, value in self.process.machine.memory.items()
            if base.get(address, 0) != value and not STACK <= address < PERCPU
        }

    def step(self, state: Mapping[int, int], move: Move) -> tuple[dict[int, int], int]:
        """Run an update in a state; gives the state after it and how the error grows."""
        self.enter(state)
        before = self.process.approximate(self.counter)
        move.run(self.process)
        grown = self.process.approximate(self.counter) - before
        return self.held(), move.pages - grown

    def reduced(self, state: Mapping[int, int]) -> State:
        """Give the state that represents all that differ by periods."""
        base, periods = self.base, self.periods
        reduced = {}
        for address, value in state.items():
            start = base.get(address, 0)
            if address in periods:
                value = start + (value - start) % periods[address]  # noqa: PLW2901
            if value != start:
                reduced[address] = value
        return tuple(sorted(reduced.items()))

    def find_periods(self) -> None:
        """Find the period of each value that has one, from the steps of some walks."""
        steps = self._walked()
        addresses = sorted({address for state, _, _ in steps for address in state})
        self.wraps = _wraps(state for state, _, _ in steps)
        kinds: dict[frozenset[int], list[tuple[dict[int, int], Move]]] = {}
        for state, move, changed in steps:
            kinds.setdefault(changed, []).append((state, move))
        trials = [
            trial
            for listed in kinds.values()
            for trial in self.random.sample(listed, min(len(listed), TRIALS_OF_A_KIND))
        ]
        for address in addresses:
            for period in PERIODS:
                if all(self.agrees(state, move, address, period) for state, move in trials):
                    self.periods[address] = period
                    break

    def _walked(self) -> list[tuple[dict[int, int], Move, frozenset[int]]]:
        """Walk at random, then repeat each move many times; gives the changes of each step."""
        steps = []
        walks = [[self.random.choice(self.moves) for _ in range(WALK)]]
        walks += [[move] * WALK for move in self.moves]
        for walk in walks:
            state: dict[int, int] = {}
            for move in walk:
                after, _ = self.step(state, move)
                changed = frozenset(
                    place
                    for place in state.keys() | after.keys()
                    if state.get(place) != after.get(place)
                )
                steps.append((state, move, changed))
                state = after
        return steps

    def agrees(self, state: Mapping[int, int], move: Move, address: int, period: int) -> bool:
        """Return whether an update behaves the same if a value is larger by a period."""
        start = self.base.get(address, 0)
        plain, grown = self.step(state, move)
        for shift in (period, -period):
            moved = self._moved(state, address, start, shift)
            expected = self._moved(plain, address, start, shift)
            if moved is None or expected is None:
                continue
            try:
                shifted, others = self.step(moved, move)
            except InputError:
                return False
            if shifted != expected or others != grown:
                return False
        return True

    def _moved(
        self, state: Mapping[int, int], address: int, start: int, shift: int
    ) -> dict[int, int] | None:
        """Add to one value of a state; None if its value below zero is unknown."""
        value = state.get(address, start) + shift
        wrap = self.wraps.get(address, 0)
        if wrap:
            value %= wrap
        elif value < 0 and address not in self.wraps:
            return None
        moved = {**state, address: value}
        if value == start:
            del moved[address]
        return moved


def _wraps(states: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Give the modulus of unsigned values that were seen to wrap, and 0 for signed ones."""
    wraps: dict[int, int] = {}
    for state in states:
        for address, value in state.items():
            if value < 0:
                wraps[address] = 0
            elif 1 << 31 <= value < 1 << 32:
                wraps[address] = 1 << 32
            elif value >= 1 << 63:
                wraps[address] = 1 << 64
    return wraps


def search(
    process: Process, moves: Sequence[Move], most_states: int, counter: str = "anon"
) -> Searched:
    """Search the states that updates reach from the current state of the process.

    InputError where the code cannot be run, or if a period that was found does not hold.
    """
    work = _Search(process, moves, counter)
    work.find_periods()
    start = work.reduced({})
    errors: dict[State, int] = {start: work.start_error}
    came: dict[State, tuple[State, Move] | None] = {start: None}
    queue = deque([start])
    complete = True
    while queue and complete:
        state = queue.popleft()
        for move in moves:
            held, grown = work.step(dict(state), move)
            after = work.reduced(held)
            error = errors[state] + grown
            if errors.setdefault(after, error) != error:
                raise InputError(
                    f"the search fails: one state has errors of {errors[after]} and {error} pages"
                )
            if after not in came:
                came[after] = (state, move)
                queue.append(after)
        complete = len(errors) <= most_states
    _check_periods(work, list(errors))
    lowest, highest = min(errors, key=errors.__getitem__), max(errors, key=errors.__getitem__)
    paths = {"under": _path(came, highest), "over": _path(came, lowest)}
    worst = tuple((work.base | dict(state), errors[state]) for state in (highest, lowest))
    work.enter({})
    process.total[counter] = work.total
    return Searched(
        max(0, errors[highest]), max(0, -errors[lowest]), len(errors), complete, paths, worst
    )


def _check_periods(work: _Search, states: list[State]) -> None:
    """Check the periods on random states of the search."""
    for address, period in work.periods.items():
        for _ in range(TRIALS):
            state, move = dict(work.random.choice(states)), work.random.choice(work.moves)
            if not work.agrees(state, move, address, period):
                raise InputError(
                    "the states of this counter do not repeat, so they cannot be searched"
                )


def _path(
    came: Mapping[State, tuple[State, Move] | None], state: State
) -> tuple[tuple[int, int], ...]:
    """List the updates that lead to a state."""
    path = []
    step = came[state]
    while step is not None:
        before, move = step
        path.append((move.place, move.pages))
        step = came[before]
    return tuple(reversed(path))
