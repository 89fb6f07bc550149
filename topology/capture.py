"""Copy the files of a sysfs tree that describe the topology, and nothing else, into an archive.

These are the files that the sysfs reader uses; none of them contains host names or serial
numbers. The archive also has the kernel release and the page size. Two captures of one machine are
identical byte for byte.
"""

from __future__ import annotations

import gzip
import io
import posixpath
import re
import tarfile
from itertools import chain
from typing import TYPE_CHECKING

from rssbound.errors import InputError
from rssbound.topology.about import about, written
from rssbound.topology.filetree import ARITY, CAPTURED, SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rssbound.topology.filetree import FileTree
    from rssbound.topology.sources import Source

__all__ = ("raw_capture",)

CACHE_FILES = ("level", "type", "id", "shared_cpu_list", "shared_cpu_map")


def raw_capture(source: Source) -> bytes:
    """Give a .tar.gz of the only tree of a source; InputError if it has none or several."""
    trees = list((source.trees or {}).values())
    if len(trees) != 1:
        raise InputError(
            f"{source.label}: {len(trees)} sysfs trees; a raw capture needs exactly one"
        )
    stream = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=stream, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        about_kernel = written(about(source, trees[0]))
        beside = [(CAPTURED, about_kernel)] if about_kernel else []
        for path, content in chain(_entries(trees[0]), beside):
            member = tarfile.TarInfo(path)
            member.mode = 0o755 if content is None else 0o644
            member.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            member.size = len(content or b"")
            archive.addfile(member, io.BytesIO(content or b""))
    return stream.getvalue()


def _entries(tree: FileTree) -> Iterator[tuple[str, bytes | None]]:
    """Yield the wanted paths, each with its content, None for a folder."""
    for path in _paths(tree):
        content = tree.read(path)
        if content is not None:
            yield posixpath.normpath(f"{SYSTEM}/{path}"), content
    for path in _folders(tree):  # a CPU or a node exists even if its folder is empty
        yield f"{SYSTEM}/{path}", None


def _folders(tree: FileTree) -> Iterator[str]:
    yield from _numbered(tree, "cpu", "cpu")
    for node in _numbered(tree, "node", "node"):
        yield node
        if tree.read(f"{node}/cpulist") is None and tree.read(f"{node}/cpumap") is None:
            yield from _numbered(tree, node, "cpu")


def _paths(tree: FileTree) -> Iterator[str]:
    yield from (f"cpu/{name}" for name in ("possible", "present", "online"))
    for cpu in _numbered(tree, "cpu", "cpu"):
        yield f"{cpu}/online"
        yield from (f"{cpu}/topology/{name}" for name in sorted(tree.names(f"{cpu}/topology")))
        for index in _numbered(tree, f"{cpu}/cache", "index"):
            yield from (f"{index}/{name}" for name in CACHE_FILES)
    yield "node/has_cpu"
    for node in _numbered(tree, "node", "node"):
        yield from (f"{node}/{name}" for name in ("cpulist", "cpumap"))
    yield ARITY


def _numbered(tree: FileTree, folder: str, stem: str) -> list[str]:
    """List the paths of stemN in a folder, smallest N first."""
    found = (re.fullmatch(rf"{stem}(\d{{1,9}})", name) for name in tree.names(folder))
    numbers = sorted(int(match[1]) for match in found if match)
    return [f"{folder}/{stem}{number}" for number in numbers]
