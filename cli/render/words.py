"""What is said in several places: of sides and metrics, of a machine, a process and its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import SIDES
from rssbound.bounds.reading.accuracy import files_of
from rssbound.bounds.reading.catalogue import PRECISE
from rssbound.bounds.scenario.scenario import DEFAULT_PAGE_SIZE
from rssbound.cli.render.units import amount_text, bytes_text, counted, pages_text, side_bytes

if TYPE_CHECKING:
    from rssbound.bounds import Analysis, Interval, Result
    from rssbound.topology import Topology

__all__ = (
    "METRIC_WORDS",
    "SIDE_WORDS",
    "both_sides",
    "caveats_of",
    "cheap_reading",
    "machine_words",
    "precise_files",
    "process_words",
    "shortened",
    "sides_words",
)

SIDE_WORDS = {"under": "too low", "over": "too high"}
"""Side of an error -> which way a reading is off."""

METRIC_WORDS = {"counter": "one counter", "rss": "RSS", "oom": "the OOM score"}
"""Metric -> what reads wrong."""


def both_sides(error: Interval, page_size: int) -> str:
    """Say in words how far a value can be off."""
    parts = [
        f"{'any amount' if pages is None else amount_text(pages, page_size)} {SIDE_WORDS[side]}"
        for side, pages in zip(SIDES, (error.under, error.over), strict=True)
        if pages != 0
    ]
    return "can read up to " + " and up to ".join(parts) if parts else "is exact"


def sides_words(error: Interval, page_size: int) -> str:
    """Say shortly how far a value can be off: `up to 476 MiB too low, never too high`."""
    if error.under == error.over == 0:
        return "exact"
    sides = zip(SIDES, (error.under, error.over), strict=True)
    return ", ".join(_side_words(pages, page_size, SIDE_WORDS[side]) for side, pages in sides)


def _side_words(pages: int | None, page_size: int, way: str) -> str:
    if pages is None:
        return f"any amount {way}"
    return f"up to {bytes_text(pages * page_size)} {way}" if pages else f"never {way}"


def machine_words(analysis: Analysis) -> str:
    """Say in one line what the machine is."""
    topology, scenario = analysis.topology, analysis.scenario
    assumed = topology.page_size is None and scenario.page_size == DEFAULT_PAGE_SIZE
    facts = [
        _machine(topology),
        f"{bytes_text(scenario.page_size)} pages{' (assumed)' if assumed else ''}",
    ]
    if topology.kernel:
        facts.append(f"Linux {topology.kernel}")
    return "; ".join(facts)


def process_words(analysis: Analysis) -> str:
    """Say in one line which process, and when, the bounds are for."""
    scenario = analysis.scenario
    moment = (
        f"worst case with {counted(scenario.in_flight, 'update')} stopped half-way"
        if scenario.in_flight
        else "worst case once updates have settled"
    )
    cpus = shortened(str(scenario.cpus))
    where = f"{'CPU' if len(scenario.cpus) == 1 else 'CPUs'} {cpus}"
    threads = counted(scenario.threads, "thread")
    return f"one process of {threads} on {where}, tree batch {scenario.batch}; {moment}"


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


def precise_files(analysis: Analysis) -> list[str]:
    """Say which files are precise on the running kernel, and which are not."""
    precise, rest = (_files(analysis, precise=wanted) for wanted in (True, False))
    if not precise:
        return ["None of status, statm and stat is precise there; smaps_rollup is."] if rest else []
    which = f"{' and '.join(precise)} are precise, {' and '.join(rest)} are not"
    return [f"Its {which} (rssbound interfaces)."]


def cheap_reading(analysis: Analysis) -> str:
    """Name what the bounds are of: a file that is not precise on the running kernel, if known."""
    precise, rest = (_files(analysis, precise=wanted) for wanted in (True, False))
    known = precise and rest and analysis.meant.id == analysis.running
    return f"a reading of {' or '.join(rest)}" if known else "a cheap reading"


def _files(analysis: Analysis, *, precise: bool) -> list[str]:
    """List the files that are precise on the running kernel, or not; none where unknown."""
    return [
        id_.replace("maxrss", "ru_maxrss")
        for id_, accuracy in files_of(analysis).items()
        if (accuracy.kind == PRECISE) == precise
    ]


def caveats_of(result: Result, page_size: int) -> list[str]:
    """List what voids a design's bound or must be known beside it, with the figures of a result."""
    over = result.rss.over
    known = [text for text in result.design.caveats if over != 0 or "{over}" not in text]
    return [text.replace("{over}", side_bytes(over, page_size)) for text in known]


def shortened(text: str, most: int = 40) -> str:
    """Cut a list of CPUs that is longer than it is worth."""
    return text if len(text) <= most else text[: most - 3] + "..."
