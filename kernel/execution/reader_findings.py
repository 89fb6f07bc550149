"""Findings about readers that return unexpected values, one for each cause.

A function that shows several values is one cause, and so is a sum that others only pass on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.scenario.kernel_constants import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from rssbound.bounds.scenario.kernel_constants import KernelConstants
    from rssbound.kernel.execution.readings import ReaderRun

__all__ = ("RUN", "reader_findings")

RUN = "run:"
"""The prefix of a finding's id, before the function at fault."""

SUMS_OF_OTHERS = ("get_mm_rss", "get_mm_rss_sum")
RSS = {"file": 1, "anon": 1, "shmem": 1}
SUMS = {
    "get_mm_rss": RSS,
    "get_mm_rss_sum": RSS,
    "stat": RSS,
    "statm": RSS,
    "status VmRSS": RSS,
    "status RssAnon": {"anon": 1},
    "status RssFile": {"file": 1},
    "status RssShmem": {"shmem": 1},
    "status VmSwap": {"swap": 1},
    "oom_badness": {**RSS, "swap": 1},
}
"""Reader -> how often its value contains each counter."""


def reader_findings(
    runs: Sequence[ReaderRun],
    constants: KernelConstants,
    members: Collection[str],
    *,
    trusted: bool,
    faulty: str = "",
) -> list[Finding]:
    """List findings about readers with unexpected values, one for each function.

    `members` are the counters of the tree. If updates are not `trusted`, only the set of counters
    that a reader adds up is checked. Readers of the `faulty` kind, "approximate" or "precise", are
    not checked at all.
    """
    found: dict[str, list[Finding]] = {}
    for run in runs:
        if run.accuracy is not None and _expected(run, constants) != faulty:
            texts = [*_sum_texts(run, runs, members)]
            texts += _accuracy_texts(run, constants) if trusted else ()
            id_ = f"{RUN}{run.function}"
            found.setdefault(id_, []).extend(
                Finding(*run.location, f"{run.reader}: {text}", id_) for text in texts
            )
    return [_as_one(listed) for listed in found.values() if listed]


def _expected(run: ReaderRun, constants: KernelConstants) -> str:
    """Give how a reader should read, judged by its calls."""
    read = constants.readers.get(run.reader.split()[0])
    if read is not None:
        return read.accuracy
    return "precise" if run.function.endswith("_sum") else "approximate"


def _as_one(findings: Sequence[Finding]) -> Finding:
    """Join findings with the same cause: the first one, and the names of the others."""
    first, *others = findings
    more = ", ".join(dict.fromkeys(other.text.partition(":")[0] for other in others))
    return first._replace(text=f"{first.text}; also {more}") if more else first


def _sum_texts(
    run: ReaderRun, runs: Iterable[ReaderRun], members: Collection[str]
) -> Iterator[str]:
    more = _too_many(run, members)
    handed_on = any(
        more == _too_many(other, members)
        for other in runs
        if other.reader in SUMS_OF_OTHERS and other.reader != run.reader
    )
    if more and not handed_on:
        wanted = _wanted(run, members)
        yield f"{run.function} adds up {_sum_text(run.counters)}, not {_sum_text(wanted)}"


def _wanted(run: ReaderRun, members: Collection[str]) -> dict[str, int]:
    return {name: times for name, times in SUMS.get(run.reader, {}).items() if name in members}


def _too_many(run: ReaderRun, members: Collection[str]) -> dict[str, int]:
    """Give how many times too often a value contains each counter; empty if the value is right."""
    wanted = _wanted(run, members)
    if not wanted:
        return {}
    more = {name: run.counters.get(name, 0) - wanted.get(name, 0) for name in members}
    return {name: times for name, times in more.items() if times}


def _accuracy_texts(run: ReaderRun, constants: KernelConstants) -> Iterator[str]:
    if run.accuracy == "neither":
        yield f"{run.function} returns neither the precise nor the approximate sum"
    read = constants.readers.get(run.reader.split()[0])
    if read is not None and run.accuracy in {"precise", "approximate"} - {read.accuracy}:
        yield (
            f"{run.function} returns the {run.accuracy} sum, "
            f"but its calls suggest the {read.accuracy} one"
        )


def _sum_text(counters: Mapping[str, int]) -> str:
    parts = [name if times == 1 else f"{times} x {name}" for name, times in counters.items()]
    return " + ".join(parts) or "nothing"
