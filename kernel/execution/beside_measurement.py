"""Check whether a tree's functions keep the bounds of counters other than RSS, and reach them.

The bound comes from the design that the tree's functions and constants identify. The errors come
from running the functions: the updates of the design's witness, random updates, and all states of a
small machine with a small batch.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rssbound.bounds.counter.design import version_of
from rssbound.bounds.counter.interval import Interval
from rssbound.bounds.designs import design_of
from rssbound.bounds.designs.memory_stat_batch import ANY_BATCH
from rssbound.bounds.reading.beside import on_kernel
from rssbound.bounds.reading.gaps import unknown_words
from rssbound.bounds.scenario.kernel_constants import Finding
from rssbound.bounds.scenario.parameters import Parameters, parameters_of
from rssbound.bounds.scenario.scenario import Scenario, resolve
from rssbound.errors import InputError, Location
from rssbound.kernel.execution.beside import (
    KINDS,
    BatchRun,
    CounterRun,
    PlainThresholdRun,
    ReserveRun,
    RstatRun,
    StockRun,
    ThresholdRun,
    kinds_of,
    open_beside,
)
from rssbound.kernel.release import release_of
from rssbound.kernel.source_tree import top_of
from rssbound.topology.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from rssbound.bounds.counter.design import Design
    from rssbound.topology.model import Topology

__all__ = ("STEPS", "BesideMeasurement", "CounterMeasured", "measure_beside")

STEPS = len(KINDS)
"""How many times `measure_beside` reports progress."""

PREFILL = 1 << 20
"""Pages that exist before an update removes any."""

RANDOM_UPDATES = 3_000
SMALL = 3
"""Batch, threshold or reserve of the small machine."""

SMALL_CPUS = 2
STEPS_OF_SMALL = (1, -1, 2, -2, 4, -4)
MOST_STATES = 4_000
OLD_BATCH = 32

SIDES = ("under", "over")
NONE = Interval(0, 0)
COUNTERS = {
    StockRun: "memory.current",
    RstatRun: "memory.stat",
    BatchRun: "memory.stat",
    ThresholdRun: "zoneinfo.zone",
    PlainThresholdRun: "zoneinfo.zone",
    ReserveRun: "sockets",
}


@dataclass(frozen=True)
class CounterMeasured:
    """The result of running the functions of one counter; errors in pages, on both sides.

    function that updates, and its location
    bound      of the design on the host
    witness    error reached by the design's witness; `random`: by random updates
    states     number of states of 2 CPUs with a batch of 3; also their bound and largest error
    note       why the counter was not run; `there`: whether the tree has the file of its functions
               and a bound of the counter is known for its release
    """

    counter: str
    design: str
    function: str
    location: Location
    bound: Interval = NONE
    witness: Interval = NONE
    random: Interval = NONE
    states: int = 0
    small_bound: Interval = NONE
    small: Interval = NONE
    note: str = ""
    there: bool = True


@dataclass(frozen=True)
class BesideMeasurement:
    """The result of running the functions of a tree on a host.

    `memory_known`: whether the thresholds of vmstat follow from the host's memory; if not, they are
    the largest possible.
    """

    tree: str
    host: str
    cpus: int
    counters: tuple[CounterMeasured, ...]
    findings: tuple[Finding, ...]
    memory_known: bool


def measure_beside(
    tree: str,
    topology: Topology,
    scenario: Scenario | None = None,
    progress: Callable[[int], None] | None = None,
) -> BesideMeasurement:
    """Run the functions of a tree that update counters other than RSS, and compare with the bounds.

    `progress` gets the number of STEPS that are done. InputError if `tree` is not a kernel tree.
    """
    folder = top_of(tree)
    parameters = parameters_of(topology, resolve(scenario or Scenario(), topology))
    cpus = topology.online
    parameters = parameters.having(cpus=len(cpus), ids=cpus)
    counters = []
    for number, kind in enumerate(kinds_of(folder), start=1):
        counters.append(_measured(kind, folder, parameters))
        if progress:
            progress(number)
    if all(one.note for one in counters):
        raise InputError(
            f"{tree}: no function of a counter other than RSS can be run; {counters[0].note}"
        )
    findings = tuple(finding for one in counters for finding in _findings(one))
    return BesideMeasurement(
        *(tree, topology.name, len(cpus), tuple(counters), findings), parameters.memory_known
    )


def _measured(kind: type[CounterRun], folder: Path, parameters: Parameters) -> CounterMeasured:
    """Run one counter; if it cannot be run, a note says why."""
    counter = COUNTERS[kind]
    try:
        return _run(kind, folder, parameters, counter)
    except InputError as error:
        place, there = Location(kind.path, 0), kind.is_in(folder)
        unknown = _without_bound(counter, folder)
        return CounterMeasured(
            *(counter, "", kind.function, place),
            note=unknown or str(error),
            there=there and not unknown,
        )


def _without_bound(counter: str, folder: Path) -> str:
    """Say that no bound of a counter is known in a tree's release; empty if there is one."""
    makefile = folder / "Makefile"
    found = release_of(makefile.read_text("utf-8", "replace")) if makefile.is_file() else None
    release = found[0] if found else ""
    if version_of(release) is None or on_kernel(counter, release):
        return ""
    return unknown_words(counter, release).removeprefix(f"{counter}: ")


