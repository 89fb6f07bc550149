"""Fixes that made interfaces precise, interfaces that came later, and the releases with them.

Sources: commits 82241a83cd15 and 5898aa8f9a0b; 493b0e9d945f for smaps_rollup, b3d1411b6726 for the
tracepoint. Measured on Debian's 6.1.176 and 6.12.117 (docs/lab.md); mm/oom_kill.c of Debian's
6.12.117 and 7.2.13 was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.vendors import is_vendors
from rssbound.records import dataclass, field

if TYPE_CHECKING:
    from rssbound.bounds.counter.design import Version

__all__ = (
    "FIRST_CURRENT",
    "FIRST_PEAK",
    "FIRST_ROLLUP",
    "FIRST_TRACE",
    "OOM_FIX",
    "PERCPU",
    "READERS_FIX",
    "UNKNOWN_RELEASE",
    "Fix",
    "is_vendors",
)

PERCPU: Version = (6, 2, 0)
"""The first release in which a reader can add up all slots."""

UNKNOWN_RELEASE = "6.2.0"
"""A placeholder for an unknown release, if a source tree has the facts."""

FIRST_ROLLUP: Version = (4, 14, 0)
FIRST_TRACE: Version = (5, 5, 0)
FIRST_PEAK: Version = (5, 19, 0)
FIRST_CURRENT: Version = (4, 5, 0)


@dataclass(frozen=True)
class Fix:
    """A commit that made interfaces precise, and the releases that have it.

    `stable` maps a stable series to the first release with the fix, inferred from dates; `verified`
    to a release known to have it, `lacking` to a release whose source was read and lacks it.
    """

    commit: str
    subject: str
    release: Version
    certain: bool
    stable: dict[tuple[int, int], int]
    verified: dict[tuple[int, int], int]
    lacking: dict[tuple[int, int], int] = field(default_factory=dict)


READERS_FIX = Fix(
    "82241a83cd15",
    "mm: fix the inaccurate memory statistics issue for users",
    (6, 16, 0),
    certain=True,
    stable={(6, 12): 39, (6, 15): 7},
    verified={(6, 12): 117},
)
OOM_FIX = Fix(
    "5898aa8f9a0b",
    "mm: fix OOM killer inaccuracy on large many-core systems",
    (7, 0, 0),
    certain=False,
    stable={},
    verified={(7, 2): 13},
    lacking={(6, 12): 117},
)
