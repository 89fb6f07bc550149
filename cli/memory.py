"""What to say when the memory does not suffice: how many CPUs there were, and what they take."""

from __future__ import annotations

__all__ = ("READ", "out_of_memory")

READ = "rssbound.read"
"""Where a context keeps the command, and the possible CPUs of the largest machine it has read."""

START = 20 << 20
"""Bytes that every command takes."""

NEEDS = {"show": 720, "convert": 620}
"""Command -> bytes for each possible CPU, as docs/performance.md has measured them."""

OTHERS = 300
"""Bytes for each possible CPU of all other commands."""


def out_of_memory(read: tuple[str, int] | None) -> str:
    """Say it in one line, of a command and the possible CPUs of the largest machine it has read."""
    if read is None:
        return "out of memory before a machine was read; give it more, or describe fewer CPUs"
    command, cpus = read
    each = NEEDS.get(command.rpartition(" ")[2], OTHERS)
    need = (START + each * cpus) >> 20
    return (
        f"out of memory: {command} of {cpus:,} CPUs needs about {need:,} MiB; "
        "give it more, or describe fewer CPUs"
    )
