"""How pages reach the approximate value: which slot receives them, and when it flushes them.

    a place's slot    keeps the pages it received modulo its batch, and flushes the rest
    an item above     keeps what it received modulo its own modulus, and flushes the rest

A counter does no more than this while a process grows one page at a time; what it does when pages
are unmapped does not matter here. Identical slots are stated once, with their number.
"""

from __future__ import annotations

from functools import cached_property
from math import gcd, lcm
from typing import TYPE_CHECKING

from rssbound.records import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ("Below", "Item", "Node", "Slot", "Slots")


@dataclass(frozen=True)
class Slot:
    """The slot of each of `places` places; it flushes `modulus` pages once it holds that many.

    With a `lag` the first flush is smaller by that much: after k >= modulus pages the slot has
    flushed k - k mod modulus - lag.
    """

    modulus: int
    places: int = 1
    lag: int = 0

    @property
    def step(self) -> int:
        """It receives single pages."""
        return 1

    @property
    def most(self) -> int:
        """The most pages that it keeps."""
        return self.modulus - 1 + self.lag

    @property
    def period(self) -> int:
        """Period: pages at each place after which its state is the same again."""
        return self.modulus // gcd(self.modulus, self.places)

    def flushed(self, pages: int) -> int:
        """Give what it has flushed once each of its places received `pages` pages."""
        return self.flushed_of(pages * self.places)

    def flushed_of(self, came: int) -> int:
        """Give what it has flushed of the pages it received."""
        return came - came % self.modulus - (self.lag if came >= self.modulus else 0)


@dataclass(frozen=True)
class Item:
    """An item that slots or items flush into; `below` has them, each with its number of copies."""

    modulus: int
    below: Below

    @cached_property
    def places(self) -> int:
        """The number of places below it."""
        return sum(copies * node.places for copies, node in self.below)

    @cached_property
    def most(self) -> int:
        """The most pages that it and all below it keep."""
        kept = self.modulus - self.step
        return kept + sum(copies * node.most for copies, node in self.below)

    @cached_property
    def step(self) -> int:
        """It receives multiples of this."""
        return gcd(*(node.modulus for _, node in self.below))

    @cached_property
    def period(self) -> int:
        """Period: pages at each place after which it and all below it are in the same state."""
        period = lcm(*(node.period for _, node in self.below))
        came = sum(copies * node.flushed(period) for copies, node in self.below)
        return period * (self.modulus // gcd(self.modulus, came))

    def flushed(self, pages: int) -> int:
        """Give what it has flushed once each of its places received `pages` pages."""
        came = sum(copies * node.flushed(pages) for copies, node in self.below)
        return came - came % self.modulus


Node = Slot | Item
Below = tuple[tuple[int, Node], ...]


@dataclass(frozen=True)
class Slots:
    """All slots of one counter; those in `below` flush into the approximate value.

    bias        pages by which the approximate value reads too high while the slots are empty
    fault_pages counter -> pages of one fault, where a slot counts faults and all counters of a
                process share it; huge pages then bypass it. None: each counter has its own slots
    """

    below: Below = ()
    bias: int = 0
    fault_pages: Mapping[str, int] | None = field(default=None, hash=False)

    @cached_property
    def places(self) -> int:
        """The number of places."""
        return sum(copies * node.places for copies, node in self.below)

    @cached_property
    def most(self) -> int:
        """The most pages that all of them keep."""
        return sum(copies * node.most for copies, node in self.below)

    @cached_property
    def step(self) -> int:
        """They flush multiples of this; 1 if there are no slots."""
        lags = {node.lag for _, node in self.below if isinstance(node, Slot)}
        return gcd(*(node.modulus for _, node in self.below), *lags) or 1

    @property
    def period(self) -> int:
        """Period: pages at each place after which all of them are in the same state again."""
        return lcm(*(node.period for _, node in self.below))

    def kept(self, pages: int) -> int:
        """Give what they keep once each place received `pages` pages."""
        flushed = sum(copies * node.flushed(pages) for copies, node in self.below)
        return pages * self.places - flushed

    def counting(self, pages: int) -> Slots:
        """Give slots that count updates of `pages` pages each; moduli are rounded up to them."""
        return replace(self, below=_counting(self.below, pages), bias=0)

    def leaves(self) -> Iterator[tuple[int, Slot]]:
        """Yield the slots of places, each with its number of copies."""
        return ((copies, node) for copies, node in self.nodes() if isinstance(node, Slot))

    def nodes(self) -> Iterator[tuple[int, Node]]:
        """Yield all slots and items, each with its number of copies."""
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
