"""Readings that measurements on the machine itself decide, so that none is a guess.

status and statm are precise if they agree with smaps_rollup while slots hold pages. The identified
design gives the error of the others. An interface that cannot be measured gets the worse of the
possible errors, and says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rssbound.bounds.counter.design import Place
from rssbound.bounds.counter.interval import worst_of
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.reading.accuracy import error_of
from rssbound.bounds.reading.catalogue import APPROXIMATE, ELSEWHERE, PEAK, PRECISE, ROLLUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rssbound.bounds.reading.accuracy import Accuracy, Reading
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("decided",)

HERE = "here"


def decided(
    readings: Iterable[Reading], agrees: Mapping[str, bool], design_id: str, p: Parameters
) -> tuple[Reading, ...]:
    """Decide readings of a machine by what was measured there.

    `agrees` maps the interfaces that were compared with smaps_rollup to whether they agreed; the
    design of the counters is given by its id.
    """
    return tuple(_decided(reading, agrees, design_id, p) for reading in readings)


def _decided(
    reading: Reading, agrees: Mapping[str, bool], design_id: str, p: Parameters
) -> Reading:
    if reading.interface.kind == ELSEWHERE:
        return _beside(reading, p)
    accuracy = _accuracy(reading, agrees.get(reading.interface.id), design_id)
    error, sums = reading.error, reading.sums
    if error is not None:
        sums = DESIGNS[design_id].error(p, reading.interface.counters)
        error = error_of(accuracy.kind, sums)
    instead = _instead(reading, agrees)
    return replace(reading, accuracy=accuracy, error=error, sums=sums, instead=instead)


def _beside(reading: Reading, p: Parameters) -> Reading:
    """Decide a counter beside RSS, which a process's counters cannot show."""
    if not reading.accuracy.guess:
        return reading
    from rssbound.bounds.reading.beside import designs_of  # noqa: PLC0415 (RSS does without)

    counter = reading.interface.id
    error = worst_of(design.error(p, (counter,)) for design in designs_of(counter))
    why = "cannot be measured; the largest bound of its designs"
    accuracy = replace(reading.accuracy, kind=APPROXIMATE, since=HERE, why=why, guess=False)
    return replace(reading, accuracy=accuracy, error=error, sums=error)


def _instead(reading: Reading, agrees: Mapping[str, bool]) -> str:
    """Say what to read instead of a sum: statm if it was precise, else the page tables."""
    if reading.instead not in {ROLLUP, "statm"} or len(reading.interface.counters) == 1:
        return reading.instead
    return "statm" if agrees.get("statm") else ROLLUP


def _accuracy(reading: Reading, agreed: bool | None, design_id: str) -> Accuracy:
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
    if accuracy.kind == PEAK:
        why = f"the largest of the readings that {design_id} gives"
    elif interface.id == "trace" and accuracy.kind in {APPROXIMATE, PRECISE}:
        cached = DESIGNS[design_id].place is Place.THREAD
        kind, why = (
            (APPROXIMATE if cached else PRECISE),
            f"adds up as {design_id} does",
        )
        return replace(accuracy, kind=kind, since=HERE, why=why, guess=False)
    elif interface.fix is not None:
        why = "cannot be measured; taken as approximate, the worse case"
        return replace(accuracy, kind=APPROXIMATE, since=HERE, why=why, guess=False)
    else:
        why = f"{accuracy.why}, by the release"
    return replace(accuracy, why=why, guess=False)
