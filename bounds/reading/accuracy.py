"""Where users read a process's memory from, and how far each place can be off on a kernel.

    approximate: the value is in [true - under, true + over] of the counter design
    precise:     0, once no update is running; all caches are added up for each read
    exact:       0, page tables are walked; the counters are not asked
    peak:        the largest of approximate readings, hence in [peak - under, peak + over]
    absent:      the kernel is older than the interface

Peaks: update_hiwater_rss keeps the largest approximate RSS seen and runs before every fall of RSS,
so it runs once at the true peak and reads at least peak - under there; and no approximate reading,
at whatever moment, is above its own true value + over. Assumes that every path that lowers RSS
calls it first, as zap_page_range, try_to_unmap and their like do.

Sources: fs/proc/task_mmu.c (task_mem, task_statm), fs/proc/array.c (do_task_stat), mm/oom_kill.c,
kernel/sys.c (getrusage); commits 82241a83cd15 and 5898aa8f9a0b; 493b0e9d945f for smaps_rollup,
b3d1411b6726 for the tracepoint. Measured on Debian's 6.1.176 and
6.12.117: docs/lab.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.analysis import running_design
from rssbound.bounds.counter.counters import METRICS
from rssbound.bounds.counter.design import version_of
from rssbound.bounds.counter.interval import EXACT
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import Scenario, resolve
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from rssbound.bounds.counter.design import Version
    from rssbound.bounds.counter.interval import Interval
    from rssbound.bounds.scenario.kernel_constants import KernelConstants
    from rssbound.topology.model import Topology

__all__ = (
    "INTERFACES",
    "Accuracy",
    "Interface",
    "Reading",
    "Tolerance",
    "accuracy_in",
    "accuracy_of",
    "readings_of",
    "tolerance",
)

APPROXIMATE, PRECISE, WALK, PEAK, ELSEWHERE = "approximate", "precise", "exact", "peak", "other"
ABSENT = "absent"

PERCPU: Version = (6, 2, 0)

UNTOLD = "6.2.0"
"""Stands for a release that nobody told, where a source tree says what matters."""


class Fix(NamedTuple):
    """A commit that made interfaces precise, and the releases that have it.

    `stable` maps a stable series to the first release with the fix, inferred from dates; `verified`
    to a release that was seen to have it.
    """

    commit: str
    subject: str
    release: Version
    certain: bool
    stable: dict[tuple[int, int], int]
    verified: dict[tuple[int, int], int]


READERS_FIX = Fix(
    "82241a83cd15",
    "mm: fix the inaccurate memory statistics issue for users",
    (6, 16, 0),
    certain=True,
    stable={(6, 12): 39, (6, 15): 7},
    verified={(6, 12): 117},
)
OOM_FIX = Fix(
    "5898aa8f9a0b",
    "mm: fix OOM killer inaccuracy on large many-core systems",
    (7, 0, 0),
    certain=False,
    stable={},
    verified={},
)


class Interface(NamedTuple):
    """A place to read from: which counters it adds up, and what has made it precise, if anything.

    `kind` is what it is without a fix. `users` read it; `cost` is what a read costs the kernel;
    `instead` what to read where it is not good enough. Kernels before `first` do not have it, which
    came with the commit `origin`; empty for what all have.
    """

    id: str
    where: str
    counters: tuple[str, ...]
    kind: str
    users: str
    cost: str
    instead: str
    fix: Fix | None = None
    first: Version = (2, 6, 0)
    origin: str = ""


ROLLUP = "smaps_rollup"
RSS = METRICS["rss"]

FIRST_ROLLUP: Version = (4, 14, 0)
FIRST_TRACE: Version = (5, 5, 0)
FIRST_PEAK: Version = (5, 19, 0)
FIRST_CURRENT: Version = (4, 5, 0)
OLDER = (
    (FIRST_ROLLUP, ROLLUP, "smaps"),
    (
        FIRST_PEAK,
        "memory.peak of a cgroup of its own",
        "memory.max_usage_in_bytes of one of its own",
    ),
    (FIRST_CURRENT, "memory.current of a cgroup", "memory.usage_in_bytes of a cgroup"),
)
"""Kernels before a release have something else in place of what is to be read instead."""

INTERFACES: dict[str, Interface] = {
    interface.id: interface
    for interface in (
        Interface(
            "status",
            "/proc/PID/status: VmRSS, RssAnon, RssFile, RssShmem",
            RSS,
            APPROXIMATE,
            "ps (RSS, %MEM), systemd scripts",
            "O(1); precise: O(CPUs)",
            ROLLUP,
            READERS_FIX,
        ),
        Interface(
            "statm",
            "/proc/PID/statm: resident, shared",
            RSS,
            APPROXIMATE,
            "top (RES, %MEM), htop, psutil memory_info",
            "O(1); precise: O(CPUs)",
            ROLLUP,
            READERS_FIX,
        ),
        Interface(
            "stat",
            "/proc/PID/stat: field 24, rss",
            RSS,
            APPROXIMATE,
            "Prometheus clients (process_resident_memory_bytes)",
            "O(1)",
            ROLLUP,
        ),
        Interface(
            "hwm",
            "/proc/PID/status: VmHWM",
            RSS,
            PEAK,
            "memory tests, judges of programming contests",
            "O(1)",
            "memory.peak of a cgroup of its own",
        ),
        Interface(
            "maxrss",
            "getrusage and wait4: ru_maxrss",
            RSS,
            PEAK,
            "time -v, Python's resource, benchmarks",
            "O(1)",
            "memory.peak of a cgroup of its own",
        ),
        Interface(
            "oom_badness",
            "/proc/PID/oom_score; the OOM killer's choice",
            METRICS["oom"],
            APPROXIMATE,
            "the OOM killer, earlyoom",
            "O(1); precise: O(CPUs) for each process",
            "memory.current of a cgroup",
            OOM_FIX,
        ),
        Interface(
            "oom_report",
            "the OOM killer's table of processes in the kernel log",
            RSS,
            APPROXIMATE,
            "people after the fact",
            "O(1); precise: O(CPUs) for each process",
            "-",
            OOM_FIX,
        ),
        Interface(
            "trace",
            "tracepoint kmem:rss_stat, one counter",
            ("file",),  # the worst: split counting caches most of file mappings
            APPROXIMATE,
            "perf, BPF, Perfetto",
            "O(1) to 6.1; a sum over all CPUs for each event since",
            ROLLUP,
            first=FIRST_TRACE,
            origin="b3d1411b6726",
        ),
        Interface(
            ROLLUP,
            "/proc/PID/smaps_rollup, smaps: Rss",
            RSS,
            WALK,
            "psutil memory_full_info, Android, smem",
            "O(mapped pages), under mmap_lock",
            "-",
        ),
        Interface(
            "cgroup",
            "memory.current, memory.stat of a cgroup",
            (),
            ELSEWHERE,
            "systemd-oomd, kubelet, cAdvisor",
            "O(1); memory.stat flushes",
            "-",
        ),
    )
}
"""Interface id -> interface."""


class Accuracy(NamedTuple):
    """How an interface reads on a release: a kind, since when and why, and if that is a guess."""

    kind: str
    since: str
    why: str
    guess: bool


@dataclass(frozen=True)
class Reading:
    """An interface on one machine and kernel: `error` in pages, None if it is not of counters.

    `instead` is what that kernel has to be read in its place.
    """

    interface: Interface
    accuracy: Accuracy
    error: Interval | None
    instead: str = "-"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a reading can be off, in bytes: too low by `under`, too high by `over`."""

    under: int
    over: int


