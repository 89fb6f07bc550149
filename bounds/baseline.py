"""Bounds on record, and what has changed since: the ratchet that keeps a bound from growing.

A record has one row for each machine, design and counter (or sum of counters), and what explains
the rows: the scenario of each machine and the levels of each design. Rows are compared by machine,
design and counter alone, so another batch is a better or worse bound, never another row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.consumers import METRICS
from rssbound.topology.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rssbound.bounds.amounts import Amount
    from rssbound.bounds.analysis import Analysis
    from rssbound.bounds.interval import Interval, Level

__all__ = (
    "ALL",
    "BETTER",
    "MISSING",
    "NEW",
    "SAME",
    "SIDES",
    "WORSE",
    "Change",
    "Host",
    "Key",
    "Record",
    "Target",
    "changes_of",
    "record_of",
)

SIDES = ("under", "over")
WORSE, BETTER, SAME, MISSING, NEW = "worse", "better", "same", "missing", "new"
ALL = "*"


class Key(NamedTuple):
    """What names a row: digest of the topology, design id, counter or metric; ALL for every one."""

    topology: str
    design: str
    counter: str


class Target(NamedTuple):
    """One side of a row on every machine, written `tree.rss.under`."""

    design: str
    counter: str
    side: str

    def __str__(self) -> str:
        return ".".join(self)


@dataclass(frozen=True)
class Host:
    """A machine of a record: its name, the scenario, and each design's levels in words."""

    name: str
    scenario: Mapping[str, int | str]
    levels: Mapping[str, tuple[str, ...]]

    @property
    def page_size(self) -> int:
        """Bytes."""
        return int(self.scenario["page_size"])


@dataclass(frozen=True)
class Record:
    """Machines by the digest of their topology, and the error of every row, in pages."""

    hosts: Mapping[str, Host] = field(default_factory=dict)
    rows: Mapping[Key, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One side of one row, before and now, in pages; None is "no bound".

    `verdict` is WORSE, BETTER, SAME, MISSING (only before) or NEW (only now); `allowed` the pages
    by which it may grow, and `why` what else is different.
    """

    key: Key
    host: str
    side: str
    before: int | None
    now: int | None
    verdict: str
    page_size: int
    allowed: int = 0
    why: str = ""

    @property
    def target(self) -> Target:
        """The change's design, counter and side."""
        return Target(self.key.design, self.key.counter, self.side)


def record_of(analyses: Iterable[Analysis]) -> Record:
    """Put analyses on record. Machines that differ in name only are one, the first by name."""
    hosts: dict[str, Host] = {}
    rows: dict[Key, Interval] = {}
    for analysis in sorted(analyses, key=lambda analysis: analysis.topology.name):
        digest = digest_of(analysis.topology)
        if digest in hosts:
            continue
        hosts[digest] = _host(analysis)
        for result in analysis.results:
            errors = {**result.counters, **{name: getattr(result, name) for name in METRICS}}
            rows |= {Key(digest, result.id, name): error for name, error in errors.items()}
    return Record(hosts, rows)


def changes_of(
    before: Record, now: Record, allowances: Mapping[Target, Amount] | None = None
) -> tuple[Change, ...]:
    """Compare two records row by row, each side for itself, in the order of their keys.

    A machine or a design that only one of them has is one change, whatever its number of rows.
    """
    alone = [
        *(_alone(key, before, MISSING) for key in _only_in(before, now)),
        *(_alone(key, now, NEW) for key in _only_in(now, before)),
    ]
    both = sorted(before.rows.keys() & now.rows.keys())
    compared = [change for key in both for change in _changes(key, before, now, allowances or {})]
    return tuple(sorted([*alone, *compared], key=lambda change: change.key))


def _only_in(one: Record, other: Record) -> list[Key]:
    """List the rows that only one record has, all of a machine or of a design as one."""
    hosts = {key.topology for key in other.rows}
    designs = {key[:2] for key in other.rows}
    keys = {
        Key(key.topology, ALL, ALL)
        if key.topology not in hosts
        else Key(key.topology, key.design, ALL)
        if key[:2] not in designs
        else key
        for key in one.rows.keys() - other.rows.keys()
    }
    return sorted(keys)


def _alone(key: Key, record: Record, verdict: str) -> Change:
    host = record.hosts[key.topology]
    return Change(key, host.name, "", None, None, verdict, host.page_size)


def _changes(
    key: Key, before: Record, now: Record, allowances: Mapping[Target, Amount]
) -> Iterator[Change]:
    host = now.hosts[key.topology]
    old, new = before.rows[key], now.rows[key]
    why = "" if old == new else _reason(key, before, now)
    for side in SIDES:
        was, is_ = getattr(old, side), getattr(new, side)
        amount = allowances.get(Target(key.design, key.counter, side))
        allowed = amount.in_pages(host.page_size, was or 0) if amount else 0
        yield Change(
            key=key,
            host=host.name,
            side=side,
            before=was,
            now=is_,
            verdict=_verdict(was, is_, allowed),
            page_size=host.page_size,
            allowed=allowed,
            why="" if was == is_ else why,
        )


def _verdict(before: int | None, now: int | None, allowed: int) -> str:
    if before == now:
        return SAME
    if now is None:
        return WORSE
    if before is None or now < before:
        return BETTER
    return WORSE if now > before + allowed else SAME


def _reason(key: Key, before: Record, now: Record) -> str:
    """Say what differs in the scenario, or else in the levels of the design."""
    old, new = before.hosts[key.topology], now.hosts[key.topology]
    differences = [
        f"{name} {old.scenario.get(name, 'not on record')} -> {new.scenario.get(name, 'gone')}"
        for name in sorted(old.scenario.keys() | new.scenario.keys())
        if old.scenario.get(name) != new.scenario.get(name)
    ]
    was, is_ = old.levels.get(key.design, ()), new.levels.get(key.design, ())
    if not differences and was != is_:
        gone = "; ".join(level for level in was if level not in is_)
        come = "; ".join(level for level in is_ if level not in was)
        differences = [f"levels {gone or 'none'} -> {come or 'none'}"]
    return ", ".join(differences)


def _host(analysis: Analysis) -> Host:
    scenario = {
        name: value if isinstance(value, int) else str(value)
        for name, value in vars(analysis.scenario).items()
        if name != "constants"  # what they change shows in the levels
    }
    return Host(
        analysis.topology.name,
        scenario,
        {result.id: tuple(map(_level_text, result.levels)) for result in analysis.results},
    )


def _level_text(level: Level) -> str:
    return f"{level.name}: {level.items} x {level.low}..{level.high}"
