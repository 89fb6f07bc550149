"""The options of a QEMU command line that say which CPUs a virtual machine has.

A command may span several lines, be quoted for a shell, be joined by NULs as in /proc/PID/cmdline,
and follow a prompt or appear in a line of a log.
"""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from rssbound.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("LEVELS", "NUMBERS", "Option", "is_command", "options_of", "pairs_of", "program_of")

LEVELS = ("drawers", "books", "sockets", "dies", "clusters", "modules", "cores", "threads")
"""The levels of -smp, from the outside in."""

NUMBERS = ("cpus", "maxcpus", *LEVELS)
"""The keys of -smp."""

_READ = frozenset({"smp", "numa", "machine", "name", "device"})

_SMP = re.compile(r"(?:^|[\s\0\"'])--?smp(?=[\s\0\"']|$)")
_MACHINE_SMP = re.compile(r"[\s\0,]smp\.\w+=\d")
_ANY = re.compile(r"(?:^|[\s\"'])--?(?:smp|numa|machine|M|name|device)(?=\s|$)")
_BARE = re.compile(
    rf"(?:(?:\d+|(?:{'|'.join(NUMBERS)})=\d*),)*(?:{'|'.join(NUMBERS)})=\d*(?:,\S*)?"
)
_PROGRAM = re.compile(r"(?<![\w.-])(?:/[\w./+-]*/)?(?:qemu-system-[\w-]+|qemu-kvm)(?=[\s\0])")


class Option(NamedTuple):
    """An option of a command line: its place, its name without dashes, its value."""

    place: str
    name: str
    value: str


def is_command(text: str) -> bool:
    """Return whether a text has a `-smp` option, or is the value of one."""
    joined = "\n".join(line for _, line in _lines(text))
    found = _SMP.search(joined) or _MACHINE_SMP.search(joined)
    return bool(found) or _BARE.fullmatch(joined.strip()) is not None


def options_of(text: str) -> list[Option]:
    """List the options -smp, -numa, -machine, -name and -device in order.

    InputError for a line with such an option that a shell would not accept.
    """
    options: list[Option] = []
    for number, words in _words(text):
        if len(words) == 1 and _BARE.fullmatch(words[0]):
            words = ["-smp", *words]  # noqa: PLW2901
        for word, value in pairwise([*words, ""]):
            name = {"M": "machine"}.get(word.lstrip("-"), word.lstrip("-"))
            if word.startswith("-") and name in _READ:
                options.append(Option(f"line {number}: -{name}", name, value))
    return options


def program_of(text: str) -> str:
    """Give the name of the program in a command line; "" if it is missing."""
    match = _PROGRAM.search(text)
    return match[0].rpartition("/")[2] if match else ""


def pairs_of(value: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of each part of an option's value; a part without `=` has no key.

    The value of -device may also be JSON, as libvirt writes it; its driver has no key.
    """
    if value.startswith("{"):
        yield from _json_pairs(value)
        return
    for part in value.split(","):
        key, equals, text = part.partition("=")
        yield (key, text) if equals else ("", key)


def _json_pairs(value: str) -> Iterator[tuple[str, str]]:
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return
    for key, inner in document.items():
        yield "" if key == "driver" else key, str(inner)


def _words(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of each line; /proc/PID/cmdline has a NUL after each."""
    if "\0" in text:
        yield 1, [word for word in text.strip("\0\n").split("\0") if word]
        return
    for number, line in _lines(text):
        match = _PROGRAM.search(line)
        command = line[match.start() :] if match else line
        try:
            yield number, shlex.split(command)
        except ValueError as error:
            if _ANY.search(command):
                raise InputError(f"line {number}: {error}; quote it as a shell needs it") from None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line, continued ones joined, without comments."""
    held: list[str] = []
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not held:
            start = number
            if line.lstrip().startswith("#"):
                continue
        held.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            yield start, " ".join(held)
            held = []
    if held:
        yield start, " ".join(held)
