"""Check that the bound is exact on small machines: every state of a few CPUs or threads.

Batches are small. Overlapping updates are tried from the worst states: the error that they leave
must be within the settled extremes, and no page can be lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTER, SIDE_WORDS
from rssbound.bounds.counter.interval import Interval
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.scenario.parameters import EVENTS_THRESH, Parameters
from rssbound.bounds.scenario.scenario import RSS_STAT_BATCH_SIZE, percpu_counter_batch
from rssbound.errors import InputError
from rssbound.kernel.execution.knobs import Knobs, knobs_of, set_variables, small_code
from rssbound.kernel.execution.machine import Machine
from rssbound.kernel.execution.process import CounterCode, Process
from rssbound.kernel.execution.schedule import in_flight, overlapped
from rssbound.kernel.execution.search import BASE, Move, Searched, search
from rssbound.topology.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.scenario.kernel_constants import KernelConstants

__all__ = ("SmallMachine", "main_counter", "small_machines")

MOST_CPUS = 4
MOST_THREADS = 3
"""Threads have more states than CPUs, because their events are counted too."""

MOST_STATES = 3_000
AMOUNTS = (1, -1, 3, -5)
FAULT_PAGES = 2
FAULT_AMOUNTS = (FAULT_PAGES, 0, -1)
OVERLAPPING = (1, -1)
OVERLAPPING_FAULTS = (FAULT_PAGES, -1)
MOST_OVERLAPPING_THREADS = 2
STOPPED = 2
"""The largest number of updaters that are stopped at a time."""


@dataclass(frozen=True)
class SmallMachine:
    """A search of a small machine: its size, the constants it was given, and what was found.

    cpus             its CPUs or, for split counting, its threads: `unit` says which
    bound            of the design once all updates have settled; None without a design
    in_flight        the error seen while one or two updates were stopped; None if none was stopped
    in_flight_bound  of the design for two updates in flight
    overlap          the worst that two overlapping updates left; None if none overlapped
    fits             the designs whose bound was reached
    differences      what does not agree

    Errors and bounds are in pages.
    """

    cpus: int
    constants: str
    states: int
    complete: bool = False
    under: int = 0
    over: int = 0
    bound: Interval | None = None
    in_flight: Interval | None = None
    in_flight_bound: Interval | None = None
    overlap: Interval | None = None
    fits: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    note: str = ""
    unit: str = "CPU"


def small_machines(
    code: CounterCode, design: Design | None, constants: KernelConstants
) -> tuple[SmallMachine, ...]:
    """Search machines with 1 to 4 CPUs; for split counting, processes with 1 to 3 threads."""
    knobs = knobs_of(code, is_known=design is not None)
    batch = 3 if knobs.variables or design is None else 2
    most = MOST_THREADS if code.has_faults else MOST_CPUS
    found: list[SmallMachine] = []
    for cpus in range(1, most + 1):
        found.append(_search(code, design, constants, knobs, cpus, batch))
        if not found[-1].complete:
            break  # a larger machine has even more states
    texts = tuple(_other_counters(code, knobs, found[0], batch))
    found[0] = replace(found[0], differences=found[0].differences + texts)
    return tuple(found)


def _other_counters(
    code: CounterCode, knobs: Knobs, first: SmallMachine, batch: int
) -> Iterator[str]:
    """Search one CPU for each of the other counters, which must behave like the first one."""
    small = small_code(code, knobs, batch, threshold=1)
    for counter in code.members:
        if counter == main_counter(code):
            continue
        try:
            found = search(*_start(small, knobs, 1, batch, counter), MOST_STATES, counter)
        except InputError as error:
            if not first.note:
                yield f"{counter}: {'; '.join(error.faults)}"
            continue
        if (found.under, found.over) != (first.under, first.over) and not first.note:
            yield (
                f"{counter} on 1 CPU is up to {found.under:,} pages too low and {found.over:,} too "
                f"high, {main_counter(code)} {first.under:,} and {first.over:,}"
            )


def main_counter(code: CounterCode) -> str:
    """Give the counter that is driven: the worst one."""
    return "file" if code.has_faults else "anon"


def _start(
    small: CounterCode, knobs: Knobs, cpus: int, batch: int, counter: str
) -> tuple[Process, list[Move]]:
    """Start a process on a small machine, with the moves that it can make."""
    machine = Machine(tuple(range(cpus)), list(range(cpus)), node_of=lambda _: 0)
    process = Process(small, machine, cpus)
    set_variables(process, knobs, batch)
    process.update(0, BASE, counter)
    return process, _moves(process, cpus, counter)


def _search(
    code: CounterCode,
    design: Design | None,
    constants: KernelConstants,
    knobs: Knobs,
    cpus: int,
    batch: int,
) -> SmallMachine:
    if design is None and any("tree" in path for path in code.program.tree.counter_files):
        batch = 2  # a power of two, which trees need
    threshold = 1 if cpus <= 2 else 0
    parameters = _parameters(constants, knobs, cpus, batch, threshold)
    small = small_code(code, knobs, batch, threshold)
    counter = main_counter(code)
    process, moves = _start(small, knobs, cpus, batch, counter)
    bound = None if design is None else design.worst(parameters, COUNTER)
    texts = knobs.text(batch, threshold)
    unit = "thread" if code.has_faults else "CPU"
    try:
        found = search(process, moves, MOST_STATES, counter)
    except InputError as error:
        note = "; ".join(error.faults)
        return SmallMachine(cpus, texts, 0, bound=bound, note=note, unit=unit)
    steps = _in_steps(process, found, cpus, counter)
    moving = None if design is None else design.worst(_in_flight(parameters), COUNTER)
    designs = DESIGNS.values() if found.complete else ()
    where = f"on {cpus} {unit}{'s' if cpus > 1 else ''}"
    where += f" with {texts}" if texts else ""
    return SmallMachine(
        cpus,
        texts,
        found.states,
        complete=found.complete,
        under=found.under,
        over=found.over,
        bound=bound,
        in_flight=steps.in_flight,
        in_flight_bound=moving if steps.in_flight is not None else None,
        overlap=steps.overlap,
        fits=tuple(design.id for design in designs if _equals(design, parameters, found)),
        differences=(
            *_settled_differences(design, found, bound, where),
            *_moving_differences(design, found, steps, moving, where),
        ),
        unit=unit,
    )


def _parameters(
    constants: KernelConstants, knobs: Knobs, cpus: int, batch: int, threshold: int
) -> Parameters:
    """Give the parameters of a small machine; constants that no knob sets are those of the tree."""
    ids = CpuSet.of(range(cpus))
    power = batch if batch & (batch - 1) == 0 else 2
    smaller = bool(knobs.batches or knobs.variables)
    usual = EVENTS_THRESH if constants.events_thresh is None else constants.events_thresh
    return Parameters(
        cpus=cpus,
        online_cpus=cpus,
        residues=ids.residues,
        nr_cpu_ids=cpus,
        possible_cpus=cpus,
        host_online=cpus,
        host_nodes=1,
        nodes=lambda _: 1,
        threads=cpus,
        batch=power if smaller else constants.batch or RSS_STAT_BATCH_SIZE,
        percpu_batch=batch if smaller else percpu_counter_batch(cpus, constants),
        fault_pages=FAULT_PAGES,
        nodes_shift=0,
        in_flight=0,
        max_increment=max(map(abs, AMOUNTS)),
        events_thresh=threshold if knobs.thresholds else usual,
        arities=constants.arities,
        ids=ids,
        online_ids=ids,
        node_of=lambda _: 0,
    )


def _moves(process: Process, cpus: int, counter: str) -> list[Move]:
    def fault(thread: int, pages: int) -> Move:
        return Move(thread, pages, lambda running: running.fault(thread, {counter: pages}))

    def update(cpu: int, pages: int) -> Move:
        if abs(pages) == 1:
            return Move(cpu, pages, lambda running: running.single(cpu, pages, counter))
        return Move(cpu, pages, lambda running: running.update(cpu, pages, counter))

    if process.code.has_faults:
        return [fault(thread, pages) for thread in range(cpus) for pages in FAULT_AMOUNTS]
    return [update(cpu, pages) for cpu in range(cpus) for pages in AMOUNTS]


def _equals(design: Design, parameters: Parameters, found: Searched) -> bool:
    bound = design.worst(parameters, COUNTER)
    return (bound.under, bound.over) == (found.under, found.over)


def _in_flight(parameters: Parameters) -> Parameters:
    """Give the parameters with updaters in flight."""
    return parameters.having(in_flight=STOPPED)


@dataclass(frozen=True)
class _Steps:
    """Errors of updates in steps: while they were stopped, and after they overlapped."""

    in_flight: Interval | None = None
    overlap: Interval | None = None
    lost: int = 0


def _in_steps(process: Process, found: Searched, cpus: int, counter: str) -> _Steps:
    """Stop updates in the worst states, and let two overlap."""
    if not found.complete:
        return _Steps()
    faults = process.code.has_faults
    pairs = list(_pairs(cpus, faults=faults))
    stopped, left, lost = [0], [0], 0
    for memory, error in found.worst:
        process.machine.restore(memory)
        process.total[counter] = process.approximate(counter) + error
        missing = process.lost(counter)
        for pages in FAULT_AMOUNTS if faults else AMOUNTS:
            stopped += in_flight(process, 0, pages, counter)
        for first, second in pairs:
            for overlap in overlapped(process, first, second, counter):
                stopped.append(overlap.stopped)
                left.append(overlap.error)
                lost = lost or overlap.lost - missing
    return _Steps(_interval(stopped), _interval(left) if pairs else None, lost)


def _pairs(cpus: int, *, faults: bool) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield two updates that overlap: on one CPU or on two CPUs, or by two threads.

    Threads share only the counter, so a machine with two threads shows every case.
    """
    if faults and cpus != MOST_OVERLAPPING_THREADS:
        return
    amounts = OVERLAPPING_FAULTS if faults else OVERLAPPING
    for place in range(1 if faults else 0, min(cpus, 2)):
        for first in amounts:
            for second in amounts:
                yield (0, first), (place, second)


