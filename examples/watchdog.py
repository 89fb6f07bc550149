#!/usr/bin/env python3
"""Watch a process and act when it holds too much memory, and only then.

    watchdog.py PID LIMIT_MIB [--every SECONDS] [--once]

The cheap file, /proc/PID/stat, can be off by as much as the kernel's counters can hide on this
machine. Far from the limit that does not matter. Within that distance of it, the page tables are
walked (smaps_rollup), which is exact and costs more.

Exit 1 when the process holds more than the limit, 0 when it has ended.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

import rssbound

PAGE = resource.getpagesize()


def cheap(pid: int) -> int:
    """RSS as the counters have it, bytes."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[21]) * PAGE


def exact(pid: int) -> int:
    """RSS as the page tables have it, bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Rss:"))


def holds_too_much(pid: int, limit: int, band: rssbound.Tolerance) -> bool:
    """Decide from the cheap value, or from the exact one where the cheap one cannot tell."""
    value = cheap(pid)
    if value + band.under <= limit:  # even if it reads too low
        return False
    if value - band.over > limit:  # even if it reads too high
        return True
    return exact(pid) > limit


def main() -> int:
    """Watch until the process ends or holds too much."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pid", type=int)
    parser.add_argument("limit_mib", type=int)
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--once", action="store_true", help="look once and exit")
    options = parser.parse_args()
    threads = len(list(Path(f"/proc/{options.pid}/task").iterdir()))
    band = rssbound.tolerance(rssbound.read(), "stat", threads=threads)
    print(f"stat can be {band.under} bytes too low and {band.over} too high here")
    while Path(f"/proc/{options.pid}").exists():
        if holds_too_much(options.pid, options.limit_mib << 20, band):
            print(f"{options.pid} holds more than {options.limit_mib} MiB")
            return 1
        if options.once:
            break
        time.sleep(options.every)
    return 0


if __name__ == "__main__":
    sys.exit(main())
