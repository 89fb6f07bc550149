"""The part of a check about a kernel source tree: changes of its code, and its behaviour.

The fingerprints of the code that its bounds depend on are compared with the baseline, and its
functions are executed for the machines of the check.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.counter.rests import DEFINITIONS, OTHERS, rest_of
from rssbound.bounds.designs import rests_of
from rssbound.bounds.designs.carry_tree import order_of
from rssbound.bounds.gate.record import Source
from rssbound.bounds.gate.verdicts import verdict_of_difference, verdict_of_finding
from rssbound.bounds.scenario.kernel_constants import READ, Finding
from rssbound.bounds.scenario.parameters import parameters_of, updating_cpus
from rssbound.bounds.scenario.scenario import OWN, Scenario, resolve
from rssbound.cli.output import say
from rssbound.cli.progress import counting, patience
from rssbound.cli.render.units import counted
from rssbound.errors import InputError, Location, ScenarioError
from rssbound.topology.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rssbound.bounds.counter.rests import Fingerprint, Rest
    from rssbound.bounds.gate.verdicts import Verdict
    from rssbound.cli.gate.request import Given
    from rssbound.cli.gate.settings_file import Acceptance
    from rssbound.kernel import KernelSource
    from rssbound.kernel.differences import Difference
    from rssbound.kernel.execution.measurement import Measurement
    from rssbound.kernel.source_tree import SourceTree
    from rssbound.topology import Topology

    Acceptances = Sequence[Given[Acceptance]]

__all__ = (
    "DESIGN",
    "ReadTree",
    "changes_in",
    "faults_of_acceptances",
    "judge_run",
    "run_on",
    "source_of",
)

LINE = re.compile(r"(?<=\.[ch]):\d+")
"""The line of a file in a text."""

MOST_CPUS = 1024
MOST_THREADS = 64
"""Most CPUs and threads with which functions are run, if a machine or a process has more."""

DESIGN = "design"
"""The id for accepting that a tree now uses another design."""


@dataclass(frozen=True)
class ReadTree:
    """A kernel source tree and what was read from it; its files are opened once."""

    folder: str
    read: KernelSource

    @property
    def design(self) -> str:
        """The id of the design that counts RSS."""
        return self.read.constants.design or ""


def source_of(tree: ReadTree, acceptances: Acceptances, counters: Iterable[str] = ()) -> Source:
    """Make the record of a tree: fingerprints of its code, and reasons for accepted changes.

    `counters` are the counters other than RSS; their designs are those of the tree's release.
    """
    from rssbound.bounds.reading.beside import on_kernel  # noqa: PLC0415 (RSS does without)
    from rssbound.kernel.fingerprints import FORMS, fingerprints_of  # noqa: PLC0415 (slow to load)

    release = tree.read.constants.release
    designs = {counter: on_kernel(counter, release) for counter in counters}
    beside = {counter: design.id for counter, design in designs.items() if design}
    with patience(f"reading {tree.folder}"):
        fingerprints = fingerprints_of(tree.read.tree, tree.design, *dict.fromkeys(beside.values()))
    given = {one.value.id: one.value.reason for one in reversed(acceptances)}
    looked_for = {rest.id for rest in rests_of(tree.design, *beside.values())}
    rests = tuple(sorted(looked_for))
    return Source(tree.design, fingerprints, given, beside=beside, rests=rests, forms=FORMS)


def faults_of_acceptances(
    acceptances: Acceptances, sources: Iterable[Source], ids: Iterable[str]
) -> list[str]:
    """List acceptances whose id no source has: misspelt, or of code that was removed.

    `ids` are the ids that findings can have.
    """
    known = {fingerprint.id for source in sources for fingerprint in source.fingerprints}
    known |= {f"{DESIGN}:{counter}" for source in sources for counter in source.beside}
    known |= {DESIGN, *ids, *(id_ for source in sources for id_ in source.findings)}
    return [
        f"{given.where}: {given.value.id!r}: no code that a bound depends on has this id"
        for given in acceptances
        if given.value.id not in known
    ]


# -- what changed


def changes_in(
    tree: ReadTree, before: Source, now: Source, acceptances: Acceptances
) -> tuple[list[Verdict], list[str]]:
    """Judge each fingerprint that differs from the baseline, for the designs in both.

    Code that the baseline was written without is not compared. Nor are digests of other normal
    forms: all of them would differ. The second list says what was not compared.
    """
    from rssbound.kernel.differences import differences_of, finding_of  # noqa: PLC0415

    accepted = _accepted(before, acceptances)
    others = {
        id_: _other_design(tree, id_, was, is_)
        for id_, was, is_ in _designs_in_both(before, now)
        if was != is_
    }
    same = tuple(dict.fromkeys(is_ for _, was, is_ in _designs_in_both(before, now) if was == is_))
    rests = rests_of(*same)
    differences: Sequence[Difference] = ()
    left_out: list[str] = []
    if before.forms != now.forms:
        left_out = [_other_forms(tree, before, now)]
        old = new = now
    else:
        old = _of_rests(before, rests)
        new, left_out = _looked_for(tree, before, _of_rests(now, rests), rests)
    if old.fingerprints != new.fingerprints:
        with patience(f"comparing {tree.folder}"):
            found, trees = _with_sources(tree, old, new, same)
            differences = differences_of(same, found, new.fingerprints, *trees)
    verdicts = [
        *(
            verdict_of_difference(tree.folder, id_, finding, "", accepted.get(id_))
            for id_, finding in others.items()
        ),
        *(
            verdict_of_difference(
                tree.folder, each.id, finding_of(each), each.text, accepted.get(each.id)
            )
            for each in differences
        ),
    ]
    return verdicts, left_out


def _other_forms(tree: ReadTree, before: Source, now: Source) -> str:
    """Say that code changes were not checked, and why."""
    which = "an earlier" if before.forms < now.forms else "a later"
    return (
        f"{tree.folder}: the baseline's fingerprints were taken in another way by {which} version "
        "of rssbound and were not compared, so code changes were not checked; review them and "
        "write the baseline again with --write-baseline"
    )


def _designs_in_both(before: Source, now: Source) -> list[tuple[str, str, str]]:
    """List the designs, before and now, of RSS and of each other counter that is in both.

    Each has the id for accepting another design.
    """
    beside = [
        (f"{DESIGN}:{counter}", before.beside[counter], design)
        for counter, design in sorted(now.beside.items())
        if counter in before.beside
    ]
    return [(DESIGN, before.design, now.design), *beside]


def _of_rests(source: Source, rests: Sequence[Rest]) -> Source:
    """Keep only the fingerprints of code that is among some rests."""
    kept = tuple(
        print_ for print_ in source.fingerprints if rest_of(rests, print_.kind, print_.name)
    )
    return replace(source, fingerprints=kept)


def _looked_for(
    tree: ReadTree, before: Source, now: Source, rests: Sequence[Rest]
) -> tuple[Source, list[str]]:
    """Keep only the fingerprints that were looked for when the baseline was written.

    The list says which others there are.
    """
    kept = _of_rests(now, [rest for rest in rests if before.looked_for(rest)])
    lacking = [print_.id for print_ in now.fingerprints if print_ not in kept.fingerprints]
    text = (
        f"{tree.folder}: the baseline was written without {', '.join(lacking)}; write it again "
        "to compare this code too"
    )
    return kept, [text] if lacking else []


def _other_design(tree: ReadTree, id_: str, before: str, now: str) -> Finding:
    """Report that a tree uses another design; for RSS, at the line that shows it."""
    constants = tree.read.constants
    found = (found.location for found in constants.found if found.name == id_)
    counter = id_.removeprefix(DESIGN).removeprefix(":")
    text = (
        f"{f'{counter}: ' if counter else ''}design in use {before} -> {now}; the baseline has the "
        "code of the other design, so the new code was not compared: review it."
    )
    return Finding(*next(found, Location("", 0)), text)


def _accepted(before: Source, acceptances: Acceptances) -> dict[str, str]:
    """Give the reasons for what is accepted now, by id.

    A line of the settings accepts a single change; once the baseline has it, the line accepts no
    further change.
    """
    return {
        given.value.id: given.value.reason
        for given in reversed(acceptances)
        if given.location is None or before.accepted.get(given.value.id) != given.value.reason
    }


def _with_sources(
    tree: ReadTree, before: Source, now: Source, designs: Iterable[str]
) -> tuple[tuple[Fingerprint, ...], tuple[SourceTree | None, SourceTree]]:
    """Find the earlier source in the tree's git repository, if there is one that has it.

    Gives the fingerprints of the baseline, with their lines in that source, and both trees. All
    headers of a commit are too many to ask git for, so what they define is not looked for.
    """
    from rssbound.kernel.fingerprints import fingerprints_of  # noqa: PLC0415
    from rssbound.kernel.revision import Revision, commits_before  # noqa: PLC0415

    same = {(print_.id, print_.digest) for print_ in now.fingerprints}
    changed = {
        print_.id: print_
        for print_ in before.fingerprints
        if (print_.id, print_.digest) not in same and print_.kind != DEFINITIONS
    }
    is_near = not any(print_.kind in OTHERS for print_ in changed.values())
    files = sorted({print_.location.file for print_ in changed.values()})
    for commit in commits_before(tree.folder, files):
        then = Revision(Path(tree.folder), commit=commit)
        prints = fingerprints_of(then, *designs, searched_only=is_near)
        seen = {(print_.id, print_.digest): print_ for print_ in prints}
        if all((print_.id, print_.digest) in seen for print_ in changed.values()):
            found = tuple(
                seen.get((print_.id, print_.digest), print_) for print_ in before.fingerprints
            )
            return found, (then, tree.read.tree)
    return before.fingerprints, (None, tree.read.tree)


# -- behaviour


class Ran(NamedTuple):
    """Findings in a tree: from reading it, and from running its functions for machines.

    `findings` has, for each cause, the machines and their findings; its key is the id, or the text
    of a finding that cannot be accepted. `ids` are the ids that findings can have. `left_out` says
    what could not be run, `less` for which machines fewer CPUs or threads were used than they have.
    """

    findings: Mapping[str, Sequence[tuple[str, Finding]]]
    ids: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    less: tuple[str, ...] = ()

    @property
    def texts(self) -> dict[str, tuple[str, ...]]:
        """Texts of the findings by id, sorted and without duplicates, for the baseline.

        Line numbers are removed, because they change with every patch.
        """
        return {
            id_: tuple(sorted({_without_lines(finding.text) for _, finding in listed}))
            for id_, listed in self.findings.items()
        }


def _without_lines(text: str) -> str:
    return LINE.sub("", text)


def run_on(tree: ReadTree, machines: Sequence[Topology], scenario: Scenario) -> Ran:
    """Run a tree's own functions for machines; findings from reading the tree come first.

    What cannot be run is reported once, on standard error.
    """
    ran = _run(tree, machines, scenario)
    if ran.left_out:
        parts = dict.fromkeys(part.removeprefix(f"{tree.folder}: ") for part in ran.left_out)
        say(f"{tree.folder}: not run, only compared by fingerprint: {'; '.join(parts)}")
    for text in ran.less:
        say(f"{tree.folder}: {text}")
    beyond = _beyond_table(tree, machines, scenario)
    read = _grouped(("", finding) for finding in [*tree.read.findings, *beyond])
    names = [each.name for each in tree.read.constants.found]
    ids = (*(f"{READ}{name}" for name in [*names, *tree.read.constants.readers]), *read)
    return ran._replace(findings={**read, **ran.findings}, ids=(*ids, *ran.ids))


def _beyond_table(
    tree: ReadTree, machines: Sequence[Topology], scenario: Scenario
) -> list[Finding]:
    """Report that a tree's table of fan-ins ends before the order of a machine."""
    from rssbound.kernel.fan_in_table import TABLE  # noqa: PLC0415 (slow to load)

    orders = tree.read.orders
    if orders is None:
        return []
    needed = {
        order_of(parameters_of(machine, resolve(scenario, machine))): machine.name
        for machine in machines
    }
    most = max(needed, default=0)
    if most < orders:
        return []
    places = (found.location for found in tree.read.constants.found if found.name == TABLE)
    text = (
        f"{TABLE} ends at order {orders - 1}, but {needed[most]} needs order {most}. "
        "Bounds assume the usual code; review the change."
    )
    return [Finding(*next(places, Location("", 0)), text, f"{READ}{TABLE}:{orders}")]


