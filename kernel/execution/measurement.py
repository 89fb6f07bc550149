"""Compare the extremes that a tree's code reaches with the bound from its constants.

The bound comes from the design and the constants that were read. Everything else here comes from
running the tree. A difference is a finding, with both numbers and the updates.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTER, COUNTERS, SIDE_WORDS
from rssbound.bounds.counter.interval import Interval, worst_of
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.scenario.kernel_constants import USUAL, Finding
from rssbound.bounds.scenario.parameters import Parameters, parameters_of
from rssbound.bounds.scenario.scenario import Scenario, resolve
from rssbound.errors import InputError, Location
from rssbound.kernel.execution.choices import CHOICES, STATED
from rssbound.kernel.execution.extremes import (
    Reached,
    faults_of,
    random_updates,
    run_updates,
    saturated,
    sided,
)
from rssbound.kernel.execution.machine import Machine
from rssbound.kernel.execution.process import CounterCode, Process, counter_code
from rssbound.kernel.execution.reader_findings import RUN, reader_findings
from rssbound.kernel.execution.readings import ReaderRun, run_readers
from rssbound.kernel.execution.small_machines import SmallMachine, main_counter, small_machines
from rssbound.kernel.source import DESIGNS as TYPES
from rssbound.kernel.source import read_kernel_source
from rssbound.kernel.source_tree import top_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.scenario.kernel_constants import KernelConstants
    from rssbound.bounds.scenario.scenario import Resolved
    from rssbound.topology.model import Topology

__all__ = ("STEPS", "ExecutableTree", "Measurement", "ids_of", "measure", "open_executable")

SIDES = ("under", "over")
STEPS = 6
"""How many times `measure` reports progress."""

MOST_FAULTS = 300
SMALL_VALUES = (1, 2, 31, 32, 64, 99, 127, 512, 4096)
"""Pages of small processes."""

READ_PAGES = 5 << 21
"""Pages that every design flushes completely, so that the counter holds exactly these."""

CHEAP, PRECISE = "get_mm_counter", "get_mm_counter_sum"
SHOWN_UPDATES = 6


@dataclass(frozen=True)
class Measurement:
    """The result of running the code of a tree on a host; pages.

    design      that the tree's constants identify; None if it is unknown
    fits        known designs whose bounds equal the errors reached
    function    the function in which updates end, and its location
    build       the settings with which the tree was preprocessed
    bound       of one counter, from the constants; None without a design
    reached     the largest error on each side, by each way
    small       small machines, all of whose states were searched
    readers     the values that each reader returned
    findings    what does not agree
    """

    tree: str
    host: str
    cpus: int
    threads: int
    design: str | None
    fits: tuple[str, ...]
    function: str
    location: Location
    build: tuple[str, ...]
    bound: Interval | None
    reached: tuple[Reached, ...]
    small: tuple[SmallMachine, ...]
    readers: tuple[ReaderRun, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


@dataclass
class ExecutableTree:
    """A tree whose functions are compiled once, for any number of hosts."""

    path: str
    code: CounterCode
    constants: KernelConstants
    design: Design | None
    notes: tuple[str, ...] = ()
    _small: tuple[SmallMachine, ...] | None = None

    def small(self) -> tuple[SmallMachine, ...]:
        """Search small machines, once for all hosts."""
        if self._small is None:
            self._small = small_machines(self.code, self.design, self.constants)
        return self._small

    def settle(self) -> None:
        """Replace a design that was only guessed, if another one fits the small machines."""
        small = self.small()
        if self.constants is not USUAL or self.design is None or not small:
            return
        fits = [
            design for design in DESIGNS.values() if all(design.id in one.fits for one in small)
        ]
        if fits and self.design not in fits:
            self.design = fits[0]
            self._small = None

    def function(self) -> tuple[str, Location]:
        """Give the function in which add_mm_counter ends: the last one on its path in the tree."""
        return self.code.update_function()


def open_executable(path: str, constants: KernelConstants | None = None) -> ExecutableTree:
    """Open a tree to be run, with its constants if they have been read.

    InputError if it is not a tree, or if nothing in it updates RSS.
    """
    folder = top_of(path)
    try:
        code = counter_code(folder)
    except InputError as error:
        raise error.at(path) from None
    if constants is not None:
        return ExecutableTree(path, code, constants, DESIGNS.get(constants.design or ""))
    try:
        constants = read_kernel_source(path).constants
    except InputError as error:
        notes = tuple(f"the usual constants are used: {fault}" for fault in error.faults)
        return ExecutableTree(path, code, USUAL, _design_of_type(code), notes)
    return ExecutableTree(path, code, constants, DESIGNS.get(constants.design or ""))


def _design_of_type(code: CounterCode) -> Design | None:
    """Give the design that the type of rss_stat stands for."""
    tag = code.counter_type()
    return DESIGNS.get(TYPES.get(tag, ""))


def measure(
    tree: str | ExecutableTree,
    topology: Topology,
    scenario: Scenario | None = None,
    progress: Callable[[int], None] | None = None,
) -> Measurement:
    """Run a tree's counters on a host, and compare what they reach with the bound.

    `progress` gets the number of STEPS that are done. InputError, with file and line, for code that
    cannot be run; ScenarioError for an impossible scenario.
    """
    opened = open_executable(tree) if isinstance(tree, str) else tree
    try:
        opened.settle()
        asked = _with_constants(scenario or Scenario(), opened.constants)
        resolved = resolve(asked, topology)
        parameters = parameters_of(topology, resolved)
        once = _once_online(topology, resolved)
        run = _Run(opened, topology, parameters, once, progress or (lambda _: None))
        return run.measurement()
    except InputError as error:
        raise error.at(opened.path) from None


def ids_of(measured: Measurement) -> list[str]:
    """List the ids that findings of a measurement can have: one for each function that was run."""
    names = [measured.function, CHEAP, PRECISE, *(run.function for run in measured.readers)]
    return [f"{RUN}{name}" for name in dict.fromkeys(names)]


def _with_constants(scenario: Scenario, constants: KernelConstants) -> Scenario:
    """Put the constants of the tree into a scenario."""
    asked = replace(scenario, constants=constants, in_flight=0)
    for name in ("batch", "fault_around_bytes", "nodes_shift"):
        value = getattr(constants, name)
        if value is not None:
            asked = replace(asked, **{name: value})
    return asked


def _once_online(topology: Topology, scenario: Resolved) -> list[int]:
    """List the CPUs at the time when most were online: those online now, and others."""
    others = [cpu for cpu in topology.possible if cpu not in topology.online]
    return sorted([*topology.online, *others[: scenario.max_online - len(topology.online)]])


@dataclass
class _Run:
    tree: ExecutableTree
    topology: Topology
    parameters: Parameters
    once_online: Sequence[int]
    progress: Callable[[int], None]
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blamed: str = ""
    done: int = 0
    depends_on_size: bool = False

    def measurement(self) -> Measurement:
        """Run everything."""
        code = self.tree.code
        reached = self._witnesses()
        self._step()
        reached += self._saturations()
        self._step()
        reached += self._random()
        self._step()
        bound = self._bound()
        self._cheap_read()
        self._compare(reached, bound)
        self._unplugged()
        self._small_values()
        self._step()
        small = self._small()
        for one in small:
            self.findings += [self._finding(text) for text in one.differences]
        self._step()
        readers = self._readers()
        self._step()
        name, location = self.tree.function()
        return Measurement(
            tree=self.tree.path,
            host=self.topology.name,
            cpus=len(self.parameters.ids),
            threads=self.parameters.threads,
            design=self.tree.design.id if self.tree.design else None,
            fits=self._fits(reached, small),
            function=name,
            location=location,
            build=_build(code),
            bound=bound,
            reached=tuple(reached),
            small=small,
            readers=tuple(readers),
            findings=tuple(dict.fromkeys(self.findings)),
            notes=(*self.tree.notes, *self.notes),
        )

    def _step(self) -> None:
        self.done += 1
        self.progress(self.done)

    def _process(self) -> Process:
        """Start a process on the host; CPUs that were ever online are online at the start."""
        topology, parameters = self.topology, self.parameters
        machine = Machine(
            tuple(topology.possible),
            list(self.once_online),
            node_of=parameters.node_of,
            column=topology.column,
        )
        return Process(self.tree.code, machine, parameters.threads)

    def _enter(self, process: Process, cpu: int) -> None:
        """Set the CPUs that were online when a CPU updated the counter.

        A CPU that is offline now updated before those that are online, in place of one of them.
        """
        once = self.once_online
        if cpu not in once:
            process.set_online([*once[:-1], cpu])
        elif len(process.machine.online) != len(once) or cpu not in process.machine.online:
            process.set_online(once)

    def _cpus(self) -> list[int]:
        """List the CPUs that update; CPUs that are offline now come first."""
        return sorted(self.parameters.ids, key=lambda cpu: (cpu in self.topology.online, cpu))

    def _bound(self) -> Interval | None:
        """Give the bound of the worst counter."""
        design = self.tree.design
        if design is None:
            return None
        return worst_of(design.error(self.parameters, (counter,)) for counter in self._counters())

    def _counters(self) -> tuple[str, ...]:
        return tuple(name for name in COUNTERS if name in self.tree.code.members)

    @property
    def counter(self) -> str:
        """The counter that is driven: the worst one."""
        return main_counter(self.tree.code)

    # -- ways to reach an error

    def _witnesses(self) -> list[Reached]:
        design = self.tree.design
        if design is None:
            return []
        found = []
        for side in SIDES:
            process, updates = self._process(), list(design.witness(self.parameters, side))
            if not self.tree.code.has_faults:
                updates.sort(key=lambda update: update[0] in self.topology.online)
            run_updates(process, updates, self.counter, partial(self._enter, process))
            process.set_online(self.topology.online)
            error = self._off(process, side)
            found.append(Reached("witness", side, self.counter, error, tuple(updates)))
        return found

    def _off(self, process: Process, side: str) -> int:
        return sided(process.error(self.counter), side)

    def _saturations(self) -> list[Reached]:
        if self.tree.code.has_faults:
            return [self._faults(side) for side in SIDES]
        found = []
        for side in SIDES:
            process = self._process()
            enter = partial(self._enter, process)
            reached = saturated(process, side, self._cpus(), self.counter, enter)
            process.set_online(self.topology.online)
            found.append(replace(reached, error=self._off(process, side)))
        return found

    def _faults(self, side: str) -> Reached:
        process = self._process()
        process.update(process.machine.online[0], 1 << 22, self.counter)
        pages = self.parameters.fault_pages if side == "under" else -1
        error, made = faults_of(process, pages, self.counter, MOST_FAULTS)
        return Reached("saturation", side, self.counter, sided(error, side), tuple(made))

    def _random(self) -> list[Reached]:
        if self.tree.code.has_faults:
            return []
        online = list(self.parameters.ids & self.topology.online)
        return list(random_updates(self._process(), online, self.counter)) if online else []

    def _unplugged(self) -> None:
        """Take a CPU offline that has added or removed a page; none may stay in its slot."""
        design = self.tree.design
        online = list(self.topology.online)
        if design is None or design.id != "percpu" or len(online) < 2:
            return
        for pages, done in ((1, "added"), (-1, "removed")):
            process = self._process()
            process.update(online[0], 1 << 22, self.counter)
            process.update(online[1], pages, self.counter)
            before = process.error(self.counter)
            process.unplug(online[1])
            if before and process.error(self.counter):
                text = (
                    f"a CPU that goes offline keeps a page that it {done}; "
                    "the bound counts only online CPUs"
                )
                self.findings.append(self._finding(text, 1))
                return

    def _cheap_read(self) -> None:
        """Check that the cheap read returns the value of the counter while all slots are empty.

        If it does not, all differences are reported for the read, not for the update.
        """
        process = self._process()
        process.update(next(iter(self.topology.online)), READ_PAGES, self.counter)
        reads = process.approximate(self.counter)
        if reads == READ_PAGES or READ_PAGES not in process.machine.memory.values():
            return
        self.blamed = CHEAP
        text = f"{CHEAP} returns {reads:,} for a counter that holds {READ_PAGES:,} pages"
        self.findings.append(self._finding(text, abs(READ_PAGES - reads)))

    def _small(self) -> tuple[SmallMachine, ...]:
        """Give the search of small machines, whose processes are large.

        No known design treats processes of different sizes in different ways.
        """
        small = self.tree.small()
        return tuple(replace(one, fits=()) for one in small) if self.depends_on_size else small

    def _small_values(self) -> None:
        """Check that a small process reads like a large one, so that no reader hides a value."""
        code = self.tree.code
        cpu = next(iter(self.topology.online))
        for counter in code.members:
            large = self._process()
            large.update(cpu, 1 << 22, counter)
            base, state = large.approximate(counter), large.snapshot()
            empty = self._process()
            start = empty.snapshot()
            for pages in SMALL_VALUES:
                large.restore(state)
                empty.restore(start)
                large.update(cpu, pages, counter)
                empty.update(cpu, pages, counter)
                more, reads = large.approximate(counter) - base, empty.approximate(counter)
                if reads != max(0, more):
                    text = (
                        f"get_mm_counter returns {reads:,} for a process with {pages:,} pages of "
                        f"{counter}, but {more:,} for the same pages added to {1 << 22:,}"
                    )
                    self.findings.append(self._finding(text, abs(reads - max(0, more)), CHEAP))
                    self.depends_on_size = True
                    break

    # -- comparison

    def _compare(self, reached: Sequence[Reached], bound: Interval | None) -> None:
        if bound is None:
            return
        for side in SIDES:
            limit = getattr(bound, side)
            ways = [one for one in reached if one.side == side]
            best = max(ways, key=lambda one: one.error)
            if limit is not None and best.error != limit:
                text = self._difference(best, side, limit)
                self.findings.append(self._finding(text, abs(best.error - limit)))

    def _difference(self, best: Reached, side: str, limit: int) -> str:
        name, _ = self.tree.function()
        where = _places(self.parameters, threads=self.tree.code.has_faults)
        unit = "thread" if self.tree.code.has_faults else "CPU"
        design = self.tree.design
        source = "usual constants" if self.tree.constants is USUAL else "constants"
        versus = "but" if best.error > limit else "but only"
        return (
            f"{design.id if design else ''} on {where}: at most {limit:,} pages {SIDE_WORDS[side]} "
            f"by the {source}, {versus} {best.error:,} by this tree's {name} "
            f"({best.road}; updates, as {unit}:pages: {_updates_text(best)})"
        )

    def _finding(self, text: str, excess: int = 0, function: str = "") -> Finding:
        """Make a finding at a function: that of updates, unless another one is at fault."""
        name = function or self.blamed
        if name:
            location = self.tree.code.location_of(name)
        else:
            name, location = self.tree.function()
        return Finding(*location, text, f"{RUN}{name}", excess)

    def _readers(self) -> list[ReaderRun]:
        """Run the readers with pages in every slot, and compare the results with what was read."""
        process = self._process()
        cpus = list(self.topology.online)
        for place, counter in enumerate(process.code.members):
            process.update(cpus[0], (1 << 24) * (place + 1), counter)
            self._fill(process, cpus, counter)
        trusted = not self.findings
        faulty = "approximate" if self.blamed else ""
        if trusted and not self._precise_read(process):
            faulty = "precise"
        runs = run_readers(process)
        self.findings += reader_findings(
            runs, self.tree.constants, process.code.members, trusted=trusted, faulty=faulty
        )
        return runs

    def _precise_read(self, process: Process) -> bool:
        """Check that the precise read returns all pages of each counter, if updates are right."""
        for counter in process.code.members:
            reads, holds = process.summed(counter), process.total[counter]
            if reads is not None and reads != holds:
                text = f"{PRECISE} returns {reads:,}; all updates of {counter} add up to {holds:,}"
                self.findings.append(self._finding(text, abs(holds - reads), PRECISE))
                return False
        return True

    def _fill(self, process: Process, cpus: Sequence[int], counter: str) -> None:
        if process.code.has_faults:
            for _ in range(3):
                process.fault(0, {counter: 1})
        else:
            for cpu in cpus[:8]:
                process.update(cpu, 1, counter)

    def _fits(self, reached: Sequence[Reached], small: Sequence[SmallMachine]) -> tuple[str, ...]:
        """List the designs whose bounds equal the errors reached, here and on small machines."""
        best = {
            side: max((one.error for one in reached if one.side == side), default=0)
            for side in SIDES
        }
        if self.depends_on_size:
            return ()
        return tuple(
            design.id
            for design in DESIGNS.values()
            if _fits_here(design, self.parameters, best)
            or (small and all(design.id in one.fits for one in small))
        )


def _fits_here(design: Design, parameters: Parameters, best: dict[str, int]) -> bool:
    bound = design.worst(parameters, COUNTER)
    return (bound.under, bound.over) == (best["under"], best["over"])


def _updates_text(best: Reached) -> str:
    """List the first updates, as place:pages."""
    shown = [update for update in best.updates[:SHOWN_UPDATES] if isinstance(update[1], int)]
    listed = ", ".join(f"{place}:{pages:+}" for place, pages in shown)
    more = len(best.updates) - SHOWN_UPDATES
    return f"{listed} and {more:,} more" if more > 0 else listed or "no update"


def _places(parameters: Parameters, *, threads: bool) -> str:
    if threads:
        return f"{parameters.threads:,} thread{'s' if parameters.threads != 1 else ''}"
    count = len(parameters.ids)
    return f"{count:,} CPU{'s' if count != 1 else ''}"


def _build(code: CounterCode) -> tuple[str, ...]:
    """List the choices that decide which code is run."""
    tree = code.program.tree
    if tree.configured:
        return ("as .config says",)
    return tuple(f"{name}={CHOICES[name]}" for name in STATED if name in tree.consulted)
