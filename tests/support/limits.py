"""Limits of time that hold on a busy machine too: work is limited in CPU time, not by a clock."""

import signal
from contextlib import contextmanager

PATIENCE_SECONDS = 600
"""How long a test waits for another process: only one that hangs takes as long."""


class TooSlowError(AssertionError):
    """Work took more CPU time than it may."""


@contextmanager
def cpu_seconds(limit):
    """Fail if what is done inside takes more CPU time of this process than `limit` seconds.

    Work that goes on and on is interrupted at the limit; it fails too if it catches that. Main
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
