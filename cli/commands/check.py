"""`rssbound check`: bounds against a baseline and against limits, for CI."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.designs import BESIDE_COUNTERS
from rssbound.bounds.gate.changes import MISSING, NEW, changes_of
from rssbound.bounds.gate.limits import measured
from rssbound.bounds.gate.machines import machines_of
from rssbound.bounds.gate.record import KERNEL, record_of, recorded_beside, with_beside
from rssbound.bounds.gate.verdicts import (
    NotChecked,
    verdict_of_change,
    verdict_of_limit,
)
from rssbound.cli.command import File, command
from rssbound.cli.gate.baseline_file import document_of, read_baseline
from rssbound.cli.gate.request import CommandLine, request_of
from rssbound.cli.gate.settings_file import Settings, find_settings, settings_at
from rssbound.cli.gate.source_tree import (
    ReadTree,
    changes_in,
    faults_of_acceptances,
    judge_run,
    run_on,
    source_of,
)
from rssbound.cli.inputs.beside import beside_options, popped, refuse_beside
from rssbound.cli.inputs.beside_values import with_beside as with_beside_options
from rssbound.cli.inputs.kernel_source import from_source, kernel_source_option
from rssbound.cli.inputs.machine import read_machines
from rssbound.cli.inputs.options import (
    SCENARIO_OPTIONS,
    apply,
    designs_option,
    more_sources,
    result_options,
    source_options,
)
from rssbound.cli.output import EXIT_VIOLATED, say, targets_of, write, write_result
from rssbound.cli.progress import patience, stepped
from rssbound.cli.render.result import render_as
from rssbound.cli.render.results.check import distinguished, sheet_of
from rssbound.cli.render.results.check import document_of as document_of_check
from rssbound.cli.render.results.check_github import workflow_commands
from rssbound.cli.render.results.check_junit import junit
from rssbound.cli.render.units import counted
from rssbound.errors import InputError, ScenarioError
from rssbound.topology.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rssbound.bounds import Analysis, Scenario
    from rssbound.bounds.gate.limits import Allowance, Limit
    from rssbound.bounds.gate.machines import CheckedMachine
    from rssbound.bounds.gate.record import Record
    from rssbound.bounds.gate.verdicts import Verdict
    from rssbound.cli.gate.baseline_file import Baseline
    from rssbound.cli.gate.request import Given, Request
    from rssbound.cli.render import Style
    from rssbound.topology import Topology

__all__ = ("check",)

FORMATS = ("table", "plain", "json", "github", "junit", "markdown")

EPILOG = """\b
Examples:
  rssbound check --write-baseline bounds.json --topology examples/*.json
  rssbound check --baseline bounds.json --topology examples/*.json
  rssbound check --baseline bounds.json --topology host.json --allow tree.rss.under:5%
  rssbound check --topology host.json --limit 'tree.rss.under <= 64MiB'
  rssbound check --format github        # everything else from rssbound.toml

\b
rssbound.toml, or [tool.rssbound] in pyproject.toml:
  topologies = ["examples/*.json", "package:2 core:64 pu:2"]
  designs = ["tree", "percpu"]
  baseline = "bounds.json"
  limits = ["tree.rss.under <= 64MiB", "percpu.anon.over <= 1% of 64GiB"]
  allow = ["tree.rss.under:4MiB"]
  accept = ["function:add_mm_counter: traces only, reviewed in PR 7"]
  [scenario]
  batch = 32
"""


@command(EPILOG)
@apply([more_sources(), *source_options(multiple=True), kernel_source_option()])
@click.option("--baseline", metavar="FILE", help="Compare with the bounds recorded in FILE.")
@click.option("--write-baseline", metavar="FILE", help="Write the bounds to FILE.")
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="LIMIT",
    help="Largest value allowed for a bound: 'DESIGN.COUNTER.under|over <= AMOUNT', where AMOUNT "
    "is a number of pages, or 64MiB or 1% of 64GiB. For a counter other than RSS: "
    "'memory.stat.under <= AMOUNT'. May be repeated.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="BOUND:AMOUNT",
    help="How much a bound may exceed the baseline, such as tree.rss.under:5%. May be repeated.",
)
@click.option(
    "--accept",
    multiple=True,
    metavar="ID",
    help="Id, as check prints it, of a change of the kernel source that has been reviewed. May "
    "be repeated.",
)
@click.option(
    "--exact", is_flag=True, help="Also fail on bounds that are better than the baseline."
)
@click.option(
    "--all", "whole", is_flag=True, help="Show every bound of every machine that changed."
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 even if the check fails.")
@click.option(
    "--config",
    metavar="FILE",
    type=File(),
    help="Settings file.  [default: rssbound.toml or pyproject.toml in this folder or a parent]",
)
@apply([*SCENARIO_OPTIONS, *beside_options(), designs_option()])
@apply(result_options(FORMATS))
@click.pass_context
def check(
    context: click.Context,
    /,
    more: tuple[str, ...],
    topology: tuple[str, ...],
    form: str | None,
    kernel: str | None,
    kernel_source: str | None,
    baseline: str | None,
    write_baseline: str | None,
    limits: tuple[str, ...],
    allow: tuple[str, ...],
    accept: tuple[str, ...],
    exact: bool,
    exit_zero: bool,
    whole: bool,
    config: str | None,
    designs: tuple[str, ...],
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **scenario: Any,
) -> None:
    """Compare bounds with a baseline and with limits, for CI.

    Exit 1 if a bound is worse than the baseline, is missing on either side, or exceeds a limit.
    With a kernel source tree, also exit 1 if the tree is inconsistent, if code that its bound
    depends on has changed, or if its functions do not behave as its constants predict. Exit 2 if
    there is nothing to compare with. Bounds are exact, so the tolerance is 0 unless --allow gives
    another. --write-baseline checks as well. `rssbound check` without options reads its settings
    from rssbound.toml.
    """
    targets = targets_of(output, format_, FORMATS, color)
    known = popped(scenario)
    settings = settings_at(Path(config)) if config else find_settings(Path.cwd()) or Settings()
    line = CommandLine(
        context=context,
        sources=(*topology, *more),
        designs=designs,
        kernel_source=kernel_source,
        scenario=scenario,
        baseline=baseline,
        limits=limits,
        allow=allow,
        accept=accept,
    )
    request = request_of(settings, line)
    compared = _compared(request.baseline, write_baseline)
    if not (compared or request.limits or write_baseline):
        raise click.UsageError(
            "Nothing to compare with: give --baseline or --limit, or record the bounds with "
            "--write-baseline."
        )
    if write_baseline == "-" in output and (compared or request.limits):
        raise click.UsageError(
            "The baseline and the report cannot both go to standard output: give -o FILE."
        )
    before = _baseline(compared) if compared else None
    asked, tree = _asked(request, before)
    counters = _beside(request, before)
    if not counters:
        refuse_beside(context, "a limit on one, such as --limit 'memory.current.over <= 64MiB'")
    analyses = _analyses(request, asked, (form, kernel), known if counters else None)
    source = source_of(tree, request.acceptances, counters) if tree else None
    now = with_beside(record_of(analyses, source), analyses, counters)
    _all_checked(request, now)
    _say_what_is_at_most(analyses, counters)
    found, now, left_out = _verdicts_of_tree(request, tree, before, now, analyses)
    left_out = [*(_not_on_record(before, now, counters) if before else ()), *left_out]
    for each in left_out:
        say(each.text)
    if write_baseline:
        _write_baseline(now, write_baseline)
    found += _changed(request, before, now, exact=exact) + _limited(request, now)
    if found or not write_baseline:
        write_result(targets, partial(_rendered, found, left_out, machines_of(analyses), whole))
    if any(verdict.fails for verdict in found) and not exit_zero:
        context.exit(EXIT_VIOLATED)


def _compared(baseline: Given[str] | None, written: str | None) -> Given[str] | None:
    """Give the baseline to compare with; not that of the settings if this run rewrites it."""
    if baseline and baseline.location and written:
        same = Path(baseline.value).resolve() == Path(written).resolve()
        return None if same else baseline
    return baseline


def _asked(request: Request, before: Baseline | None) -> tuple[Scenario, ReadTree | None]:
    """Make the scenario, and read the kernel source tree if one is named.

    The command line and the settings override the tree. The baseline's design is assumed if the
    tree does not show its own.
    """
    from rssbound.kernel import read_for_review  # noqa: PLC0415 (an extra, and slow to load)

    tree = request.kernel_source
    if tree is None:
        return request.scenario, None
    recorded = before.record.source.design if before and before.record.source else None
    try:
        with patience(f"reading {tree.value}"):
            read = read_for_review(tree.value, recorded)
    except InputError as error:
        raise error.at(tree.where) if tree.location else error from None
    asked = from_source(request.scenario, read, set(request.chosen))
    return asked, ReadTree(tree.value, read)


def _beside(request: Request, before: Baseline | None) -> list[str]:
    """List the counters other than RSS that limits and allowances name, or a baseline has."""
    given: list[Given[Limit] | Given[Allowance]] = [*request.limits, *request.allowances]
    named = {one.value.target.design for one in given}
    on_record = recorded_beside(before.record) if before else ()
    return [name for name in BESIDE_COUNTERS if name in named or name in on_record]


def _say_what_is_at_most(analyses: Iterable[Analysis], counters: Iterable[str]) -> None:
    """Report bounds of vmstat for which a machine's memory is not known."""
    zones = [name for name in counters if name.startswith(("vmstat", "zoneinfo"))]
    machines = [one.topology.name for one in analyses if not one.parameters.memory_known]
    if zones and machines:
        from rssbound.bounds.reading.accuracy import AT_MOST  # noqa: PLC0415 (RSS does without)

        say(f"note: {', '.join(zones)} on {', '.join(machines)}: {AT_MOST}")


def _not_on_record(before: Baseline, now: Record, counters: Iterable[str]) -> list[NotChecked]:
    """List what a baseline lacks of counters other than RSS: bounds, or fingerprints."""
    on_record = recorded_beside(before.record)
    bounds = [name for name in counters if name not in on_record]
    source = before.record.source
    code = [
        name
        for name in (now.source.beside if now.source and source else ())
        if name not in bounds and source and name not in source.beside
    ]
    return [
        NotChecked(
            before.file,
            f"{before.file} has no {what} of {', '.join(names)}, so their changes were "
            "not checked; write it again with --write-baseline",
        )
        for what, names in (("bounds", bounds), ("fingerprints", code))
        if names
    ]


def _analyses(
    request: Request,
    scenario: Scenario,
    read_as: tuple[str | None, str | None],
    known: dict[str, Any] | None,
) -> list[Analysis]:
    """Analyse every machine; one error lists the faults of all that cannot be read.

    `known` holds the options of counters other than RSS, None if no such counter is needed.
    """
    analyses = []
    faults: list[str] = []
    for source in stepped(list(request.sources), "analysing"):
        try:
            machines = read_machines(source.value, *read_as)
        except InputError as error:
            missing = source.location and not os.path.exists(source.value or "")
            faults += error.at(source.where).faults if missing else error.faults
            continue
        for machine in () if faults else machines:
            of_machine = scenario
            if known is not None:
                of_machine = with_beside_options(
                    scenario, known, machine, is_this=source.value is None
                )
            analyses.append(_analysis(request, machine, of_machine))
    if faults:
        raise InputError(*faults)
    return analyses


def _analysis(request: Request, machine: Topology, scenario: Scenario) -> Analysis:
    try:
        return analysis_of(machine, scenario, request.designs)
    except ScenarioError as error:
        faults = (request.placed(fault, machine.source) for fault in error.faults)
        raise ScenarioError(*faults) from None


def _all_checked(request: Request, now: Record) -> None:
    """Raise ScenarioError for limits and allowances on bounds that are not checked."""
    checked = {(key.design, key.counter) for key in now.rows}
    faults = []
    given: list[Given[Limit] | Given[Allowance]] = [*request.limits, *request.allowances]
    for wanted in given:
        if wanted.value.target[:2] not in checked:
            named = wanted.where if wanted.location else wanted.key.removeprefix("--")
            what = _why_not_checked(wanted.value.target.design, {design for design, _ in checked})
            faults.append(f"{named} {wanted.value.text!r}: {what}")
    if faults:
        raise ScenarioError(*faults)


def _why_not_checked(design: str, checked: set[str]) -> str:
    """Say why there is no bound for a limit or an allowance, and what to give."""
    if design in checked:
        return "the source does not show it"
    if design == KERNEL:
        return (
            "kernel is the code of a kernel source tree: give --kernel-source, or name the design "
            "of the machine's kernel, such as percpu"
        )
    return "its design is not checked"


def _write_baseline(now: Record, file: str) -> None:
    write(document_of(now), file)
    bounds = len(changes_of(now, now))  # the number that a check with this baseline compares
    counts = f"{counted(bounds, 'bound')} of {counted(len(now.machines), 'machine')}"
    say(f"{counts} written to {file}")


def _baseline(baseline: Given[str]) -> Baseline:
    try:
        return read_baseline(baseline.value)
    except OSError as error:
        where = f"{baseline.where}: {baseline.value}" if baseline.location else baseline.value
        is_missing = isinstance(error, FileNotFoundError)
        advice = "; --write-baseline FILE makes a baseline" if is_missing else ""
        raise InputError(f"{where}: {error.strerror}{advice}") from None


def _changed(
    request: Request, before: Baseline | None, now: Record, *, exact: bool
) -> list[Verdict]:
    """Compare bounds with the baseline."""
    if before is None:
        return []
    on_record = recorded_beside(before.record)
    rows = {
        key: error
        for key, error in now.rows.items()
        if key.design not in BESIDE_COUNTERS or key.design in on_record
    }
    changes = changes_of(before.record, replace(now, rows=rows), request.amounts)
    if not any(change.verdict not in {MISSING, NEW} for change in changes):
        raise InputError(
            f"{before.file}: contains no bound of these machines and designs, so there is "
            "nothing to compare. If the machines were captured again, write a new baseline with "
            "--write-baseline"
        )
    return [
        verdict_of_change(change, before.location_of(change.key), exact=exact) for change in changes
    ]


def _limited(request: Request, held: Record) -> list[Verdict]:
    """Compare bounds with their limits."""
    locations = {limit.value: limit.location for limit in request.limits}
    return [verdict_of_limit(bound, locations[bound.limit]) for bound in measured(locations, held)]


def _verdicts_of_tree(
    request: Request,
    tree: ReadTree | None,
    before: Baseline | None,
    now: Record,
    analyses: Sequence[Analysis],
) -> tuple[list[Verdict], Record, list[NotChecked]]:
    """Check a kernel source tree: constants, changes since the baseline, and behaviour.

    Also gives the record with the accepted findings added, and what was not checked.
    """
    source = now.source
    if tree is None or source is None:
        if any(given.location is None for given in request.acceptances):
            raise click.UsageError("--accept needs a kernel source tree: give --kernel-source.")
        return [], now, []
    recorded = before.record.source if before else None
    machines = {digest_of(each.topology): each.topology for each in analyses}
    ran = run_on(tree, list(machines.values()), request.scenario)
    sources = [source, *([recorded] if recorded else [])]
    faults = faults_of_acceptances(request.acceptances, sources, ran.ids)
    if faults:
        raise InputError(*faults)
    found: list[Verdict] = []
    left_out: list[str] = []
    if recorded:
        found, left_out = changes_in(tree, recorded, source, request.acceptances)
    elif before:
        text = (
            f"{before.file} has no fingerprints of a kernel source tree, so code changes were "
            "not checked; write it again with --write-baseline"
        )
        left_out = [text]
    judged, known = judge_run(tree, ran, recorded, request.acceptances)
    passing = [*known, *(verdict.name for verdict in judged if not verdict.fails)]
    kept = {id_: ran.texts[id_] for id_ in passing}
    reasons = recorded.accepted if recorded else {}
    accepted = {id_: reasons[id_] for id_ in kept if id_ in reasons} | dict(source.accepted)
    record = replace(now, source=replace(source, findings=kept, accepted=accepted))
    file = before.file if before else ""
    return judged + found, record, [NotChecked(file, text) for text in left_out]


def _rendered(
    found: Sequence[Verdict],
    left_out: Sequence[NotChecked],
    machines: Sequence[CheckedMachine],
    whole: bool,
    chosen: str,
    style: Style,
) -> str:
    """Render a check. What was not checked is on standard error; formats for CI have it as well."""
    named = distinguished(found)
    if chosen == "github":
        return workflow_commands(named, machines, left_out, os.environ.get("GITHUB_WORKSPACE"))
    if chosen == "junit":
        return junit(named, machines, left_out)
    notes = left_out if chosen == "markdown" else ()
    return render_as(
        chosen,
        style,
        sheet=lambda: sheet_of(named, machines, notes, whole=whole),
        document=lambda: document_of_check(found, machines, left_out),
    )
