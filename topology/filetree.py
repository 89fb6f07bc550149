"""Files below one folder of a capture or of the live machine.

Paths are relative to the folder and use `/`. Links that leave the folder and files that are too
large for a capture are refused. archive.py has the folders of tar archives.
"""

from __future__ import annotations

import os
import stat
from typing import Protocol

from rssbound.errors import InputError

__all__ = ("ARITY", "CAPTURED", "MOST_BYTES", "SYSTEM", "FileTree", "Folder")

MOST_BYTES = 4 << 20
"""The largest file that is read; the longest list that the kernel prints has some hundred KiB."""

SYSTEM = "sys/devices/system"

CAPTURED = "proc/hwloc-nofile-info"
"""Paths from the machine's / where a capture has the kernel release and the page size."""

ARITY = "../../module/percpu_counter_tree/parameters/arity"
"""The only file that is read outside SYSTEM, relative to it: the shape of a counter tree."""


class FileTree(Protocol):
    """A folder of a capture or of the live machine."""

    def names(self, path: str) -> list[str]:
        """List the names in a folder; none if there is no such folder."""
        ...

    def read(self, path: str) -> bytes | None:
        """Give the content of a file, None if there is no such file."""
        ...

    def beside(self, path: str) -> bytes | None:
        """Give a file of the same machine by its path from /, None if it was not captured."""
        ...


class Folder:
    """A folder on disk; links are followed if they stay in the folder where it was found."""

    def __init__(self, root: str, within: str | None = None) -> None:
        self.root = os.path.realpath(root)
        self.within = os.path.realpath(root if within is None else within)
        self._check(self.root, root)

    def names(self, path: str) -> list[str]:
        """List the names in a folder; InputError for one that lies outside."""
        handle = self._opened(path, os.O_DIRECTORY)
        if handle is None:
            return []
        try:
            with os.scandir(handle) as entries:
                return [entry.name for entry in entries]
        finally:
            os.close(handle)

    def read(self, path: str) -> bytes | None:
        """Give the content of a regular file; InputError for one that lies outside."""
        handle = self._opened(path, os.O_NONBLOCK)  # a FIFO would block indefinitely
        if handle is None:
            return None
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise InputError(f"{path}: not a regular file")
            return _read_handle(handle, path)
        finally:
            os.close(handle)

    def beside(self, path: str) -> bytes | None:
        """Give a regular file of the same machine by its path from /; never from above the tree."""
        top = self.root.removesuffix(f"/{SYSTEM}")
        if top == self.root or not self._holds(top):
            return None
        return Folder(top, within=self.within).read(path)

    def _opened(self, path: str, flags: int) -> int | None:
        try:
            handle = os.open(f"{self.root}/{path}", os.O_RDONLY | flags)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from None
        try:
            self._check(self._place_of(handle, path), path)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def _place_of(self, handle: int, path: str) -> str:
        """Give the real path of an open file, with all links resolved; a sandbox may lack /proc."""
        try:
            return os.readlink(f"/proc/self/fd/{handle}")
        except OSError:
            return os.path.realpath(f"{self.root}/{path}")

    def _check(self, place: str, path: str) -> None:
        if not self._holds(place):
            raise InputError(f"{path}: this link leaves the tree, to {place}; refused")

    def _holds(self, place: str) -> bool:
        return place == self.within or place.startswith(f"{self.within.rstrip('/')}/")


def _read_handle(handle: int, path: str) -> bytes:
    """Read a file to its end, without a file object, because there are thousands of files."""
    content = os.read(handle, 65536)
    while len(content) >= 65536:
        more = os.read(handle, 65536)
        if not more:
            break
        content += more
        if len(content) > MOST_BYTES:
            raise InputError(f"{path}: larger than {MOST_BYTES} bytes; not a sysfs file")
    return content
