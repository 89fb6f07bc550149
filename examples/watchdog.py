#!/usr/bin/env python3
"""Watch a process, and act only if it really holds too much memory.

    watchdog.py PID LIMIT_MIB [--every SECONDS] [--once]

The cheap file, /proc/PID/stat, can be wrong by up to the bound of the kernel's counters on this
machine. Far from the limit, this does not matter. Closer to the limit than the bound, the watchdog
walks the page tables (smaps_rollup), which is exact and costs more.

Everyone may read stat. smaps_rollup needs the permission to trace the process (PTRACE_MODE_READ):
the same user and groups, and a program that is neither set-user-ID nor has made itself undumpable;
or CAP_SYS_PTRACE, which root has. Yama's ptrace_scope does not matter. Without this permission, the
watchdog cannot tell close to the limit, and reports this.

Exit codes: 0 the process has ended, or with --once is within the limit; 1 it holds more than the
limit; 2 usage; 3 cannot tell; 4 there is no such process.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

import rssbound

PAGE = resource.getpagesize()

WITHIN, TOO_MUCH, CANNOT_TELL, NO_PROCESS = 0, 1, 3, 4


class CannotTellError(Exception):
    """The cheap value is too close to the limit to decide, and the exact one cannot be read."""


def fields(pid: int) -> list[str]:
    """Fields 3 and later of /proc/PID/stat; LookupError when the process has ended."""
    try:
        found = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        raise LookupError(pid) from None
    if found[0] in "ZX":  # ended, and nobody has waited for it yet
        raise LookupError(pid)
    return found


def cheap(pid: int) -> int:
    """RSS from the counters, bytes."""
    return int(fields(pid)[21]) * PAGE


def exact(pid: int) -> int:
    """RSS from the page tables, bytes."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Rss:"))
    except PermissionError:
        raise CannotTellError(
            f"/proc/{pid}/smaps_rollup: permission denied; run as the process's user or with "
            "CAP_SYS_PTRACE"
        ) from None
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        fields(pid)  # LookupError if it has ended
        raise CannotTellError(f"/proc/{pid}/smaps_rollup: missing; needs Linux 4.14") from None


def band_of(host: rssbound.Topology, pid: int) -> rssbound.Tolerance:
    """The largest error of the cheap value, with the current number of threads."""
    return rssbound.tolerance(host, "stat", threads=int(fields(pid)[17]))


def holds_too_much(pid: int, limit: int, band: rssbound.Tolerance) -> bool:
    """Decide from the cheap value, or from the exact one if the cheap one cannot decide."""
    value = cheap(pid)
    if value + band.under <= limit:  # even if it reads too low
        return False
    if value - band.over > limit:  # even if it reads too high
        return True
    return exact(pid) > limit


def watch(pid: int, limit: int, every: float, *, once: bool) -> int:
    """Watch until the process ends or holds too much; gives the exit code."""
    host = rssbound.read()
    band = band_of(host, pid)
    print(f"stat can be {band.under} bytes too low and {band.over} too high here", flush=True)
    try:
        while not holds_too_much(pid, limit, band_of(host, pid)):
            if once:
                return WITHIN
            time.sleep(every)
    except LookupError:
        print(f"{pid} has ended")
        return WITHIN
    print(f"{pid} holds more than {limit >> 20} MiB")
    return TOO_MUCH


def main() -> int:
    """Watch until the process ends or holds too much."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pid", type=int)
    parser.add_argument("limit_mib", type=int)
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--once", action="store_true", help="look once and exit")
    options = parser.parse_args()
    try:
        return watch(options.pid, options.limit_mib << 20, options.every, once=options.once)
    except LookupError:
        print(f"{options.pid}: no such process", file=sys.stderr)
        return NO_PROCESS
    except (CannotTellError, rssbound.RssboundError, PermissionError) as error:
        print(f"{options.pid}: cannot tell: {error}", file=sys.stderr)
        return CANNOT_TELL


if __name__ == "__main__":
    sys.exit(main())
