"""How pages reach the approximate value: which cache takes them, and when it hands them on.

    a place's cache   keeps the pages that came to it modulo its batch, and hands on the rest
    an item above     keeps what it was handed modulo its own modulus, and hands on the rest

This is all a counter does while a process grows a page at a time, whatever else it does when pages
go. Caches that are alike are stated once, with how many there are.
"""

from __future__ import annotations

from dataclasses import field, replace
from functools import cached_property
from math import gcd, lcm
from typing import TYPE_CHECKING

from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ("Below", "Cache", "Caches", "Item", "Node")


@dataclass(frozen=True)
class Cache:
    """What `places` of the places share; it hands `modulus` pages on once it holds that many.

    With a `lag` the first hand-over is so much smaller: after k >= modulus pages it has handed on
    k - k mod modulus - lag.
    """

    modulus: int
    places: int = 1
    lag: int = 0

    @property
    def step(self) -> int:
        """It is handed single pages."""
        return 1

    @property
    def most(self) -> int:
        """The most that it keeps, pages."""
        return self.modulus - 1 + self.lag

    @property
    def period(self) -> int:
        """Pages at each place after which it is where it was."""
        return self.modulus // gcd(self.modulus, self.places)

    def handed_on(self, pages: int) -> int:
        """Give what it has handed on after so many pages at each of its places."""
        return self.handed_on_of(pages * self.places)

    def handed_on_of(self, came: int) -> int:
        """Give what it has handed on of so many pages."""
        return came - came % self.modulus - (self.lag if came >= self.modulus else 0)


@dataclass(frozen=True)
class Item:
    """What some caches or items below hand pages to; `below` has how many of each kind."""

    modulus: int
    below: Below

    @cached_property
    def places(self) -> int:
        """How many places are below it."""
        return sum(copies * node.places for copies, node in self.below)

    @cached_property
    def most(self) -> int:
        """The most that it and all below it keep, pages."""
        kept = self.modulus - self.step
        return kept + sum(copies * node.most for copies, node in self.below)

    @cached_property
    def step(self) -> int:
        """What it is handed is multiples of this."""
        return gcd(*(node.modulus for _, node in self.below))

    @cached_property
    def period(self) -> int:
        """Pages at each place after which it and all below it are where they were."""
        period = lcm(*(node.period for _, node in self.below))
        came = sum(copies * node.handed_on(period) for copies, node in self.below)
        return period * (self.modulus // gcd(self.modulus, came))

    def handed_on(self, pages: int) -> int:
        """Give what it has handed on after so many pages at each of its places."""
        came = sum(copies * node.handed_on(pages) for copies, node in self.below)
        return came - came % self.modulus


Node = Cache | Item
Below = tuple[tuple[int, Node], ...]


@dataclass(frozen=True)
class Caches:
    """All caches of one counter; `below` are those that hand pages on to the approximate value.

    bias        what the approximate value reads too high while nothing is kept
    fault_pages counter -> pages of one fault, where a cache counts faults and all counters of a
                process share it; huge pages then go past it. None: each counter has its own caches
    """

    below: Below = ()
    bias: int = 0
    fault_pages: Mapping[str, int] | None = field(default=None, hash=False)

    @cached_property
    def places(self) -> int:
        """How many places there are."""
        return sum(copies * node.places for copies, node in self.below)

    @cached_property
    def most(self) -> int:
        """The most that all of them keep, pages."""
        return sum(copies * node.most for copies, node in self.below)

    @cached_property
    def step(self) -> int:
        """What they hand on is multiples of this; 1 if there are none."""
        lags = {node.lag for _, node in self.below if isinstance(node, Cache)}
        return gcd(*(node.modulus for _, node in self.below), *lags) or 1

    @property
    def period(self) -> int:
        """Pages at each place after which all of them are where they were."""
        return lcm(*(node.period for _, node in self.below))

    def kept(self, pages: int) -> int:
        """Give what they keep after so many pages at each place."""
        handed = sum(copies * node.handed_on(pages) for copies, node in self.below)
        return pages * self.places - handed

    def counting(self, pages: int) -> Caches:
        """Give caches that count updates of so many pages each; moduli are rounded up to them."""
        return replace(self, below=_counting(self.below, pages), bias=0)

    def leaves(self) -> Iterator[tuple[int, Cache]]:
        """Yield the caches of places, with how many there are of each."""
        return ((copies, node) for copies, node in self.nodes() if isinstance(node, Cache))

    def nodes(self) -> Iterator[tuple[int, Node]]:
        """Yield all caches and items, with how many there are of each."""
        return _nodes(self.below, 1)


def _counting(below: Below, pages: int) -> Below:
    counted: list[tuple[int, Node]] = []
    for copies, node in below:
        modulus = -(-node.modulus // pages)
        if isinstance(node, Item):
            counted.append((copies, Item(modulus, _counting(node.below, pages))))
        else:
            counted.append((copies, replace(node, modulus=modulus)))
    return tuple(counted)


def _nodes(below: Below, times: int) -> Iterator[tuple[int, Node]]:
    for copies, node in below:
        yield times * copies, node
        if isinstance(node, Item):
            yield from _nodes(node.below, times * copies)
