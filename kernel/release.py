"""The release of a tree, from its top Makefile: VERSION, PATCHLEVEL, SUBLEVEL, EXTRAVERSION."""

from __future__ import annotations

import re

__all__ = ("release_of",)

ASSIGNMENT = re.compile(r"(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)\s*=\s*(\S*)\s*")


def release_of(makefile: str) -> tuple[str, int] | None:
    """Give a release such as 6.12.117 or 7.3.0-rc4 and the line of VERSION; None if none is stated.

    The first assignment of each name counts.
    """
    found: dict[str, str] = {}
    first = 0
    for number, line in enumerate(makefile.splitlines(), start=1):
        match = ASSIGNMENT.fullmatch(line)
        if match and match[1] not in found:
            found[match[1]] = match[2]
            first = number if match[1] == "VERSION" else first
    numbers = [found.get(name) or "0" for name in ("VERSION", "PATCHLEVEL", "SUBLEVEL")]
    if not first or not all(number.isascii() and number.isdigit() for number in numbers):
        return None
    return ".".join(numbers) + found.get("EXTRAVERSION", ""), first
