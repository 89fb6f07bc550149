"""Read the constants that bounds depend on from a kernel source tree.

The files, and what is read from them:

    Makefile                    the release
    include/linux/mm_types.h    the type of mm_struct's rss_stat: which design counts RSS
    include/linux/mm_types_task.h    NR_MM_COUNTERS
    mm/memory.c                 TASK_RSS_EVENTS_THRESH (to 6.1), fault_around_bytes (3.15 on)
    lib/percpu_counter.c        percpu_counter_batch = max(32, nr * 2) in compute_batch_value
    include/linux/mm.h          add_mm_counter: whether RSS takes that batch (6.2 on)
    kernel/fork.c or a header   RSS_STAT_BATCH_SIZE (tree patches)
    lib/percpu_counter_tree.c   per_nr_cpu_order_config and MAX_NR_LEVELS (tree patches)
    fs/proc, mm/oom_kill.c      which readers add up all slots
    include/trace/events/kmem.h    what the tracepoint rss_stat reports (5.5 on)
    .config                     NR_CPUS, NODES_SHIFT, SMP, page size

If the tree's design needs a constant that cannot be found, this is an error; there is no default. A
constant with several different values, or in an unexpected form, is an error too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.designs.tree import ARITIES
from rssbound.bounds.scenario.kernel_constants import READ, Finding, KernelConstants, ReaderFound
from rssbound.errors import InputError, Location
from rssbound.kernel.carry_tree import arities, batch_of_tree, kind_of_tree
from rssbound.kernel.dotconfig import dotconfig_of, has_split_locks, number_setting, page_size_of
from rssbound.kernel.expressions import numbers_called
from rssbound.kernel.per_thread import events_thresh, fault_around_bytes
from rssbound.kernel.percpu import is_dual_mode, percpu_batch
from rssbound.kernel.readers import readers_in
from rssbound.kernel.release import release_of
from rssbound.kernel.source_tree import SourceTree, top_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.kernel.csource import CSource

    Node = Any
    # tree_sitter.Node; the extra may not be installed

__all__ = ("KernelSource", "read_for_review", "read_kernel_source")

DESIGNS = {
    "percpu_counter_tree": "tree",
    "percpu_counter": "percpu",
    "mm_rss_stat": "per-thread",
    "mm_pernuma_counter": "per-node",
    "mm_counter_t": "shared",
}
"""Type of the counters in mm_struct -> design id."""

OF_THREE = ("per-thread", "shared")
"""Designs of kernels before 4.5."""

SHMEM = "MM_SHMEMPAGES"

MEMBERS = ("rss_stat", "_file_rss", "_anon_rss")
"""Names of those counters: all four in one member, or two of them before 2.6.34."""

TYPES_FILE = "include/linux/mm_types.h"
DESIGN = "design"
"""Name of the constant that is the design that counts RSS."""

COUNTER_FILES = ("include/linux/mm_types_task.h", "include/linux/mm_types.h")


@dataclass(frozen=True)
class KernelSource:
    """What was read of a tree: constants for the bounds, and findings about them.

    `orders` is the number of orders in the tree's table of fan-ins, if a check has completed it,
    else None. `tree` has the files that were opened, for further use.
    """

    constants: KernelConstants
    findings: tuple[Finding, ...]
    tree: SourceTree
    orders: int | None = None


def read_kernel_source(path: str) -> KernelSource:
    """Read a kernel source tree; InputError that lists everything that is missing.

    OSError if a file cannot be read.
    """
    tree, configured = _opened(path)
    constants = _constants(tree, configured, _design(tree))
    if tree.missing or tree.unclear:
        raise InputError(*tree.missing, *map(str, tree.unclear)).at(path)
    return KernelSource(constants, tuple(tree.findings), tree)


def read_for_review(path: str, recorded: str | None = None) -> KernelSource:
    """Read a kernel source tree, and report what is not understood as a finding.

    Constants that the code does not show keep their usual values. `recorded` is the design that
    counts RSS by a baseline; it is used if the design is not understood, which cannot be accepted.
    InputError if there is no such design either, or no kernel source tree.
    """
    tree, configured = _opened(path)
    design = _design(tree) or recorded
    constants = _constants(tree, configured, design)
    if tree.missing or not design:
        raise InputError(*tree.missing, *map(str, tree.unclear)).at(path)
    unclear = [_reviewable(finding, recorded or "") for finding in tree.unclear]
    orders = None if constants.arities is None else len(constants.arities)
    return KernelSource(_computable(constants), (*unclear, *tree.findings), tree, orders)


def _reviewable(finding: Finding, recorded: str) -> Finding:
    """Say what a check assumes in place of what is not understood."""
    if finding.id == f"{READ}{DESIGN}":
        text = (
            f"{finding.text}. No bound can be computed, so this cannot be accepted; assuming "
            f"{recorded}, as in the baseline. rssbound measure --kernel-source runs the new code."
        )
        return finding._replace(text=text, id="")
    return finding._replace(
        text=f"{finding.text}. Bounds assume the usual code; review the change."
    )


def _computable(constants: KernelConstants) -> KernelConstants:
    """Put the usual fan-ins in place of those that are not a tree of their order, or missing."""
    if constants.arities is None:
        return constants
    usual = dict(enumerate(ARITIES))
    arities = tuple(
        given if sum(given) == order else usual.get(order, given)
        for order, given in enumerate(constants.arities)
    )
    return replace(constants, arities=arities + ARITIES[len(arities) :])


def _opened(path: str) -> tuple[SourceTree, KernelConstants]:
    """Open a tree, with what its .config and its Makefile say."""
    tree = SourceTree(top_of(path))
    return tree, _configured(tree, KernelConstants(release=_release(tree)))


def _constants(
    tree: SourceTree, configured: KernelConstants, design: str | None
) -> KernelConstants:
    """Read all other constants of a tree; `design` is None if it is not known."""
    constants = configured
    _counters(tree, design)
    if design:
        constants = _of_design(tree, replace(constants, design=design))
    around = fault_around_bytes(tree, constants.page_size)
    readers = _readers(tree)
    return replace(constants, fault_around_bytes=around, readers=readers, found=tuple(tree.found))


def _design(tree: SourceTree) -> str | None:
    source = tree.source(TYPES_FILE)
    if source is None:
        tree.missing.append(f"{TYPES_FILE} is missing; this is not a kernel source tree")
        return None
    found = [_design_of_member(tree, source, *member) for member in _counter_members(source)]
    if not found:
        tree.lacks(DESIGN, Location(TYPES_FILE, 0), "struct mm_struct has no rss_stat")
    if any(design is None for design, _ in found):
        return None
    one = tree.one_of(DESIGN, found, "the design of rss_stat")
    return None if one is None else _noted_design(tree, *one)


def _counter_members(source: CSource) -> Iterator[tuple[str, Node]]:
    """Yield the members of mm_struct that count RSS, by name."""
    for member in source.members("mm_struct"):
        names = [source.word(word) for word in source.nodes("field_identifier", member)]
        name = next((name for name in names if name in MEMBERS), None)
        if name is not None:
            yield name, member


def _design_of_member(
    tree: SourceTree, source: CSource, name: str, member: Node
) -> tuple[str | None, Location]:
    """Give the design of a counter type; if it is unknown, None, and the fault is noted."""
    kinds = [source.word(word) for word in source.nodes("type_identifier", member)]
    location = source.location(member)
    design = next((DESIGNS[kind] for kind in kinds if kind in DESIGNS), None)
    if design is None:
        fault = (
            f"{name} is of type {' '.join(kinds) or 'no name'}, which is not a known "
            f"design; known types are {', '.join(DESIGNS)}"
        )
        tree.lacks(DESIGN, location, fault)
    return design, location


def _counters(tree: SourceTree, design: str | None) -> None:
    """Read the number of counters; the bounds are for four.

    Before 4.5 there were three, because shared memory counted as file: the bounds of those three
    are the same. Before 2.6.34 there were two, which were exact.
    """
    sources = tree.sources(*COUNTER_FILES)
    found = [number for source in sources for number in numbers_called(source, "NR_MM_COUNTERS")]
    one = tree.one_of("NR_MM_COUNTERS", found)
    if one is not None:
        tree.note("NR_MM_COUNTERS", *one)
        is_old = design in OF_THREE and not any(source.enumerations(SHMEM) for source in sources)
        _check_count(tree, *one, len(COUNTERS) - 1 if is_old else len(COUNTERS))
    elif not found and design not in {None, "shared"}:
        fault = f"NR_MM_COUNTERS cannot be found in any of {', '.join(COUNTER_FILES)}"
        tree.lacks("NR_MM_COUNTERS", Location(COUNTER_FILES[0], 0), fault)


def _check_count(tree: SourceTree, count: int, location: Location, expected: int) -> None:
    if count != expected:
        text = (
            f"NR_MM_COUNTERS is {count}; sums are bounded for these counters: {', '.join(COUNTERS)}"
        )
        tree.findings.append(Finding(*location, text, f"{READ}NR_MM_COUNTERS"))


def _noted_design(tree: SourceTree, design: str, location: Location) -> str | None:
    """Distinguish designs with the same counter type, and a build without SMP."""
    if design == "tree":
        kind = kind_of_tree(tree, location)
        if kind is None:
            return None
        design = kind
    if design == "percpu" and is_dual_mode(tree):
        design = "dual-mode"
    if _is_exact(tree, design):
        design = "shared"
    tree.note(DESIGN, design, location)
    return design


def _is_exact(tree: SourceTree, design: str) -> bool:
    """Return whether a build has one shared counter: no SMP, or too few CPUs for split locks."""
    dotconfig = tree.dotconfig
    if dotconfig is None:
        return False
    split = design != "per-thread" or has_split_locks(dotconfig)
    return "CONFIG_SMP" not in dotconfig or not split


def _of_design(tree: SourceTree, constants: KernelConstants) -> KernelConstants:
    """Read the constants of the tree's own design, and others if the tree has them."""
    design = constants.design
    percpu = percpu_batch(tree, needed=design in {"percpu", "dual-mode"})
    return replace(
        constants,
        events_thresh=events_thresh(tree, needed=design == "per-thread"),
        batch=batch_of_tree(tree, design),
        percpu_least=None if percpu is None else percpu.least,
        percpu_each=None if percpu is None else percpu.each,
        arities=arities(tree),
    )


