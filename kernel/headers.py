"""Headers that the searched files include and that no reviewed release has.

Any of them can redefine what the counters use, such as abs or this_cpu_add. A header of a reviewed
release counts only with what it defines of the names that are used (definitions.py); any other one
is searched as a whole. known_headers.json lists the headers that searched files of reviewed
releases include.
"""

from __future__ import annotations

import json
import posixpath
import re
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from rssbound.kernel.preprocessor import without_comments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.kernel.source_tree import SourceTree

__all__ = ("included", "included_by", "known_headers", "unknown_headers")

INCLUDE = re.compile(
    rb"^[ \t]*#[ \t]*(?:(?:include|include_next|import)|define[ \t]+\w+)"
    rb"[ \t]*([<\"])([\w./+-]+\.[\w+-]+)[>\"]",
    re.MULTILINE,
)
"""A line that includes a file, or gives a macro its name, which `#include MACRO` takes."""

CONTINUED = re.compile(rb"\\\n")
MOST = 400
"""Unknown headers that are read; no patch adds as many."""


@cache
def known_headers() -> frozenset[str]:
    """Give the paths of the headers that searched files of reviewed releases include."""
    file = resources.files("rssbound.kernel").joinpath("known_headers.json")
    return frozenset(json.loads(file.read_text()))


def included(tree: SourceTree, path: str) -> set[str]:
    """Give the paths that the #include lines of a file can mean; they need not exist."""
    source = tree.source(path)
    return set() if source is None else {*included_by(path, source.text)}


@lru_cache(maxsize=4096)
def included_by(path: str, text: bytes) -> tuple[str, ...]:
    """Give the same for the text of a file, in order."""
    found: dict[str, None] = {}
    text = CONTINUED.sub(b"", without_comments(text))
    for sign, name in INCLUDE.findall(text):
        beside = [posixpath.dirname(path)] if sign == b'"' else []
        for folder in [*beside, "include"]:
            found[posixpath.normpath(posixpath.join(folder, name.decode()))] = None
    return tuple(each for each in found if not each.startswith(("..", "/")))


def unknown_headers(tree: SourceTree, searched: Iterable[str]) -> list[str]:
    """List the unknown files that some files include, and those that these include.

    Most are headers, but `#include "batch.c"` is C as well.
    """
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
