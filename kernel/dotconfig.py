"""The `.config` of a configured tree: the few settings that bounds depend on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = (
    "UNSTATED",
    "Dotconfig",
    "completed",
    "dotconfig_of",
    "has_split_locks",
    "number_setting",
    "page_size_of",
)

Dotconfig: TypeAlias = "Mapping[str, tuple[str, int]]"
"""Setting -> value and line."""

PAGE_SIZE = re.compile(r"CONFIG_(?:PAGE_SIZE_(\d+)KB|(?!HAVE_)\w+_(\d+)K_PAGES)")
"""A choice that names a page size, such as CONFIG_ARM64_64K_PAGES or CONFIG_PAGE_SIZE_16KB."""

MOST_SHIFT = 30

UNSTATED = {"CONFIG_MMU": "y", "CONFIG_NR_CPUS": "8192", "CONFIG_SPLIT_PTLOCK_CPUS": "4"}
"""What is assumed where a .config does not say, such as one written by hand."""


def dotconfig_of(text: str) -> dict[str, tuple[str, int]]:
    """Give every setting with its value and line, without those that are "not set"."""
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = re.fullmatch(r"(CONFIG_\w+)=(.*)", line.strip())
        if match:
            found[match[1]] = (match[2].strip('"'), number)
    return found


def number_setting(dotconfig: Dotconfig, name: str) -> int | None:
    """Give a setting that is a number; None if it is not set or not a number."""
    value = dotconfig.get(name, ("", 0))[0]
    return int(value) if value.isascii() and value.isdigit() else None


def completed(dotconfig: Dotconfig) -> dict[str, str]:
    """Give the value of every setting, with what is assumed for those that are missing."""
    stated = {name: value for name, (value, _) in dotconfig.items()}
    return UNSTATED | stated | ({} if "CONFIG_SMP" in stated else {"CONFIG_NR_CPUS": "1"})


def has_split_locks(dotconfig: Dotconfig) -> bool:
    """Return whether page tables have locks of their own, which split counting needs."""
    settings = completed(dotconfig)
    cpus, least = (
        int(value) if value.isascii() and value.isdigit() else 0
        for value in (settings["CONFIG_NR_CPUS"], settings["CONFIG_SPLIT_PTLOCK_CPUS"])
    )
    return cpus >= least


def page_size_of(dotconfig: Dotconfig) -> tuple[int, int] | str | None:
    """Give the page size in bytes and its line; a message if it is not understood.

    None if no setting says so: most architectures have one size. Newer kernels have
    CONFIG_PAGE_SHIFT.
    """
    if "CONFIG_PAGE_SHIFT" in dotconfig:
        value, line = dotconfig["CONFIG_PAGE_SHIFT"]
        shift = number_setting(dotconfig, "CONFIG_PAGE_SHIFT")
        if shift is None or not 0 < shift < MOST_SHIFT:
            return f".config:{line}: CONFIG_PAGE_SHIFT is {value!r}, which is not a page size"
        return 1 << shift, line
    for name, (value, line) in dotconfig.items():
        match = PAGE_SIZE.fullmatch(name)
        if match and value == "y":
            return 1024 * int(match[1] or match[2]), line
    return None
