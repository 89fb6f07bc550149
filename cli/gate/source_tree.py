"""What does a kernel source tree say to a check? What changed in it, and what its code does.

The fingerprints of what its bounds rest on are held against those on record, and its functions are
run on the machines that are checked.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.gate.record import Source
from rssbound.bounds.gate.verdicts import verdict_of_difference, verdict_of_finding
from rssbound.bounds.scenario.parameters import updating_cpus
from rssbound.bounds.scenario.scenario import OWN, Scenario, resolve
from rssbound.cli.output import say
from rssbound.cli.progress import counting, patience
from rssbound.errors import InputError, ScenarioError
from rssbound.topology.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rssbound.bounds.counter.rests import Fingerprint
    from rssbound.bounds.gate.verdicts import Verdict
    from rssbound.bounds.scenario.kernel_constants import Finding
    from rssbound.cli.gate.request import Given
    from rssbound.cli.gate.settings_file import Acceptance
    from rssbound.kernel.execution.measurement import Measurement
    from rssbound.kernel.source_tree import SourceTree
    from rssbound.topology import Topology

    Acceptances = Sequence[Given[Acceptance]]

__all__ = ("changes_in", "faults_of_acceptances", "run_on", "source_of")

MOST_CPUS = 1024
MOST_THREADS = 64
"""The most with which functions are run, where a machine or a process has more of them."""


def source_of(folder: str, design: str, acceptances: Acceptances) -> Source:
    """Put on record what the bounds of a tree rest on, and why what was reviewed is accepted."""
    from rssbound.kernel.fingerprints import fingerprints_of  # noqa: PLC0415 (slow to load)
    from rssbound.kernel.source_tree import SourceTree  # noqa: PLC0415

    with patience(f"reading {folder}"):
        fingerprints = fingerprints_of(SourceTree(Path(folder)), design)
    given = {one.value.id: one.value.reason for one in reversed(acceptances)}
    return Source(design, fingerprints, given)


def faults_of_acceptances(acceptances: Acceptances, sources: Iterable[Source]) -> list[str]:
    """Say which acceptances are of what no source has: misspelt, or of code that is long gone."""
    known = {fingerprint.id for source in sources for fingerprint in source.fingerprints}
    return [
        f"{given.where}: {given.value.id!r}: nothing that a bound rests on has this id"
        for given in acceptances
        if given.value.id not in known
    ]


# -- what changed


def changes_in(folder: str, before: Source, now: Source, acceptances: Acceptances) -> list[Verdict]:
    """Judge each fingerprint that is not as on record."""
    from rssbound.kernel.differences import differences_of, finding_of  # noqa: PLC0415

    if before.design != now.design:
        say(
            f"{folder} counts RSS with {now.design}, and {before.design} is on record: no code was "
            "compared; review it, then write the baseline again"
        )
        return []
    if before.fingerprints == now.fingerprints:
        return []
    with patience(f"comparing {folder}"):
        found, trees = _with_sources(folder, before, now)
        differences = differences_of(now.design, found, now.fingerprints, *trees)
    accepted = _accepted(before, acceptances)
    return [
        verdict_of_difference(folder, each.id, finding_of(each), each.text, accepted.get(each.id))
        for each in differences
    ]


def _accepted(before: Source, acceptances: Acceptances) -> dict[str, str]:
    """Give the reasons of what is accepted now, by id.

    A line of the settings accepts one change: once it is on record, the next one is another.
    """
    return {
        given.value.id: given.value.reason
        for given in reversed(acceptances)
        if given.location is None or before.accepted.get(given.value.id) != given.value.reason
    }


def _with_sources(
    folder: str, before: Source, now: Source
) -> tuple[tuple[Fingerprint, ...], tuple[SourceTree | None, SourceTree]]:
    """Find the source before in the tree's git repository, where there is one that has it.

    Gives what is on record, with the lines where that source has it, and both trees.
    """
    from rssbound.kernel.fingerprints import fingerprints_of  # noqa: PLC0415
    from rssbound.kernel.revision import Revision, commits_before  # noqa: PLC0415
    from rssbound.kernel.source_tree import SourceTree  # noqa: PLC0415

    same = {(print_.id, print_.digest) for print_ in now.fingerprints}
    changed = {
        print_.id: print_
        for print_ in before.fingerprints
        if (print_.id, print_.digest) not in same
    }
    files = sorted({print_.location.file for print_ in changed.values()})
    for commit in commits_before(folder, files):
        tree = Revision(Path(folder), commit=commit)
        seen = {(print_.id, print_.digest): print_ for print_ in fingerprints_of(tree, now.design)}
        if all((print_.id, print_.digest) in seen for print_ in changed.values()):
            found = tuple(
                seen.get((print_.id, print_.digest), print_) for print_ in before.fingerprints
            )
            return found, (tree, SourceTree(Path(folder)))
    return before.fingerprints, (None, SourceTree(Path(folder)))


# -- what it does


class Ran(NamedTuple):
    """Findings of a tree's functions, run on machines.

    `left_out` says what could not be run, `less` which machines were run with less than they have.
    """

    findings: tuple[Finding, ...] = ()
    left_out: tuple[str, ...] = ()
    less: tuple[str, ...] = ()


def run_on(folder: str, machines: Sequence[Topology], scenario: Scenario) -> list[Verdict]:
    """Run a tree's own functions on machines, and judge what they reach.

    What cannot be run is said once, on standard error.
    """
    ran = _run(folder, machines, scenario)
    if ran.left_out:
        parts = dict.fromkeys(part.removeprefix(f"{folder}: ") for part in ran.left_out)
        say(f"{folder}: not run, so that fingerprints decide: {'; '.join(parts)}")
    for text in ran.less:
        say(f"{folder}: {text}")
    return [verdict_of_finding(folder, finding) for finding in ran.findings]


def _run(folder: str, machines: Sequence[Topology], scenario: Scenario) -> Ran:
    from rssbound.kernel.execution.measurement import (  # noqa: PLC0415 (slow to load)
        STEPS,
        measure,
        open_executable,
    )

    findings: dict[Finding, None] = {}
    left_out: dict[str, None] = {}
    less: dict[str, None] = {}
    try:
        tree = open_executable(folder)
    except InputError as error:
        return Ran(left_out=error.faults)
    with counting(STEPS * len(machines), f"running {folder}") as advance:
        for number, machine in enumerate(machines):
            asked, capped = _capped(scenario, machine, faults=tree.code.has_faults)
            less |= dict.fromkeys(filter(None, [capped]))
            try:
                measured = measure(tree, machine, asked, _after(STEPS * number, advance))
            except (InputError, ScenarioError) as error:
                left_out |= dict.fromkeys(error.faults)
                continue
            findings |= dict.fromkeys(measured.findings)
            left_out |= dict.fromkeys(_not_run(measured))
    return Ran(tuple(findings), tuple(left_out), tuple(less))


def _after(steps: int, advance: Callable[[int], None]) -> Callable[[int], None]:
    """Count on from the steps that are done."""
    return lambda done: advance(steps + done)


def _capped(scenario: Scenario, machine: Topology, *, faults: bool) -> tuple[Scenario, str]:
    """Make the scenario in which functions are run on a machine, and say what is less than asked.

    The constants are those of the tree, whatever the options say of them. Without `faults` it is
    all the same how many threads there are, if more than one.
    """
    asked = Scenario(
        cpus=scenario.cpus,
        updaters=scenario.updaters,
        threads=min(scenario.threads, MOST_THREADS),
        page_size=scenario.page_size,
        fault_around_bytes=scenario.fault_around_bytes,
        nodes_shift=scenario.nodes_shift,
    )
    less = []
    if faults and scenario.threads > MOST_THREADS:
        less.append(f"{MOST_THREADS} threads of {scenario.threads:,}")
    cpus = updating_cpus(machine, resolve(asked, machine))
    if len(cpus) > MOST_CPUS:
        less.append(f"{MOST_CPUS:,} CPUs of {len(cpus):,}")
        asked = replace(asked, cpus=CpuSet.of(islice(cpus, MOST_CPUS)), updaters=OWN)
    return asked, f"run on {machine.name} with {' and '.join(less)}" if less else ""


def _not_run(measured: Measurement) -> list[str]:
    """Say what of a tree was not run on a machine."""
    small = [f"{one.cpus} CPUs were not searched: {one.note}" for one in measured.small if one.note]
    readers = [f"{one.reader}: {one.note}" for one in measured.readers if one.note]
    return [*measured.notes, *small, *readers]
