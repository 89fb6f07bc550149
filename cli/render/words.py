"""What is said in several places: of sides and metrics, of a machine, a process and its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.reading.accuracy import INTERFACES, UNTOLD, accuracy_in, accuracy_of
from rssbound.bounds.scenario.scenario import DEFAULT_PAGE_SIZE
from rssbound.cli.render.units import amount_text, bytes_text, counted, pages_text

if TYPE_CHECKING:
    from rssbound.bounds import Analysis, Interval, Result
    from rssbound.topology import Topology

__all__ = (
    "METRIC_WORDS",
    "SIDES",
    "SIDE_WORDS",
    "both_sides",
    "cheap_reading",
    "machine_words",
    "meant_of",
    "precise_files",
    "process_words",
    "shortened",
    "sides_words",
)

SIDE_WORDS = {"under": "too low", "over": "too high"}
"""Side of an error -> which way a reading is off."""

SIDES = tuple(SIDE_WORDS)

METRIC_WORDS = {"counter": "one counter", "rss": "RSS", "oom": "the OOM score"}
"""Metric -> what reads wrong."""

FILES = ("status", "statm", "stat", "maxrss")
"""Interfaces that analyze says a word about."""


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


def meant_of(analysis: Analysis) -> Result:
    """Give the result of the running kernel's design, else of mainline's, else the first."""
    results = {result.id: result for result in analysis.results}
    return results.get(analysis.running or "") or results.get("percpu", analysis.results[0])


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
    known = precise and rest and meant_of(analysis).id == analysis.running
    return f"a reading of {' or '.join(rest)}" if known else "a cheap reading"


def _files(analysis: Analysis, *, precise: bool) -> list[str]:
    """List the interfaces that are precise on the running kernel, or not; none where unknown."""
    release, source = analysis.topology.kernel, analysis.scenario.constants
    if analysis.running is None or (release is None and not source.readers):
        return []
    every = {
        id_: accuracy_in(INTERFACES[id_], source) or accuracy_of(INTERFACES[id_], release or UNTOLD)
        for id_ in FILES
    }
    return [
        id_.replace("maxrss", "ru_maxrss")
        for id_, accuracy in every.items()
        if (accuracy.kind == "precise") == precise
    ]


def shortened(text: str, most: int = 40) -> str:
    """Cut a list of CPUs that is longer than it is worth."""
    return text if len(text) <= most else text[: most - 3] + "..."
