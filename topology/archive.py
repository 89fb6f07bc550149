"""Files below one folder of a tar archive, which is never unpacked.

Absolute names, `..`, links that point outside the archive and members too large for a capture are
refused. This is a separate module because tarfile is slow to load.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
from typing import IO, TYPE_CHECKING

from rssbound.errors import InputError
from rssbound.topology.filetree import ARITY, MOST_BYTES, SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("Archive", "is_tar", "read_archive")

MOST_MEMBERS = 500_000
"""Ten times the files that describe a machine of 4,096 CPUs."""

_WANTED = re.compile(
    r"(?P<root>|.*?/)(?:(?P<beside>proc/(?:hwloc-nofile-info|sys/kernel/osrelease|version))"
    r"|sys/devices/system/(?:"
    r"cpu/(?:possible|present|online)"
    r"|cpu/cpu\d+(?:/online|/topology(?:/[a-z_]+)?|/cache(?:/index\d+(?:/(?:level|type|id|shared_cpu_\w+))?)?)?"
    r"|node(?:/(?:has_cpu|node\d+(?:/(?:cpulist|cpumap|cpu\d+))?))?))"
)

_ARITY = re.compile(r"(?P<root>|.*?/)sys/module/percpu_counter_tree/parameters/arity")

_FOLDER = re.compile(r"(?:|.*?/)sys/devices/system/(?:cpu/cpu|node/node)\d+(?=/)")
"""A CPU or a node exists even if nothing below its folder is wanted."""


class Archive:
    """A folder inside a tar archive, held in memory."""

    def __init__(self, files: dict[str, bytes], folders: dict[str, dict[str, None]]) -> None:
        self._files = files
        self._folders = folders

    def names(self, path: str) -> list[str]:
        """List the names in a folder."""
        return list(self._folders.get(path, ()))

    def read(self, path: str) -> bytes | None:
        """Give the content of a file."""
        return self._files.get(path)

    def beside(self, path: str) -> bytes | None:
        """Give the content of a file outside the folder, by its path from the machine's /."""
        return self._files.get(f"/{path}")


def read_archive(stream: IO[bytes]) -> dict[str, Archive]:
    """Read a tar archive; give each `sys/devices/system` in it, keyed by its parent folder.

    Only the files that describe the topology are kept. Raises InputError for a damaged archive and
    for a member that is absolute, leaves the tree by `..` or a link, or is too large for a capture.
    """
    files: dict[str, dict[str, bytes]] = {}
    folders: dict[str, dict[str, dict[str, None]]] = {}
    for name, content in _members(stream):
        if (shape := _ARITY.fullmatch(name)) and content is not None:
            files.setdefault(shape["root"].rstrip("/"), {})[ARITY] = content
        match = _WANTED.fullmatch(name)
        if not match and (folder := _FOLDER.match(name)):
            name, content = folder[0], None  # noqa: PLW2901
            match = _WANTED.fullmatch(name)
        if not match:
            continue
        root = match["root"].rstrip("/")
        beside = match["beside"]
        path = f"/{beside}" if beside else name[len(match["root"]) + len(SYSTEM) + 1 :]
        if content is not None:
            files.setdefault(root, {})[path] = content
        if not beside:
            _register(folders.setdefault(root, {}), path)
    return {root: Archive(files.get(root, {}), folders[root]) for root in folders}


def _register(folders: dict[str, dict[str, None]], path: str) -> None:
    """Add a path and the folders above it to the listings."""
    while path:
        folder, name = posixpath.split(path)
        listing = folders.setdefault(folder, {})
        if name in listing:
            return
        listing[name] = None
        path = folder


def _members(stream: IO[bytes]) -> Iterator[tuple[str, bytes | None]]:
    """Check every member; yield its name and, for a regular file, its content."""
    wanted: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_CheckedMember) as archive:
            for number, member in enumerate(archive):
                if number >= MOST_MEMBERS:
                    raise InputError(f"more than {MOST_MEMBERS} members; not a topology capture")
                _check_size(member)
                name = _checked_name(member)
                file = archive.extractfile(member) if _is_wanted_file(member, name) else None
                if file is not None:
                    wanted[name] = file.read()
                elif member.islnk():
                    wanted[name] = wanted.get(posixpath.normpath(member.linkname), b"")
                yield name, wanted.get(name)
                archive.members.clear()  # type: ignore[attr-defined] # keeps memory flat
    except (tarfile.TarError, EOFError, OSError, ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"damaged archive: {error}") from None


class _CheckedMember(tarfile.TarInfo):
    """A member that is checked before it is read; a broken header is not the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _CheckedMember:
        try:
            member = super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined] # the block of zeros that ends an archive
            raise
        except tarfile.HeaderError as error:
            raise InputError(f"damaged archive: {error}; it may be truncated") from None
        _check_size(member)
        return member


def _check_size(member: tarfile.TarInfo) -> None:
    if member.size > MOST_BYTES:
        raise InputError(
            f"{member.name}: {member.size} bytes; a topology capture has no member above "
            f"{MOST_BYTES}; pack only sys/devices/system/cpu and node"
        )


def _is_wanted_file(member: tarfile.TarInfo, name: str) -> bool:
    wanted = _WANTED.fullmatch(name) or _ARITY.fullmatch(name)
    return member.isfile() and not member.islnk() and wanted is not None


def _checked_name(member: tarfile.TarInfo) -> str:
    """Give the normal form of a member's name; InputError if it or its link leaves the tree."""
    name = posixpath.normpath(member.name)
    if name.startswith("/") or name.split("/")[0] == "..":
        raise InputError(f"{member.name}: this path leaves the archive; refused")
    if not (member.issym() or member.islnk()):
        return name
    start = posixpath.dirname(name) if member.issym() else ""
    target = posixpath.normpath(posixpath.join(start, member.linkname))
    climbs = target.split("/")[0] == ".." and _WANTED.fullmatch(name)
    if target.startswith("/") or climbs:
        raise InputError(
            f"{member.name}: this link leaves the archive, to {member.linkname}; refused"
        )
    return name


def is_tar(block: bytes) -> bool:
    """Return whether a block is the header of a tar archive's first member."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True
