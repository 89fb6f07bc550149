"""The constants that bounds depend on, from where a tree keeps them.

Which file holds what, in which era:

    include/linux/mm_types.h    the type of mm_struct's rss_stat: which design counts RSS
    include/linux/mm_types_task.h    NR_MM_COUNTERS
    mm/memory.c                 TASK_RSS_EVENTS_THRESH (to 6.1), fault_around_bytes (3.15 on)
    lib/percpu_counter.c        percpu_counter_batch = max(32, nr * 2) in compute_batch_value
    kernel/fork.c or a header   RSS_STAT_BATCH_SIZE (tree patches)
    lib/percpu_counter_tree.c   per_nr_cpu_order_config and MAX_NR_LEVELS (tree patches)
    fs/proc, mm/oom_kill.c      which readers add all caches up
    .config                     NR_CPUS, NODES_SHIFT, SMP, page size

A constant that the tree's design needs and that cannot be found is an error, never a default.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rssbound.bounds.constants import Found, KernelConstants
from rssbound.bounds.consumers import COUNTERS
from rssbound.errors import InputError
from rssbound.kernel.config import page_size_of, settings_of
from rssbound.kernel.csource import CSource, number_in, open_csource
from rssbound.kernel.readers import readers_in
from rssbound.kernel.table import table_in

__all__ = ("KernelSource", "read_kernel_source")

BATCH_FILES = (
    *("kernel/fork.c", "include/linux/mm.h", "include/linux/mm_types.h"),
    *("include/linux/mm_types_task.h", "include/linux/percpu_counter_tree.h"),
)
DESIGNS = {
    "percpu_counter_tree": "tree",
    "percpu_counter": "percpu",
    "mm_rss_stat": "per-thread",
}
"""Type of mm_struct's rss_stat -> design id."""


@dataclass(frozen=True)
class KernelSource:
    """What a tree says: constants for the bounds, and what is odd about them, a line each."""

    constants: KernelConstants
    findings: tuple[str, ...] = ()


@dataclass
class _Reading:
    """A tree being read: what was found so far, and what was missing."""

    tree: Path
    found: list[Found] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def source(self, path: str) -> CSource | None:
        return open_csource(self.tree, path)

    def note(self, name: str, value: object, place: str) -> None:
        self.found.append(Found(name, str(value), place))


def read_kernel_source(path: str) -> KernelSource:
    """Read a kernel source tree; InputError with everything that is missing.

    OSError if a file cannot be read.
    """
    tree = Path(path)
    if not tree.is_dir():
        raise InputError(f"{path}: no such folder; give the top of a kernel source tree")
    reading = _Reading(tree)
    constants = _configured(reading, KernelConstants())
    design = _design(reading)
    _counters(reading)
    if design:
        constants = _of_design(reading, replace(constants, design=design))
    constants = replace(constants, fault_around_bytes=_fault_around(reading))
    constants = replace(constants, accuracy=_readers(reading))
    if reading.missing:
        raise InputError(*reading.missing).at(path)
    constants = replace(constants, found=tuple(reading.found))
    return KernelSource(constants, tuple(reading.findings))


def _design(reading: _Reading) -> str | None:
    source = reading.source("include/linux/mm_types.h")
    if source is None:
        reading.missing.append("include/linux/mm_types.h is missing; this is no kernel source tree")
        return None
    for member in source.members("mm_struct"):
        names = [source.word(word) for word in source.nodes("field_identifier", member)]
        kinds = [source.word(word) for word in source.nodes("type_identifier", member)]
        if "rss_stat" in names:
            design = next((DESIGNS[kind] for kind in kinds if kind in DESIGNS), None)
            if design is None:
                reading.missing.append(
                    f"{source.place(member)}: rss_stat is of type {' '.join(kinds)}, which is no "
                    f"design that is known; known are {', '.join(DESIGNS)}"
                )
                return None
            return _noted_design(reading, design, source.place(member))
    reading.missing.append("include/linux/mm_types.h: struct mm_struct has no rss_stat")
    return None


