"""A command that is started, watched, and stopped at the end."""

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
"""Time that a command has to exit after SIGTERM."""


class Started:
    """A running command; `ended` is a file descriptor that becomes readable when it exits.

    None before Linux 5.3, which has no pidfd_open.
    """

    def __init__(
        self, command: Sequence[str], process: subprocess.Popen[bytes], ended: int | None
    ) -> None:
        self.command = command
        self.ended = ended
        self._process = process

    @property
    def pid(self) -> int:
        """Its PID."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Return whether it has ended."""
        return self._process.poll() is not None

    @property
    def exit_code(self) -> int:
        """Its exit code as a shell reports it: its own code, or 128 plus the signal."""
        code = self._process.wait()
        return 128 - code if code < 0 else code

    def describe_end(self) -> str:
        """Say how it ended."""
        code = self._process.wait()
        name = self.command[0]
        if code < 0:
            with suppress(ValueError):
                return f"{name}: killed by {signal.Signals(-code).name}"
            return f"{name}: killed by signal {-code}"
        return f"{name}: exited with {code}"

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL if it does not exit in time."""
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
    """Start a command; it is stopped if it still runs when the body is left.

    `quiet`: discard its output, which would spoil the screen, and give it no input; `to_stderr`:
    send its standard output to standard error. InputError if it cannot be started.
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
        raise InputError(f"{command[0]}: cannot start: {error.strerror}") from None
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
