"""The question: which CPUs, how many threads, which batch.

A `Scenario` has the values that the user gives; `resolve` checks them and fills in the rest for a
machine.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from rssbound.bounds.counter.arithmetic import ceil_log2, maximum
from rssbound.bounds.scenario.beside import Beside
from rssbound.bounds.scenario.beside import faults_of as faults_of_beside
from rssbound.bounds.scenario.kernel_constants import USUAL
from rssbound.bounds.scenario.process_size import (
    MOST_BYTES,
    ProcessSize,
    faults_of,
    resident_of,
)
from rssbound.errors import ScenarioError
from rssbound.records import dataclass, replace
from rssbound.topology.cpuset import CpuSet
from rssbound.topology.model import Topology

if TYPE_CHECKING:
    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.scenario.kernel_constants import KernelConstants
    from rssbound.bounds.scenario.process_size import Resident

__all__ = (
    "ALL",
    "CPU_SETS",
    "DEFAULT_PAGE_SIZE",
    "OWN",
    "UPDATERS",
    "Resolved",
    "Scenario",
    "refuse_impossible",
    "resolve",
)

RSS_STAT_BATCH_SIZE = 32
"""The tree's batch in every posted mm patch."""

FAULT_AROUND_BYTES = 65536
"""mm/memory.c: fault_around_bytes, since 3.15."""

NODES_SHIFT = 10
"""CONFIG_NODES_SHIFT of x86-64 kernels built for many CPUs, as distributions do."""

MOST_NODES_SHIFT = 16
"""No kernel is configured with more bits for node ids."""

MOST_THREADS = 1 << 22
"""PID_MAX_LIMIT of a 64-bit kernel, include/linux/threads.h: the most tasks of a machine."""

MOST_INT = (1 << 31) - 1
"""The largest percpu_counter_batch and the largest batch of a tree: the kernel keeps ints."""

DEFAULT_PAGE_SIZE = 4096

PAGE_SIZES = (1024, 1 << 24)
"""The smallest and the largest page size in bytes that a scenario may have."""

CPU_SETS = ("online", "present", "possible")

ALL, OWN = "all", "own"
UPDATERS = (ALL, OWN)
"""Tasks that update the process's counters: all, on any CPU, or only the process itself."""

MOST_ARGUMENTS_BYTES = 6 << 20
"""Three quarters of _STK_LIM, the most that the arguments of an exec take, to the page; fs/exec.c,
bprm_stack_limits. Their pages are added to the anon counter one by one and taken off in one update
(acct_arg_size). docs/theory.md has the largest updates of all kinds."""


BESIDE = Beside()
"""Nothing is known but CPUs."""


