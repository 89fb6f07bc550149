"""When to look: at even intervals, so many times or for so long; and who may end it before."""

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
    """How often to look: every `interval` seconds, `count` times, for `duration` seconds.

    None: without an end.
    """

    interval: float = 1.0
    count: int | None = None
    duration: float | None = None


def beats(pace: Pace, ready: dict[int, Callable[[], bool]]) -> Iterator[int]:
    """Yield at each moment when to look, with how many were missed before it.

    `ready` maps a file that may become readable while one waits to what is called then; what it
    gives says whether to go on. A moment that has passed already is left out, not made up for.
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
    """Wait, and answer what becomes readable; False where an answer says to stop."""
    while True:
        rest = moment - time.monotonic()
        files, _, _ = select.select(list(ready), [], [], max(rest, 0))
        for file in files:
            if not ready[file]():
                return False
        if rest <= 0:
            return True
