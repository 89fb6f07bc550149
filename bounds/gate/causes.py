"""One cause, one finding: bounds that changed for the same reason, or break the same limit.

A constant that is edited changes many bounds on many machines. People look for the constant, how
many bounds it changed, and the machine where it is worst.
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
    """Verdicts of one kind that have one cause, the worst first; none is of a source tree.

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
        """The names of the machines, the worst first."""
        return tuple({verdict.topology: verdict.host for verdict in self.verdicts}.values())


def causes_of(verdicts: Iterable[Verdict]) -> tuple[Cause, ...]:
    """Group what is not as before by its cause, the worst first.

    A bound that is as before has a cause too where a kernel or an option has changed.
    """
    groups: dict[tuple[str, ...], list[Verdict]] = {}
    for verdict in worst_first(verdicts):
        if verdict.is_bound and (verdict.verdict not in {SAME, HOLDS} or verdict.cause):
            groups.setdefault(_key(verdict), []).append(verdict)
    return tuple(Cause(group[0].cause, tuple(group)) for group in groups.values())


def _key(verdict: Verdict) -> tuple[str, ...]:
    """Tell verdicts apart that are no single finding."""
    name = "" if verdict.cause else verdict.name
    return (verdict.kind, verdict.verdict, str(verdict.fails), verdict.cause, name)


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Sort verdicts: what fails first, by its kind, then by how much it grew, in bytes."""
    return sorted(
        verdicts,
        key=lambda verdict: (not verdict.fails, _rank(verdict), -_growth_bytes(verdict)),
    )


def _rank(verdict: Verdict) -> int:
    order: Sequence[str] = (*FAILING, BETTER)
    return order.index(verdict.verdict) if verdict.verdict in order else len(order)


def _growth_bytes(verdict: Verdict) -> float:
    """Give how far a bound has moved from what it was, or is above its limit."""
    if verdict.verdict not in {*FAILING, BETTER}:
        return 0
    now, size = verdict.now, verdict.page_size
    is_limit = verdict.kind == "limit"
    before = verdict.limit if is_limit else verdict.before
    size_before = size if is_limit else verdict.page_size_before
    if now is None or before is None:
        return 0 if now is before else float("inf")
    return abs(now * size - before * size_before)