def accuracy_of(interface: Interface, release: str) -> Accuracy:
    """Say how an interface reads on a kernel release; ScenarioError for what is no release."""
    version = version_of(release)
    if version is None:
        raise ScenarioError(f"{release!r} is no release such as 6.12.117")
    vendor = _vendor(release)
    if version < interface.first:
        dotted = ".".join(map(str, interface.first[:2]))
        return Accuracy(ABSENT, dotted, f"came with {interface.origin}", vendor)
    if interface.kind == ELSEWHERE:
        return Accuracy(interface.kind, "-", "is counted apart from RSS", guess=False)
    if interface.kind == WALK:
        return _of_walk(version)
    if interface.id == "trace" and version >= PERCPU:
        return Accuracy(PRECISE, "6.2", "f1a7941243c1 adds all caches up for each event", vendor)
    if interface.fix and version >= PERCPU:
        return _of_fix(interface, interface.fix, version, vendor=vendor)
    return Accuracy(interface.kind, _since(version), "no fix is known", vendor)


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


def _of_fix(interface: Interface, fix: Fix, version: Version, *, vendor: bool) -> Accuracy:
    series, patch = version[:2], version[2]
    why = f"{fix.commit} ({fix.subject})"
    if version >= fix.release:
        dotted = ".".join(map(str, fix.release[:2]))
        return Accuracy(PRECISE, dotted, why, vendor or not fix.certain)
    first = fix.stable.get(series)
    if first is not None and patch >= first:
        seen = patch >= fix.verified.get(series, patch + 1)
        return Accuracy(PRECISE, f"{series[0]}.{series[1]}.{first}", why, vendor or not seen)
    return Accuracy(interface.kind, "6.2", f"before {why}", vendor or _may_have(fix, version))


