"""Repair text that DuckDB cannot read completely: long lines, CSV rows with too many fields.

The text is copied record by record. In the copy, each of these is a row with its fault.
"""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, TextIO

from rssbound.fleet.sources import CSV, PEEK, Part, opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ("fault_of", "mended")

START = 200
"""Characters that are kept of a line or record that is too long."""

GROWTH = 4
"""The largest factor by which the added text, with doubled quotes, lengthens a record."""


def mended(part: Part, scratch: str, most: int) -> Part:
    """Copy a part to the folder `scratch`, without lines and records of more than `most` bytes.

    A record of the copy may be twice as long, because quotes are doubled in it.
    In a CSV, every record has two more fields than the header: the text of a record with too many
    fields, or the start of one that was too long; and the fault of the record.
    """
    path = os.path.join(scratch, f"{len(os.listdir(scratch))}.mended")
    with _text(part) as file, open(path, "w", encoding="utf-8", newline="") as out:
        if part.format == CSV:
            _copy_records(file, out, part, most)
        else:
            _copy_lines(file, out, most)
    return replace(part, path=path, compression="none", is_mended=True)


def _text(part: Part) -> TextIO:
    newline = "" if part.format == CSV else "\n"
    packed = opened(part.path, part.compression)
    return io.TextIOWrapper(packed, "utf-8-sig", errors="replace", newline=newline)


def _too_long(what: str, size: int, most: int) -> str:
    return f"{what} has {size:,} bytes; at most {most:,} are read"


# -- lines of JSON


def _copy_lines(file: TextIO, out: TextIO, most: int) -> None:
    for number in count(1):
        line = file.readline(most + 2)
        if not line:
            return
        size = _size(line)
        if size <= most:
            out.write(line)
            continue
        start = line[:START]
        while not line.endswith("\n") and (line := file.readline(PEEK)):
            size += _size(line)
        fault = _too_long(f"line {number}", size, most)
        out.write(json.dumps({"line": start, "unread": fault}) + "\n")


def _size(line: str) -> int:
    """Give the bytes of a line without its end."""
    return len(line.rstrip("\r\n").encode())


# -- records of a CSV


class _Lines:
    """The lines of a file for csv.reader, which stops in the middle of a record that is too long.

    The record begins with `begin`; `text` is the part of it that was read.
    """

    def __init__(self, file: TextIO, most: int) -> None:
        self._file, self._most = file, most
        self.begin()

    def begin(self) -> None:
        self._pieces: list[str] = []
        self._bytes_before, self._last = 0, ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.is_too_long or not self._read(self._most + 2) or self.is_too_long:
            raise StopIteration
        return self._last

    def _read(self, most: int) -> bool:
        line = self._file.readline(most)
        if line:
            self._bytes_before += len(self._last.encode())
            self._last = line
            self._pieces.append(line)
        return bool(line)

    @property
    def size(self) -> int:
        """Bytes of the record without the end of its last line."""
        return self._bytes_before + _size(self._last)

    @property
    def is_too_long(self) -> bool:
        return self.size > self._most

    @property
    def text(self) -> str:
        return "".join(self._pieces).rstrip("\r\n")

    def skip(self) -> str:
        """Read to the end of the record, a line end outside quotes; give its start."""
        start = self.text[:START]
        quotes = 0
        while True:
            quotes += sum(piece.count('"') for piece in self._pieces)
            self._pieces.clear()
            if (not quotes % 2 and self._last.endswith(("\n", "\r"))) or not self._read(PEEK):
                return start


def _copy_records(file: TextIO, out: TextIO, part: Part, most: int) -> None:
    writer = csv.writer(out, delimiter=part.delimiter)
    width = len(part.names)
    before = csv.field_size_limit(most + 1)
    try:
        for number, (fields, text, size) in enumerate(_records(file, part, most)):
            limit = most if fields is None or len(fields) <= width else most // GROWTH
            if fields is None or size > limit:
                kept: Sequence[str] = ()
                bad, fault = text[:START], _too_long(f"row {number}", size, limit)
            else:
                kept = fields[:width]
                bad = text if len(fields) > width else ""
                fault = fault_of(len(fields), width)
            writer.writerow([*kept, *[""] * (width - len(kept)), bad, fault])
    finally:
        csv.field_size_limit(before)


def fault_of(found: int, width: int) -> str:
    """Say what is wrong with a CSV row with this number of fields; "" if nothing is."""
    if found == width:
        return ""
    return f"{'more' if found > width else 'fewer'} fields than the {width} of the header"


def _records(
    file: TextIO, part: Part, most: int
) -> Iterator[tuple[Sequence[str] | None, str, int]]:
    """Yield the fields of each record, None if it is too long, its text and its size in bytes."""
    lines = _Lines(file, most)
    reader = csv.reader(lines, delimiter=part.delimiter)
    while True:
        lines.begin()
        fields = next(reader, None)
        if lines.is_too_long:
            yield None, lines.skip(), lines.size
        elif fields is None:
            return
        elif fields:
            yield fields, lines.text, lines.size
