"""The error message if memory runs out: the number of CPUs, and the memory that they need."""

from __future__ import annotations

__all__ = ("READ", "out_of_memory")

READ = "rssbound.read"
"""Key of a context's command and of the possible CPUs of the largest machine that it has read."""

START = 20 << 20
"""Bytes that every command needs."""

NEEDS = {"show": 720, "convert": 620}
"""Command -> bytes for each possible CPU, as measured in docs/performance.md."""

OTHERS = 300
"""Bytes for each possible CPU of all other commands."""


def out_of_memory(read: tuple[str, int] | None) -> str:
    """Give one line for a command and the possible CPUs of the largest machine that it has read."""
    if read is None:
        return "out of memory before a machine was read; allow more, or describe fewer CPUs"
    command, cpus = read
    each = NEEDS.get(command.rpartition(" ")[2], OTHERS)
    need = (START + each * cpus) >> 20
    return (
        f"out of memory: {command} with {cpus:,} CPUs needs about {need:,} MiB; "
        "allow more, or describe fewer CPUs"
    )
