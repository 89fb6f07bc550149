"""How far off a counter typically is: the law of precise - approximate under a workload.

Updates have settled: nothing is in flight. Each design states the laws of its levels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import TYPICAL
from rssbound.bounds.laws.distribution import Distribution
from rssbound.bounds.laws.workloads import GROWTH, HUGE, LOCKSTEP, WORKLOADS
from rssbound.errors import ScenarioError
from rssbound.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.laws.table import Law
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("Typical", "long_run_of", "settled_after", "summary_of", "typical_of")


@dataclass(frozen=True)
class Typical:
    """The figures of a law, in pages.

    Mean and standard deviation of precise - approximate, and the sizes of the error that are not
    exceeded with probability 1/2 and 0.99. Without `pages` they describe the long run of a workload
    and hold once the process has grown by about `settled_after` pages; before that the error swings
    more widely, in step with the growth. With `pages` they describe a process that has grown from 0
    to that many pages, and `workload` says so.
    """

    workload: str
    mean: Fraction
    stddev: float
    median: int
    p99: int
    settled_after: int
    pages: int | None = None


def typical_of(
    design: Design,
    parameters: Parameters,
    counters: tuple[str, ...] = (TYPICAL,),
    workload: str = GROWTH,
) -> Law:
    """Give the law of precise - approximate of a sum of counters under one of WORKLOADS, in pages.

    Positive: the counter reads too low. In `lockstep` all counters advance together. ScenarioError
    if the design has no law under the workload.
    """
    if workload in design.no_law:
        known = [name for name in WORKLOADS if name not in design.no_law]
        raise ScenarioError(
            f"{design.id}: its typical error under {workload} is not known; "
            f"it is known under {', '.join(known[:-1])} and {known[-1]}"
        )
    if workload == LOCKSTEP:
        return _lockstep(design, parameters, counters)
    return long_run_of(design, parameters, counters, workload)  # pyright: ignore[reportReturnType] # cached_property


def long_run_of(
    design: Design,
    parameters: Parameters,
    counters: tuple[str, ...] = (TYPICAL,),
    workload: str = GROWTH,
) -> Distribution:
    """Give the law of a workload under which residuals are independent in the long run."""
    levels = design.levels(replace(parameters, in_flight=0), counters)
    laws = [design.law(parameters, level, workload) for level in levels]
    return Distribution(
        tuple(part for law in laws for part in law.parts), sum(law.shift for law in laws)
    )


def _lockstep(design: Design, parameters: Parameters, counters: tuple[str, ...]) -> Law:
    from rssbound.bounds.laws.lockstep import law_of_lockstep  # noqa: PLC0415 (for one workload)

    slots = design.slots(parameters)
    if slots.fault_pages is None:
        return law_of_lockstep(slots, len(counters))
    pages = max(slots.fault_pages[counter] for counter in counters)
    return law_of_lockstep(slots, pages) if pages else Distribution(())  # pyright: ignore[reportReturnType] # cached_property


def summary_of(
    design: Design,
    parameters: Parameters,
    counters: tuple[str, ...] = (TYPICAL,),
    workload: str = GROWTH,
    sizes: Mapping[str, int] | None = None,
) -> Typical:
    """Give the printed figures, of the long run or of a process that has grown to a size.

    `sizes` are pages by counter; a counter that is missing there has 0 pages. ScenarioError for a
    size with a workload that does not grow.
    """
    unit = parameters.huge_pages if workload == HUGE else 1
    if sizes is None:
        law = typical_of(design, parameters, counters, workload)
        # in lockstep the law holds from the first swing
        settled = settled_after(law, unit) if isinstance(law, Distribution) else 0
        return _typical(law, workload, settled, None)
    from rssbound.bounds.typical.grown import (  # noqa: PLC0415 (for a known size only)
        grown_law,
        whole_updates,
    )

    grown = {
        counter: whole_updates(parameters, sizes.get(counter, 0), workload) for counter in counters
    }
    pages = sum(grown.values())
    law = grown_law(design, parameters, grown, workload)
    settled = settled_after(long_run_of(design, parameters, counters, workload), unit)
    return _typical(law, f"{workload} to {pages:,} pages", settled, pages)


def _typical(law: Law, workload: str, settled: int, pages: int | None) -> Typical:
    return Typical(
        workload=workload,
        mean=law.mean,
        stddev=law.stddev,
        median=law.size_quantile(0.5),
        p99=law.size_quantile(0.99),
        settled_after=settled,
        pages=pages,
    )


def settled_after(law: Distribution, unit: int = 1) -> int:
    """Estimate after how many pages at random places a law holds; each update is `unit` pages.

    The first pages fill all slots of a level in step. After t pages at n slots of modulus M the
    expected error swings about its mean by n * M / pi * exp(-2 pi^2 t / (n M^2)) pages. At t = n *
    M^2 / 4 less than a hundredth of the swing is left. Derived in docs/theory.md.
    """
    periods = ((part.copies, part.points * part.step // unit) for part in law.parts)
    return unit * max((copies * period**2 // 4 for copies, period in periods), default=0)
