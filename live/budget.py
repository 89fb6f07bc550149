"""How often may something dear be done? So that it takes no more than a share of one CPU."""

from __future__ import annotations

__all__ = ("Budget",)


class Budget:
    """Processor time that may be spent: `share` of one CPU, from the moment `now` on, seconds.

    What a thing costs is known only when it is done, so one may begin whenever nothing is owed, and
    what it costs is owed afterwards. What is not spent is saved, for BURST_SECONDS at most. So what
    is spent is never more than the share of the time since the start, and what one thing costs.
    """

    BURST_SECONDS = 1.0

    def __init__(self, share: float, now: float) -> None:
        self.share = share
        self.spent = 0.0
        self.times = 0
        self._left = 0.0
        self._at = now

    def allows(self, now: float) -> bool:
        """Return whether something may begin now."""
        earned = (now - self._at) * self.share
        self._left = min(self._left + earned, self.share * self.BURST_SECONDS)
        self._at = now
        return self._left > 0

    def spend(self, seconds: float) -> None:
        """Take what something has cost."""
        self.spent += seconds
        self.times += 1
        self._left -= seconds
