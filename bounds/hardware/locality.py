"""How the items of a counter's level map to the hardware: which domains their CPUs span.

The kernel's tree groups CPUs by `cpu mod 2^k`. If ids fill one package after the other, the CPUs of
an item are in different packages, and its cache line moves between them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from rssbound.topology.cpuset import CpuSet
    from rssbound.topology.model import Column, Topology

__all__ = ("DOMAINS", "Range", "Span", "spans_of")

DOMAINS = ("package", "node", "llc")
"""Levels of the machine across which sharing a cache line is expensive."""

Range = tuple[int, int]
"""The least and the most over all items of a level."""


@dataclass(frozen=True)
class Span:
    """The CPUs that share one item of a level, and the domains that they span.

    `domains` maps each of DOMAINS to the least and the most that an item's CPUs span, None if the
    machine's domains are unknown.
    """

    cpus: Range
    domains: dict[str, Range | None]


def spans_of(
    item_of: Callable[[int], Hashable] | None, topology: Topology, cpus: CpuSet
) -> Span | None:
    """Give what the items of a level span; None for a level that does not divide the CPUs."""
    if item_of is None or not cpus:
        return None
    items = list(map(item_of, cpus))
    each = _range(Counter(items).values())
    columns = {name: topology.column(name) for name in DOMAINS}
    if each == (1, 1):  # so no item spans two domains, and a million items need not be counted
        return Span(each, {name: each if _known(columns[name], cpus) else None for name in DOMAINS})
    return Span(each, {name: _domains_per_item(items, cpus, columns[name]) for name in DOMAINS})


def _known(column: Column, cpus: CpuSet) -> bool:
    return any(domain is not None for domain in cpus.select(column)) if column else False


def _domains_per_item(items: list[Hashable], cpus: CpuSet, column: Column) -> Range | None:
    pairs = set(zip(items, cpus.select(column), strict=True)) if column else set()
    known = Counter(item for item, domain in pairs if domain is not None)
    return _range(known.values()) if known else None


def _range(counts: Iterable[int]) -> Range:
    counts = list(counts)
    return min(counts), max(counts)