def _counters(reading: _Reading) -> None:
    """Count the enumerators before NR_MM_COUNTERS; the bounds are for four counters."""
    sources = map(reading.source, ("include/linux/mm_types_task.h", "include/linux/mm_types.h"))
    for source in filter(None, sources):
        for enumerators in source.nodes("enumerator_list"):
            names = [source.word(own.child_by_field_name("name")) for own in enumerators.children]
            names = [name for name in names if name]
            if "NR_MM_COUNTERS" in names:
                _noted_count(reading, names.index("NR_MM_COUNTERS"), source.place(enumerators))
                return


def _noted_count(reading: _Reading, count: int, place: str) -> None:
    reading.note("NR_MM_COUNTERS", count, place)
    if count != len(COUNTERS):
        reading.findings.append(
            f"{place}: NR_MM_COUNTERS is {count}; sums are bounded for the counters "
            f"{', '.join(COUNTERS)}"
        )


def _noted_design(reading: _Reading, design: str, place: str) -> str:
    """Tell the n-ary tree from the binary one, and a build without SMP from both."""
    if design == "tree" and _table_source(reading) is None:
        design = "tree-binary"
    if _is_exact(reading, design):
        design = "shared"
    reading.note("design", design, place)
    return design


def _is_exact(reading: _Reading, design: str) -> bool:
    """Tell whether a build has one shared counter: without SMP, or too few CPUs for split locks."""
    config = reading.tree / ".config"
    if not config.is_file():
        return False
    settings = settings_of(config.read_text())
    cpus, split = (
        int(settings.get(name, ("0", 0))[0] or 0)
        for name in ("CONFIG_NR_CPUS", "CONFIG_SPLIT_PTLOCK_CPUS")
    )
    return "CONFIG_SMP" not in settings or (design == "per-thread" and cpus < split)


def _of_design(reading: _Reading, constants: KernelConstants) -> KernelConstants:
    """Read what the tree's own design needs; what another needs is taken where it stands."""
    thresh = _defined(reading, "TASK_RSS_EVENTS_THRESH", ("mm/memory.c",))
    batch = _defined(reading, "RSS_STAT_BATCH_SIZE", BATCH_FILES)
    least, each = _percpu_batch(reading) or (None, None)
    needed: dict[str, tuple[object, str]] = {
        "per-thread": (thresh, "mm/memory.c: TASK_RSS_EVENTS_THRESH"),
        "percpu": (least, "lib/percpu_counter.c: max(LEAST, EACH * CPUs) in compute_batch_value"),
        "tree": (batch, f"RSS_STAT_BATCH_SIZE, in any of {', '.join(BATCH_FILES)}"),
        "tree-binary": (batch, f"RSS_STAT_BATCH_SIZE, in any of {', '.join(BATCH_FILES)}"),
    }
    value, what = needed.get(str(constants.design), (0, ""))
    if value is None:
        reading.missing.append(f"{what} cannot be found, and {constants.design} needs it")
    if batch is not None and (batch < 2 or batch & (batch - 1)):
        reading.missing.append(
            f"RSS_STAT_BATCH_SIZE is {batch}; a tree needs a power of two above 1"
        )
    return replace(
        constants,
        events_thresh=thresh,
        batch=batch,
        percpu_least=least,
        percpu_each=each,
        arities=_arities(reading, constants.design),
    )


def _defined(reading: _Reading, name: str, paths: tuple[str, ...]) -> int | None:
    for path in paths:
        source = reading.source(path)
        define = source.define(name) if source else None
        if source and define:
            value = number_in(source, define.child_by_field_name("value") or define)
            if value is None:
                reading.missing.append(
                    f"{source.place(define)}: {name} is no number that is understood"
                )
                return None
            reading.note(name, value, source.place(define))
            return value
    return None


