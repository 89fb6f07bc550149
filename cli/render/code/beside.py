"""Witnesses of memory.current and of nr_anon_pages of vmstat as C programs."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from rssbound.bounds.designs import design_of
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds.proof.witness import Witness

__all__ = ("beside_program_of", "memory_current_program", "vmstat_program")

PLACEHOLDER = "/* @PARAMETERS@ */"


def beside_program_of(witness: Witness) -> str:
    """Write the C program of a witness; ScenarioError for a counter or side that has none."""
    counter, cpus = design_of(witness.design).counter, _places(witness)
    if witness.bound is None:
        raise ScenarioError(
            f"--format c: {witness.design} {witness.side} has no finite list of updates; nothing "
            "to run"
        )
    if not cpus:
        raise ScenarioError(
            f"--format c: the bound of {witness.design} {witness.side} is 0; nothing to run"
        )
    if counter not in PROGRAMS:
        why = WITHOUT.get(witness.design) or WITHOUT[counter]
        raise ScenarioError(
            f"--format c: no program for {counter}: {why}; text and JSON list the updates"
        )
    return PROGRAMS[counter](witness, cpus)


def _places(witness: Witness) -> list[int]:
    return sorted({cpu for cpu, _ in witness.updates if cpu is not None})


def memory_current_program(
    design: str, bound: int, batch: int, cpus: Sequence[int], groups: int = 1
) -> str:
    """Write a C program (libc only) that fills the stocks of some CPUs and measures memory.current.

    `bound` and `batch` are pages; `groups` is the number of cgroups below the one that is read. The
    file can only be too high. ValueError without CPUs, groups, or a batch.
    """
    if groups < 1 or batch < 1:
        raise ValueError(f"groups {groups}, batch {batch}; both must be at least 1")
    own = (f"#define BATCH {batch}", f"#define GROUPS {groups}")
    return _program("memory_current.c", design, "over", bound, cpus, own)


def vmstat_program(design: str, side: str, bound: int, cpus: Sequence[int]) -> str:
    """Write a C program (libc only) that fills the differences of some CPUs and measures vmstat.

    It takes the thresholds from the kernel that it runs on; `bound`, in pages, is printed beside
    what is measured. ValueError without CPUs.
    """
    return _program("vmstat.c", design, side, bound, cpus)


def _program(
    name: str, design: str, side: str, bound: int, cpus: Sequence[int], own: Sequence[str] = ()
) -> str:
    if not cpus or min(cpus) < 0:
        raise ValueError(f"CPUs {list(cpus)}; one or more, counted from 0")
    template = files("rssbound.cli.render.code").joinpath(name).read_text(encoding="utf-8")
    parameters = (
        f'static const char DESIGN[] = "{design}", SIDE[] = "{side}";',
        f"static const long BOUND = {bound};",
        *own,
        f"#define WITNESS_CPUS {len(cpus)}",
        f"static const int ON_CPU[WITNESS_CPUS] = {{ {', '.join(map(str, cpus))} }};",
    )
    return template.replace(PLACEHOLDER, "\n".join(parameters))


WITHOUT = {
    "memory.stat": (
        "a page fault updates several items and events that use up one budget, so page faults "
        "cannot bring one item to the bound"
    ),
    "stat-batch": "none was written for Linux 5.4 to 5.12",
    "sockets": "no file shows the reserves of the CPUs or the true value, so it cannot be compared",
}
"""Counter or design without a program -> why."""

PROGRAMS = {
    "memory.current": lambda of, cpus: memory_current_program(of.design, of.bound, of.batch, cpus),
    "zoneinfo.zone": lambda of, cpus: vmstat_program(of.design, of.side, of.bound, cpus),
}
"""Counter -> the function that writes the program of its witness."""
