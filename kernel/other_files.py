"""The files of a tree that are not searched: which of them name something, and what headers define.

All are read once, for a few names, which takes seconds for a whole kernel. A tree with only the
searched files has no others.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ("defined_in_headers", "files_naming")

SKIPPED = ("Documentation", "LICENSES", "certs", "rust", "samples", "scripts", "tools", "usr")
"""Folders at the top that are no part of a kernel."""

LARGEST = 1 << 20
"""Bytes of the largest file that is read; larger ones list the registers of a device."""

DEFINED = re.compile(
    rb"^[ \t]*#[ \t]*(?:define|undef)[ \t]+(\w+)"
    rb"|^[A-Za-z_][^\n;#={}]*?\b(\w+)[ \t]*\("  # a function, or a call at the top level
    rb"|^(?:typedef\b[^;{]*?|\}[ \t]*)(\w+)[ \t]*;",
    re.MULTILINE,
)


def files_naming(folder: Path, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Find the files that contain some words; gives them by word, sorted."""
    words = {name: re.compile(rb"\b" + name.encode() + rb"\b") for name in names}
    plain = [(name, name.encode()) for name in words]
    found: dict[str, list[str]] = {}
    for top in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if not top.is_dir() or top.name in SKIPPED or top.name.startswith("."):
            continue
        for path, text in _texts(folder, top.name, (".c", ".h")):
            for name, word in plain:
                if word in text and words[name].search(text):
                    found.setdefault(name, []).append(path)
    return {name: tuple(sorted(paths)) for name, paths in found.items()}


def defined_in_headers(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """List the headers that can define each name as a macro, a function or a type."""
    found: dict[str, list[str]] = {}
    arches = sorted((folder / "arch").glob("*/include"))
    below = ["include", *(str(arch.relative_to(folder)) for arch in arches)]
    for start in below:
        for path, text in _texts(folder, start, (".h",)):
            for name in {name for names in DEFINED.findall(text) for name in names if name}:
                found.setdefault(name.decode(), []).append(path)
    return {name: tuple(sorted(paths)) for name, paths in found.items()}


def _texts(folder: Path, below: str, endings: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Read the files below a folder whose names end in one of some ways."""
    start = len(str(folder)) + 1
    for place, folders, files in os.walk(os.path.join(folder, below)):
        folders.sort()
        for name in files:
            if name.endswith(endings):
                file = f"{place}/{name}"
                text = _text(file)
                if text is not None:
                    yield file[start:], text


def _text(file: str) -> bytes | None:
    """Read a file; None if it is too large, or a link to one that is not there."""
    try:
        opened = os.open(file, os.O_RDONLY)
    except OSError:
        return None
    try:
        size = os.fstat(opened).st_size
        return os.read(opened, size) if size <= LARGEST else None
    finally:
        os.close(opened)
