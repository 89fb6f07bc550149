"""How much memory can a process use here? The free memory, and the limits of its cgroups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("available",)

PROC = "/proc"
CGROUPS = "/sys/fs/cgroup"

VERSIONS = (
    (r"^0::(/.*)$", "", "memory.max", "memory.current"),
    (
        r"^\d+:(?:\w+,)*memory(?:,\w+)*:(/.*)$",
        "/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
    ),
)
"""For each version of cgroups: the line of /proc/self/cgroup, the mount, limit and usage."""


def available() -> tuple[int, str]:
    """Give the bytes that this process can still use, and the name of the limit.

    If the machine shows neither, there is no known limit.
    """
    found = [*_of_machine(), *_of_cgroups()]
    return min(found, default=(1 << 64, "nothing"))


def _of_machine() -> Iterator[tuple[int, str]]:
    match = re.search(r"^MemAvailable:\s*(\d+) kB$", _text(f"{PROC}/meminfo"), re.MULTILINE)
    if match:
        yield int(match[1]) * 1024, "MemAvailable"


def _of_cgroups() -> Iterator[tuple[int, str]]:
    """Yield the memory left in the cgroup of this process and in each ancestor."""
    own = _text(f"{PROC}/self/cgroup")
    for line, mount, limit, usage in VERSIONS:
        match = re.search(line, own, re.MULTILINE)
        folder = match[1].rstrip("/") if match else None
        while folder is not None:
            place = f"{CGROUPS}{mount}{folder}"
            most, used = _text(f"{place}/{limit}").strip(), _text(f"{place}/{usage}").strip()
            if most.isdigit() and used.isdigit():
                yield max(0, int(most) - int(used)), f"{place}/{limit}"
            folder = folder.rpartition("/")[0] if folder else None


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