def _grouped(found: Iterable[tuple[str, Finding]]) -> dict[str, list[tuple[str, Finding]]]:
    """Group findings by cause; a finding that cannot be accepted is a group of its own."""
    groups: dict[str, list[tuple[str, Finding]]] = {}
    for machine, finding in found:
        groups.setdefault(finding.id or finding.text, []).append((machine, finding))
    return groups


def judge_run(
    tree: ReadTree, ran: Ran, before: Source | None, acceptances: Acceptances
) -> tuple[list[Verdict], list[str]]:
    """Judge the findings, with one verdict for each cause.

    Also gives the ids of findings that the baseline has accepted and that are unchanged. These have
    no verdict; standard error names them.
    """
    recorded = before or Source(tree.design, ())
    ids = {finding.id for listed in ran.findings.values() for _, finding in listed}
    accepted = {
        id_: reason for id_, reason in _accepted(recorded, acceptances).items() if id_ in ids
    }
    known = [
        id_
        for id_, texts in ran.texts.items()
        if id_ not in accepted
        and set(texts) <= set(map(_without_lines, recorded.findings.get(id_, ())))
    ]
    if known:
        say(f"{tree.folder}: found again, already accepted in the baseline: {', '.join(known)}")
    verdicts = [
        verdict_of_finding(tree.folder, _worst(found), accepted.get(id_))
        for id_, found in ran.findings.items()
        if id_ not in known
    ]
    return verdicts, known


