"""The source of a description: this machine, a folder, a file, standard input, or a string.

This module opens what the user named and unpacks it; the readers interpret the content.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import re
import stat
import sys
from typing import IO, TYPE_CHECKING, cast

from rssbound.errors import InputError, shortened
from rssbound.records import dataclass
from rssbound.topology.filetree import CAPTURED, SYSTEM, FileTree, Folder

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("Source", "open_source")

MOST_BYTES = 64 << 20
"""The largest document that is read, unpacked."""

MOST_ARCHIVE_BYTES = 1 << 30
"""The largest archive that is read, unpacked."""

_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\0": "lzma"}
"""First bytes of a compressed file -> the module that opens it, loaded when needed."""

TAR_BLOCK = 512
"""Bytes of the header of a tar member."""


@dataclass(frozen=True)
class Source:
    """An opened source. Either `trees` (folders with a captured sys) or `data` is given.

    `label` names it in messages. `name` is the machine's name if the description has none.
    """

    label: str
    name: str
    data: bytes | None = None
    trees: Mapping[str, FileTree] | None = None
    live: bool = False


def open_source(spec: str | os.PathLike[str] | None, *, sysroot: str = "/") -> Source:
    """Open what the user named; None is this machine, `-` standard input.

    `sysroot` is the folder that contains this machine's `sys`, as a container mounts it.

    A text that is not a path but may describe a machine, such as `core:8 pu:2`, is its own
    content. InputError for a source that cannot be opened, is too large, or is a damaged archive.
    """
    if spec is None:
        return _this_machine(sysroot)
    path = os.fspath(spec)
    if not path:
        raise InputError(
            "an empty name of a machine; give a file, a folder, - for standard input, or a "
            "description such as 'package:2 core:24 pu:2'"
        )
    if path == "-":
        return _opened("standard input", "standard input", sys.stdin.buffer)
    try:
        return _of_path(path)
    except (FileNotFoundError, NotADirectoryError):
        if not _may_be_description(path):
            raise InputError(
                f"{path}: no such file, and not a description such as 'package:2 core:24 pu:2'"
            ) from None
        return _of_text(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG and _may_be_description(path):
            return _of_text(path)
        raise InputError(f"{shortened(path, 200)}: {error.strerror or error}") from None
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{shortened(path, 200)!r}: a path cannot contain a NUL") from None


def _this_machine(sysroot: str) -> Source:
    if os.path.exists(os.path.join(sysroot, CAPTURED)):  # not mounted: a capture, with its kernel
        return Source(sysroot, _stem(sysroot), trees=_captured_folders(sysroot))
    folder = os.path.join(sysroot, "sys")
    if not os.path.isdir(folder):
        raise InputError(f"{folder}: no such folder; sysroot is the folder that contains sys")
    return Source(
        "this machine",
        os.uname().nodename,
        trees={"": Folder(os.path.join(sysroot, SYSTEM), within=folder)},
        live=True,
    )


def _of_text(text: str) -> Source:
    return Source(shortened(text, 200), shortened(text, 200), data=text.encode("utf-8", "replace"))


def _of_path(path: str) -> Source:
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a FIFO without a writer must not block
    mode = os.fstat(handle).st_mode
    name = _stem(path)
    if stat.S_ISDIR(mode):
        os.close(handle)
        trees = _captured_folders(path)
        if not trees:
            _refuse_files_in(path)
        return Source(path, name, trees=trees)
    with open(handle, "rb") as file:
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise InputError(f"{path}: neither a file nor a folder")
        os.set_blocking(handle, True)  # the writer of a pipe may be slower than this reader
        return _opened(path, name, file)


def _opened(label: str, name: str, file: IO[bytes]) -> Source:
    try:
        stream = io.BufferedReader(
            cast("io.RawIOBase", _Bounded(_unpacked(file), MOST_ARCHIVE_BYTES))
        )
        if _may_be_tar(block := stream.peek(TAR_BLOCK)[:TAR_BLOCK]):
            from rssbound.topology import archive  # noqa: PLC0415 (tarfile is slow to load)

            if archive.is_tar(block):
                return Source(label, name, trees=archive.read_archive(cast("IO[bytes]", stream)))
        data = stream.read(MOST_BYTES + 1)
    except InputError as error:
        raise error.at(label) from None
    except _damages() as error:
        raise InputError(f"{label}: damaged: {error}") from None
    if len(data) > MOST_BYTES:
        raise InputError(
            f"{label}: larger than {MOST_BYTES >> 20} MiB; not a description of a machine"
        )
    return Source(label, name, data=data)


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    """Decompress a file recognised by its first bytes; return other content unchanged."""
    buffered = (
        file
        if isinstance(file, io.BufferedReader)
        else io.BufferedReader(cast("io.RawIOBase", file))
    )
    start = buffered.peek(6)
    for magic, module in _PACKED.items():
        if start.startswith(magic):
            return cast("IO[bytes]", importlib.import_module(module).open(buffered))
    return cast("IO[bytes]", buffered)


def _damages() -> tuple[type[Exception], ...]:
    """Give the exceptions for a damaged file; called only after an exception."""
    import lzma  # noqa: PLC0415 (slow to load)
    import zlib  # noqa: PLC0415

    return (OSError, EOFError, lzma.LZMAError, zlib.error)


class _Bounded(io.RawIOBase):
    """A stream that reads at most `most` bytes, so that no small file fills the memory."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override] # typeshed has Buffer
        piece = self._file.read(len(buffer))
        self._left -= len(piece)
        if self._left < 0:
            raise InputError(f"larger than {MOST_ARCHIVE_BYTES >> 30} GiB unpacked; refused")
        buffer[: len(piece)] = piece
        return len(piece)


