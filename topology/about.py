"""Release and page size of a captured kernel, which /sys does not contain.

hwloc stores them in proc/hwloc-nofile-info, `OSRelease: 6.12.9` and `PageSize: 4096`; our own
captures use the same form. Others may have proc/sys/kernel/osrelease or proc/version.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from rssbound.topology.filetree import CAPTURED

if TYPE_CHECKING:
    from rssbound.topology.filetree import FileTree
    from rssbound.topology.sources import Source

__all__ = ("About", "about", "written")

_RELEASE = r"[0-9][\x21-\x7e]{0,100}"
_NOFILE_RELEASE = re.compile(rf"^OSRelease: *({_RELEASE})$", re.MULTILINE)
_PAGE_SIZE = re.compile(r"^PageSize: *([0-9]{4,7})$", re.MULTILINE)
_OSRELEASE = re.compile(rf"\A({_RELEASE})\s*\Z")
_VERSION = re.compile(rf"\ALinux version ({_RELEASE})")


class About(NamedTuple):
    """Kernel release and page size in bytes; None if unknown."""

    kernel: str | None
    page_size: int | None


def about(source: Source, tree: FileTree) -> About:
    """Give what is known about the kernel of a live or captured machine."""
    if source.live:
        return About(os.uname().release, os.sysconf("SC_PAGE_SIZE"))
    info = _text(tree, CAPTURED)
    match = (
        _NOFILE_RELEASE.search(info)
        or _OSRELEASE.search(_text(tree, "proc/sys/kernel/osrelease"))
        or _VERSION.search(_text(tree, "proc/version"))
    )
    size = _PAGE_SIZE.search(info)
    bytes_ = int(size[1]) if size else 0
    usable = bytes_ >= 1024 and bytes_ & (bytes_ - 1) == 0
    return About(match[1] if match else None, bytes_ if usable else None)


def written(known: About) -> bytes:
    """Give the file for a capture; b"" if nothing is known."""
    lines = {"OSRelease": known.kernel, "PageSize": known.page_size}
    told = [f"{key}: {value}\n" for key, value in lines.items() if value is not None]
    return "".join(["OSName: Linux\n", *told]).encode() if told else b""


def _text(tree: FileTree, path: str) -> str:
    return (tree.beside(path) or b"").decode("utf-8", "replace").rstrip("\0")
