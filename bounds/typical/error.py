"""How far off a counter typically is: the law of precise - approximate under a workload.

It is settled: nothing is in flight. The laws of the levels are each design's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import TYPICAL
from rssbound.bounds.laws.distribution import Distribution
from rssbound.bounds.laws.workloads import GROWTH, WORKLOADS
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from fractions import Fraction

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("Typical", "settled_after", "summary_of", "typical_of")


@dataclass(frozen=True, slots=True)
class Typical:
    """What a law comes to, in pages.

    Mean and standard deviation of precise - approximate, and the sizes of the error that are not
    exceeded with probability 1/2 and 0.99. They hold once the process has grown by about
    `settled_after` pages; before that the error swings more widely, in step with the growth.
    """

    workload: str
    mean: Fraction
    stddev: float
    median: int
    p99: int
    settled_after: int


def typical_of(
    design: Design,
    parameters: Parameters,
    counters: tuple[str, ...] = (TYPICAL,),
    workload: str = GROWTH,
) -> Distribution:
    """Give the law of precise - approximate of a sum of counters under one of WORKLOADS, in pages.

    Positive: the counter reads too low. ScenarioError where the design has no law under it.
    """
    if workload in design.no_law:
        known = " and ".join(name for name in WORKLOADS if name not in design.no_law)
        raise ScenarioError(
            f"{design.id}: how far off it usually is under {workload} is not known; "
            f"under {known} it is"
        )
    levels = design.levels(replace(parameters, in_flight=0), counters)
    laws = [design.law(parameters, level, workload) for level in levels]
    return Distribution(
        tuple(part for law in laws for part in law.parts), sum(law.shift for law in laws)
    )


def summary_of(
    design: Design,
    parameters: Parameters,
    counters: tuple[str, ...] = (TYPICAL,),
    workload: str = GROWTH,
) -> Typical:
    """Give the figures that are printed."""
    law = typical_of(design, parameters, counters, workload)
    return Typical(
        workload,
        law.mean,
        law.stddev,
        law.size_quantile(0.5),
        law.size_quantile(0.99),
        settled_after(law),
    )


def settled_after(law: Distribution) -> int:
    """Give about how many single pages at random places it takes until a law holds.

    The first pages fill all caches of a level in step. After t of them at n caches of modulus M the
    expected error swings about its mean by n * M / pi * exp(-2 pi^2 t / (n M^2)) pages, and less
    than a hundredth of the swing is left at n * M^2 / 4; derived in docs/theory.md.
    """
    return max((part.copies * (part.points * part.step) ** 2 // 4 for part in law.parts), default=0)
