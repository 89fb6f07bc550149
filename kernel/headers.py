"""Headers that the searched files include and that no reviewed release has.

A header of a reviewed release is assumed to do what its names say. Any other one can redefine what
the counters use, such as abs or this_cpu_add, so it is searched too. known_headers.json
lists the headers that searched files of reviewed releases include.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.kernel.source_tree import SourceTree

__all__ = ("included", "known_headers", "unknown_headers")

INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*([<"])([\w./-]+)[>"]', re.MULTILINE)
MOST = 64
"""Unknown headers that are read; no patch adds as many."""


@cache
def known_headers() -> frozenset[str]:
    """Give the paths of the headers that searched files of reviewed releases include."""
    file = resources.files("rssbound.kernel").joinpath("known_headers.json")
    return frozenset(json.loads(file.read_text()))


def included(tree: SourceTree, path: str) -> set[str]:
    """Give the paths that the #include lines of a file can mean; they need not exist."""
    source = tree.source(path)
    found: set[str] = set()
    for sign, name in INCLUDE.findall(source.text) if source else ():
        header = PurePosixPath(name.decode())
        if ".." not in header.parts:
            found.add(str("include" / header))
            found |= {str(PurePosixPath(path).parent / header)} if sign == b'"' else set()
    return found


def unknown_headers(tree: SourceTree, searched: Iterable[str]) -> list[str]:
    """List the unknown headers that some files include, and those that these include."""
    waiting = sorted(searched)
    seen = {*waiting, *known_headers()}
    unknown: list[str] = []
    while waiting and len(unknown) < MOST:
        for path in sorted(included(tree, waiting.pop()) - seen):
            seen.add(path)
            if tree.source(path) is not None:
                unknown.append(path)
                waiting.append(path)
    return sorted(unknown)
