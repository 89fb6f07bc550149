"""The error of each interface on a machine and its kernel.

    approximate: the value is in [true - under, true + over] of the counter design
    precise:     0, once no update is running; each read adds up all slots
    exact:       0; the read walks page tables and does not use the counters
    peak:        the largest of approximate readings, hence at most peak + over; no bound below
    absent:      the kernel is older than the interface
    other:       a counter other than RSS without a known bound on the kernel

Peaks: no approximate reading is ever above its own true value + over, so the largest is not above
peak + over. There is no bound below: update_hiwater_rss keeps the largest approximate RSS that it
saw, and RSS falls on paths that do not call it first. If a process has one thread and falls only on
paths that call it (zap, try_to_unmap), its peak is stored, as at least peak - under:
`seen_at_every_fall`. docs/interfaces.md lists the paths and shows a program for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.analysis import bound_of, with_kernel_of
from rssbound.bounds.counter.design import exact, version_of
from rssbound.bounds.counter.interval import EXACT, Interval, worst_of
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.reading.catalogue import (
    ABSENT,
    APPROXIMATE,
    ELSEWHERE,
    INTERFACES,
    PEAK,
    PRECISE,
    ROLLUP,
    WALK,
    interface_id,
)
from rssbound.bounds.reading.releases import (
    FIRST_CURRENT,
    FIRST_PEAK,
    FIRST_ROLLUP,
    PERCPU,
    UNKNOWN_RELEASE,
)
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import Scenario, resolve
from rssbound.bounds.vendors import INFERRED, design_of_version, design_on
from rssbound.errors import ScenarioError
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rssbound.bounds.analysis import Analysis
    from rssbound.bounds.counter.design import Design, Version
    from rssbound.bounds.reading.catalogue import Interface
    from rssbound.bounds.reading.gaps import Gap
    from rssbound.bounds.reading.releases import Fix
    from rssbound.bounds.scenario.kernel_constants import KernelConstants
    from rssbound.bounds.scenario.parameters import Parameters
    from rssbound.bounds.scenario.process_size import Resident
    from rssbound.bounds.vendors import KernelDesign
    from rssbound.topology.model import Topology

__all__ = (
    "AT_MOST",
    "OF_MEMORY",
    "Accuracy",
    "Reading",
    "accuracy_of",
    "caveats_of",
    "error_of",
    "files_of",
    "is_at_most",
    "readings_of",
    "worst_bound",
)

FILES = ("status", "statm", "stat", "maxrss")
"""The interfaces that an analysis shows."""

OLDER = (
    (FIRST_ROLLUP, ROLLUP, "smaps"),
    (
        FIRST_PEAK,
        "memory.peak of a cgroup of its own",
        "memory.max_usage_in_bytes of a cgroup of its own",
    ),
    (FIRST_CURRENT, "memory.current of a cgroup", "memory.usage_in_bytes of a cgroup"),
)
"""Replacements of `instead` for kernels before a release, which do not have it."""


@dataclass(frozen=True)
class Accuracy:
    """How an interface reads on a release: its kind, since when, why, and whether it is a guess."""

    kind: str
    since: str
    why: str
    guess: bool


AT_MOST = (
    "an upper limit of the bound, if every node with memory is listed: memory is not known, so "
    "every threshold is taken as 125, in the zones DMA and DMA32 and in a normal and a movable "
    "zone of each node; give --zoneinfo or --memory"
)
"""The caveat of a bound that uses the largest possible thresholds."""

OF_MEMORY = (
    "the zones are those of an x86-64 machine without a movable zone, whose nodes are all listed "
    "and have the same memory; --zoneinfo gives the machine's own"
)
"""The caveat of a bound whose zones follow from the size of memory."""


def caveats_of(design: Design, parameters: Parameters) -> tuple[str, ...]:
    """Give conditions that void a bound of a counter other than RSS or make it an upper bound."""
    if design.id != "stat-threshold" or parameters.zones_known:
        return design.caveats
    return (OF_MEMORY if parameters.memory_known else AT_MOST, *design.caveats)


def is_at_most(design: Design, parameters: Parameters) -> bool:
    """Return whether a bound uses the largest thresholds because memory is not known."""
    return design.id == "stat-threshold" and not parameters.memory_known


@dataclass(frozen=True)
class Reading:
    """An interface on one machine and kernel; `error` in pages, None if it reads no counters.

    `sums` is the error of a cheap sum of its counters at one moment, which differs for a peak;
    `instead` is what to read in its place on that kernel; `caveats` void the bound.
    """

    interface: Interface
    accuracy: Accuracy
    error: Interval | None
    sums: Interval
    instead: str = "-"
    caveats: tuple[str, ...] = ()


def accuracy_of(interface: Interface, release: str) -> Accuracy:
    """Say how an interface reads on a kernel release; ScenarioError if it is not a release."""
    version = version_of(release)
    if version is None:
        raise ScenarioError(f"{release!r} is not a kernel release such as 6.12.117")
    kernel = design_on(release)
    guess = bool(kernel.vendor) or kernel.guess
    if version < interface.first:
        dotted = ".".join(map(str, interface.first[:2]))
        return Accuracy(ABSENT, dotted, f"came with {interface.origin}", guess)
    if interface.kind == ELSEWHERE:
        return _of_beside(interface, release, guess=guess)
    if interface.kind == WALK:
        return _of_walk(version)
    return _of_counters(interface, kernel, version, guess=guess)


def _of_beside(interface: Interface, release: str, *, guess: bool) -> Accuracy:
    """Say how a counter other than RSS reads."""
    from rssbound.bounds.reading.beside import on_kernel  # noqa: PLC0415 (RSS does without)
    from rssbound.bounds.reading.gaps import gap_in  # noqa: PLC0415 (RSS does without)

    design = on_kernel(interface.id, release)
    if design is None:
        return _of_unknown(gap_in(interface.id, release), guess=guess)
    kind = PRECISE if design.published is exact else APPROXIMATE
    return Accuracy(kind, design.kernels.came_with, design.title, guess)


def _of_unknown(gap: Gap | None, *, guess: bool) -> Accuracy:
    """Say why no bound of a counter other than RSS is known."""
    from rssbound.bounds.reading.gaps import NOT_READ  # noqa: PLC0415 (RSS does without)

    why = f"no bound is known: {gap.why if gap else NOT_READ}"
    return Accuracy(ELSEWHERE, "-", why, guess)


def _of_counters(
    interface: Interface, kernel: KernelDesign, version: Version, *, guess: bool
) -> Accuracy:
    """Say how an interface that reads the counters reads."""
    if interface.id == "trace" and version >= PERCPU:
        return Accuracy(PRECISE, "6.2", "f1a7941243c1 adds up all slots for each event", guess)
    if kernel.precise is not None:  # more is known than the release number shows
        kind = PRECISE if interface.id in kernel.precise else interface.kind
        return Accuracy(kind, "-", kernel.why, guess=kernel.evidence == INFERRED)
    if interface.fix and version >= PERCPU:
        return _of_fix(interface, interface.fix, version, guess=guess)
    return Accuracy(interface.kind, _since(version), "no fix is known", guess)


def _of_walk(version: Version) -> Accuracy:
    """Say how page tables are walked: smaps on every kernel, smaps_rollup on newer ones."""
    if version < FIRST_ROLLUP:
        why = "smaps walks the page tables; smaps_rollup came with 4.14 (493b0e9d945f)"
        return Accuracy(WALK, "2.6.14", why, guess=False)
    return Accuracy(WALK, "4.14", "walks the page tables", guess=False)


def instead_on(interface: Interface, version: Version, *, precise: bool) -> str:
    """Say what to read in place of an interface; `precise`: statm is, on this kernel."""
    text = interface.instead
    if text == ROLLUP and precise and len(interface.counters) > 1:
        return "statm"
    for first, newer, older in OLDER:
        if version < first:
            text = text.replace(newer, older)
    return text


def _of_fix(interface: Interface, fix: Fix, version: Version, *, guess: bool) -> Accuracy:
    series, patch = version[:2], version[2]
    why = f"{fix.commit} ({fix.subject})"
    if version >= fix.release:
        dotted = ".".join(map(str, fix.release[:2]))
        return Accuracy(PRECISE, dotted, why, guess or not _is_certain(fix, version))
    first = fix.stable.get(series)
    if first is not None and patch >= first:
        seen = patch >= fix.verified.get(series, patch + 1)
        return Accuracy(PRECISE, f"{series[0]}.{series[1]}.{first}", why, guess or not seen)
    return Accuracy(interface.kind, "6.2", f"before {why}", guess or _may_have(fix, version))


def _is_certain(fix: Fix, version: Version) -> bool:
    """Return whether mainline is known to have a fix at a release, not only by its date."""
    seen = [(*series, patch) for series, patch in fix.verified.items() if series >= fix.release[:2]]
    return fix.certain or any(version >= first for first in seen)


def _may_have(fix: Fix, version: Version) -> bool:
    """Return whether a stable release may have a fix that is unverified in its series."""
    if version[2] <= fix.lacking.get(version[:2], 0):
        return False
    return version[2] > 0 and version[:2] < fix.release[:2] and version[:2] not in fix.stable


def _since(version: Version) -> str:
    return DESIGNS[design_of_version(version)].kernels.came_with


def accuracy_in(interface: Interface, source: KernelConstants) -> Accuracy | None:
    """Say how a source tree's own reader reads; None without a tree or reader."""
    found = source.readers.get(interface.id)
    if found is None:
        return None
    return Accuracy(found.accuracy, "-", str(found.location), guess=False)


