"""Wording used in several places: for sides and metrics, machines, processes and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import SIDE_WORDS, SIDES
from rssbound.bounds.counter.interval import EXACT, worst_of
from rssbound.bounds.reading.catalogue import PEAK
from rssbound.bounds.scenario.scenario import DEFAULT_PAGE_SIZE
from rssbound.cli.render.units import (
    amount_text,
    bound_text,
    bytes_text,
    counted,
    guessed,
    pages_text,
    side_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from rssbound.bounds import Analysis, Interval, Result
    from rssbound.bounds.reading.beside import Beside
    from rssbound.bounds.reading.overview import FileVerdict, Overview
    from rssbound.topology import CpuSet, Topology

__all__ = (
    "METRIC_WORDS",
    "PROMISE",
    "caveats_of",
    "cheap_reading",
    "cpus_words",
    "design_words",
    "error_words",
    "machine_words",
    "process_words",
    "shortened",
    "sides_words",
    "verdict_lines",
)

FILE_NAMES = {"status": "status (ps)", "statm": "statm (top)", "maxrss": "ru_maxrss"}
"""Interface -> its name with a program that reads it; other interfaces keep their id."""

PROMISE = (
    "while nothing else updates the process (no reclaim, no remote faults, no collapse of pages, "
    "no truncation of its files by others, no change of affinity since exec)"
)
"""What `--updaters own` promises."""

METRIC_WORDS = {"counter": "one counter", "rss": "RSS", "oom": "the OOM score"}
"""Metric -> the value that can read wrong."""


def sides_words(error: Interval, page_size: int) -> str:
    """Describe an error in short: `up to 476 MiB too low, never too high`."""
    if error.under == error.over == 0:
        return "exact"
    sides = zip(SIDES, (error.under, error.over), strict=True)
    return ", ".join(_side_words(pages, page_size, SIDE_WORDS[side]) for side, pages in sides)


def _side_words(pages: int | None, page_size: int, way: str) -> str:
    if pages is None:
        return f"any amount {way}"
    return f"up to {bound_text(pages * page_size)} {way}" if pages else f"never {way}"


def machine_words(analysis: Analysis | Beside) -> str:
    """Describe the machine in one line."""
    topology, scenario = analysis.topology, analysis.scenario
    assumed = topology.page_size is None and scenario.page_size == DEFAULT_PAGE_SIZE
    facts = [
        _machine(topology),
        f"{bytes_text(scenario.page_size)} pages{' (assumed)' if assumed else ''}",
    ]
    if topology.kernel:
        facts.append(f"Linux {topology.kernel}")
    return "; ".join(facts)


def process_words(analysis: Analysis, varied: Collection[str] = ()) -> str:
    """Describe in one line the process and the moment that the bounds are for.

    `varied` names fields of the scenario that have several values and are left out: cpus, batch.
    """
    scenario = analysis.scenario
    moment = (
        f"worst case with {counted(scenario.in_flight, 'update')} stopped half-way"
        if scenario.in_flight
        else "worst case once updates have settled"
    )
    where = f" on {cpus_words(scenario.cpus)}"
    batch = f", tree batch {scenario.batch}"
    threads = counted(scenario.threads, "thread")
    process = f"one process with {threads}{'' if 'cpus' in varied else where}"
    return f"{process}{'' if 'batch' in varied else batch}; {moment}"


def _machine(topology: Topology) -> str:
    online, possible = len(topology.online), len(topology.possible)
    cpus = counted(possible, "CPU")
    if online != possible:
        cpus = f"{pages_text(online)} of {cpus} online"
    counts = (
        (topology.count("package", topology.online), "package"),
        (topology.numa_nodes, "NUMA node"),
        (topology.count("llc", topology.online), "last-level cache"),
        (topology.count("core", topology.online), "core"),
    )
    return ", ".join([cpus, *(counted(count, name) for count, name in counts if count)])


def verdict_lines(overview: Overview) -> list[str]:
    """Give the error of each file of the machine's kernel, then the error under the promise."""
    analysis = overview.analysis
    size = analysis.scenario.page_size
    lines = [f"{_kernel_words(analysis)} {_worth(overview, analysis, size)}"]
    if overview.promised:
        lines.append(f"{PROMISE}: {_bounds_alone(overview, overview.promised, size)}")
    return [f"{line[0].upper()}{line[1:]}." for line in lines]