def _interval(errors: Iterable[int]) -> Interval:
    listed = list(errors)
    return Interval(max(0, *listed), max(0, -min(listed)))


def _settled_differences(
    design: Design | None, found: Searched, bound: Interval | None, where: str
) -> Iterator[str]:
    """Say where the error after all updates have settled is not the bound."""
    if design is None or bound is None:
        return
    for side, word in SIDE_WORDS.items():
        reached, limit = getattr(found, side), getattr(bound, side)
        if limit is not None and (reached > limit or (found.complete and reached != limit)):
            path = ", ".join(f"{place}:{pages:+}" for place, pages in found.paths[side][:12])
            yield (
                f"{design.id} {where}: bound {limit:,} pages {word}, {reached:,} found in "
                f"{found.states:,} states, by {path or 'no update'}"
            )


def _moving_differences(
    design: Design | None, found: Searched, steps: _Steps, bound: Interval | None, where: str
) -> Iterator[str]:
    """Say where updates in steps exceed the bounds of the design."""
    if design is not None and design.overlap_safe:
        for side, word in SIDE_WORDS.items():
            left, settled = getattr(steps.overlap, side, 0), getattr(found, side)
            if left > settled:
                yield (
                    f"{design.id} {where}: two updates that overlap leave {left:,} pages {word}, "
                    f"more than the {settled:,} of the same updates in sequence"
                )
            seen, limit = getattr(steps.in_flight, side, 0), getattr(bound, side, None)
            if limit is not None and seen > limit:
                yield (
                    f"{design.id} {where}: bound {limit:,} pages {word} with {STOPPED} updates in "
                    f"flight, {seen:,} seen while they were stopped"
                )
    if steps.lost:
        yield f"{where}: two updates that overlap lose {steps.lost:+,} pages"