def _percpu_batch(reading: _Reading) -> tuple[int, int] | None:
    """Find max(32, nr * 2)."""
    source = reading.source("lib/percpu_counter.c")
    function = source.function("compute_batch_value") if source else None
    if not source or not function:
        return None
    for name, call in source.calls(function):
        if name in {"max", "max_t"}:
            numbers = [
                number_in(source, own) for own in call.child_by_field_name("arguments").children
            ]
            least = next((own for own in numbers if own is not None), None)
            product = next(iter(source.nodes("binary_expression", call)), None)
            factors = [number_in(source, own) for own in product.children] if product else []
            each = next((own for own in factors if own is not None), None)
            if least is not None and each is not None:
                reading.note(
                    "percpu_counter_batch", f"max({least}, {each} * CPUs)", source.place(call)
                )
                return least, each
    return None


def _table_source(reading: _Reading) -> tuple[CSource, Any] | None:
    source = reading.source("lib/percpu_counter_tree.c")
    table = source.initialiser("per_nr_cpu_order_config") if source else None
    return (source, table) if source and table else None


def _arities(reading: _Reading, design: str | None) -> tuple[tuple[int, ...], ...] | None:
    found = _table_source(reading)
    if found is None:
        return None
    source, table = found
    levels = _defined(reading, "MAX_NR_LEVELS", ("lib/percpu_counter_tree.c",))
    arities, findings, faults = table_in(source, table, levels)
    reading.findings += findings
    if design == "tree":
        reading.missing += faults
    reading.note("per_nr_cpu_order_config", f"{len(arities)} orders", source.place(table))
    return arities


def _fault_around(reading: _Reading) -> int | None:
    """Find fault_around_bytes, or fault_around_pages as a size shifted by PAGE_SHIFT, in bytes.

    Before 3.15 a fault maps one page: 0. None where mm/memory.c is not there.
    """
    source = reading.source("mm/memory.c")
    if source is None:
        return None
    value = source.initialiser("fault_around_bytes") or source.initialiser("fault_around_pages")
    if value is None and source.function("do_fault_around") is None:
        reading.note("fault_around_bytes", "0, no fault-around", source.path)
        return 0
    if value is None:
        reading.missing.append(f"{source.path}: do_fault_around, but no size of its window")
        return None
    shift = value.child_by_field_name("right") if value.type == "binary_expression" else None
    if shift is not None and source.word(shift) == "PAGE_SHIFT":
        value = value.child_by_field_name("left")
    number = number_in(source, value)
    if number is None:
        where = source.place(value)
        reading.missing.append(f"{where}: fault-around is no number that is understood")
    else:
        reading.note("fault_around_bytes", number, source.place(value))
    return number


def _readers(reading: _Reading) -> dict[str, str]:
    accuracy = {}
    for interface, kind, place in readers_in(reading.source):
        accuracy[interface] = kind
        reading.note(f"reader {interface}", kind, place)
    return accuracy


def _configured(reading: _Reading, constants: KernelConstants) -> KernelConstants:
    config = reading.tree / ".config"
    if not config.is_file():
        return constants
    settings = settings_of(config.read_text())
    numbers: dict[str, Any] = {}
    for name, constant in (("CONFIG_NODES_SHIFT", "nodes_shift"), ("CONFIG_NR_CPUS", "nr_cpus")):
        value, line = settings.get(name, ("", 0))
        if value.isdigit():
            numbers[constant] = int(value)
            reading.note(name, value, f".config:{line}")
    if "nodes_shift" not in numbers and "CONFIG_NUMA" not in settings:
        numbers["nodes_shift"] = 0
        reading.note("CONFIG_NODES_SHIFT", "0, no CONFIG_NUMA", ".config")
    page = page_size_of(settings)
    if page:
        numbers["page_size"] = page[0]
        reading.note("PAGE_SIZE", page[0], f".config:{page[1]}")
    return replace(constants, **numbers)
