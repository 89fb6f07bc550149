"""Is the bound exact on small machines? Every state of 1 to 4 CPUs or threads, small batches.

Overlapping updates are tried from the worst states: what they leave must be within the settled
extremes, and no page may be lost.
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
    from collections.abc import Iterator

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.scenario.kernel_constants import KernelConstants

__all__ = ("SmallMachine", "main_counter", "small_machines")

MOST_CPUS = 4
MOST_THREADS = 3
"""Threads have more states than CPUs: their events are counted too."""

MOST_STATES = 3_000
AMOUNTS = (1, -1, 3, -5)
FAULT_PAGES = 2
FAULT_AMOUNTS = (FAULT_PAGES, 0, -1)
OVERLAPPING = (1, -1)


@dataclass(frozen=True)
class SmallMachine:
    """A search of a small machine: its size, the constants it was given, and what was found.

    `low` and `high` are the errors seen while one update was stopped, `overlap` the worst that two
    overlapping ones left. `bound` is that of the design, None without one; `fits` lists the designs
    whose bound it is. `differences` say what does not agree. Pages.
    """

    cpus: int
    constants: str
    states: int
    complete: bool = False
    under: int = 0
    over: int = 0
    bound: Interval | None = None
    in_flight: Interval | None = None
    overlap: Interval | None = None
    fits: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    note: str = ""


def small_machines(
    code: CounterCode, design: Design | None, constants: KernelConstants
) -> tuple[SmallMachine, ...]:
    """Search machines of 1 to 4 CPUs; for split counting threads."""
    knobs = knobs_of(code)
    batch = 3 if knobs.variables or design is None else 2
    most = MOST_THREADS if code.has_faults else MOST_CPUS
    found: list[SmallMachine] = []
    for cpus in range(1, most + 1):
        found.append(_search(code, design, constants, knobs, cpus, batch))
        if not found[-1].complete:
            break  # a larger machine has more states still
    texts = tuple(_other_counters(code, knobs, found[0], batch))
    found[0] = replace(found[0], differences=found[0].differences + texts)
    return tuple(found)


def _other_counters(
    code: CounterCode, knobs: Knobs, first: SmallMachine, batch: int
) -> Iterator[str]:
    """Search one CPU for each of the other counters, which must do as the first one does."""
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
    try:
        found = search(process, moves, MOST_STATES, counter)
    except InputError as error:
        return SmallMachine(cpus, texts, 0, bound=bound, note="; ".join(error.faults))
    flight, overlap, lost = _in_steps(process, found, cpus, counter)
    designs = DESIGNS.values() if found.complete else ()
    return SmallMachine(
        cpus,
        texts,
        found.states,
        complete=found.complete,
        under=found.under,
        over=found.over,
        bound=bound,
        in_flight=flight,
        overlap=overlap,
        fits=tuple(design.id for design in designs if _equals(design, parameters, found)),
        differences=_differences(design, found, bound, overlap, lost, cpus, texts),
    )


def _parameters(
    constants: KernelConstants, knobs: Knobs, cpus: int, batch: int, threshold: int
) -> Parameters:
    """Give the parameters of a small machine; what no knob sets stays as the tree has it."""
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


def _in_steps(
    process: Process, found: Searched, cpus: int, counter: str
) -> tuple[Interval | None, Interval | None, int]:
    """Stop updates in the worst states, and let two overlap; gives extremes, and pages lost."""
    if process.code.has_faults or not found.complete:
        return None, None, 0
    low = high = 0
    left = [0, 0]
    lost = 0
    for memory, error in found.worst:
        process.machine.restore(memory)
        process.total[counter] = process.approximate(counter) + error
        missing = process.lost(counter)
        for pages in AMOUNTS:
            least, most = in_flight(process, 0, pages, counter)
            low, high = min(low, least), max(high, most)
        for first in OVERLAPPING:
            for second in OVERLAPPING:
                for cpu in range(min(cpus, 2)):
                    for overlap in overlapped(process, (0, first), (cpu, second), counter):
                        left = [min(left[0], overlap.error), max(left[1], overlap.error)]
                        lost = lost or overlap.lost - missing
    return Interval(max(0, high), max(0, -low)), Interval(max(0, left[1]), max(0, -left[0])), lost


def _differences(
    design: Design | None,
    found: Searched,
    bound: Interval | None,
    overlap: Interval | None,
    lost: int,
    cpus: int,
    constants: str,
) -> tuple[str, ...]:
    """Say what does not agree on a small machine."""
    where = f"on {cpus} CPU{'s' if cpus > 1 else ''}" + (f" with {constants}" if constants else "")
    texts = []
    if design is not None and bound is not None:
        for side, word in SIDE_WORDS.items():
            reached, limit = getattr(found, side), getattr(bound, side)
            if limit is not None and (reached > limit or (found.complete and reached != limit)):
                path = ", ".join(f"{place}:{pages:+}" for place, pages in found.paths[side][:12])
                texts.append(
                    f"{design.id} {where}: bound {limit:,} pages {word}, {reached:,} found in "
                    f"{found.states:,} states, by {path or 'no update'}"
                )
        if design.overlap_safe and overlap is not None and found.complete:
            for side, word in SIDE_WORDS.items():
                if getattr(overlap, side) > getattr(found, side):
                    texts.append(
                        f"{design.id} {where}: two updates that overlap leave "
                        f"{getattr(overlap, side):,} pages {word}, more than the "
                        f"{getattr(found, side):,} of updates one after the other"
                    )
    if lost:
        texts.append(f"{where}: two updates that overlap lose {lost:+,} pages")
    return tuple(texts)
