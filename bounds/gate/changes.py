"""Bounds on record, and what has changed since: the ratchet that keeps a bound from growing.

A record has one row for each machine, design and counter (or sum of counters), and what explains
the rows: the scenario of each machine and the levels of each design. Rows are compared by machine,
design and counter alone, so another batch is a better or worse bound, never another row.

Where a kernel source tree was read there are rows of the design KERNEL as well: the bounds of the
design that this kernel uses, and those of each of its readers. So a kernel that goes over to
another design, or to a cheaper reader, is a better or worse bound too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.counter.counters import COUNTERS, METRICS
from rssbound.bounds.counter.interval import EXACT
from rssbound.bounds.gate.reasons import differences, level_differences, levels_text, settings_of
from rssbound.bounds.reading.accuracy import INTERFACES, PRECISE
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import Scenario
from rssbound.topology.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rssbound.bounds.analysis import Analysis, Result
    from rssbound.bounds.counter.interval import Interval
    from rssbound.bounds.gate.amounts import Amount

__all__ = (
    "ALL",
    "BETTER",
    "KERNEL",
    "MISSING",
    "NEW",
    "SAME",
    "SIDES",
    "WORSE",
    "Change",
    "Host",
    "Kernel",
    "Key",
    "Record",
    "Target",
    "changes_of",
    "errors_of",
    "kernel_errors",
    "record_of",
)

SIDES = ("under", "over")
WORSE, BETTER, SAME, MISSING, NEW = "worse", "better", "same", "missing", "new"
ALL = "*"
KERNEL = "kernel"
"""In place of a design id: the design that the kernel of the source tree uses, whichever it is."""


class Key(NamedTuple):
    """What names a row: digest of the topology, design id, counter or metric; ALL for every one.

    The design may be KERNEL, and then the counter an interface such as `statm` too.
    """

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
class Kernel:
    """What a source tree says of its kernel: the design that counts RSS, and how readers read it.

    `readers` maps interfaces such as `statm` to "precise" or "approximate".
    """

    design: str
    readers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Host:
    """A machine of a record: its name, the scenario, and each design's levels in words.

    `kernel` is None where no source tree was read; `uses` maps a design to the settings that its
    bounds are made from, and has no design of which that is not known.
    """

    name: str
    scenario: Mapping[str, int | str]
    levels: Mapping[str, tuple[str, ...]]
    kernel: Kernel | None = None
    uses: Mapping[str, frozenset[str]] = field(default_factory=dict)

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

    `verdict` is WORSE, BETTER, SAME, MISSING (only before) or NEW (only now); `most` the pages
    that are allowed now, None where it is what was before, and `why` what else is different: of a
    kernel that has changed also where the bound has not.
    `page_size` is that of now and `page_size_before` that of before, in bytes.
    """

    key: Key
    host: str
    side: str
    before: int | None
    now: int | None
    verdict: str
    page_size: int
    page_size_before: int
    most: int | None = None
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
        running = _running(analysis)
        hosts[digest] = _host(analysis, running)
        for result in analysis.results:
            rows |= {Key(digest, result.id, name): own for name, own in errors_of(result).items()}
        if running:
            errors = kernel_errors(errors_of(running), hosts[digest].kernel)
            rows |= {Key(digest, KERNEL, name): own for name, own in errors.items()}
    return Record(hosts, rows)


def errors_of(result: Result) -> dict[str, Interval]:
    """Give the error of each counter and of each sum, by name."""
    return {**result.counters, **{name: getattr(result, name) for name in METRICS}}


def kernel_errors(errors: Mapping[str, Interval], kernel: Kernel | None) -> dict[str, Interval]:
    """Add to the errors of a kernel's counters those of what its readers show.

    A reader that adds all caches up is exact, another as far off as the counters it sums.
    """
    names = {(name,): name for name in COUNTERS} | {parts: name for name, parts in METRICS.items()}
    readers = {
        name: EXACT if how == PRECISE else errors[names[own.counters]]
        for name, how in (kernel.readers if kernel else {}).items()
        if (own := INTERFACES.get(name)) and own.counters
    }
    return {**errors, **readers}


def changes_of(
    before: Record, now: Record, allowances: Mapping[Target, Amount] | None = None
) -> tuple[Change, ...]:
    """Compare two records row by row, each side for itself, in the order of their keys.

    A machine or a design that only one of them has is one change, whatever its number of rows. A
    row of KERNEL that says again what another row says is none.
    """
    alone = [
        *(_alone(key, before, MISSING) for key in _only_in(before, now)),
        *(_alone(key, now, NEW) for key in _only_in(now, before)),
    ]
    common = sorted(before.rows.keys() & now.rows.keys())
    both = [key for key in common if not _repeats(key, before, now)]
    compared = [change for key in both for change in _changes(key, before, now, allowances or {})]
    return tuple(sorted([*alone, *compared], key=lambda change: change.key))


