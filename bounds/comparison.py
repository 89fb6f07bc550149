"""Two records beside each other: which bound of one belongs to which of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rssbound.bounds.baseline import SIDES, Key, Record

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("Bound", "Pair", "pairs_of")


@dataclass(frozen=True, slots=True)
class Bound:
    """One side of one bound: on which machine, of which design, and bytes; None is "no bound"."""

    host: str
    design: str
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Pair:
    """The same side of the same counter in two records."""

    counter: str
    side: str
    a: Bound
    b: Bound


def pairs_of(a: Record, b: Record) -> tuple[Pair, ...]:
    """Pair the bounds of two records, in the order of the first.

    Two machines are compared whatever they are, as are two designs; where either record has several
    of them, a machine is compared with its like, a design with its namesake.
    """
    any_host = all(len({key.topology for key in record.rows}) == 1 for record in (a, b))
    any_design = all(len({key.design for key in record.rows}) == 1 for record in (a, b))

    def like(key: Key) -> tuple[str, str, str]:
        return ("" if any_host else key.topology, "" if any_design else key.design, key.counter)

    return _paired(a, b, like)


def _paired(a: Record, b: Record, like: Callable[[Key], tuple[str, str, str]]) -> tuple[Pair, ...]:
    others = {like(key): key for key in b.rows}
    return tuple(
        Pair(key.counter, side, _bound(a, key, side), _bound(b, others[like(key)], side))
        for key in a.rows
        if like(key) in others
        for side in SIDES
    )


def _bound(record: Record, key: Key, side: str) -> Bound:
    host = record.hosts[key.topology]
    pages: int | None = getattr(record.rows[key], side)
    return Bound(host.name, key.design, None if pages is None else pages * host.page_size)
