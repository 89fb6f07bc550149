"""`rssbound check`: bounds against a baseline and against limits, for CI."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from rssbound.bounds import DESIGNS, Scenario
from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.baseline import MISSING, NEW, changes_of, record_of
from rssbound.bounds.limits import allowance_of, limit_of, measured
from rssbound.cli.baseline import document_of, read_baseline
from rssbound.cli.config import Config, Place, config_at, find_config
from rssbound.cli.kernel import kernel_source_option, with_source
from rssbound.cli.machine import read_machine
from rssbound.cli.main import EXIT_VIOLATED, say, write
from rssbound.cli.options import (
    SCENARIO_OPTIONS,
    apply,
    color_option,
    designs_option,
    format_option,
    output_option,
    scenario_value,
    source_options,
)
from rssbound.cli.output import chosen_format, style_for
from rssbound.cli.progress import stepped
from rssbound.cli.render import render_as, verdicts
from rssbound.cli.render.github import workflow_commands
from rssbound.cli.render.junit import junit
from rssbound.errors import InputError, RssboundError, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeVar

    from rssbound.bounds.amounts import Amount
    from rssbound.bounds.baseline import Record, Target
    from rssbound.bounds.limits import Limit
    from rssbound.cli.render.verdicts import Verdict

    Parsed = TypeVar("Parsed")

__all__ = ("check",)

FORMATS = ("table", "plain", "json", "github", "junit", "markdown")

EPILOG = """\b
Examples:
  rssbound check --write-baseline bounds.json --topology examples/*.json
  rssbound check --baseline bounds.json --topology examples/*.json
  rssbound check --baseline bounds.json --topology host.json --allow tree.rss.under:5%
  rssbound check --topology host.json --limit 'tree.rss.under <= 64MiB'
  rssbound check --format github        everything else from rssbound.toml

\b
rssbound.toml, or [tool.rssbound] in pyproject.toml:
  topologies = ["examples/*.json", "package:2 core:64 pu:2"]
  designs = ["tree", "percpu"]
  baseline = "bounds.json"
  limits = ["tree.rss.under <= 64MiB", "percpu.anon.over <= 1% of 64GiB"]
  allow = ["tree.rss.under:4MiB"]
  [scenario]
  batch = 32
"""


@dataclass(frozen=True)
class Settings:
    """What is to be checked, from the command line and the file of settings."""

    sources: Sequence[str | None]
    designs: Sequence[str]
    scenario: Mapping[str, Any]
    baseline: str | None
    limits: Sequence[tuple[Limit, Place | None]]
    allowances: Mapping[Target, Amount]


@click.command(epilog=EPILOG)
@click.argument("more", nargs=-1, metavar="[SOURCE]...")
@apply([*source_options(multiple=True), kernel_source_option()])
@click.option(
    "--baseline", metavar="FILE", help="Compare with the bounds that are on record in FILE."
)
@click.option("--write-baseline", metavar="FILE", help="Put the bounds on record in FILE.")
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="LIMIT",
    help="Most that a bound may be, 'DESIGN.COUNTER.under|over <= AMOUNT': pages, 64MiB or "
    "1% of 64GiB. May be repeated.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="BOUND:AMOUNT",
    help="By how much a bound may grow over the baseline, tree.rss.under:5%. May be repeated.",
)
@click.option("--exact", is_flag=True, help="Fail on bounds that are better than on record too.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever is found.")
@click.option(
    "--config",
    metavar="FILE",
    help="Settings.  [default: rssbound.toml or pyproject.toml here or above]",
)
@apply([*SCENARIO_OPTIONS, designs_option()])
@apply([format_option(FORMATS), output_option(), color_option()])
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
    exact: bool,
    exit_zero: bool,
    config: str | None,
    designs: tuple[str, ...],
    format_: str | None,
    output: str,
    color: str,
    **scenario: Any,
) -> None:
    """Compare bounds with a baseline and with limits; for CI.

    Exit 1 if a bound is worse than on record, is missing on either side, or exceeds a limit; exit 2
    if there is nothing to compare with. Bounds are exact, so the tolerance is 0 unless --allow says
    otherwise. A bare `rssbound check` takes all it needs from rssbound.toml.
    """
    chosen = chosen_format(format_, output)
    file = config_at(Path(config)) if config else find_config(Path.cwd()) or Config()
    settings = _settings(
        file, context, (*topology, *more), designs, scenario, baseline, limits, allow
    )
    if not (settings.baseline or settings.limits or write_baseline):
        raise click.UsageError("Nothing to compare with: give --baseline, --limit or both.")
    asked = _asked(settings, context, file, kernel_source)
    now = _record(settings, asked, form, kernel)
    if write_baseline:
        write(document_of(now), write_baseline)
        say(f"{len(now.rows)} bounds of {len(now.hosts)} machines written to {write_baseline}")
        return
    found = _verdicts(settings, now, exact=exact)
    write(_rendered(found, chosen, output, color), output)
    if any(verdict.fails for verdict in found) and not exit_zero:
        context.exit(EXIT_VIOLATED)


def _settings(
    file: Config,
    context: click.Context,
    sources: Sequence[str],
    designs: Sequence[str],
    scenario: Mapping[str, Any],
    baseline: str | None,
    limits: Sequence[str],
    allow: Sequence[str],
) -> Settings:
    """Put the command line before the file; limits and allowances of both count."""
    parsed = [(limit, None) for limit in _parsed(limit_of, limits, "--limit")]
    own = [(limit, file.place_of(limit.text)) for limit in _parsed_in(file, limit_of, "limits")]
    allowances = (
        *_parsed_in(file, allowance_of, "allow"),
        *_parsed(allowance_of, allow, "--allow"),
    )
    unknown = [name for name in file.designs if name not in DESIGNS]
    if unknown:
        raise InputError(
            f"{file.place_of(unknown[0])}: no design {unknown[0]!r}; there are {', '.join(DESIGNS)}"
        )
    recorded = file.path(file.baseline) if file.baseline else None
    return Settings(
        sources=sources or file.sources() or [None],
        designs=designs or file.designs or tuple(DESIGNS),
        scenario=_scenario(file, context, scenario),
        baseline=baseline or recorded,
        limits=[*parsed, *own],
        allowances={allowance.target: allowance.amount for allowance in allowances},
    )


def _parsed(parse: Callable[[str], Parsed], texts: Iterable[str], option: str) -> list[Parsed]:
    return _all_parsed(parse, [(text, option) for text in texts])


def _parsed_in(file: Config, parse: Callable[[str], Parsed], key: str) -> list[Parsed]:
    texts: tuple[str, ...] = getattr(file, key)
    return _all_parsed(parse, [(text, f"{file.place_of(text)}: {key}") for text in texts])


def _all_parsed(parse: Callable[[str], Parsed], texts: Iterable[tuple[str, str]]) -> list[Parsed]:
    """Parse texts, each with where it stands; ScenarioError with every fault of all of them."""
    parsed: list[Parsed] = []
    faults: list[str] = []
    for text, where in texts:
        try:
            parsed.append(parse(text))
        except RssboundError as error:
            faults += error.at(where).faults
    if faults:
        raise ScenarioError(*faults)
    return parsed


def _scenario(file: Config, context: click.Context, options: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in from the file what the command line leaves open."""
    result = dict(options)
    for name, value in file.scenario.items():
        try:
            own = scenario_value(context, name, value)
        except click.UsageError as error:
            raise InputError(f"{file.place_of(name)}: scenario: {error.format_message()}") from None
        result |= {
            field: value
            for field, value in own.items()
            if context.get_parameter_source(field) is ParameterSource.DEFAULT
        }
    return result


def _asked(
    settings: Settings, context: click.Context, file: Config, kernel_source: str | None
) -> Scenario:
    """Make the scenario; what the command line or the file say wins over a source tree."""
    scenario = Scenario(**settings.scenario)
    source = kernel_source or (file.path(file.kernel_source) if file.kernel_source else None)
    if source is None:
        return scenario
    given = {name.replace("-", "_") for name in file.scenario} | {
        name
        for name in settings.scenario
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    return with_source(scenario, source, given)


def _record(settings: Settings, scenario: Scenario, form: str | None, kernel: str | None) -> Record:
    analyses = []
    for source in stepped(list(settings.sources), "analysing"):
        machine = read_machine(source, form, kernel)
        try:
            analyses.append(analysis_of(machine, scenario, settings.designs))
        except ScenarioError as error:
            raise error.at(machine.source) from None
    return record_of(analyses)


def _verdicts(settings: Settings, now: Record, *, exact: bool) -> list[Verdict]:
    found: list[Verdict] = []
    if settings.baseline:
        before, places = read_baseline(settings.baseline)
        changes = changes_of(before, now, settings.allowances)
        found += [
            verdicts.verdict_of_change(
                change, places.get(change.key, Place(settings.baseline, 0)), exact=exact
            )
            for change in changes
        ]
        if not any(change.verdict not in {MISSING, NEW} for change in changes):
            raise InputError(
                f"{settings.baseline}: has no bound of these machines and designs; nothing to "
                "compare. Were they captured anew? Then write it again with --write-baseline"
            )
    held = measured((limit for limit, _ in settings.limits), now)
    idle = {limit.text for limit, _ in settings.limits} - {own.limit.text for own in held}
    if idle:
        raise ScenarioError(*(f"limit {text!r}: its design is not checked" for text in idle))
    places_of_limits = {limit.text: place for limit, place in settings.limits}
    found += [verdicts.verdict_of_limit(own, places_of_limits[own.limit.text]) for own in held]
    return found


def _rendered(found: Sequence[Verdict], chosen: str, output: str, color: str) -> str:
    if chosen == "json":
        return json.dumps(verdicts.document_of(found), indent=2, ensure_ascii=False) + "\n"
    if chosen == "github":
        return workflow_commands(found)
    if chosen == "junit":
        return junit(found)
    return render_as(verdicts.sheet_of(found), chosen, style_for(output, color))
