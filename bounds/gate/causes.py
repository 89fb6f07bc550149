"""Group bounds that changed for the same reason, or exceed the same limit, into one finding.

An edit of one constant changes many bounds on many machines. Readers want the constant, the number
of bounds that it changed, and the worst machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rssbound.bounds.gate.changes import BETTER, SAME
from rssbound.bounds.gate.verdicts import FAILING, HOLDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rssbound.bounds.gate.verdicts import Verdict

__all__ = ("Cause", "causes_of", "worst_first")


@dataclass(frozen=True, slots=True)
class Cause:
    """Verdicts of one kind with one cause, the worst first; none is about a source tree.

    `text` is the cause, such as `batch 32 -> 64`; empty for bounds that only one side has.
    """

    text: str
    verdicts: tuple[Verdict, ...]

    @property
    def worst(self) -> Verdict:
        """The verdict with the largest growth, in bytes."""
        return self.verdicts[0]

    @property
    def machines(self) -> tuple[str, ...]:
        """The names of the machines, worst first."""
        return tuple({verdict.topology: verdict.host for verdict in self.verdicts}.values())


def causes_of(verdicts: Iterable[Verdict]) -> tuple[Cause, ...]:
    """Group the changes by cause, worst first.

    An unchanged bound has a cause too if a kernel or an option has changed.
    """
    groups: dict[tuple[str, ...], list[Verdict]] = {}
    for verdict in worst_first(verdicts):
        if verdict.is_bound and (verdict.verdict not in {SAME, HOLDS} or verdict.cause):
            groups.setdefault(_key(verdict), []).append(verdict)
    return tuple(Cause(group[0].cause, tuple(group)) for group in groups.values())


def _key(verdict: Verdict) -> tuple[str, ...]:
    """Give the key that distinguishes verdicts of different findings."""
    name = "" if verdict.cause else verdict.name
    return (verdict.kind, verdict.verdict, str(verdict.fails), verdict.cause, name)


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Sort verdicts: failures first, by kind, then by growth in bytes."""
    return sorted(
        verdicts,
        key=lambda verdict: (not verdict.fails, _rank(verdict), -_growth_bytes(verdict)),
    )


def _rank(verdict: Verdict) -> int:
    order: Sequence[str] = (*FAILING, BETTER)
    return order.index(verdict.verdict) if verdict.verdict in order else len(order)


def _growth_bytes(verdict: Verdict) -> float:
    """Give how far a bound has moved, or by how much it exceeds its limit."""
    if verdict.verdict not in {*FAILING, BETTER}:
        return 0
    now, size = verdict.now, verdict.page_size
    is_limit = verdict.kind == "limit"
    before = verdict.limit if is_limit else verdict.before
    size_before = size if is_limit else verdict.page_size_before
    if now is None or before is None:
        return 0 if now is before else float("inf")
    return abs(now * size - before * size_before)
