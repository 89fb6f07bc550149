"""Limit an expensive operation to a share of one CPU."""

from __future__ import annotations

__all__ = ("Budget",)


class Budget:
    """A budget of CPU time: `share` of one CPU, from the time `now` on, in seconds.

    The cost of an operation is known only afterwards. An operation may start when no debt is left,
    and its cost then becomes a debt. Unused time is saved, for BURST_SECONDS at most. So the time
    spent never exceeds the share of the time since the start by more than one operation.
    """

    BURST_SECONDS = 1.0

    def __init__(self, share: float, now: float) -> None:
        self.share = share
        self.spent = 0.0
        self.times = 0
        self._left = 0.0
        self._at = now

    def allows(self, now: float) -> bool:
        """Return whether an operation may start now."""
        earned = (now - self._at) * self.share
        self._left = min(self._left + earned, self.share * self.BURST_SECONDS)
        self._at = now
        return self._left > 0

    def spend(self, seconds: float) -> None:
        """Subtract the cost of an operation."""
        self.spent += seconds
        self.times += 1
        self._left -= seconds
