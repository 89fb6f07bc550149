"""The error of a counter that has grown to a size: the exact law of the first pages.

The law of the long run, in typical/error.py, holds only after `settled_after` pages, and few
processes grow that far. For a process that has grown from 0 to n pages, the number of pages that
its slots received is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.laws.faults import law_of_pages
from rssbound.bounds.laws.grown import law_of_growth
from rssbound.bounds.laws.table import Table, sum_of
from rssbound.bounds.laws.workloads import GROWING, GROWTH, HUGE
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.laws.slots import Slots
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("grown_law", "whole_updates")


def grown_law(
    design: Design, parameters: Parameters, sizes: Mapping[str, int], workload: str = GROWTH
) -> Table:
    """Give the law of precise - approximate of counters that have grown to given sizes, in pages.

    `sizes` has the pages of each counter of the sum. They are rounded up to whole huge pages under
    `huge`, and to whole faults for split counting. Positive: the sum reads too low. ScenarioError
    for a workload that does not grow.
    """
    if workload not in GROWING:
        raise ScenarioError(
            f"{workload} has no law for a process of a given size; {' and '.join(GROWING)} do"
        )
    slots = design.slots(parameters)
    unit = parameters.huge_pages if workload == HUGE else 1
    if slots.fault_pages is not None:
        return _of_shared(slots, slots.fault_pages, sizes) if unit == 1 else Table(0, 1, (1.0,))
    counting = slots.counting(unit)
    return sum_of(
        law_of_growth(counting, -(-pages // unit)).moved(-slots.bias, unit)
        for pages in sizes.values()
    )


def whole_updates(parameters: Parameters, pages: int, workload: str) -> int:
    """Give the size that a workload reaches: under `huge` whole huge pages."""
    unit = parameters.huge_pages if workload == HUGE else 1
    return -(-pages // unit) * unit


def _of_shared(slots: Slots, fault_pages: Mapping[str, int], sizes: Mapping[str, int]) -> Table:
    """Give the law of counters whose faults share the slots, in an order chosen uniformly."""
    faults: dict[int, int] = {}
    for counter, size in sizes.items():
        pages = fault_pages[counter]
        if size and pages:
            faults[pages] = faults.get(pages, 0) - (-size // pages)
    if not faults:
        return Table(0, 1, (1.0,))
    return law_of_pages(law_of_growth(slots, sum(faults.values())), faults)