def _repeats(key: Key, before: Record, now: Record) -> bool:
    """Tell whether a row of KERNEL is that of a design or a sum which is compared anyway."""
    old, new = before.hosts[key.topology].kernel, now.hosts[key.topology].kernel
    if key.design != KERNEL or old is None or new is None or old.design != new.design:
        return False
    how = old.readers.get(key.counter)
    if how is not None:
        return how == new.readers.get(key.counter)
    own = key._replace(design=new.design)
    return own in before.rows and own in now.rows


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
    why = ""
    if key.design == KERNEL and key.counter == ALL:
        without = "this check" if verdict == MISSING else "the baseline"
        why = f"{without} was made without a kernel source tree"
    return Change(key, host.name, "", None, None, verdict, host.page_size, host.page_size, why=why)


def _changes(
    key: Key, before: Record, now: Record, allowances: Mapping[Target, Amount]
) -> Iterator[Change]:
    old, new = before.hosts[key.topology], now.hosts[key.topology]
    for side in SIDES:
        was, is_ = getattr(before.rows[key], side), getattr(now.rows[key], side)
        was_bytes, is_bytes = _times(was, old.page_size), _times(is_, new.page_size)
        amount = allowances.get(Target(key.design, key.counter, side))
        allowed = amount.in_bytes(new.page_size, was_bytes or 0) if amount else 0
        most = None if was_bytes is None else was_bytes + allowed
        yield Change(
            key=key,
            host=new.name,
            side=side,
            before=was,
            now=is_,
            verdict=_verdict(was_bytes, is_bytes, most),
            page_size=new.page_size,
            page_size_before=old.page_size,
            most=most // new.page_size if most is not None and allowed else None,
            why=_kernel_reason(key, old, new)
            or ("" if was_bytes == is_bytes else _reason(key, old, new)),
        )


def _times(pages: int | None, page_size: int) -> int | None:
    return None if pages is None else pages * page_size


def _verdict(before: int | None, now: int | None, most: int | None) -> str:
    """Judge bytes; None is "no bound"."""
    if before == now:
        return SAME
    if now is None:
        return WORSE
    if before is None or most is None or now < before:
        return BETTER
    return WORSE if now > most else SAME


def _kernel_reason(key: Key, old: Host, new: Host) -> str:
    """Say what differs in the kernel: how a reader reads, else the design in use."""
    was, is_ = old.kernel, new.kernel
    if key.design != KERNEL or was is None or is_ is None:
        return ""
    readers = (was.readers.get(key.counter), is_.readers.get(key.counter))
    if readers[0] != readers[1]:
        return f"{key.counter} {readers[0]} -> {readers[1]}"
    return f"design in use {was.design} -> {is_.design}" if was.design != is_.design else ""


def _reason(key: Key, old: Host, new: Host) -> str:
    """Say what differs in the settings that the design uses, and in its levels."""
    design = new.kernel.design if key.design == KERNEL and new.kernel else key.design
    return ", ".join(
        (
            *differences(old.scenario, new.scenario, new.uses.get(design)),
            *level_differences(old.levels.get(design, ()), new.levels.get(design, ())),
        )
    )


def _running(analysis: Analysis) -> Result | None:
    """Give the result of the design that the source tree's kernel uses; None without a tree."""
    design = analysis.scenario.constants.design
    if design is None:
        return None
    own = next((result for result in analysis.results if result.id == design), None)
    if own:
        return own
    asked = Scenario(**vars(analysis.scenario))
    return analysis_of(analysis.topology, asked, [design]).results[0]


def _host(analysis: Analysis, running: Result | None) -> Host:
    constants = analysis.scenario.constants
    scenario = {
        name: value if isinstance(value, int) else str(value)
        for name, value in vars(analysis.scenario).items()
        if name != "constants"  # what they change shows in the levels
    }
    results = [*analysis.results, *([running] if running else [])]
    readers = {name: found.accuracy for name, found in constants.readers.items()}
    parameters = parameters_of(analysis.topology, analysis.scenario)
    return Host(
        analysis.topology.name,
        scenario,
        {result.id: levels_text(result.levels) for result in results},
        Kernel(running.id, readers) if running else None,
        {result.id: settings_of(result.design, parameters) for result in results},
    )
