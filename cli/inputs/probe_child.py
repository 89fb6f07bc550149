"""A child process that maps and unmaps single pages, and prints what its files show meanwhile.

    python -I -S probe_child.py CPU PAGES RISES

It stays on one CPU and runs the same steps twice: with one thread, then with a second one that
sleeps. Each time it maps one page after another until field 24 of /proc/self/stat has risen RISES
times, and then unmaps them one by one until the field has fallen. It prints a line of JSON for each
run: the values of the field in pages while rising and while falling, and the growth in pages that
smaps_rollup shows for the rise. A warm-up, which is not printed, touches the interpreter's pages.
"""

from __future__ import annotations

import _thread
import gc
import json
import mmap
import os
import sys
import time
from array import array

__all__ = ("main",)

NO_HUGE_PAGES = getattr(mmap, "MADV_NOHUGEPAGE", None)
WARM_UP_PAGES = 300
SETTLE_SECONDS = 0.02
"""Time for a thread that runs to fall asleep on the CPU that it shares."""


def main() -> None:
    """Run both series."""
    cpu, pages, rises = map(int, sys.argv[1:4])
    os.sched_setaffinity(0, {cpu})
    gc.disable()
    stat = os.open("/proc/self/stat", os.O_RDONLY)
    for threaded in (False, True):
        if threaded:
            _start_sleeper()
        _series(stat, WARM_UP_PAGES, rises)
        rising, falling, grown = _series(stat, pages, rises)
        print(  # noqa: T201 (its one output)
            json.dumps({"rising": list(rising), "falling": list(falling), "grown": grown}),
            flush=True,
        )


def _start_sleeper() -> None:
    """Start a thread and wait until it sleeps: the pages of its stack belong to no series."""
    runs, asleep = _thread.allocate_lock(), _thread.allocate_lock()
    runs.acquire()
    asleep.acquire()

    def sleep() -> None:
        runs.release()
        asleep.acquire()

    _thread.start_new_thread(sleep, ())
    runs.acquire()
    time.sleep(SETTLE_SECONDS)


def _series(stat: int, pages: int, rises: int) -> tuple[array[int], array[int], int]:
    """Map up to `pages` pages and unmap them; gives both series and the growth of the process."""
    memory = mmap.mmap(-1, pages * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if NO_HUGE_PAGES is not None:
        memory.madvise(NO_HUGE_PAGES)
    rising, falling = array("q", bytes(8 * (pages + 1))), array("q", bytes(8 * (pages + 1)))
    mapped = seen = 0
    _rss(stat)
    before = _rollup()
    rising[0] = _rss(stat)
    while mapped < pages and seen < rises:
        memory[mapped * mmap.PAGESIZE] = 1
        mapped += 1
        rising[mapped] = _rss(stat)
        seen += rising[mapped] != rising[mapped - 1]
    grown = _rollup() - before
    unmapped = 0
    falling[0] = _rss(stat)
    while unmapped < mapped and falling[unmapped] >= falling[0]:
        place = (mapped - unmapped - 1) * mmap.PAGESIZE
        memory.madvise(mmap.MADV_DONTNEED, place, mmap.PAGESIZE)
        unmapped += 1
        falling[unmapped] = _rss(stat)
    memory.close()
    return rising[: mapped + 1], falling[: unmapped + 1], grown


def _rss(stat: int) -> int:
    """Read field 24, in pages."""
    return int(os.pread(stat, 1024, 0).rpartition(b")")[2].split()[21])


def _rollup() -> int:
    """Read Rss of smaps_rollup, in pages."""
    with open("/proc/self/smaps_rollup", "rb") as file:
        for line in file:
            if line.startswith(b"Rss:"):
                return int(line.split()[1]) * 1024 // mmap.PAGESIZE
    return 0


if __name__ == "__main__":
    main()
