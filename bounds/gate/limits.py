"""Limits on bounds, such as `tree.rss.under <= 64MiB`, and how far a bound may grow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTERS, METRICS, SIDES
from rssbound.bounds.designs import BESIDE_COUNTERS, DESIGNS
from rssbound.bounds.gate.amounts import Amount, amount_of
from rssbound.bounds.gate.record import KERNEL, Record, Target
from rssbound.bounds.reading.catalogue import INTERFACES
from rssbound.errors import ScenarioError
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("Allowance", "Limit", "Measured", "allowance_of", "limit_of", "measured")


@dataclass(frozen=True)
class Limit:
    """The largest allowed value of one side of a bound, on every machine; `text` as written."""

    text: str
    target: Target
    most: Amount


@dataclass(frozen=True)
class Allowance:
    """The allowed growth of one side of a bound over the baseline."""

    text: str
    target: Target
    amount: Amount


@dataclass(frozen=True)
class Measured:
    """A limit applied to one machine: the bound and the limit, in pages; None is "no bound"."""

    limit: Limit
    topology: str
    host: str
    pages: int | None
    most: int
    page_size: int

    @property
    def holds(self) -> bool:
        """Whether the bound is within the limit."""
        return self.pages is not None and self.pages <= self.most


def limit_of(text: str) -> Limit:
    """Read `DESIGN.COUNTER.SIDE <= AMOUNT`; ScenarioError if it is something else."""
    name, relation, amount = (part.strip() for part in text.partition("<="))
    if not relation:
        raise ScenarioError(f"{text!r} is not a limit such as 'tree.rss.under <= 64MiB'")
    most = amount_of(amount)
    if most.needs_whole:
        raise ScenarioError(f"{text!r}: {amount} needs a whole; write '{amount} of 64GiB'")
    return Limit(text, target_of(name), most)


def allowance_of(text: str) -> Allowance:
    """Read `DESIGN.COUNTER.SIDE:AMOUNT`; ScenarioError if it is something else."""
    name, colon, amount = (part.strip() for part in text.partition(":"))
    if not colon:
        raise ScenarioError(f"{text!r} is not an allowance such as tree.rss.under:5%")
    return Allowance(text, target_of(name), amount_of(amount))


def target_of(text: str) -> Target:
    """Read `tree.rss.under`; ScenarioError names the unknown part and the known ones.

    For a counter other than RSS `memory.stat.under`, in the design of each machine's kernel.
    """
    counter, _, side = (part.strip() for part in text.rpartition("."))
    if counter in BESIDE_COUNTERS:
        if side not in SIDES:
            raise ScenarioError(f"{text!r}: unknown side {side!r}; known: {', '.join(SIDES)}")
        return Target(counter, counter, side)
    parts = re.split(r"\s*\.\s*", text)
    if len(parts) != 3:
        raise ScenarioError(f"{text!r} is not DESIGN.COUNTER.SIDE, such as tree.rss.under")
    readers = [name for name, interface in INTERFACES.items() if interface.counters]
    choices = (
        ("design", (*DESIGNS, KERNEL)),
        ("counter", (*COUNTERS, *METRICS, *(readers if parts[0] == KERNEL else ()))),
        ("side", SIDES),
    )
    for part, (what, known) in zip(parts, choices, strict=True):
        if part not in known:
            others = f"; or a counter: {', '.join(BESIDE_COUNTERS)}" if what == "design" else ""
            raise ScenarioError(
                f"{text!r}: unknown {what} {part!r}; known: {', '.join(known)}{others}"
            )
    return Target(*parts)


def measured(limits: Iterable[Limit], now: Record) -> tuple[Measured, ...]:
    """Apply each limit to every machine that has its row, in the order of the limits."""
    return tuple(
        Measured(
            limit=limit,
            topology=key.topology,
            host=now.machines[key.topology].name,
            pages=getattr(error, limit.target.side),
            most=limit.most.in_pages(now.machines[key.topology].page_size),
            page_size=now.machines[key.topology].page_size,
        )
        for limit in limits
        for key, error in sorted(now.rows.items())
        if (key.design, key.counter) == limit.target[:2]
    )