def _kernel_words(analysis: Analysis) -> str:
    """Name the design that the verdict is about, and why."""
    meant, kernel = analysis.meant.id, analysis.kernel_design
    named = f"Linux {analysis.topology.kernel}"
    if kernel is None:
        return f"the kernel is not known (--kernel RELEASE names it); with {meant},"
    if meant not in kernel.candidates:
        return f"{named} uses {kernel.candidates[0]}, which was not selected; with {meant},"
    if analysis.scenario.constants.design is not None:
        return f"this kernel source uses {meant}:"
    if kernel.known is None:
        names = " or ".join(kernel.candidates)
        bounds = {id_: analysis.result_of(id_).rss for id_ in kernel.candidates}
        worst = worst_of(bounds.values())
        largest = next(
            (f"bound of these, that of {id_}" for id_ in bounds if bounds[id_] == worst),
            "of their bounds on each side",
        )
        return f"{named} uses {names} ({kernel.why}); the largest {largest}:"
    return f"{named} uses {guessed(meant, guess=kernel.guess)}:"


def _worth(overview: Overview, analysis: Analysis, page_size: int) -> str:
    """List the files with their errors; exact files come last, then what is a guess."""
    if not _is_of_kernel(analysis) or not overview.files:
        return f"a cheap reading of RSS is {error_words(analysis.rss, page_size)}"
    groups: dict[str, list[str]] = {}
    for verdict in sorted(overview.files, key=lambda verdict: verdict.error == EXACT):
        groups.setdefault(error_words(verdict.error, page_size), []).append(_file_name(verdict))
    listed = [f"{', '.join(names)}: {error}" for error, names in groups.items()]
    return "; ".join([*listed, *_guessed_files(overview)])


def _guessed_files(overview: Overview) -> list[str]:
    """Name the files whose accuracy is a guess, unless the design is already marked as one."""
    if overview.design_guess:
        return []
    names = [_file_name(verdict) for verdict in overview.files if verdict.accuracy.guess]
    return [f"a guess for {', '.join(names)}"] if names else []


def design_words(overview: Overview) -> str:
    """Name the designs that `Analysis.rss` is for; marked if not known to be the kernel's."""
    analysis = overview.analysis
    ids = [result.id for result in analysis.used]
    known = ids == [analysis.running] and not overview.design_guess
    return guessed(" or ".join(ids), guess=not known)


def _is_of_kernel(analysis: Analysis) -> bool:
    """Return whether the machine's kernel may use the design that the verdict is about."""
    kernel = analysis.kernel_design
    return kernel is not None and analysis.meant.id in kernel.candidates


def _bounds_alone(overview: Overview, promised: Analysis, page_size: int) -> str:
    if promised.rss == overview.analysis.rss:
        return "the bound is the same, because updates by others are counted immediately"
    return error_words(promised.rss, page_size)


def _file_name(verdict: FileVerdict) -> str:
    return FILE_NAMES.get(verdict.id, verdict.id)


def error_words(error: Interval, page_size: int) -> str:
    """Describe the error of a file: `up to 3.38 GiB (883,584 pages) too low or too high`."""
    if error == EXACT:
        return "exact"
    if error.under == error.over:
        return f"{_up_to(error.under, page_size)} too low or too high"
    parts = [
        f"{_up_to(pages, page_size)} {SIDE_WORDS[side]}"
        if pages != 0
        else f"never {SIDE_WORDS[side]}"
        for side, pages in zip(SIDES, (error.under, error.over), strict=True)
    ]
    return ", ".join(parts)


def _up_to(pages: int | None, page_size: int) -> str:
    return "any amount" if pages is None else f"up to {amount_text(pages, page_size)}"


def cheap_reading(overview: Overview) -> str:
    """Name the reading that the bounds apply to; the inexact files if the kernel has exact ones."""
    analysis = overview.analysis
    of_now = [verdict for verdict in overview.files if verdict.accuracy.kind != PEAK]
    off = [verdict.id for verdict in of_now if verdict.error != EXACT]
    if not _is_of_kernel(analysis) or len(off) in {0, len(of_now)}:
        return "a cheap reading"
    return f"a reading of {' or '.join(off)}"


def caveats_of(result: Result, page_size: int) -> list[str]:
    """List the caveats of a design's bound, with the figures of a result."""
    over = result.rss.over
    known = [text for text in result.design.caveats if over != 0 or "{over}" not in text]
    return [text.replace("{over}", side_bytes(over, page_size)) for text in known]


def cpus_words(cpus: CpuSet) -> str:
    """Name CPUs: CPU 2, CPUs 0-3,8."""
    return f"{'CPU' if len(cpus) == 1 else 'CPUs'} {shortened(str(cpus))}"


def shortened(text: str, most: int = 40) -> str:
    """Shorten a long list of CPUs."""
    return text if len(text) <= most else text[: most - 3] + "..."
