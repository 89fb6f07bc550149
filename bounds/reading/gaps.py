"""Releases for which a counter other than RSS has no known bound: why, and what to read instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.counter.design import exact, version_of
from rssbound.bounds.designs import BESIDE_IDS, design_of
from rssbound.bounds.vendors import design_on

if TYPE_CHECKING:
    from rssbound.bounds.counter.design import Version

__all__ = ("INSTEAD", "NOT_READ", "Gap", "gap_in", "unknown_words")


class Gap(NamedTuple):
    """Releases of a counter from `first` to `last` (a prefix), the reason, and what to read."""

    counter: str
    first: Version
    last: tuple[int, ...]
    why: str
    instead: str = "-"


STAT, NUMA_STAT, SOCKETS = "memory.stat", "memory.numa_stat", "sockets"
FLUSHED = "the same file after the next flush (usually within 2 s)"
USAGE = "memory.current for the sum of its items"
BATCHES = "CPUs keep batches of 32 pages of each item and cgroup"
INTERRUPTED = (
    "a softirq between the two steps of an update can leave more than the reserve, and on arm64 "
    "loses updates, which 6.9, 6.8.9, 6.6.30 and 6.1.90 corrected (3584718cf2ec)"
)

GAPS = (
    Gap(
        *(STAT, (4, 5, 0), (4, 15)),
        "a read probably adds up all CPUs and is exact, but this source was not read",
    ),
    Gap(*(STAT, (4, 16, 0), (5, 1)), f"{BATCHES}, but this source was not read", USAGE),
    Gap(
        *(STAT, (5, 2, 0), (5, 2)),
        f"{BATCHES}, and cgroups that are removed leave theirs behind",
        USAGE,
    ),
    Gap(*(STAT, (5, 3, 0), (5, 3)), f"{BATCHES}, but this source was not read", USAGE),
    Gap(
        *(STAT, (5, 16, 0), (5, 16, 3)),
        "an update of any number of pages counts as one, which 5.16.4 corrected (5b3be698a872)",
        FLUSHED,
    ),
    Gap(
        *(NUMA_STAT, (5, 13, 0), (5, 14)),
        "CPUs keep batches of the items of a node up to 5.14 (7e1c0d6f5820), unlike those of "
        "memory.stat, but this source was not read",
        "memory.stat for all nodes together",
    ),
    *(
        Gap(*(SOCKETS, first, last), INTERRUPTED)
        for first, last in (
            ((6, 0, 0), (6, 0)),
            ((6, 1, 0), (6, 1, 89)),
            ((6, 2, 0), (6, 5)),
            ((6, 6, 0), (6, 6, 29)),
            ((6, 7, 0), (6, 8, 8)),
        )
    ),
)
"""By counter and release. A release in none of them and in no design: its source was not read."""

NOT_READ = "the source of this release was not read"


INSTEAD = {"stat-batch": USAGE, "rstat-read": "-", "socket-shared": "-"}
"""Design -> what to read in place of its counter, if the catalogue says something else."""


MOST = 1 << 30
"""For a part of a release that has no limit."""

PLAIN = re.compile(r"\d+\.\d+\.\d+")
"""A release of kernel.org. Distributions add to it, and often leave out the stable release."""

CHANGED_IN_STABLE = (5, 15, 0)
"""The series in which a stable release brought another design."""

AMBIGUOUS = (
    "the first kernel of this release is exact, but this one may have later changes, with which it "
    "is not"
)


def gap_in(counter: str, release: str) -> Gap | None:
    """Give the gap that a release is in; None if there is none, or it is no release."""
    version = version_of(release)
    if version is None:
        return None
    for gap in GAPS:
        if gap.counter == counter and gap.first <= version <= (*gap.last, MOST)[:3]:
            return gap
    if _is_exact(counter, version) and _may_have_more(release, version):
        return Gap(counter, version, version, AMBIGUOUS, FLUSHED if counter == STAT else "-")
    return None


def _is_exact(counter: str, version: Version) -> bool:
    """Return whether a counter is exact in an unpatched kernel of a release."""
    designs = (design for design in map(design_of, BESIDE_IDS) if counter in design.counters)
    return any(one.published is exact and one.kernels.include(version) for one in designs)


def _may_have_more(release: str, version: Version) -> bool:
    """Return whether a release may have later changes: a vendor's, a build such as 5.15.0-91, 5.15.

    A plain 5.15.0 is the first release of the series; 5.15 can be any of them.
    """
    of_build = version == CHANGED_IN_STABLE and not PLAIN.fullmatch(release)
    return of_build or bool(design_on(release).vendor)


def unknown_words(counter: str, kernel: str) -> str:
    """Say in one line that no bound of a counter is known for a kernel, why, and what to read."""
    gap = gap_in(counter, kernel)
    why = gap.why if gap else NOT_READ
    text = f"{counter}: no bound is known for Linux {kernel}: {why}"
    return text if gap is None or gap.instead == "-" else f"{text}; read {gap.instead}"
