"""The names people give to levels: hwloc's, lscpu's, QEMU's and the usual short forms."""

from __future__ import annotations

import re

__all__ = ("cache_level", "level_of")

_FULL_NAMES = {
    "machine": "machine",
    "system": "machine",
    "group": "group",
    "drawer": "drawer",
    "book": "book",
    "package": "package",
    "pkg": "package",
    "socket": "package",
    "die": "die",
    "numanode": "node",
    "node": "node",
    "numa": "node",
    "cluster": "cluster",
    "llc": "llc",
    "core": "core",
    "pu": "cpu",
    "cpu": "cpu",
    "thread": "cpu",
}

_CACHE = re.compile(r"l([1-5])([udi]?)(?:cache)?")


def level_of(name: str) -> str | None:
    """Give the level that a name means: one of LEVELS, machine, group, cache or cpu; else None.

    Case is ignored. Two letters or more are enough if they are unambiguous, as in hwloc.
    """
    name = name.lower()
    if name in _FULL_NAMES:
        return _FULL_NAMES[name]
    if _CACHE.fullmatch(name) or name == "cache":
        return "cache"
    if len(name) < 2:
        return None
    meanings = {level for full, level in _FULL_NAMES.items() if full.startswith(name)}
    return meanings.pop() if len(meanings) == 1 else None


def cache_level(name: str) -> tuple[int, bool]:
    """Give the level of a cache name such as l2 or L1iCache, and whether it holds data.

    The plain `cache` of hwloc 1 is a second-level cache.
    """
    match = _CACHE.fullmatch(name.lower())
    return (int(match[1]), match[2] != "i") if match else (2, True)
