"""Limits of time that hold on a busy machine too: work is limited in CPU time, not by a clock."""

import signal
from contextlib import contextmanager

PATIENCE_SECONDS = 600
"""Seconds that a test waits for another process; only a hanging process takes as long."""


class TooSlowError(AssertionError):
    """Work took more CPU time than allowed."""


@contextmanager
def cpu_seconds(limit):
    """Fail if the block takes more CPU time of this process than `limit` seconds.

    Endless work is interrupted at the limit; it also fails if it catches the interruption. Main
    thread only.
    """
    interruptions = []

    def interrupt(number, _):
        interruptions.append(number)
        raise TooSlowError(f"more than {limit} s of CPU time")

    before = signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    assert not interruptions, f"more than {limit} s of CPU time"
