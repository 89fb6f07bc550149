"""The input files, and whether each of them has rows of a fleet or describes one machine.

Files that describe one machine each, such as captures, become rows with the machine in the column
`topology`. Input that an engine cannot read directly (standard input, bz2, xz, text that is not
UTF-8) is written to a scratch folder first. All text is unpacked once to find damage: DuckDB takes
the end of a truncated zstd file for the end of its rows.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import glob
import gzip
import io
import json
import lzma
import os
import re
import shutil
import sys
import zlib
from dataclasses import dataclass, replace
from importlib import import_module
from typing import IO, TYPE_CHECKING, cast

from rssbound.errors import InputError, RssboundError, shortened
from rssbound.extras import how_to_install
from rssbound.fleet.columns import distinct, has_machine
from rssbound.topology import read
from rssbound.topology.writers import WRITERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = (
    "CSV",
    "NDJSON",
    "PARQUET",
    "PEEK",
    "Part",
    "format_by_name",
    "is_fleet",
    "is_remote",
    "names_of",
    "opened",
    "parts_of",
    "refuse_unknown",
)

NDJSON, CSV, PARQUET = "ndjson", "csv", "parquet"

ENDINGS = {
    "ndjson": NDJSON,
    "jsonl": NDJSON,
    "csv": CSV,
    "tsv": CSV,
    "parquet": PARQUET,
    "pq": PARQUET,
}
"""Ending of a file's name -> its format."""

PACKED = {"gz": "gzip", "zst": "zstd", "bz2": "bz2", "xz": "xz"}
"""Ending of a compressed file -> its compression."""

_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"\xfd7zXZ\0": "xz"}
_OPEN: dict[str, Callable[..., object]] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}
_DAMAGES = (OSError, EOFError, lzma.LZMAError, zlib.error)

READ_BY_ENGINES = {"none": "", "gzip": ".gz", "zstd": ".zst"}
"""Compressions that engines unpack; Spark recognises them by the ending of the name."""

ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
"""The module that unpacks zstd: the standard library's, or the same for older ones (an extra)."""

CPUS = ("possible", "present", "online")
"""Columns of a flat row, one of which is enough."""

PEEK = 1 << 20
"""Bytes of a file that are examined to recognise its format."""


@dataclass(frozen=True)
class Part:
    """A file of rows, named `label` in messages; `names` are the columns of a CSV.

    `path` may be a copy. `warning` says what is unusual about the file; an empty file has no rows.
    Lines of text have at most `longest` bytes. mending.py makes the repaired copies.
    """

    format: str
    path: str
    label: str
    compression: str = "none"
    delimiter: str = ","
    names: tuple[str, ...] = ()
    is_empty: bool = False
    warning: str = ""
    longest: int = 0
    is_mended: bool = False


def is_remote(source: str) -> bool:
    """Return whether a source is a URL that only an engine can open: s3a://.., hdfs://.. ."""
    return re.match(r"[a-z][a-z0-9+.-]+://", source) is not None


def is_fleet(source: str | None) -> bool:
    """Return whether a source is a file of rows: by its name, and a CSV by its header too.

    lscpu prints a CSV of one machine.
    """
    if source is None or not os.path.isfile(source):
        return False
    found = format_by_name(source)
    if found != CSV:
        return found is not None
    with open(source, "rb") as file:
        start = file.read(PEEK)
    packed = next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "none")
    return _sniffed(_unpacked_start(source, source, packed, start), source) == CSV


def parts_of(sources: Sequence[str], scratch: str) -> tuple[Part, ...]:
    """Give the rows of all sources, in their order.

    `scratch` is an empty folder. InputError for a missing file or an unknown format; a machine
    that cannot be read becomes a row with an error.
    """
    parts: list[Part] = []
    machines: list[tuple[str, str]] = []
    for number, source in enumerate(sources):
        for path, label in _files(source, scratch):
            part = _remote(path) if is_remote(path) else _part(path, label, scratch)
            if part is None:
                machines.append((path, label))
                continue
            if machines:
                parts.append(_captures(machines, scratch, number))
                machines = []
            parts.append(part)
    if machines:
        parts.append(_captures(machines, scratch, len(sources)))
    return tuple(parts)


# -- which files there are