def _readers(tree: SourceTree) -> dict[str, ReaderFound]:
    readers = {}
    for interface, found in readers_in(tree.source):
        if isinstance(found, Finding):
            tree.findings.append(found)
        else:
            readers[interface] = found
    return readers


def _release(tree: SourceTree) -> str | None:
    """Read the release that the top Makefile states; None without one."""
    makefile = tree.folder / "Makefile"
    if not makefile.is_file():
        return None
    one = release_of(makefile.read_text(errors="replace"))
    if one is None:
        return None
    release, line = one
    tree.note("release", release, Location("Makefile", line))
    return release


def _configured(tree: SourceTree, constants: KernelConstants) -> KernelConstants:
    """Read .config, if there is one; it also decides which branches of the source are compiled."""
    config = tree.folder / ".config"
    if not config.is_file():
        return constants
    dotconfig = tree.dotconfig = dotconfig_of(config.read_text(errors="replace"))
    if not dotconfig:
        tree.missing.append(".config: no settings found; is the tree configured?")
    numbers: dict[str, Any] = {}
    for name, constant in (("CONFIG_NODES_SHIFT", "nodes_shift"), ("CONFIG_NR_CPUS", "nr_cpus")):
        number = number_setting(dotconfig, name)
        if number is not None:
            numbers[constant] = number
            tree.note(name, number, Location(".config", dotconfig[name][1]))
        elif name in dotconfig:
            value, line = dotconfig[name]
            tree.missing.append(f".config:{line}: {name} is {value!r}, which is not a number")
    if "nodes_shift" not in numbers and "CONFIG_NUMA" not in dotconfig:
        numbers["nodes_shift"] = 0
        tree.note("CONFIG_NODES_SHIFT", "0, no CONFIG_NUMA", Location(".config", 0))
    page = page_size_of(dotconfig)
    if isinstance(page, str):
        tree.missing.append(page)
    elif page:
        numbers["page_size"] = page[0]
        tree.note("PAGE_SIZE", page[0], Location(".config", page[1]))
    return replace(constants, **numbers)
