"""Compare two records: pair the bounds of one with the bounds of the other.

Machines are matched by the digest of their topology, or by name if no digest is in both: a saved
analysis has no digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import SIDES
from rssbound.bounds.designs import BESIDE_COUNTERS
from rssbound.bounds.gate.record import KERNEL, Kernel, Key, Record
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("Bound", "Pair", "kernel_of", "pairs_of")

NOT_DESIGNS = (KERNEL, *BESIDE_COUNTERS)
"""The key used in place of a design: the design of each machine's kernel."""


@dataclass(frozen=True)
class Bound:
    """One side of one bound: its machine, its design and its bytes; None is "no bound".

    `reads` is how a kernel's reader reads, "precise" or "approximate"; empty for a counter.
    """

    host: str
    design: str
    size_bytes: int | None
    reads: str = ""


@dataclass(frozen=True)
class Pair:
    """The same side of the same counter, or reader, in two records.

    `in_use`: it is of the designs that two kernels use, not of designs that were chosen.
    """

    counter: str
    side: str
    a: Bound
    b: Bound
    in_use: bool = False


def pairs_of(a: Record, b: Record) -> tuple[Pair, ...]:
    """Pair the bounds of two records, in the order of the first.

    If both records have one machine, the two are compared, and likewise with designs. If either has
    several, machines and designs are matched. The bounds of two kernels that differ in design or in
    kinds of readers come first.
    """
    any_machine = all(len({key.topology for key in record.rows}) == 1 for record in (a, b))
    any_design = all(len({key.design for key in _named(record).rows}) == 1 for record in (a, b))

    def alike(host_of: Callable[[Record, Key], str]) -> tuple[Pair, ...]:
        def like(record: Record, key: Key) -> tuple[str, str, str]:
            host = "" if any_machine else host_of(record, key)
            design = "" if any_design and key.design not in NOT_DESIGNS else key.design
            return (host, design, key.counter)

        return _paired(a, b, like)

    pairs = alike(lambda _, key: key.topology) or alike(_name)
    return (*filter(_differs, pairs), *(pair for pair in pairs if not pair.in_use))


def kernel_of(record: Record) -> Kernel | None:
    """Give the kernel of a record's source tree; None if there is none or several."""
    kernels = [machine.kernel for machine in record.machines.values()]
    return kernels[0] if kernels and all(kernel == kernels[0] for kernel in kernels) else None


def _named(record: Record) -> Record:
    """Leave out the rows of KERNEL, whose design has its own, and of counters other than RSS."""
    return Record(
        record.machines,
        {key: error for key, error in record.rows.items() if key.design not in NOT_DESIGNS},
    )


def _name(record: Record, key: Key) -> str:
    return record.machines[key.topology].name


def _differs(pair: Pair) -> bool:
    """Return whether two kernels differ in the counter or reader of this pair."""
    if pair.a.reads or pair.b.reads:
        return pair.in_use and pair.a.reads != pair.b.reads
    return pair.in_use and pair.a.design != pair.b.design


def _paired(
    a: Record, b: Record, like: Callable[[Record, Key], tuple[str, str, str]]
) -> tuple[Pair, ...]:
    others = {like(b, key): key for key in b.rows}
    pairs = [(key, others[name]) for key in a.rows if (name := like(a, key)) in others]
    return tuple(
        Pair(key.counter, side, _bound(a, key, side), _bound(b, other, side), key.design == KERNEL)
        for key, other in pairs
        for side in SIDES
    )


def _bound(record: Record, key: Key, side: str) -> Bound:
    machine = record.machines[key.topology]
    pages: int | None = getattr(record.rows[key], side)
    size = None if pages is None else pages * machine.page_size
    if key.design != KERNEL or machine.kernel is None:
        return Bound(machine.name, key.design, size)
    return Bound(
        machine.name, machine.kernel.design, size, machine.kernel.readers.get(key.counter, "")
    )
