"""How the items of a counter's level map to the hardware: which domains their CPUs span.

The kernel's tree groups CPUs by `cpu mod 2^k`. If ids fill one package after the other, the CPUs of
an item are in different packages, and its cache line moves between them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from rssbound.topology.cpuset import CpuSet
    from rssbound.topology.model import Column, Topology

__all__ = ("DOMAINS", "Range", "Span", "spans_of", "spans_on")

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
    return spans_on(topology, cpus)(item_of)


def spans_on(
    topology: Topology, cpus: CpuSet
) -> Callable[[Callable[[int], Hashable] | None], Span | None]:
    """Give `spans_of` for all levels on some CPUs, which are sorted by domain once."""
    members = {name: _members(topology.column(name), cpus) for name in DOMAINS}

    def found(item_of: Callable[[int], Hashable] | None) -> Span | None:
        if item_of is None or not cpus:
            return None
        each = _range(Counter(map(item_of, cpus)).values())
        if each == (1, 1):  # so no item spans two domains, and they need not be counted
            return Span(each, {name: each if of else None for name, of in members.items()})
        return Span(each, {name: _domains_per_item(item_of, of) for name, of in members.items()})

    return found


def _members(column: Column, cpus: CpuSet) -> tuple[list[int], ...]:
    """Group CPUs by domain; those of unknown domains are left out."""
    groups: defaultdict[object, list[int]] = defaultdict(list)
    for cpu, domain in zip(cpus, cpus.select(column), strict=True) if column else ():
        groups[domain].append(cpu)
    groups.pop(None, None)
    return tuple(groups.values())


def _domains_per_item(
    item_of: Callable[[int], Hashable], members: tuple[list[int], ...]
) -> Range | None:
    """Count the domains of each item, domain by domain: a set of all pairs would be large."""
    known: Counter[Hashable] = Counter()
    for group in members:
        known.update(set(map(item_of, group)))
    return _range(known.values()) if known else None


def _range(counts: Iterable[int]) -> Range:
    counts = list(counts)
    return min(counts), max(counts)
