"""Measure on this machine which files agree with smaps_rollup, and what the counters do.

The process visits each CPU that it may run on and touches a few pages there, fewer than any batch,
so that they stay in the CPU's slot. Then it reads every file; a file misses the pages that are in
slots. A second thread sleeps meanwhile, because some counters get slots only with a second thread.
Then a child process shows on one CPU how the counter rises and falls, which identifies the design.
This needs no privileges, a few MiB, and a second or two.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import resource
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rssbound.bounds.reading.signature import (
    RISES,
    Measured,
    likely_among,
    matches,
    pages_needed,
    predictions,
    signature_in,
)
from rssbound.errors import InputError
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rssbound.bounds.reading.signature import Signature
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("Probe", "measured", "probed")

PAGES_EACH = 8
SECONDS = 5.0
MOST_CPUS = 256

PROC = "/proc/self"

CHILD = os.path.join(os.path.dirname(__file__), "probe_child.py")
CHILD_SECONDS = 10.0
TRIES = 3
"""Attempts. Something else may change the size of the process, also unnoticed: no design fits."""


@dataclass(frozen=True)
class Probe:
    """A file compared with smaps_rollup: the most bytes by which it was too low and too high.

    `wobble` is the change of smaps_rollup itself, in bytes, between the reads just before and just
    after; a file agrees if its error is not larger.
    """

    interface: str
    reads: int
    too_low: int
    too_high: int
    wobble: int

    @property
    def agrees(self) -> bool:
        """Whether the file agreed with smaps_rollup in every read."""
        return max(self.too_low, self.too_high) <= self.wobble


def probed() -> list[Probe]:
    """Measure stat, statm and status; InputError if this machine cannot be probed."""
    try:
        allowed = sorted(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        raise InputError("--probe measures this machine, which must run Linux") from None
    files = _files()
    seen: dict[str, list[tuple[int, int]]] = {name: [] for name in files}
    mapped = mmap.mmap(-1, len(allowed[:MOST_CPUS]) * PAGES_EACH * mmap.PAGESIZE)
    try:
        with _second_thread():
            for _ in _visits(mapped, allowed[:MOST_CPUS]):
                for name, read in files.items():
                    before, value, after = _rollup(), read(), _rollup()
                    seen[name].append((value - (before + after) // 2, abs(after - before)))
    finally:
        os.sched_setaffinity(0, allowed)
        mapped.close()
    return [_probe(name, offs) for name, offs in seen.items()]


def measured(p: Parameters, expected: Iterable[str]) -> Measured:
    """Determine the design of this machine's counters from their behaviour on one CPU.

    `p` are the parameters of this machine, and `expected` the ids of the designs that its release
    can have; they are preferred to other designs that behave in the same way.
    """
    cpu = max(os.sched_getaffinity(0))
    predicted = predictions(p, cpu)
    alone: Signature | None = None
    threaded: Signature | None = None
    found: tuple[str, ...] = ()
    for _ in range(TRIES):
        series = _series_of_child(cpu, pages_needed(predicted))
        one, two = (signature_in(*each) if each else None for each in series)
        alone, threaded = one or alone, two or threaded
        found = matches(alone, threaded, predicted)
        if found:
            break
    return Measured(cpu, alone, threaded, likely_among(found, expected))


Series = tuple[list[int], list[int]]


def _series_of_child(cpu: int, pages: int) -> tuple[Series | None, Series | None]:
    """Run the child; gives its series with one thread and with two, None for one that failed."""
    command = [sys.executable, "-I", "-S", CHILD, *map(str, (cpu, pages, RISES))]
    try:
        done = subprocess.run(  # noqa: S603 (a program of this package)
            command, capture_output=True, check=True, timeout=CHILD_SECONDS, text=True
        )
        one, other = map(json.loads, done.stdout.splitlines())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None, None
    return _undisturbed(one), _undisturbed(other)


def _undisturbed(series: dict[str, Any]) -> Series | None:
    """Give a series if the process grew by the pages that it mapped and by nothing else."""
    rising, falling = series["rising"], series["falling"]
    return (rising, falling) if series["grown"] == len(rising) - 1 else None


@contextmanager
def _second_thread() -> Iterator[None]:
    """Keep a second thread asleep while the body runs."""
    enough = threading.Event()
    thread = threading.Thread(target=enough.wait, daemon=True)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def _probe(name: str, offs: list[tuple[int, int]]) -> Probe:
    return Probe(
        interface=name,
        reads=len(offs),
        too_low=max(0, *(-off for off, _ in offs), 0),
        too_high=max(0, *(off for off, _ in offs), 0),
        wobble=max(wobble for _, wobble in offs),
    )


def _visits(mapped: mmap.mmap, cpus: list[int]) -> Iterator[int]:
    """Visit each CPU and touch its share of the pages there, until the time is over."""
    ends = time.monotonic() + SECONDS
    for number, cpu in enumerate(cpus):
        os.sched_setaffinity(0, {cpu})
        for page in range(number * PAGES_EACH, (number + 1) * PAGES_EACH):
            mapped[page * mmap.PAGESIZE] = 1
        yield cpu
        if time.monotonic() > ends:
            return


def _files() -> dict[str, Callable[[], int]]:
    """Give, for each file, a function that reads RSS in bytes."""
    page = resource.getpagesize()
    return {
        "stat": lambda: int(_read("stat").rpartition(")")[2].split()[21]) * page,
        "statm": lambda: int(_read("statm").split()[1]) * page,
        "status": lambda: _kib("status", "VmRSS"),
    }


def _rollup() -> int:
    return _kib("smaps_rollup", "Rss")


def _kib(name: str, field: str) -> int:
    match = re.search(rf"^{field}:\s*(\d+) kB", _read(name), re.MULTILINE)
    if not match:
        raise InputError(f"{PROC}/{name} has no line {field}; this kernel cannot be probed")
    return int(match[1]) * 1024


def _read(name: str) -> str:
    try:
        with open(f"{PROC}/{name}", encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError as error:
        raise InputError(
            f"{PROC}/{name}: {error.strerror}; --probe needs it (smaps_rollup needs Linux 4.14)"
        ) from None