def _files(source: str, scratch: str) -> Iterator[tuple[str, str]]:
    """Yield the files that a source names, each with its label."""
    if source == "-":
        path = os.path.join(scratch, "standard-input")
        with open(path, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, PEEK)
        yield path, "standard input"
    elif is_remote(source):
        yield source, source
    elif os.path.isdir(source):
        for path in _of_folder(source):
            yield path, path
    elif os.path.exists(source):
        yield source, source
    else:
        found = sorted(glob.glob(source, recursive=True))
        if not found:
            raise InputError(f"{source}: no such file or folder")
        for path in found:
            yield path, path


def _of_folder(folder: str) -> list[str]:
    """List the contents of a folder: files of rows at any depth, or else its entries as machines.

    Names that start with . or _ are left out; Spark uses them for its markers.
    """
    if os.path.isdir(os.path.join(folder, "sys")) or os.path.isdir(os.path.join(folder, "cpu")):
        return [folder]
    rows = [
        os.path.join(at, name)
        for at, _, names in sorted(os.walk(folder))
        for name in sorted(names)
        if name[0] not in "._" and format_by_name(name)
    ]
    entries = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name[0] != "."]
    if not (rows or entries):
        raise InputError(f"{folder}: an empty folder; put captures or row files in it")
    return rows or entries


def format_by_name(path: str) -> str | None:
    """Give the format that a file's name ends in, before the ending of a compression."""
    words = path.lower().rsplit(".", 2)
    if len(words) > 2 and words[-1] in PACKED:
        words.pop()
    return ENDINGS.get(words[-1]) if len(words) > 1 else None


# -- the format of each file


def _remote(path: str) -> Part:
    found = format_by_name(path)
    if found is None and "." in path.rpartition("/")[2]:
        raise InputError(f"{path}: what is it? End it in .parquet, .ndjson or .csv")
    return Part(found or PARQUET, path, path)


def _part(path: str, label: str, scratch: str) -> Part | None:
    """Give the format and columns of a file of rows; None for a file that describes one machine."""
    if os.path.isdir(path):
        return None
    with open(path, "rb") as file:
        start = file.read(PEEK)
    compression = next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "none")
    start = _unpacked_start(path, label, compression, start)
    if not start.strip(b"\xef\xbb\xbf \r\n\t"):
        form = format_by_name(path) or NDJSON
        return Part(form, path, label, is_empty=True, warning="empty; no rows in it")
    found = format_by_name(path) or _sniffed(start, label)
    if start.startswith(b"PAR1"):
        found = PARQUET
    if found is None:
        return None
    if found == PARQUET:
        if not start.startswith(b"PAR1"):
            raise InputError(f"{label}: not Parquet, although its name says so")
        return Part(PARQUET, path, label)
    return _part_of_text(Part(found, path, label, compression), scratch)


def _part_of_text(part: Part, scratch: str) -> Part:
    """Examine the encoding and the header of a text file."""
    part = _as_utf8(part, scratch)
    if part.format == NDJSON:
        return part
    header = _header(part)
    delimiter = max(",;\t|", key=header.count)
    names = names_of(header, delimiter)
    refuse_unknown(names, part.label)
    return replace(part, delimiter=delimiter, names=names)


def refuse_unknown(names: Sequence[str], label: str) -> None:
    """Raise InputError if none of the columns of a file describes a machine."""
    if not has_machine(names):
        raise InputError(
            f"{label}: no column describes the machine; name one {', '.join(CPUS)} or topology"
        )


def _unpacked_start(path: str, label: str, compression: str, start: bytes) -> bytes:
    if compression == "none":
        return start
    damages = _damages(label, compression)
    try:
        with opened(path, compression) as file:
            return file.read(PEEK)
    except damages as error:
        raise InputError(f"{label}: damaged: {error}") from None


def opened(path: str, compression: str) -> IO[bytes]:
    """Open a file of text, unpacked."""
    if compression == "none":
        return open(path, "rb")
    opener = import_module(ZSTD).open if compression == "zstd" else _OPEN[compression]
    return cast("IO[bytes]", opener(path, "rb"))


def _damages(label: str, compression: str) -> tuple[type[Exception], ...]:
    """Give the exceptions of an unpacker for a damaged file; InputError if it is not installed."""
    if compression != "zstd":
        return _DAMAGES
    try:
        return (*_DAMAGES, import_module(ZSTD).ZstdError)
    except ImportError:
        how = how_to_install(ZSTD)
        raise InputError(
            f"{label}: compressed with zstd; unpack it: zstd -d, or install {ZSTD}: {how}"
        ) from None


