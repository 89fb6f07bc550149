"""A command that is started to be watched, up to its end."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from rssbound.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ("Started", "started")

GRACE_SECONDS = 5.0
"""So long a command has to end when it is asked to."""


class Started:
    """A command that runs; `ended` is a file that is readable once it has ended.

    None before Linux 5.3, which has no such file.
    """

    def __init__(
        self, command: Sequence[str], process: subprocess.Popen[bytes], ended: int | None
    ) -> None:
        self.command = command
        self.ended = ended
        self._process = process

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Tell whether it has ended."""
        return self._process.poll() is not None

    @property
    def exit_code(self) -> int:
        """What a shell says of its end: its own code, or 128 and the signal that ended it."""
        code = self._process.wait()
        return 128 - code if code < 0 else code

    def describe_end(self) -> str:
        """Say how it ended."""
        code = self._process.wait()
        name = self.command[0]
        if code < 0:
            with suppress(ValueError):
                return f"{name}: ended by {signal.Signals(-code).name}"
            return f"{name}: ended by signal {-code}"
        return f"{name}: exited with {code}"

    def stop(self) -> None:
        """Ask it to end, and see to it that it does."""
        if self.has_ended():
            return
        self._process.terminate()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def started(command: Sequence[str], *, quiet: bool, to_stderr: bool) -> Iterator[Started]:
    """Start a command; it is asked to end where the body is left before it has.

    `quiet`: what it prints would spoil the screen, and it may not read the keys; `to_stderr`: its
    standard output is wanted for something else. InputError where it cannot be started.
    """
    out: int | IO[str] | None = subprocess.DEVNULL if quiet else 2 if to_stderr else None
    try:
        process = subprocess.Popen(  # noqa: S603 (what the user asks for)
            list(command),
            stdin=subprocess.DEVNULL if quiet else None,
            stdout=out,
            stderr=subprocess.DEVNULL if quiet else None,
        )
    except OSError as error:
        raise InputError(f"{command[0]}: cannot be started: {error.strerror}") from None
    try:
        ended: int | None = os.pidfd_open(process.pid)
    except OSError:
        ended = None
    try:
        found = Started(command, process, ended)
        try:
            yield found
        finally:
            found.stop()
    finally:
        if ended is not None:
            os.close(ended)