NUMBERS = (
    *("threads", "batch", "percpu_batch", "max_online", "page_size", "fault_around_bytes"),
    *("nodes_shift", "in_flight", "max_increment"),
)
"""Fields of Scenario that are whole numbers, or None for the machine's value."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The situation whose worst case is computed. None means the value of the machine or kernel.

    cpus               CPUs the process may run on: a set, or "online", "present", "possible"
    updaters           ALL: also tasks on other CPUs update its counters (reclaim, remote faults,
                       collapse of pages, the parent's fork), on every CPU that is or, for the
                       trees, was online; OWN: a promise that no other task updates them and that
                       the process has run only on `cpus` since exec
    threads            live threads of the process
    batch              RSS_STAT_BATCH_SIZE of the tree designs, pages; a power of two above 1
    percpu_batch       percpu_counter_batch, pages; None: max(32, 2 * max_online)
    max_online         most CPUs ever online together since boot; None: those online now
    page_size          bytes; None: the machine's, or 4096 where it is not known
    fault_around_bytes window that one file fault maps, bytes; 0 or one page turns it off
    nodes_shift        CONFIG_NODES_SHIFT
    arity              fan-out of each level of the tree, from the CPUs to the root, as the boot
                       parameter percpu_counter_tree.arity; powers of two whose product is
                       nr_cpu_ids rounded up to one; None: the machine's, or the default
    in_flight          updaters stopped between two steps of an update
    max_increment      most pages one update adds or removes; None: the larger of a page table's
                       worth, as THP, and the arguments of an exec
    constants          of a kernel source tree; the fields above take precedence
    rss                true size of the process, bytes; None: any size
    beside             for counters other than RSS: cgroups, zones, the reserve of sockets
    """

    cpus: CpuSet | str = "online"
    updaters: str = ALL
    threads: int = 1
    batch: int = RSS_STAT_BATCH_SIZE
    percpu_batch: int | None = None
    max_online: int | None = None
    page_size: int | None = None
    fault_around_bytes: int = FAULT_AROUND_BYTES
    nodes_shift: int = NODES_SHIFT
    arity: tuple[int, ...] | None = None
    in_flight: int = 0
    max_increment: int | None = None
    constants: KernelConstants = USUAL
    rss: ProcessSize | None = None
    beside: Beside = BESIDE


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A Scenario with every value filled in and checked for one machine.

    `rss` is in pages, None for any size; `arity` is None for the default shape of the machine's
    order.
    """

    cpus: CpuSet
    updaters: str
    threads: int
    batch: int
    percpu_batch: int
    max_online: int
    page_size: int
    fault_around_bytes: int
    nodes_shift: int
    in_flight: int
    max_increment: int
    arity: tuple[int, ...] | None = None
    constants: KernelConstants = USUAL
    rss: Resident | None = None
    beside: Beside = BESIDE


def resolve(scenario: Scenario, topology: Topology) -> Resolved:
    """Fill in a scenario for a machine; ScenarioError names every impossible value."""
    _check_types(scenario)
    cpus, faults = _cpus(scenario.cpus, topology)
    resolved = _filled_in(scenario, topology, cpus)
    faults += _faults(resolved, topology)
    faults += faults_of(scenario.rss) if scenario.rss else []
    faults += faults_of_beside(scenario.beside)
    if faults:
        raise ScenarioError(*faults)
    return resolved


def refuse_impossible(scenario: Scenario) -> None:
    """Raise ScenarioError that names every number that no machine accepts.

    Some numbers depend on the page size; one that is not given is the machine's.
    """
    _check_types(scenario)
    cpu = CpuSet.of([0])
    machine = Topology(possible=cpu, present=cpu, online=cpu)
    sizes = PAGE_SIZES if scenario.page_size is None else (scenario.page_size,)
    tried = [
        _checks_of_numbers(_filled_in(replace(scenario, page_size=size), machine, cpu))
        for size in sizes
    ]
    faults = [each[0][1] for each in zip(*tried, strict=True) if not any(ok for ok, _ in each)]
    if faults:
        raise ScenarioError(*faults)


def _filled_in(scenario: Scenario, topology: Topology, cpus: CpuSet) -> Resolved:
    online = len(topology.online)
    max_online = online if scenario.max_online is None else scenario.max_online
    page_size = scenario.page_size
    if page_size is None:
        page_size = topology.page_size or DEFAULT_PAGE_SIZE
    table = max(page_size // 8, 1)  # entries of one page table, PTRS_PER_PTE
    largest = max(table, MOST_ARGUMENTS_BYTES // max(page_size, 1))
    return Resolved(
        cpus=cpus,
        updaters=scenario.updaters,
        threads=scenario.threads,
        batch=scenario.batch,
        percpu_batch=(
            percpu_counter_batch(max_online, scenario.constants)
            if scenario.percpu_batch is None
            else scenario.percpu_batch
        ),
        max_online=max_online,
        page_size=page_size,
        fault_around_bytes=scenario.fault_around_bytes,
        nodes_shift=scenario.nodes_shift,
        arity=topology.tree_arity if scenario.arity is None else scenario.arity,
        in_flight=scenario.in_flight,
        max_increment=largest if scenario.max_increment is None else scenario.max_increment,
        constants=scenario.constants,
        rss=resident_of(scenario.rss, max(page_size, 1)) if scenario.rss else None,
        beside=scenario.beside,
    )


def _check_types(scenario: Scenario) -> None:
    """ScenarioError for values from Python whose type is not that of their field."""
    faults = []
    for name in NUMBERS:
        value = getattr(scenario, name)
        if value is not None and (isinstance(value, bool) or not hasattr(value, "__index__")):
            faults.append(f"{name}: {value!r}; give a whole number")
    cpus: object = scenario.cpus
    if not isinstance(cpus, str | CpuSet):
        faults.append(f"cpus: {cpus!r}; give {', '.join(CPU_SETS)} or a CpuSet")
    rss: object = scenario.rss
    if not isinstance(rss, ProcessSize | None):
        faults.append(f"rss: {rss!r}; give a ProcessSize")
    if faults:
        raise ScenarioError(*faults)


def percpu_counter_batch(max_online: Quantity, constants: KernelConstants = USUAL) -> Quantity:
    """Give the kernel's batch for percpu counters; lib/percpu_counter.c, compute_batch_value."""
    least = 32 if constants.percpu_least is None else constants.percpu_least
    each = 2 if constants.percpu_each is None else constants.percpu_each
    return maximum(least, each * max_online)


