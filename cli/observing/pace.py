"""The times of samples: even intervals, a number of times or for a time, and earlier ends."""

from __future__ import annotations

import select
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("Pace", "beats")


@dataclass(frozen=True)
class Pace:
    """Sample every `interval` seconds, `count` times, for `duration` seconds; None is no limit."""

    interval: float = 1.0
    count: int | None = None
    duration: float | None = None


def beats(pace: Pace, ready: dict[int, Callable[[], bool]]) -> Iterator[int]:
    """Yield at the time of each sample; the value is the number of samples missed before it.

    `ready` maps file descriptors to functions that are called when they become readable during a
    wait; a function returns whether to go on. Missed samples are skipped, not made up for.
    """
    start = time.monotonic()
    number = done = missed = 0
    while pace.count is None or done < pace.count:
        if pace.duration is not None and number * pace.interval > pace.duration:
            return
        if not _wait_until(start + number * pace.interval, ready):
            return
        yield missed
        done += 1
        late = max(0, int((time.monotonic() - start) / pace.interval) - number - 1)
        missed, number = late, number + 1 + late


def _wait_until(moment: float, ready: dict[int, Callable[[], bool]]) -> bool:
    """Wait, and handle files that become readable; False if a handler says to stop."""
    while True:
        rest = moment - time.monotonic()
        files, _, _ = select.select(list(ready), [], [], max(rest, 0))
        for file in files:
            if not ready[file]():
                return False
        if rest <= 0:
            return True
