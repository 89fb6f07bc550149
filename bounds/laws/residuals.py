"""The law of the residuals of one level under a workload, in the long run.

    tree      each residual uniform on its lattice, under every workload
    growth    a signed slot of batch b: uniform on 0 .. b-1;    a thread holds 1 .. 66 faults
    churn     a signed slot: P(r) ~ b - |r|;                    a thread as under growth
    hop       both: 0 with probability 1/2, else as under growth
    huge      only multiples of a huge page's pages: a tree uniform on those of its lattice, a
              signed slot on those below b; huge pages bypass split counting

These are stationary laws of the executable models, exact for every set of CPUs. The residuals are
independent, except in `lockstep` (lockstep.py). Derived in docs/theory.md.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from rssbound.bounds.laws.distribution import Distribution, Part
from rssbound.bounds.laws.workloads import CHURN, HOP, HUGE

if TYPE_CHECKING:
    from rssbound.bounds.counter.interval import Level
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("held", "lattice", "nothing_held", "signed")


def nothing_held(p: Parameters, level: Level, workload: str) -> Distribution:  # noqa: ARG001
    """Give the law of a level that keeps nothing back."""
    return Distribution(())


def lattice(p: Parameters, level: Level, workload: str) -> Distribution:
    """Give the law of a level of a tree: every residual that updates reach is equally likely.

    An update permutes the finite states of a tree. So updates that are chosen independently of the
    state preserve the uniform law on the reachable states: all residuals for single pages, their
    multiples for huge pages.
    """
    moves = level.low < level.high
    step = max(level.step, p.huge_pages) if workload == HUGE and moves else level.step
    points = (level.high + level.step - level.low) // step
    return Distribution((Part(level.items, points, step, level.low),) if points else ())


def signed(p: Parameters, level: Level, workload: str) -> Distribution:
    """Give the law of a level of slots that flush at a batch in both directions."""
    batch, items = level.high + 1, level.items
    if workload == CHURN:  # this is the difference of two uniform draws
        return Distribution((Part(2 * items, batch),), -items * (batch - 1))
    if workload == HUGE:  # a slot holds 0, 1, .. huge pages and flushes before it holds a batch
        return Distribution((Part(items, -(-batch // p.huge_pages), p.huge_pages),))
    return Distribution((Part(items, batch, busy=_busy(workload)),))


def held(level: Level, workload: str, most: int) -> Distribution:
    """Give the law of threads that hold 1 to `most` faults, each of so many pages."""
    pages = level.high // most
    if not pages or workload == HUGE:  # under these workloads no fault decreases a counter
        return Distribution(())
    return Distribution((Part(level.items, most, pages, pages, _busy(workload)),))


def _busy(workload: str) -> Fraction:
    """Give the probability that the last visit to a slot mapped; unmapping leaves it empty."""
    return Fraction(1, 2) if workload == HOP else Fraction(1)