def _run(
    kind: type[CounterRun], folder: Path, parameters: Parameters, counter: str
) -> CounterMeasured:
    program = open_beside(folder)

    def fresh() -> CounterRun:
        return kind(program, tuple(parameters.online_ids), _limit(kind, parameters))

    run = fresh()
    batch = run.batch() if isinstance(run, StockRun | RstatRun | BatchRun) else 0
    parameters = parameters.having(charge_batch=batch or parameters.charge_batch)
    design = design_of(_design_id(run, batch))
    witness = Interval(
        *(_side(_after(fresh(), design.witness(parameters, side)), side) for side in SIDES)
    )
    general = OF_ANY_BATCH.get(design.id, design)
    states, small_bound, small = _small(kind, folder, parameters, general, counter)
    return CounterMeasured(
        *(counter, design.id, run.function, run.location()),
        bound=design.error(parameters, (counter,)),
        witness=witness,
        random=_random(fresh()),
        states=states,
        small_bound=small_bound,
        small=small,
    )


def _limit(kind: type[CounterRun], parameters: Parameters) -> int:
    if kind is ReserveRun:
        return int(parameters.mem_pcpu_rsv)
    return int(parameters.zone_threshold) if issubclass(kind, ThresholdRun) else 0


OF_ANY_BATCH = {
    "stock-32": design_of("stock"),
    "stat-batch": ANY_BATCH,
    "rstat-global-32": design_of("rstat-global"),
}
"""Design whose batch is fixed -> the same for other batches."""


def _design_id(run: CounterRun, batch: int) -> str:
    """Identify the design of the functions by the data that they use."""
    unit = run.program.tree.unit(run.path)
    if isinstance(run, StockRun):
        if "NR_MEMCG_STOCK" in unit.macros:
            return "stock-slots"
        return "stock-32" if batch == OLD_BATCH else "stock"
    if isinstance(run, RstatRun):
        if not run.is_own:
            return "rstat-global-32" if batch == OLD_BATCH else "rstat-global"
        words = {word.text for word in unit.functions["memcg_rstat_updated"][-1].tokens}
        return "rstat-cut" if "break" in words else "rstat"
    if isinstance(run, ReserveRun) and not run.has_reserves:
        return "socket-shared"
    return {BatchRun: "stat-batch", ReserveRun: "socket-reserve"}.get(type(run), "stat-threshold")


def _side(error: int, side: str) -> int:
    return error if side == "under" else -error


def _after(run: CounterRun, updates: Iterable[tuple[int | None, int]]) -> int:
    """Give the error after some updates."""
    for cpu, pages in updates:
        if cpu is not None:
            run.update(cpu, pages)
    return run.error


def _random(run: CounterRun) -> Interval:
    """Make random updates; gives the largest error on both sides."""
    chance = random.Random(2)  # noqa: S311 (any sequence is good enough)
    run.update(run.cpus[0], PREFILL)
    under = over = 0
    for _ in range(RANDOM_UPDATES):
        pages = chance.choice((1, 1, -1, -1, chance.randint(-32, 32), 63, -63))
        run.update(chance.choice(run.cpus), pages)
        under, over = max(under, run.error), max(over, -run.error)
    return Interval(under, over)


def _small(
    kind: type[CounterRun], folder: Path, parameters: Parameters, design: Design, counter: str
) -> tuple[int, Interval, Interval]:
    """Search all states of 2 CPUs with a batch of 3; gives their number, bound and error."""
    cpus = CpuSet.of(range(SMALL_CPUS))
    less = parameters.on_machine(SMALL_CPUS, 1).having(
        ids=cpus,
        online_ids=cpus,
        charge_batch=SMALL,
        zone_threshold=SMALL,
        mem_pcpu_rsv=SMALL,
        node_threshold=SMALL,
    )
    program = open_beside(folder, {"MEMCG_CHARGE_BATCH": SMALL})
    run = kind(program, tuple(cpus), SMALL)
    run.update(0, PREFILL)
    seen = {run.state()}
    waiting = [run.snapshot()]
    under = over = 0
    for kept in waiting:
        for cpu in run.cpus:
            for pages in STEPS_OF_SMALL:
                run.restore(kept)
                run.update(cpu, pages)
                state = run.state()
                if state not in seen:
                    seen.add(state)
                    waiting.append(run.snapshot())
                    under, over = max(under, run.error), max(over, -run.error)
        if len(seen) > MOST_STATES:
            break  # the search does not end, so the error is already above the bound
    return len(seen), design.error(less, (counter,)), Interval(under, over)


def _findings(one: CounterMeasured) -> list[Finding]:
    """List what does not agree."""
    if one.note:
        text = f"{one.counter}: {one.function} was not run: {one.note}"
        return [Finding(one.location.file, 0, text)] if one.there else []
    texts = []
    for side in SIDES:
        words = {"under": "too low", "over": "too high"}[side]
        for road, bound, reached in (
            ("witness", one.bound, one.witness),
            ("all states of 2 CPUs, batch 3,", one.small_bound, one.small),
        ):
            most, got = getattr(bound, side), getattr(reached, side)
            if got != most:
                texts.append(f"{one.counter}: {road} {words} by {got} pages, bound {most}")
        most, got = getattr(one.bound, side), getattr(one.random, side)
        if most is not None and got > most:
            texts.append(f"{one.counter}: random updates {words} by {got} pages, bound {most}")
    return [Finding(one.location.file, one.location.line, text) for text in texts]
