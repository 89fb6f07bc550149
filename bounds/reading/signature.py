"""Identify the design from a measurement on one CPU: the models run the same updates.

A process that is alone on one CPU maps single pages until the counter's cheap read has risen a few
times, and then unmaps them one by one. The signature is:

    step  pages by which the read rises at once, every `step` pages
    back  pages that are unmapped before the read falls
    fall  pages by which it then falls

    exact        1, 1, 1
    percpu       b, b, b      a slot is empty after a flush: hysteresis
    tree         M, 1, M      M the last modulus; a tree has no hysteresis
    per-thread   66, 2, 1     faults are held; unmapping syncs and is not held

It is measured with one thread and with two, because some designs are exact until the second.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.vendors import VENDORS
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.scenario.parameters import Parameters

    Predictions = dict[str, tuple["Signature | None", "Signature | None"]]
    # design id -> its signature with one thread and with two

__all__ = (
    "RISES",
    "Measured",
    "Signature",
    "likely_among",
    "matches",
    "pages_needed",
    "predicted",
    "predictions",
    "signature_in",
)

RISES = 3
"""Number of rises to wait for; the first is incomplete, because the start is not known."""

MOST_PAGES = 1 << 16
"""The most pages that are mapped and that a model runs for: 256 MiB with 4 KiB pages."""


class Signature(NamedTuple):
    """The signature of a counter on one CPU, in pages."""

    step: int
    back: int
    fall: int


@dataclass(frozen=True)
class Measured:
    """The signatures on a CPU with one thread and with two, None if disturbed.

    `designs` are the ids of the likely designs with these signatures; empty if no design has them.
    """

    cpu: int
    alone: Signature | None
    threaded: Signature | None
    designs: tuple[str, ...] = ()


def signature_in(rising: Sequence[int], falling: Sequence[int]) -> Signature | None:
    """Read a signature off a series; None if it has none, or if something disturbed it.

    `rising` is the read in pages before and after each page that is mapped, ending with a rise;
    `falling` that before and after each page that is unmapped from there on.
    """
    rises = [(at, more) for at, more in _changes(rising) if more]
    falls = [(at, more) for at, more in _changes(falling) if more < 0]
    if len(rises) < RISES or not falls or rises[-1][0] != len(rising) - 1:
        return None
    steps = {more for _, more in rises[1:]}
    gaps = {later - earlier for (earlier, _), (later, _) in pairwise(rises)}
    if len(steps) != 1 or gaps != steps:
        return None
    back, fall = falls[0]
    return Signature(steps.pop(), back, -fall)


def _changes(reads: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield each position of a series at which it changes, with the change."""
    for place in range(1, len(reads)):
        yield place, reads[place] - reads[place - 1]


def predicted(design: Design, p: Parameters, cpu: int) -> Signature | None:
    """Give the signature of a design's model on one CPU; None if it takes more than MOST_PAGES."""
    model = design.model(p)
    place = cpu if cpu in model.places else model.places[0]
    rising = [model.approximate]
    rises = 0
    while rises < RISES and len(rising) <= MOST_PAGES:
        model.work(((place, 1),), by_munmap=True)
        rising.append(model.approximate)
        rises += rising[-1] != rising[-2]
    falling = [model.approximate]
    while len(falling) < len(rising) and falling[-1] >= falling[0]:
        model.work(((place, -1),), by_munmap=True)  # as munmap does, which is no fault
        falling.append(model.approximate)
    return signature_in(rising, falling)


def predictions(p: Parameters, cpu: int) -> Predictions:
    """Give the signature of each design on a CPU of a machine, with one thread and with two."""
    return {
        design.id: (
            predicted(design, p.having(threads=1), cpu),
            predicted(design, p.having(threads=2), cpu),
        )
        for design in DESIGNS.values()
    }


def pages_needed(expected: Predictions) -> int:
    """Give the number of pages that must be mapped to see the rises of every design."""
    steps = [signature.step for pair in expected.values() for signature in pair if signature]
    return min(MOST_PAGES, (RISES + 1) * max(steps, default=1))


def matches(
    alone: Signature | None, threaded: Signature | None, expected: Predictions
) -> tuple[str, ...]:
    """Name the designs whose models have the signatures, with one thread and with two."""
    if alone is None or threaded is None:
        return ()
    return tuple(id_ for id_, pair in expected.items() if pair == (alone, threaded))


def likely_among(found: Iterable[str], expected: Iterable[str]) -> tuple[str, ...]:
    """Choose among designs with one signature: those expected of a release, else those in use.

    Designs that mainline has or had come first, then those of a vendor; designs that were only
    posted come last.
    """
    found = tuple(found)
    of_vendors = {id_ for vendor in VENDORS for id_ in vendor.candidates}
    for likely in (
        set(expected),
        {id_ for id_, design in DESIGNS.items() if design.kernels.merged},
        of_vendors,
    ):
        chosen = tuple(id_ for id_ in found if id_ in likely)
        if chosen:
            return chosen
    return found
