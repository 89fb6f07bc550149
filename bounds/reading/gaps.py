"""Releases for which no bound of a counter beside RSS is known: why, and what to read instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.counter.design import version_of

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


STAT = "memory.stat"
USAGE = "memory.current for the sum of its items"

GAPS = (
    Gap(
        *(STAT, (4, 5, 0), (4, 15)),
        "a read probably adds up all CPUs and is exact, but this source was not read",
    ),
    Gap(
        *(STAT, (4, 16, 0), (5, 3)),
        "CPUs keep batches of 32 pages, and cgroups that are removed can leave theirs behind",
        USAGE,
    ),
    Gap(
        *(STAT, (5, 16, 0), (5, 16, 3)),
        "an update of any number of pages counts as one, which 5.16.4 corrected (5b3be698a872)",
        "the same after the next flush (usually within 2 s)",
    ),
)
"""By counter and release. A release in none of them and in no design: its source was not read."""

NOT_READ = "the source of this release was not read"


INSTEAD = {"stat-batch": USAGE, "rstat-read": "-", "socket-shared": "-"}
"""Design -> what to read in place of its counter, where that is not what the catalogue says."""


def gap_in(counter: str, release: Version) -> Gap | None:
    """Give the gap that a release is in; None if there is none."""
    return next(
        (
            gap
            for gap in GAPS
            if gap.counter == counter
            and gap.first <= release
            and release[: len(gap.last)] <= gap.last
        ),
        None,
    )


def unknown_words(counter: str, kernel: str) -> str:
    """Say in one line that no bound of a counter is known for a kernel, why, and what to read."""
    version = version_of(kernel)
    gap = gap_in(counter, version) if version else None
    why = gap.why if gap else NOT_READ
    text = f"{counter}: no bound is known for Linux {kernel}: {why}"
    return text if gap is None or gap.instead == "-" else f"{text}; read {gap.instead}"
