"""What to say when the memory does not suffice: how many CPUs there were, and what they take."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ("READ", "Reading", "out_of_memory")

READ = "rssbound.read"
"""Where a context keeps the Reading of a command."""

START = 20 << 20
"""Bytes that every command takes."""

NEEDS = {"show": 720, "convert": 620}
"""Command -> bytes for each possible CPU, as docs/performance.md has measured them."""

OTHERS = 300
"""Bytes for each possible CPU of all other commands."""


class Reading(NamedTuple):
    """The largest machine that a command has read: possible CPUs, 0 before any was."""

    command: str
    cpus: int


def out_of_memory(reading: Reading | None) -> str:
    """Say it in one line."""
    if reading is None:
        return "out of memory before a machine was read; give it more, or describe fewer CPUs"
    each = NEEDS.get(reading.command.rpartition(" ")[2], OTHERS)
    need = (START + each * reading.cpus) >> 20
    return (
        f"out of memory: {reading.command} of {reading.cpus:,} CPUs needs about {need:,} MiB; "
        "give it more, or describe fewer CPUs"
    )