def _worst(found: Sequence[tuple[str, Finding]]) -> Finding:
    """Give the worst finding with its machine, and count the others."""
    machine, worst = max(found, key=lambda each: each[1].excess)
    machines = len({name for name, _ in found})
    texts = len({finding.text for _, finding in found})
    if texts == 1:
        return worst
    more = f"the worst of {counted(texts, 'finding')} with this cause"
    where = f" on {counted(machines, 'machine')}, on {machine}" if machines > 1 else ""
    return worst._replace(text=f"{worst.text} ({more}{where})")


def _run(tree: ReadTree, machines: Sequence[Topology], scenario: Scenario) -> Ran:
    from rssbound.kernel.execution.measurement import (  # noqa: PLC0415 (slow to load)
        STEPS,
        ids_of,
        measure,
        open_executable,
    )

    findings: list[tuple[str, Finding]] = []
    ids: dict[str, None] = {}
    left_out: dict[str, None] = {}
    less: dict[str, None] = {}
    try:
        code = open_executable(tree.folder, tree.read.constants)
    except InputError as error:
        return Ran({}, left_out=error.faults)
    with counting(STEPS * len(machines), f"running {tree.folder}") as advance:
        for number, machine in enumerate(machines):
            asked, capped = _capped(scenario, machine, faults=code.code.has_faults)
            less |= dict.fromkeys(filter(None, [capped]))
            try:
                measured = measure(code, machine, asked, _after(STEPS * number, advance))
            except (InputError, ScenarioError) as error:
                left_out |= dict.fromkeys(error.faults)
                continue
            findings += [(machine.name, finding) for finding in measured.findings]
            ids |= dict.fromkeys(ids_of(measured))
            left_out |= dict.fromkeys(_not_run(measured))
    return Ran(_grouped(findings), tuple(ids), tuple(left_out), tuple(less))