def _may_be_tar(block: bytes) -> bool:
    """Return whether a block has an octal number where a tar header has its checksum."""
    checksum = block[148:156].strip(b" \0")
    return len(block) == TAR_BLOCK and bool(checksum) and not checksum.strip(b"01234567")


def _captured_folders(path: str) -> dict[str, FileTree]:
    """Find sys/devices/system: in the folder itself, in NAME/ or in NAME/fsroot/ below it.

    A folder that is itself `sys`, `devices/system` or similar is recognised by its content.
    """
    for inner in (SYSTEM, f"fsroot/{SYSTEM}", "devices/system", "system", ""):
        if os.path.isdir(os.path.join(path, inner, "cpu")):
            return {"": Folder(os.path.join(path, inner), within=path)}
    found: dict[str, FileTree] = {}
    for name in sorted(os.listdir(path)):
        for inner in (SYSTEM, f"fsroot/{SYSTEM}"):
            folder = os.path.join(path, name, inner)
            if os.path.isdir(os.path.join(folder, "cpu")):
                found[name] = Folder(folder, within=path)
    return found


def _refuse_files_in(path: str) -> None:
    """InputError if a folder holds nothing but files: descriptions, of which each is a machine."""
    with os.scandir(path) as entries:
        files = sorted(entry.name if entry.is_file() else "" for entry in entries)
    if files and files[0]:
        first = os.path.join(path, files[0])
        raise InputError(
            f"{path}: a folder without a captured sys; name the files in it, such as {first}"
        )


def _may_be_description(text: str) -> bool:
    """Return whether a text that is not a path may describe a machine: `core:8`, `cpus=8`, `8`."""
    start = re.split("[:=]", text, maxsplit=1)[0]
    return (start != text and "/" not in start) or not text.strip("0123456789 ")


def _stem(path: str) -> str:
    name = os.path.basename(os.path.normpath(path))
    for ending in (".gz", ".bz2", ".xz", ".tgz", ".tar", ".json", ".xml", ".txt"):
        name = name.removesuffix(ending) or name
    return name