def _sniffed(start: bytes, label: str) -> str | None:
    """Recognise rows by content: lines of JSON, or a header with a known column."""
    utf16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = start.decode("utf-16" if utf16 else "utf-8-sig", "replace").lstrip()
    first = text.partition("\n")[0].strip()
    if first.startswith("[") and text[1:].lstrip().startswith("{"):
        raise InputError(f"{label}: a JSON list; give one object per line: jq -c '.[]'")
    if first.startswith("{"):
        try:
            return NDJSON if isinstance(json.loads(first), dict) else None
        except (ValueError, RecursionError):
            return None
    names = {name.strip().strip('"').lower() for name in re.split("[,;\t|]", first)}
    return CSV if names & {*CPUS, "topology"} else None


def _header(part: Part) -> str:
    """Give the first line of a CSV."""
    packed = opened(part.path, part.compression)
    with io.TextIOWrapper(packed, "utf-8-sig", newline=None) as file:
        return file.readline().rstrip("\n")


def names_of(header: str, delimiter: str) -> tuple[str, ...]:
    """Give the names of the columns in the first line of a CSV."""
    return distinct(next(csv.reader([header.removeprefix("\ufeff")], delimiter=delimiter), []))


def _as_utf8(part: Part, scratch: str) -> Part:
    """Give a file in UTF-8 with a compression that engines read, a copy if necessary."""
    damages = _damages(part.label, part.compression)
    try:
        with opened(part.path, part.compression) as file:
            encoding, longest = _encoding(file)
        part = replace(part, longest=longest)
        if encoding == "utf-8" and part.compression in READ_BY_ENGINES:
            return _with_ending(part, scratch)
        copy = os.path.join(scratch, f"{len(os.listdir(scratch))}.copy")
        packed = opened(part.path, part.compression)
        with (
            io.TextIOWrapper(packed, encoding, errors="backslashreplace", newline="") as file_,
            open(copy, "w", encoding="utf-8", newline="") as out,
        ):
            shutil.copyfileobj(file_, out, PEEK)
    except damages as error:
        raise InputError(f"{part.label}: damaged: {error}") from None
    odd = "not UTF-8; invalid bytes are shown as \\xff" if encoding == "ascii" else ""
    return replace(part, path=copy, compression="none", warning=odd)


def _with_ending(part: Part, scratch: str) -> Part:
    """Give a compressed file a second name with the ending of its compression, if it has none."""
    ending = READ_BY_ENGINES[part.compression]
    if part.path.lower().endswith(ending):
        return part
    link = os.path.join(scratch, f"{len(os.listdir(scratch))}{ending}")
    os.symlink(os.path.abspath(part.path), link)
    return replace(part, path=link)


def _encoding(file: IO[bytes]) -> tuple[str, int]:
    """Give the encoding of a file, and an upper limit for its longest line in bytes of UTF-8.

    The encoding is utf-8, utf-16, or else ascii with invalid bytes.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    encoding, longest, line = "utf-8", 0, 0
    piece = file.read(PEEK)
    if piece.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    while piece:
        if encoding == "utf-8" and not _decodes(decoder, piece):
            encoding = "ascii"
        first = piece.find(b"\n")
        longest = max(longest, line + (len(piece) if first < 0 else first))
        line = line + len(piece) if first < 0 else len(piece) - piece.rfind(b"\n") - 1
        piece = file.read(PEEK)
    if encoding == "utf-8" and not _decodes(decoder, b""):
        encoding = "ascii"
    return encoding, longest if encoding == "utf-8" else 4 * longest  # \xff has four letters


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes) -> bool:
    """Return whether the next bytes are text; no bytes mean the end."""
    try:
        decoder.decode(piece, final=not piece)
    except UnicodeDecodeError:
        return False
    return True


# -- machines


def _captures(files: Sequence[tuple[str, str]], scratch: str, number: int) -> Part:
    """Write a row for each file or folder (path and label) that describes a machine."""
    path = os.path.join(scratch, f"machines-{number}.ndjson")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in _machine_rows(files))
    return Part(NDJSON, path, "captures")


def _machine_rows(files: Iterable[tuple[str, str]]) -> Iterator[dict[str, object]]:
    for path, label in files:
        try:
            machine = read(path)
            described = json.loads(WRITERS["json"](machine))
            yield {"name": machine.name, "source": label, "topology": described}
        except RssboundError as error:
            faults = "; ".join(error.faults).replace(path, label)
            unread = shortened(faults, 1000)
            yield {"name": os.path.basename(label), "source": label, "unread": unread}
