"""Measure on this machine which files agree with smaps_rollup, and what the counters do.

The process goes to each CPU it may run on, touches some pages of its own there and stays below any
batch, so that the CPU's cache keeps them; then every file is read. What a file lacks is what the
caches hold. A second thread sleeps meanwhile, because some counters have no caches before. Then a
process of its own shows on one CPU how the counter rises and falls, which tells the design. Needs
no privileges, a few MiB, and a second or two.
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
    matches,
    pages_needed,
    predictions,
    signature_in,
    told_by,
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
"""Something else that runs in the process disturbs a series; then it is run again."""


@dataclass(frozen=True)
class Probe:
    """What one file said beside smaps_rollup: bytes by which it was too low and too high at most.

    `wobble` is how far smaps_rollup itself moved between two reads around it, in bytes: a file that
    is off by no more agrees.
    """

    interface: str
    reads: int
    too_low: int
    too_high: int
    wobble: int

    @property
    def agrees(self) -> bool:
        """Whether the file agreed with smaps_rollup at every read."""
        return max(self.too_low, self.too_high) <= self.wobble


def probed() -> list[Probe]:
    """Measure stat, statm and status; InputError where it cannot be probed."""
    try:
        allowed = sorted(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        raise InputError("--probe measures a Linux machine, and this is none") from None
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
    """Tell the design of this machine's counters by what they do on one CPU.

    `p` are the parameters of this machine, and `expected` the ids of the designs that its release
    may have: they are told from others that do the same.
    """
    cpu = max(os.sched_getaffinity(0))
    predicted = predictions(p, cpu)
    alone: Signature | None = None
    threaded: Signature | None = None
    for _ in range(TRIES):
        series = _series_of_child(cpu, pages_needed(predicted))
        one, two = (signature_in(*found) if found else None for found in series)
        alone, threaded = alone or one, threaded or two
        if alone and threaded:
            break
    found = matches(alone, threaded, predicted)
    return Measured(cpu, alone, threaded, told_by(found, expected))


Series = tuple[list[int], list[int]]


def _series_of_child(cpu: int, pages: int) -> tuple[Series | None, Series | None]:
    """Run the process; gives its series with one thread and with two, None for what failed."""
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
    """Have a second thread, which sleeps, while the body runs."""
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
    """Go to each CPU and touch its share of the pages there, until the time is over."""
    ends = time.monotonic() + SECONDS
    for number, cpu in enumerate(cpus):
        os.sched_setaffinity(0, {cpu})
        for page in range(number * PAGES_EACH, (number + 1) * PAGES_EACH):
            mapped[page * mmap.PAGESIZE] = 1
        yield cpu
        if time.monotonic() > ends:
            return


def _files() -> dict[str, Callable[[], int]]:
    """Give what reads RSS from each file, in bytes."""
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
            f"{PROC}/{name}: {error.strerror}; --probe needs it (smaps_rollup is of Linux 4.14)"
        ) from None