def _may_have(fix: Fix, version: Version) -> bool:
    """Tell whether a stable release may have a fix that nobody has looked for in its series."""
    return version[2] > 0 and version[:2] < fix.release[:2] and version[:2] not in fix.stable


def _since(version: Version) -> str:
    design = running_design(version)
    return {"shared": "2.6.15", "per-thread": "2.6.34"}.get(design, "6.2")


def _vendor(release: str) -> bool:
    """Tell whether a release is a vendor's, whose number does not tell what was backported.

    Debian's own (6.12.117-cloud-amd64, 6.12.48+deb13-amd64) follow the stable series.
    """
    suffix = re.sub(r"^[\d.]+", "", release)
    architecture = r"(-(amd64|arm64|\w+el|s390x))?"
    return not re.fullmatch(rf"(\+deb\d+\w*)?(-\d+)?(-cloud|-rt)?{architecture}", suffix)


def accuracy_in(interface: Interface, source: KernelConstants) -> Accuracy | None:
    """Say how a source tree's own reader reads; None if no tree says."""
    found = source.readers.get(interface.id)
    if found is None:
        return None
    return Accuracy(found.accuracy, "-", str(found.location), guess=False)


def readings_of(
    topology: Topology, scenario: Scenario | None = None, ids: tuple[str, ...] = ()
) -> tuple[Reading, ...]:
    """Give every interface (or those with the ids) on a machine and its kernel.

    ScenarioError for an unknown id, an impossible scenario, or a machine of unknown kernel.
    """
    unknown = [id_ for id_ in ids if id_ not in INTERFACES]
    if unknown:
        raise ScenarioError(f"no interface {unknown[0]!r}; there are {', '.join(INTERFACES)}")
    scenario = scenario or Scenario()
    release, source = topology.kernel, scenario.constants
    version = version_of(release or "")
    if source.design is None and version is None:
        raise ScenarioError("the kernel is not known; give its release, such as --kernel 6.12.41")
    design = DESIGNS[source.design or running_design(version or PERCPU)]
    parameters = parameters_of(topology, resolve(scenario, topology))
    told = {
        id_: accuracy_in(INTERFACES[id_], source) or accuracy_of(INTERFACES[id_], release or UNTOLD)
        for id_ in (*(ids or INTERFACES), "statm")
    }
    precise = told["statm"].kind == PRECISE
    readings = []
    for id_ in ids or INTERFACES:
        interface, accuracy = INTERFACES[id_], told[id_]
        error = None if accuracy.kind in {ELSEWHERE, ABSENT} else EXACT
        if accuracy.kind in {APPROXIMATE, PEAK}:
            error = design.error(parameters, interface.counters)
        instead = instead_on(interface, version or PERCPU, precise=precise)
        readings.append(Reading(interface, accuracy, error, instead))
    return tuple(readings)


def tolerance(
    topology: Topology,
    interface: str = "stat",
    kernel: str | None = None,
    scenario: Scenario | None = None,
    *,
    threads: int | None = None,
) -> Tolerance:
    """Give the tolerance that a test or a watchdog needs for a reading, in bytes.

    `interface` is an id of INTERFACES, `kernel` a release in place of the machine's own. A correct
    program stays within it, and nothing smaller will do: the bound is reached.

    >>> import rssbound
    >>> host = rssbound.read("package:2 core:32 pu:1")
    >>> rssbound.tolerance(host, "stat", kernel="6.12.117")
    Tolerance(under=99876864, over=99876864)
    >>> rssbound.tolerance(host, "statm", kernel="6.12.117")
    Tolerance(under=0, over=0)

    ScenarioError for an unknown interface or kernel, or one that is not off by a bound.
    """
    scenario = scenario or Scenario()
    if threads is not None:
        scenario = replace(scenario, threads=threads)
    if kernel is not None:
        topology = replace(topology, kernel=kernel)
    (reading,) = readings_of(topology, scenario, (interface,))
    page_size = resolve(scenario, topology).page_size
    error = reading.error
    if reading.accuracy.kind == ABSENT:
        since = reading.accuracy.since
        raise ScenarioError(f"{interface}: Linux {topology.kernel} has none; it came with {since}")
    if error is None or error.under is None or error.over is None:
        raise ScenarioError(f"{interface}: has no bound that follows from the counters")
    return Tolerance(error.under * page_size, error.over * page_size)