def accuracy_on(interface: Interface, release: str | None, source: KernelConstants) -> Accuracy:
    """Say how an interface reads: by the source tree if it has the reader, else by the release."""
    return accuracy_in(interface, source) or accuracy_of(interface, release or UNKNOWN_RELEASE)


def readings_of(
    topology: Topology,
    scenario: Scenario | None = None,
    ids: tuple[str, ...] = (),
    designs: Sequence[str] = (),
) -> tuple[Reading, ...]:
    """Give every interface (or those with the ids) on a machine and its kernel.

    `designs` are ids of the designs that the counters may have, if the release does not decide
    it. ScenarioError for an unknown id, an impossible scenario, or a machine of unknown kernel.
    """
    ids = tuple(map(interface_id, ids))
    scenario = scenario or Scenario()
    topology = with_kernel_of(scenario.constants, topology)
    release, source = topology.kernel, scenario.constants
    version = version_of(release or "")
    if source.design is None and version is None:
        raise ScenarioError(
            "kernel: the release of this machine is not known; give one, such as 6.12.41"
        )
    of_kernel = (
        (source.design,) if source.design else design_on(release or UNKNOWN_RELEASE).candidates
    )
    possible = [DESIGNS[id_] for id_ in designs or of_kernel]
    resolved = resolve(scenario, topology)
    parameters = parameters_of(topology, resolved)
    known = {
        id_: accuracy_on(INTERFACES[id_], release, source)
        for id_ in (*(ids or INTERFACES), "statm")
    }
    precise = known["statm"].kind == PRECISE
    readings = []
    for id_ in ids or INTERFACES:
        interface, accuracy = INTERFACES[id_], known[id_]
        if interface.kind == ELSEWHERE:
            readings.append(_beside(interface, accuracy, release, parameters))
            continue
        sums = worst_bound(possible, parameters, interface.counters, resolved.rss)
        error = error_of(accuracy.kind, sums)
        instead = instead_on(interface, version or PERCPU, precise=precise)
        voids = possible if error not in {None, EXACT} else []
        caveats = tuple(f"{design.id}: {text}" for design in voids for text in design.caveats)
        readings.append(Reading(interface, accuracy, error, sums, instead, caveats))
    return tuple(readings)