def _after(steps: int, advance: Callable[[int], None]) -> Callable[[int], None]:
    """Advance by steps in addition to those already done."""
    return lambda done: advance(steps + done)


def _capped(scenario: Scenario, machine: Topology, *, faults: bool) -> tuple[Scenario, str]:
    """Make the scenario for running functions on a machine, and say what was reduced.

    The constants are those of the tree, even if options set them. Without `faults`, any number of
    threads above one gives the same result.
    """
    asked = Scenario(
        cpus=scenario.cpus,
        updaters=scenario.updaters,
        threads=min(scenario.threads, MOST_THREADS),
        max_online=scenario.max_online,
        page_size=scenario.page_size,
        fault_around_bytes=scenario.fault_around_bytes,
        nodes_shift=scenario.nodes_shift,
    )
    less = []
    if faults and scenario.threads > MOST_THREADS:
        less.append(f"{MOST_THREADS} of {scenario.threads:,} threads")
    cpus = updating_cpus(machine, resolve(asked, machine))
    if len(cpus) > MOST_CPUS:
        less.append(f"{MOST_CPUS:,} of {len(cpus):,} CPUs")
        asked = replace(asked, cpus=CpuSet.of(islice(cpus, MOST_CPUS)), updaters=OWN)
    return asked, f"run on {machine.name} with {' and '.join(less)}" if less else ""


def _not_run(measured: Measurement) -> list[str]:
    """List what was not run of a tree on a machine."""
    small = [
        f"{counted(one.cpus, one.unit)} not searched: {one.note}"
        for one in measured.small
        if one.note
    ]
    readers = [f"{one.reader}: {one.note}" for one in measured.readers if one.note]
    return [*measured.notes, *small, *readers]
