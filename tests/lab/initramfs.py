"""A cpio archive (newc, Documentation/driver-api/early-userspace/buffer-format.rst) in memory."""

from __future__ import annotations

import stat
from pathlib import PurePosixPath
from typing import NamedTuple

FOLDER = stat.S_IFDIR | 0o755
PROGRAM = stat.S_IFREG | 0o755
CONSOLE = stat.S_IFCHR | 0o600


class Entry(NamedTuple):
    """One file; `device` is major and minor of a device file."""

    name: str
    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def initramfs(files: dict[str, bytes]) -> bytes:
    """Pack files, by their path without the leading `/`, with the folders a kernel needs."""
    entries = [Entry(name, FOLDER) for name in _folders_of(files)]
    entries.append(Entry("dev/console", CONSOLE, device=(5, 1)))
    entries += [Entry(name, PROGRAM, content) for name, content in files.items()]
    packed = [_packed(number, entry) for number, entry in enumerate(entries, start=1)]
    return b"".join([*packed, _packed(0, Entry("TRAILER!!!", 0))])


def _folders_of(files: dict[str, bytes]) -> list[str]:
    """List all folders, each after its parent."""
    parents = {str(folder) for name in files for folder in PurePosixPath(name).parents}
    return sorted({"dev", "proc", "sys", "ram", "run"} | parents - {"."})


def _packed(number: int, entry: Entry) -> bytes:
    name = entry.name.encode() + b"\0"
    links = 2 if entry.mode == FOLDER else 1
    fields = (
        *(number, entry.mode, 0, 0, links, 0, len(entry.content)),
        *(0, 0, *entry.device, len(name), 0),
    )
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    return _padded(header + name) + _padded(entry.content)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
