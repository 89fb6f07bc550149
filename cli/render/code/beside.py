"""Witnesses of counters beside RSS as C programs: memory.current and nr_anon_pages of vmstat."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("memory_current_program", "vmstat_program")

PLACEHOLDER = "/* @PARAMETERS@ */"


def memory_current_program(
    design: str, bound: int, batch: int, cpus: Sequence[int], groups: int = 1
) -> str:
    """Write a C program (libc only) that fills the stocks of some CPUs and measures memory.current.

    `bound` and `batch` are pages; `groups` is the number of cgroups below the one that is read. The
    file is only ever too high. ValueError without CPUs, groups, or a batch.
    """
    if groups < 1 or batch < 1:
        raise ValueError(f"groups {groups}, batch {batch}; 1 or more of each")
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
        raise ValueError(f"CPUs {list(cpus)}; one or more, from 0")
    template = files("rssbound.cli.render.code").joinpath(name).read_text(encoding="utf-8")
    parameters = (
        f'static const char DESIGN[] = "{design}", SIDE[] = "{side}";',
        f"static const long BOUND = {bound};",
        *own,
        f"#define WITNESS_CPUS {len(cpus)}",
        f"static const int ON_CPU[WITNESS_CPUS] = {{ {', '.join(map(str, cpus))} }};",
    )
    return template.replace(PLACEHOLDER, "\n".join(parameters))
