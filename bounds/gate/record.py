"""Recorded bounds: one row for each machine, design and counter (or sum of counters).

A record also has the facts that explain the rows: the scenario of each machine and the levels of
each design. If a kernel source tree was read, there are also rows of the design KERNEL: the bounds
of the design that this kernel uses, and those of each of its readers. So a kernel that changes to
another design, or to a cheaper reader, has a better or worse bound too. Fingerprints represent the
code of the tree on which the bounds rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.bounds.counter.counters import COUNTERS, METRICS
from rssbound.bounds.counter.interval import EXACT
from rssbound.bounds.counter.rests import rest_of
from rssbound.bounds.designs import BESIDE_COUNTERS
from rssbound.bounds.gate.reasons import OF_BESIDE, levels_text, options_of
from rssbound.bounds.reading.catalogue import INTERFACES, PRECISE
from rssbound.errors import ScenarioError
from rssbound.records import dataclass, field, replace
from rssbound.topology.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rssbound.bounds.analysis import Analysis, Result
    from rssbound.bounds.counter.interval import Interval
    from rssbound.bounds.counter.rests import Fingerprint, Rest
    from rssbound.bounds.reading.beside import CounterBound
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = (
    "ALL",
    "KERNEL",
    "Kernel",
    "Key",
    "Machine",
    "Record",
    "Source",
    "Target",
    "errors_of",
    "kernel_errors",
    "record_of",
    "recorded_beside",
    "with_beside",
)

ALL = "*"
NOT_RECORDED = ("constants", "beside")
"""Fields of a scenario that no row needs: the levels show the effect of constants."""

KERNEL = "kernel"
"""Used as a design id: the design that the kernel of the source tree uses."""


class Key(NamedTuple):
    """The key of a row: digest of the topology, design id, counter or metric; ALL for every one.

    The design may be KERNEL, and then the counter an interface such as `statm` too.
    """

    topology: str
    design: str
    counter: str


class Target(NamedTuple):
    """One side of a row on every machine, written `tree.rss.under`.

    A counter other than RSS has the design of each machine's kernel: `memory.stat.under`. Its name
    is used in place of a design id.
    """

    design: str
    counter: str
    side: str

    def __str__(self) -> str:
        names = (self.counter, self.side) if self.design == self.counter else self
        return ".".join(names)


@dataclass(frozen=True)
class Kernel:
    """The kernel of a source tree: the design that counts RSS, and how readers read it.

    `readers` maps interfaces such as `statm` to "precise" or "approximate".
    """

    design: str
    readers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Machine:
    """A machine of a record: its name, the scenario, and each design's levels in words.

    `kernel` is None if no source tree was read; `uses` maps a design to the settings on which its
    bounds depend, and lacks designs for which these are not known.
    """

    name: str
    scenario: Mapping[str, int | str]
    levels: Mapping[str, tuple[str, ...]]
    kernel: Kernel | None = None
    uses: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def page_size(self) -> int:
        """Bytes."""
        return int(self.scenario["page_size"])


@dataclass(frozen=True)
class Source:
    """The code on which the bounds of a kernel source tree rest, as fingerprints.

    `accepted` has the reason for accepting each reviewed difference, by id. `findings` has the
    accepted findings from running its functions: id -> every text.
    `beside` maps each recorded counter other than RSS to its design. `rests` are the ids of the
    rests that were looked for; an older baseline does not have them. `forms` is the version of the
    normal forms behind the digests: digests of different versions cannot be compared.
    """

    design: str
    fingerprints: tuple[Fingerprint, ...]
    accepted: Mapping[str, str] = field(default_factory=dict)
    findings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    rests: tuple[str, ...] = ()
    forms: int = 1

    def looked_for(self, rest: Rest) -> bool:
        """Whether the code of a rest would be in `fingerprints` if the tree had had it.

        Without `rests`, it was looked for if something of it was found.
        """
        if self.rests:
            return rest.id in self.rests
        return any(rest_of([rest], found.kind, found.name) for found in self.fingerprints)


@dataclass(frozen=True)
class Record:
    """Machines by the digest of their topology, and the error of every row, in pages.

    `source` is None if no kernel source tree was read or recorded.
    """

    machines: Mapping[str, Machine] = field(default_factory=dict)
    rows: Mapping[Key, Interval] = field(default_factory=dict)
    source: Source | None = None


def record_of(analyses: Iterable[Analysis], source: Source | None = None) -> Record:
    """Record analyses. Machines that differ only in name are one, the first by name."""
    machines: dict[str, Machine] = {}
    rows: dict[Key, Interval] = {}
    for analysis in sorted(analyses, key=lambda analysis: analysis.topology.name):
        digest = digest_of(analysis.topology)
        if digest in machines:
            continue
        running = _running(analysis)
        machines[digest] = _machine(analysis, running)
        for result in analysis.results:
            rows |= _rows(digest, result.id, errors_of(result))
        if running:
            errors = kernel_errors(errors_of(running), machines[digest].kernel)
            rows |= _rows(digest, KERNEL, errors)
    return Record(machines, rows, source)


def with_beside(record: Record, analyses: Iterable[Analysis], counters: Iterable[str]) -> Record:
    """Add rows of counters other than RSS to a record, of the design of each machine's kernel.

    The scenario of a machine then also has the design of each, and the inputs of their bounds.
    ScenarioError names a machine whose kernel has no bound for one of them.
    """
    from rssbound.bounds.reading.beside import bound_on  # noqa: PLC0415 (RSS does without)

    wanted = tuple(counters)
    rows, machines = dict(record.rows), dict(record.machines)
    for analysis in sorted(analyses, key=lambda analysis: analysis.topology.name, reverse=True):
        digest = digest_of(analysis.topology)
        bounds = []
        for counter in wanted:
            try:
                bounds.append(bound_on(counter, analysis.topology, analysis.parameters))
            except ScenarioError as error:
                raise error.at(analysis.topology.source) from None
            rows[Key(digest, counter, counter)] = bounds[-1].error
        machines[digest] = _machine_beside(record.machines[digest], bounds, analysis.parameters)
    return Record(machines, rows, record.source)


def recorded_beside(record: Record) -> tuple[str, ...]:
    """List the counters other than RSS that a record has rows of."""
    return tuple(sorted({key.design for key in record.rows if key.design in BESIDE_COUNTERS}))


def _machine_beside(
    machine: Machine, bounds: Iterable[CounterBound], parameters: Parameters
) -> Machine:
    """Add the inputs of the bounds of counters other than RSS to a machine."""
    scenario, levels, uses = dict(machine.scenario), dict(machine.levels), dict(machine.uses)
    for bound in bounds:
        name = bound.counter
        used = options_of(bound.design, parameters, (name,))
        scenario |= {field: getattr(parameters, field) for field in used & set(OF_BESIDE)}
        scenario[name] = bound.design.id
        levels[name] = levels_text(bound.levels)
        uses[name] = used | {name}
    return replace(machine, scenario=scenario, levels=levels, uses=uses)


def _rows(digest: str, design: str, errors: Mapping[str, Interval]) -> dict[Key, Interval]:
    return {Key(digest, design, counter): error for counter, error in errors.items()}


def errors_of(result: Result) -> dict[str, Interval]:
    """Give the error of each counter and each sum, by name."""
    return {**result.counters, **{name: getattr(result, name) for name in METRICS}}


def kernel_errors(errors: Mapping[str, Interval], kernel: Kernel | None) -> dict[str, Interval]:
    """Add the errors of a kernel's readers to those of its counters.

    A reader that adds up all slots is exact; any other has the error of the counters that it sums.
    """
    names = {(name,): name for name in COUNTERS} | {sums: name for name, sums in METRICS.items()}
    readers = {
        name: EXACT if accuracy == PRECISE else errors[names[interface.counters]]
        for name, accuracy in (kernel.readers if kernel else {}).items()
        if (interface := INTERFACES.get(name)) and interface.counters
    }
    return {**errors, **readers}


def _setting(value: Any) -> int | str:
    """Give the value of an option as a number, or as on the command line."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return value if isinstance(value, int) else str(value)


def _running(analysis: Analysis) -> Result | None:
    """Give the result of the design that the source tree's kernel uses; None without a tree."""
    design = analysis.scenario.constants.design
    return None if design is None else analysis.result_of(design)


def _machine(analysis: Analysis, running: Result | None) -> Machine:
    constants = analysis.scenario.constants
    scenario = {
        name: _setting(value)
        for name, value in vars(analysis.scenario).items()
        if name not in NOT_RECORDED and value is not None
    }
    results = [*analysis.results, *([running] if running else [])]
    readers = {name: found.accuracy for name, found in constants.readers.items()}
    return Machine(
        analysis.topology.name,
        scenario,
        {result.id: levels_text(result.levels) for result in results},
        Kernel(running.id, readers) if running else None,
        {result.id: options_of(result.design, analysis.parameters) for result in results},
    )
