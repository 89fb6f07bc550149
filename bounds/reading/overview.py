"""All bounds of a machine, and the files of its kernel with the error of each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from rssbound.bounds.analysis import Analysis, result_of
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.hardware.locality import spans_on
from rssbound.bounds.reading.accuracy import error_of, files_of, worst_bound
from rssbound.bounds.reading.catalogue import INTERFACES
from rssbound.bounds.scenario.parameters import parameters_of, updating_cpus
from rssbound.bounds.scenario.scenario import ALL, OWN
from rssbound.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rssbound.bounds.counter.interval import Interval
    from rssbound.bounds.hardware.locality import Span
    from rssbound.bounds.reading.accuracy import Accuracy

__all__ = ("FileVerdict", "Overview", "overview_of")


@dataclass(frozen=True)
class FileVerdict:
    """A file on the machine's kernel: how it reads, and its error in pages."""

    id: str
    accuracy: Accuracy
    error: Interval


@dataclass(frozen=True)
class Overview:
    """An analysis with additional facts.

    design_guess  whether the kernel's design is only likely, because its release is a vendor's
    files     the files that people read, on the machine's kernel; none if it is not known
    promised  the bounds if no other task updates the counters; None if they are the same
    spans     design -> what the items of each of its levels span; only if requested
    """

    analysis: Analysis
    design_guess: bool
    files: tuple[FileVerdict, ...]
    promised: Analysis | None
    spans: Mapping[str, tuple[Span | None, ...]]


def overview_of(analysis: Analysis, *, with_spans: bool = False) -> Overview:
    """Add the files, the promised bounds and the spans to an analysis."""
    kernel = analysis.kernel_design
    return Overview(
        analysis,
        kernel is not None and kernel.guess,
        _verdicts(analysis),
        _promised(analysis),
        _spans(analysis) if with_spans else {},
    )


def _spans(analysis: Analysis) -> dict[str, tuple[Span | None, ...]]:
    span_of = cache(spans_on(analysis.topology, analysis.parameters.ids))
    return {
        result.id: tuple(span_of(level.item_of) for level in result.levels)
        for result in analysis.results
    }


def _verdicts(analysis: Analysis) -> tuple[FileVerdict, ...]:
    """Give the error of each file; for several possible designs, the largest of each side."""
    kernel, parameters = analysis.kernel_design, analysis.parameters
    resident = analysis.scenario.rss
    if kernel is None:
        return ()
    designs = [DESIGNS[id_] for id_ in kernel.candidates]
    verdicts = []
    for id_, accuracy in files_of(analysis).items():
        sums = worst_bound(designs, parameters, INTERFACES[id_].counters, resident)
        error = error_of(accuracy.kind, sums)
        if error is not None:
            verdicts.append(FileVerdict(id_, accuracy, error))
    return tuple(verdicts)


def _promised(analysis: Analysis) -> Analysis | None:
    """Bound the process again, on the promise that no other task updates its counters."""
    asked = analysis.scenario
    if asked.updaters != ALL or updating_cpus(analysis.topology, asked) == asked.cpus:
        return None
    alone = replace(asked, updaters=OWN)
    parameters = parameters_of(analysis.topology, alone)
    results = tuple(result_of(result.design, parameters, asked.rss) for result in analysis.results)
    return Analysis(analysis.topology, alone, parameters, results)
