"""The four counters of a process, the sums of them that files show, and the two sides.

RSS = file + anon + shmem is what /proc/PID/stat, ps and top show; the OOM killer adds swap (and
page tables, which are counted exactly). Source: get_mm_rss in include/linux/mm.h and oom_badness in
mm/oom_kill.c.

Every cheap read clamps each counter at 0 before summing. The precise value is never negative, so a
clamp never enlarges the error of one counter, and under is at most the true value. But a sum of
clamped counters can be too high if the counters' errors would have cancelled.
"""

from __future__ import annotations

__all__ = ("COUNTER", "COUNTERS", "METRICS", "SIDES", "SIDE_WORDS", "TYPICAL", "sums_of")

COUNTERS: tuple[str, ...] = ("file", "anon", "swap", "shmem")
"""MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES; NR_MM_COUNTERS = 4."""

METRICS: dict[str, tuple[str, ...]] = {"rss": ("file", "anon", "shmem"), "oom": COUNTERS}
"""Metric -> the counters it adds up."""

COUNTER = "counter"
"""The metric that is one counter, the worst of the four on each side."""

TYPICAL = "anon"
"""The counter whose typical error is shown: it grows with a process's heap."""

SIDES = ("under", "over")
"""How an approximate value can be wrong: too low by `under`, too high by `over`."""

SIDE_WORDS = {"under": "too low", "over": "too high"}
"""The words for each side."""


def sums_of(metric: str) -> tuple[tuple[str, ...], ...]:
    """Give the sums of counters whose worst error is that of a metric.

    One for a member of METRICS, and for the name of a counter; for COUNTER each counter alone.
    """
    if metric == COUNTER:
        return tuple((counter,) for counter in COUNTERS)
    return (METRICS.get(metric, (metric,)),)