def _cpus(cpus: CpuSet | str, topology: Topology) -> tuple[CpuSet, list[str]]:
    if isinstance(cpus, str):
        if cpus not in CPU_SETS:
            return topology.online, [f"cpus: {cpus!r}; give {', '.join(CPU_SETS)} or a CpuSet"]
        chosen: CpuSet = getattr(topology, cpus)
        return chosen, []
    beyond = cpus - topology.possible
    if beyond:
        known = topology.possible
        return cpus, [f"cpus: {beyond} not possible on this machine; its possible CPUs are {known}"]
    return cpus, [] if cpus else ["cpus: none; a process runs on at least one CPU"]


def _faults(resolved: Resolved, topology: Topology) -> list[str]:
    """List the faults, each with the allowed values."""
    checks = (*_checks_of_machine(resolved, topology), *_checks_of_numbers(resolved))
    return [fault for holds, fault in checks if not holds]


def _checks_of_machine(resolved: Resolved, topology: Topology) -> tuple[tuple[bool, str], ...]:
    """Check the values that depend on the machine."""
    online, possible = len(topology.online), len(topology.possible)
    in_between = (
        f"max_online: {resolved.max_online}; must be at least the {online} CPUs online now "
        f"and at most the {possible} possible"
    )
    most_ids = resolved.constants.nr_cpus or topology.nr_cpu_ids
    too_many = (
        f"the kernel source is configured for NR_CPUS={most_ids}, but this machine has "
        f"{topology.nr_cpu_ids} CPU ids"
    )
    return (
        (topology.nr_cpu_ids <= most_ids, too_many),
        (online <= resolved.max_online <= possible, in_between),
        (_is_shape(resolved.arity, topology.nr_cpu_ids), _shape(resolved.arity, topology)),
    )


def _checks_of_numbers(resolved: Resolved) -> tuple[tuple[bool, str], ...]:
    """Check each value against the range that the kernel accepts."""
    page_size, batch = resolved.page_size, resolved.batch
    table_bytes = page_size * page_size // 8
    most_pages = MOST_BYTES // max(page_size, 1)
    least, most = PAGE_SIZES
    page_size_holds = least <= page_size <= most and page_size & (page_size - 1) == 0
    around = (
        f"fault_around_bytes: {resolved.fault_around_bytes}; the kernel accepts at most the "
        f"size of one page table, {table_bytes} bytes"
    )
    shift = f"nodes_shift: {resolved.nodes_shift}; must be 0 to {MOST_NODES_SHIFT}"
    return (
        (
            resolved.updaters in UPDATERS,
            f"updaters: {resolved.updaters!r}; must be {' or '.join(UPDATERS)}",
        ),
        (
            1 <= resolved.threads <= MOST_THREADS,
            f"threads: {resolved.threads}; must be 1 to {MOST_THREADS:,} (PID_MAX_LIMIT)",
        ),
        (
            batch > 1 and batch & (batch - 1) == 0,
            f"batch: {batch}; must be a power of two above 1, such as 32",
        ),
        (
            batch <= MOST_INT,
            f"batch: {batch}; must be at most {MOST_INT // 2 + 1:,}, an int of the kernel",
        ),
        (
            1 <= resolved.percpu_batch <= MOST_INT,
            (
                f"percpu_batch: {resolved.percpu_batch}; must be 1 to {MOST_INT:,}, "
                "an int of the kernel"
            ),
        ),
        (
            page_size_holds,
            f"page_size: {page_size}; must be a power of two in bytes, such as 4096 or 65536",
        ),
        (0 <= resolved.fault_around_bytes <= table_bytes or not page_size_holds, around),
        (0 <= resolved.nodes_shift <= MOST_NODES_SHIFT, shift),
        (
            0 <= resolved.in_flight <= MOST_THREADS,
            (
                f"in_flight: {resolved.in_flight}; must be 0 to {MOST_THREADS:,}, "
                "the most tasks of a machine"
            ),
        ),
        (
            1 <= resolved.max_increment <= most_pages or not page_size_holds,
            (
                f"max_increment: {resolved.max_increment}; must be 1 to {most_pages:,} pages, "
                "an address space"
            ),
        ),
    )


def _is_shape(arity: tuple[int, ...] | None, nr_cpu_ids: int) -> bool:
    """Return whether fan-outs form a tree: powers of two with the right product."""
    if arity is None:
        return True
    powers = all(fan_out > 1 and fan_out & (fan_out - 1) == 0 for fan_out in arity)
    return powers and prod(arity) == 1 << ceil_log2(nr_cpu_ids)


def _shape(arity: tuple[int, ...] | None, topology: Topology) -> str:
    """Say which shapes a machine accepts."""
    size = 1 << ceil_log2(topology.nr_cpu_ids)
    given = ",".join(map(str, arity or ()))
    if size == 1:
        return f"arity: {given}; a machine with one CPU id has no tree"
    halves = f" or {size // 2},2" if size > 2 else ""
    return f"arity: {given}; must be powers of two whose product is {size}, such as {size}{halves}"
