"""Exceptions for errors that the user can fix.

Every error that a user's input can cause is an `RssboundError`; any other exception that leaves the
package is a bug. The command line exits with code 2 for both (`cli/main.py`).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("InputError", "Location", "RssboundError", "ScenarioError", "naming", "shortened")


class RssboundError(ValueError):
    """One or more faults, each one line that says what is wrong, where, and what to do."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults

    def at(self, where: str) -> Self:
        """Give the same faults, each prefixed with `where` it was found."""
        return type(self)(*(f"{where}: {fault}" for fault in self.faults))


class Location(NamedTuple):
    """A line of a file, counted from 1; 0 if unknown."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class InputError(RssboundError):
    """A description of a machine cannot be read, or contradicts itself."""


class ScenarioError(RssboundError):
    """A value of the scenario is impossible, or impossible on this machine."""


def shortened(text: str, most: int = 60) -> str:
    """Shorten a user's input to fit in a message."""
    return text if len(text) <= most else text[:most] + "..."


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Put the name of a file into the OSError of a write, which has none if the disk is full."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, file) from None
