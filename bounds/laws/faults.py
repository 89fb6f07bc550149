"""The law of the pages in kept faults, where faults map different numbers of pages.

Which faults are kept depends only on places and order, and all orders of the kinds of faults are
equally likely. So among h kept faults, the number of one kind is hypergeometric.
"""

from __future__ import annotations

from math import exp, lgamma
from typing import TYPE_CHECKING

from rssbound.bounds.laws.table import NEVER, Table, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("law_of_pages",)


def law_of_pages(kept: Table, faults: Mapping[int, int]) -> Table:
    """Give the law of the pages of kept faults; `faults` maps pages of a fault to its number.

    ValueError for more than two kinds.
    """
    if len(faults) == 1:
        (pages,) = faults
        return kept.moved(0, pages)
    (pages, many), (more, others) = sorted(faults.items())
    chances: dict[int, float] = {}
    for number, chance in zip(kept.values, kept.chances, strict=True):
        if chance < NEVER:
            continue
        for chosen in range(max(0, number - many), min(others, number) + 1):
            joint = chance * _drawn(chosen, number, others, many)
            if joint > NEVER:
                value = chosen * more + (number - chosen) * pages
                chances[value] = chances.get(value, 0.0) + joint
    return table_of(chances)


def _drawn(chosen: int, number: int, others: int, many: int) -> float:
    """Give the probability that `chosen` of `number` draws are among `others`, not among `many`."""
    return exp(
        _log_ways(others, chosen)
        + _log_ways(many, number - chosen)
        - _log_ways(others + many, number)
    )


def _log_ways(things: int, chosen: int) -> float:
    return lgamma(things + 1) - lgamma(chosen + 1) - lgamma(things - chosen + 1)
