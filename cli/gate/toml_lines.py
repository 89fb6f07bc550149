"""Line numbers of the keys and strings of a TOML document, which tomllib does not provide."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("Entry", "entries_in")

TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<string>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|\"(?:\\.|[^"\\\n])*\"|'[^'\n]*')
    |(?P<word>[A-Za-z0-9_+:-]+)
    |(?P<mark>[\n=.,\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)


class Entry(NamedTuple):
    """A key (`value` is None) or a string in its value: the path of keys, and the line."""

    keys: tuple[str, ...]
    value: str | None
    line: int


def entries_in(text: str) -> Iterator[Entry]:
    """Yield every key and every string of a document that tomllib can read, in order.

    A string that spans lines has the number of its first line.
    """
    table: tuple[str, ...] = ()
    frames: list[
        tuple[str, tuple[str, ...]]
    ] = []  # open [ and {, with the keys that they belong to
    name: list[str] = []  # parts of a key, before its =
    owner: tuple[str, ...] | None = None  # key of the value being read; None if a key is expected
    line = 1
    for match in TOKEN.finditer(text):
        kind, piece = match.lastgroup, match[0]
        begins, line = line, line + piece.count("\n")
        if kind in {"string", "word"} and owner is None:
            name.append(_text(piece) if kind == "string" else piece)
        elif kind == "string" and owner is not None:
            yield Entry(owner, _text(piece), begins)
        elif piece == "=" and owner is None:
            within = frames[-1][1] if frames else table
            owner, name = (*within, *name), []
            yield Entry(owner, None, begins)
        elif piece in {"[", "{"} and owner is not None:
            frames.append((piece, owner))
            owner = owner if piece == "[" else None
        elif piece == "]" and owner is None and name:
            table, name = tuple(name), []
            yield Entry(table, None, begins)
        elif piece in {"]", "}"} and frames:
            owner, name = frames.pop()[1], []
        elif (piece == "," and frames and frames[-1][0] == "{") or (piece == "\n" and not frames):
            owner, name = None, []


def _text(string: str) -> str:
    """Give the value of a string from its source, with quotes and escapes."""
    text: str = tomllib.loads(f"text = {string}")["text"]
    return text
