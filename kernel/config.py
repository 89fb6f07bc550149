"""`.config` of a configured tree: the few settings that bounds depend on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("page_size_of", "settings_of")

PAGE_SIZES = {
    "CONFIG_ARM64_4K_PAGES": 4096,
    "CONFIG_ARM64_16K_PAGES": 16384,
    "CONFIG_ARM64_64K_PAGES": 65536,
    "CONFIG_PPC_4K_PAGES": 4096,
    "CONFIG_PPC_16K_PAGES": 16384,
    "CONFIG_PPC_64K_PAGES": 65536,
    "CONFIG_PPC_256K_PAGES": 262144,
    "CONFIG_PAGE_SIZE_4KB": 4096,
    "CONFIG_PAGE_SIZE_16KB": 16384,
    "CONFIG_PAGE_SIZE_64KB": 65536,
}
"""Choices that name a page size; newer kernels have CONFIG_PAGE_SHIFT."""


def settings_of(text: str) -> dict[str, tuple[str, int]]:
    """Give every setting with its value and line; those that are "not set" are left out."""
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = re.fullmatch(r"(CONFIG_\w+)=(.*)", line.strip())
        if match:
            found[match[1]] = (match[2].strip('"'), number)
    return found


def page_size_of(settings: Mapping[str, tuple[str, int]]) -> tuple[int, int] | None:
    """Give the page size in bytes and the line it stands on; None if nothing says."""
    if "CONFIG_PAGE_SHIFT" in settings:
        shift, line = settings["CONFIG_PAGE_SHIFT"]
        if shift.isdigit() and int(shift) < 30:
            return 1 << int(shift), line
    for name, size in PAGE_SIZES.items():
        if settings.get(name, ("", 0))[0] == "y":
            return size, settings[name][1]
    return None
