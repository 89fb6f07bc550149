"""`rssbound analyze`: the exact bound of every counter design on a machine."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.designs import BESIDE_COUNTERS
from rssbound.bounds.reading.overview import overview_of
from rssbound.cli.command import Word, command
from rssbound.cli.inputs.beside import beside_options, popped, refuse_beside
from rssbound.cli.inputs.kernel_source import (
    kernel_source_option,
    say_what_was_reviewed,
    scenario_and_source,
    scenario_of,
)
from rssbound.cli.inputs.machine import read_machine, read_machines
from rssbound.cli.inputs.options import (
    SCENARIO_OPTIONS,
    apply,
    designs_option,
    is_given,
    more_sources,
    result_options,
    source_options,
)
from rssbound.cli.inputs.process import asked_process, pid_option, with_process
from rssbound.cli.output import targets_of, write_result
from rssbound.cli.progress import patience, stepped
from rssbound.cli.render import FORMATS
from rssbound.cli.render.results.analysis import render
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rssbound.bounds import Scenario
    from rssbound.bounds.reading.beside import Beside
    from rssbound.cli.render import Style

__all__ = ("analyze",)

RSS, ALL_BESIDE = "rss", "beside"

OF_RSS = ("pid", "designs", "rss", "summary")
"""Options of a process that apply only to RSS."""

EPILOG = """\b
Examples:
  rssbound analyze
  rssbound analyze --pid 4711                            # a process of this machine
  rssbound analyze host.json --threads 64 --explain
  rssbound analyze captured-sys.tar.xz --cpus 0-15
  rssbound analyze 'core:384 pu:1' --batch 64 --design tree
  rssbound analyze hosts.csv --summary                   # one row for each distinct machine
  rssbound analyze hosts/*.json --summary                # one row for each machine
  ssh HOST tar cf - /sys/devices/system/cpu /sys/devices/system/node | rssbound analyze -
  rssbound analyze --counters beside                     # memory.current, vmstat and others
  rssbound analyze --json | jq '.designs[] | {id, rss}'
"""


@command(EPILOG)
@apply([more_sources(), *source_options(multiple=True)])
@click.option(
    "--counters",
    type=Word([RSS, ALL_BESIDE, *BESIDE_COUNTERS]),
    default=RSS,
    show_default=True,
    metavar="COUNTERS",
    help="Counters to bound: rss; beside: all counters other than RSS; or one of these: "
    f"{', '.join(BESIDE_COUNTERS)}.",
)
@apply([kernel_source_option(), pid_option(), *SCENARIO_OPTIONS, *beside_options()])
@apply([designs_option()])
@click.option("--brief", is_flag=True, help="Print only the verdict on the kernel's files.")
@click.option("--summary", is_flag=True, help="Print one row per machine, widest bound first.")
@click.option(
    "--explain", is_flag=True, help="Show the error of each level and the cost of an update."
)
@apply(result_options(FORMATS))
@click.pass_context
def analyze(
    context: click.Context,
    /,
    more: tuple[str, ...],
    topology: tuple[str, ...],
    form: str | None,
    kernel: str | None,
    counters: str,
    kernel_source: str | None,
    pid: int | None,
    designs: tuple[str, ...],
    brief: bool,
    summary: bool,
    explain: bool,
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **scenario: Any,
) -> None:
    """Compute the exact worst-case error of RSS for every counter design.

    The output starts with the largest error of each file of this kernel. A table follows, of every
    design that Linux has used, or that was posted for it. Some
    sequence of updates reaches each bound and none exceeds it. Columns headed "published" hold
    the figures of a design's authors.
    """
    targets = targets_of(output, format_, FORMATS, color, explain=explain, brief=brief)
    sources: Sequence[str | None] = (*topology, *more) or (None,)
    if sources.count("-") > 1:
        raise click.UsageError("- is standard input, which can be read only once.")
    known = popped(scenario)
    if counters != RSS:
        _refuse_options_of_rss(context)
        asked = scenario_of(context, scenario, kernel_source)
        chosen = () if counters == ALL_BESIDE else (counters,)
        results = [
            _beside(source, (form, kernel), asked, known, chosen)
            for source in (stepped(sources, "analysing") if len(sources) > 1 else sources)
        ]
        write_result(targets, partial(_render_beside, results))
        return
    refuse_beside(context, "--counters beside")
    asked, read = scenario_and_source(context, scenario, kernel_source)
    if kernel_source is not None and read is not None:
        say_what_was_reviewed(kernel_source, read)
    process = asked_process(context, pid)
    overviews = []
    for source in stepped(sources, "analysing") if len(sources) > 1 else sources:
        for machine in read_machines(source, form, kernel):
            with patience(f"analysing {machine.name}"), _naming(machine.source, sources):
                of_process = with_process(context, asked, machine, process)
                analysis = analysis_of(machine, of_process, designs or None)
                overviews.append(overview_of(analysis, with_spans=explain))
    write_result(targets, partial(render, overviews, summary=summary))


def _refuse_options_of_rss(context: click.Context) -> None:
    """UsageError for an option that does not apply to counters other than RSS."""
    for name in OF_RSS:
        if is_given(context, name):
            option = "design" if name == "designs" else name
            raise click.UsageError(f"--{option} applies only to RSS; remove it or --counters.")


def _beside(
    source: str | None,
    read_as: tuple[str | None, str | None],
    asked: Scenario,
    known: dict[str, Any],
    counters: tuple[str, ...],
) -> Beside:
    """Bound counters other than RSS of one machine."""
    from rssbound.bounds.reading.beside import beside_of  # noqa: PLC0415 (RSS does without)
    from rssbound.cli.inputs.beside_values import with_beside  # noqa: PLC0415

    machine = read_machine(source, *read_as)
    asked = with_beside(asked, known, machine, is_this=source is None)
    return beside_of(machine, asked, counters)


def _render_beside(results: Sequence[Beside], format_: str, style: Style) -> str:
    from rssbound.cli.render.results.beside import render as render_beside  # noqa: PLC0415

    return render_beside(results, format_, style)


@contextmanager
def _naming(source: str, sources: Sequence[str | None]) -> Iterator[None]:
    """Prefix errors with the name of the machine if there are several."""
    try:
        yield
    except ScenarioError as error:
        raise (error.at(source) if len(sources) > 1 else error) from None
