"""What is read: the four counters of a process, and the sums that consumers make of them.

RSS = file + anon + shmem is what /proc/PID/stat, ps and top show; the OOM killer adds swap (and
page tables, which are counted exactly). Source: get_mm_rss in include/linux/mm.h and oom_badness in
mm/oom_kill.c.

Every cheap read clamps each counter at 0 before summing. The precise value is never negative, so a
clamp never enlarges the error of one counter, and under is also at most the true value; but a sum
of clamped counters can be too high where the counters' errors would have cancelled.
"""

from __future__ import annotations

__all__ = ("COUNTERS", "METRICS")

COUNTERS: tuple[str, ...] = ("file", "anon", "swap", "shmem")
"""MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES; NR_MM_COUNTERS = 4."""

METRICS: dict[str, tuple[str, ...]] = {"rss": ("file", "anon", "shmem"), "oom": COUNTERS}
"""Metric -> the counters it adds up."""