def _beside(
    interface: Interface, accuracy: Accuracy, release: str | None, parameters: Parameters
) -> Reading:
    """Give the reading of a counter other than RSS."""
    from rssbound.bounds.reading.beside import on_kernel  # noqa: PLC0415 (RSS does without)
    from rssbound.bounds.reading.gaps import INSTEAD, gap_in  # noqa: PLC0415 (RSS does without)

    design = on_kernel(interface.id, release)
    if design is None:
        gap = gap_in(interface.id, release or "")
        unknown = _of_unknown(gap, guess=accuracy.guess)
        return Reading(interface, unknown, None, EXACT, gap.instead if gap else "-")
    error = design.error(parameters, (interface.id,))
    caveats = tuple(f"{design.id}: {text}" for text in caveats_of(design, parameters))
    instead = INSTEAD.get(design.id, interface.instead)
    return Reading(interface, accuracy, error, error, instead, caveats)


def worst_bound(
    designs: Iterable[Design],
    parameters: Parameters,
    counters: tuple[str, ...],
    resident: Resident | None,
) -> Interval:
    """Bound a sum of counters by the worst of several designs."""
    return worst_of(bound_of(design, parameters, counters, resident) for design in designs)


def error_of(kind: str, sums: Interval) -> Interval | None:
    """Give the error of an interface of a kind if a cheap sum of its counters is off by `sums`.

    Pages; None if the interface reads no counters, or does not exist.
    """
    if kind in {ELSEWHERE, ABSENT}:
        return None
    if kind == PEAK:
        return Interval(None, sums.over)
    return sums if kind == APPROXIMATE else EXACT


def files_of(analysis: Analysis) -> dict[str, Accuracy]:
    """Say how each of FILES reads on the kernel of an analysis; empty if it is not known."""
    release, source = analysis.topology.kernel, analysis.scenario.constants
    if analysis.kernel_design is None or (release is None and not source.readers):
        return {}
    return {id_: accuracy_on(INTERFACES[id_], release, source) for id_ in FILES}
