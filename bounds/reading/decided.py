"""Readings of RSS that measurements on the machine itself decide, so that none is a guess.

status and statm are precise if they agree with smaps_rollup while slots hold pages. The identified
designs give the error of the others. An interface that cannot be measured gets the worse of the
possible errors, and says so. Counters other than RSS are not measured; their readings stay as they
are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.design import Place
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.reading.accuracy import error_of, worst_bound
from rssbound.bounds.reading.catalogue import APPROXIMATE, ELSEWHERE, PEAK, PRECISE, ROLLUP
from rssbound.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rssbound.bounds.reading.accuracy import Accuracy, Reading
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("decided",)

HERE = "here"


def decided(
    readings: Iterable[Reading], agrees: Mapping[str, bool], ids: Sequence[str], p: Parameters
) -> tuple[Reading, ...]:
    """Decide readings of a machine by what was measured there.

    `agrees` maps the interfaces that were compared with smaps_rollup to whether they agreed; `ids`
    are those of the designs that the counters may have, at least one. Each side of an error is the
    largest of theirs.
    """
    return tuple(_decided(reading, agrees, ids, p) for reading in readings)


def _decided(
    reading: Reading, agrees: Mapping[str, bool], ids: Sequence[str], p: Parameters
) -> Reading:
    if reading.interface.kind == ELSEWHERE:
        return reading
    accuracy = _accuracy(reading, agrees.get(reading.interface.id), ids)
    error, sums = reading.error, reading.sums
    if error is not None:
        designs = [DESIGNS[id_] for id_ in ids]
        sums = worst_bound(designs, p, reading.interface.counters, None)
        error = error_of(accuracy.kind, sums)
    instead = _instead(reading, agrees)
    return replace(reading, accuracy=accuracy, error=error, sums=sums, instead=instead)


def _instead(reading: Reading, agrees: Mapping[str, bool]) -> str:
    """Say what to read instead of a sum: statm if it was precise, else the page tables."""
    if reading.instead not in {ROLLUP, "statm"} or len(reading.interface.counters) == 1:
        return reading.instead
    return "statm" if agrees.get("statm") else ROLLUP


def _accuracy(reading: Reading, agreed: bool | None, ids: Sequence[str]) -> Accuracy:
    """Say how an interface reads, and by which evidence."""
    interface, accuracy = reading.interface, reading.accuracy
    if agreed is not None:
        precise = agreed and interface.fix is not None
        kind = PRECISE if precise else APPROXIMATE
        return replace(
            accuracy, kind=kind, since=HERE, why="compared with smaps_rollup", guess=False
        )
    if not accuracy.guess:
        return accuracy
    names = " or ".join(ids)
    if accuracy.kind == PEAK:
        why = f"the largest of the readings that {names} gives"
    elif interface.id == "trace" and accuracy.kind in {APPROXIMATE, PRECISE}:
        cached = any(DESIGNS[id_].place is Place.THREAD for id_ in ids)
        kind, why = (
            (APPROXIMATE if cached else PRECISE),
            f"sums up slots as {names} does",
        )
        return replace(accuracy, kind=kind, since=HERE, why=why, guess=False)
    elif interface.fix is not None:
        why = "cannot be measured; taken as approximate, the worse case"
        return replace(accuracy, kind=APPROXIMATE, since=HERE, why=why, guess=False)
    else:
        why = f"{accuracy.why}, by the release"
    return replace(accuracy, why=why, guess=False)
