"""`rssbound report`: everything about one machine or several, on one page."""

from __future__ import annotations

import hashlib
import shlex
import sys
from contextlib import nullcontext
from dataclasses import replace
from heapq import nlargest
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from rssbound.bounds import Scenario
from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.choosing.batch import Goal, Machine, choice_of
from rssbound.bounds.designs import carry_tree, tree
from rssbound.bounds.gate.sizes import size_text
from rssbound.bounds.reading.beside import beside_of
from rssbound.bounds.reading.overview import overview_of
from rssbound.bounds.scenario.process_size import ProcessSize
from rssbound.cli.command import Word, command
from rssbound.cli.figures import FIGURES, Asked
from rssbound.cli.figures.fleet import fleet_chart
from rssbound.cli.inputs.beside import OPTIONS, beside_options, popped, refuse_beside
from rssbound.cli.inputs.beside_values import with_beside
from rssbound.cli.inputs.machine import is_table, read_machine
from rssbound.cli.inputs.options import (
    SCENARIO_OPTIONS,
    SYSROOT,
    apply,
    designs_option,
    is_given,
    more_sources,
    output_option,
    source_options,
)
from rssbound.cli.inputs.rows import survey_of_rows
from rssbound.cli.output import say, write
from rssbound.cli.progress import patience, stepped
from rssbound.cli.render.page.fleet import FleetSection
from rssbound.cli.render.page.inline_svg import embedded
from rssbound.cli.render.page.page import Chapter, page
from rssbound.cli.render.page.sections import NEED_PLOT
from rssbound.errors import InputError, ScenarioError
from rssbound.extras import how_to_install, packages_of_extra
from rssbound.topology.nesting import MOST_CPUS
from rssbound.topology.writers import WRITERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rssbound.bounds import Analysis
    from rssbound.bounds.choosing.batch import Choice
    from rssbound.topology import Topology

__all__ = ("report",)

RSS, ALL_BESIDE = "rss", "beside"

MOST_SHOWN = 10
"""Machines of a table that have a chapter: those with the widest bounds."""

OF_TABLES = {
    *("more", "topology", "output", "counters", "designs", "cpus", "updaters", "threads", "batch"),
    *("percpu_batch", "page_size", "in_flight", "fault_around_bytes", "nodes_shift"),
    "max_increment",
}
"""Options that a table of machines takes, as `rssbound fleet` does."""

BUDGET_BYTES = 64 << 20
"""Error of RSS for which the report proposes a batch."""

EPILOG = """\b
Examples:
  rssbound report -o report.html                       # this machine
  rssbound report --topology host.json --threads 64 -o report.html
  rssbound report examples/*.json -o fleet.html        # several machines, with a table of all
  rssbound report hosts.parquet -o fleet.html          # a table: its summary, the widest machines
  ssh HOST tar cf - /sys/devices/system/cpu /sys/devices/system/node | rssbound report - -o a.html

Pictures need matplotlib (the extra 'plot'); without it, the page has none.
"""


@command(EPILOG)
@apply([more_sources(), *source_options(multiple=True)])
@click.option(
    "--counters",
    type=Word([RSS, ALL_BESIDE]),
    default=RSS,
    show_default=True,
    help="Counters to show: rss alone, or beside: RSS and all counters other than RSS.",
)
@apply([*SCENARIO_OPTIONS, *beside_options(), designs_option()])
@apply([output_option()])
@click.pass_context
def report(
    context: click.Context,
    /,
    more: tuple[str, ...],
    topology: tuple[str, ...],
    form: str | None,
    kernel: str | None,
    counters: str,
    designs: tuple[str, ...],
    output: str,
    **scenario: Any,
) -> None:
    """Write an HTML page with summary, tables, pictures, assumptions and commands.

    The page is one file without scripts. It needs no network, follows the light or dark setting of
    the reader's system, and can be printed. The bounds are those of analyze.
    """
    if output == "-" and sys.stdout.isatty():
        raise click.UsageError(
            "an HTML page is not written to a terminal; name a file, such as -o report.html."
        )
    sources: Sequence[str | None] = (*topology, *more) or (None,)
    if sources.count("-") > 1:
        raise click.UsageError("- is standard input, which can be read only once.")
    ending = PurePath(output).suffix.lower()
    if ending not in {"", ".html", ".htm"}:
        raise click.UsageError(
            f"the report is HTML, not {ending}; name a file such as -o report.html."
        )
    known = popped(scenario)
    if counters == RSS:
        refuse_beside(context, "--counters beside")
    wanted = Scenario(**scenario)
    pictures = _can_draw()
    found = [_found(context, source, (form, kernel), wanted, designs) for source in sources]
    shown = [(each, analysis) for each in found for analysis in each.shown]
    keys = [f"machine-{number}" for number in range(1, len(shown) + 1)]
    pairs = list(zip(shown, keys, strict=True))
    chapters: list[Chapter] = []
    for (each, analysis), key in stepped(pairs, "drawing") if len(pairs) > 1 else pairs:
        machine = analysis.topology
        source = f"{key}.json" if each.whole else each.source
        alone = patience(f"drawing {machine.name}") if len(pairs) == 1 else nullcontext()
        with alone:
            asked = Asked(analysis, wanted, "rss", "under")
            chapter = _chapter(asked, key, _commands(context, source), pictures=pictures)
        if each.whole:
            chapter = replace(chapter, described=WRITERS["json"](machine))
        if counters != RSS:
            of_machine = with_beside(wanted, known, machine, is_this=source is None)
            chapter = replace(chapter, beside=beside_of(machine, of_machine))
        chapters.append(chapter)
    if not pictures:
        say(f"{NEED_PLOT} {how_to_install(*packages_of_extra('plot'))}")
    with patience("writing the page"):
        has_tree = all(chapter.choice for chapter in chapters)
        choice = _choice([host for each in found for host in each.hosts]) if has_tree else None
        wholes = [each.whole for each in found if each.whole]
        text = page(chapters, keys, choice, wholes)
    write(text, output)


class _Found(NamedTuple):
    """What one source describes.

    `shown` machines get a chapter; `hosts` are all of them, for the batch. `whole` is for a table.
    """

    source: str | None
    shown: Sequence[Analysis]
    hosts: Sequence[Machine]
    whole: FleetSection | None = None


def _found(
    context: click.Context,
    source: str | None,
    read_as: tuple[str | None, str | None],
    wanted: Scenario,
    designs: tuple[str, ...],
) -> _Found:
    """Read a source; of a table, the machines with the widest bounds are shown."""
    if source is not None and is_table(source, read_as[0]):
        return _found_in_table(context, source, wanted, designs)
    machine = read_machine(source, *read_as)
    _check_size(machine)
    try:
        analysis = analysis_of(machine, wanted, designs or None)
    except ScenarioError as error:
        raise error.at(machine.name) from None
    return _Found(source, [analysis], [_host(analysis)])


def _found_in_table(
    context: click.Context, table: str, wanted: Scenario, designs: tuple[str, ...]
) -> _Found:
    for option in context.command.params:
        if option.name not in OF_TABLES and is_given(context, str(option.name)):
            raise click.UsageError(f"{table} is a table of machines; leave out {option.opts[-1]}.")
    with patience(f"reading {table}"):
        summary, asked, machines = survey_of_rows(table, designs, "rss", wanted)
    analyses = list(_analyses(machines, wanted, designs))
    shown = nlargest(MOST_SHOWN, analyses, key=lambda analysis: analysis.widest_bytes)
    for analysis in shown:
        _check_size(analysis.topology)
    chart = fleet_chart(summary, "rss", "under", table)
    digest = hashlib.sha256(table.encode()).hexdigest()[:8]
    drawn = embedded(chart, f"fleet-{digest}") if _can_draw() and not chart.is_empty else None
    named = f"{shlex.quote(table)}{_tail(context, 'counters')}"
    commands = [f"rssbound fleet {named} --summary"]
    if drawn is not None:
        commands.append(f"rssbound plot fleet {named} -o fleet.svg")
    number = len(analyses)
    section = FleetSection(table, summary, asked, chart, drawn, len(shown), number, tuple(commands))
    return _Found(table, shown, [_host(analysis) for analysis in analyses], section)


def _check_size(machine: Topology) -> None:
    """InputError for a machine too large for a page, which writes out every CPU several times."""
    if (cpus := len(machine.possible)) > MOST_CPUS:
        raise InputError(
            f"{machine.name}: {cpus:,} CPUs are too many for a page; at most {MOST_CPUS:,}. "
            "analyze prints their bounds"
        )


def _analyses(
    machines: Sequence[Topology], wanted: Scenario, designs: tuple[str, ...]
) -> Iterator[Analysis]:
    """Analyse the machines of a table to which the scenario applies; ScenarioError if none."""
    faults: list[ScenarioError] = []
    for machine in stepped(machines, "computing the bounds"):
        try:
            yield analysis_of(machine, wanted, designs or None)
        except ScenarioError as error:
            faults.append(error.at(machine.source))
    if len(faults) == len(machines):
        raise faults[0]


def _chapter(asked: Asked, key: str, commands: dict[str, str], *, pictures: bool) -> Chapter:
    made = [make(asked) for kind, make in FIGURES.items() if kind in commands]
    charts = tuple(chart for chart in made if not chart.is_empty)
    drawn = tuple(embedded(chart, f"{key}-{chart.kind}") for chart in charts if pictures)
    digest = hashlib.sha256(WRITERS["json"](asked.topology).encode()).hexdigest()
    empty = {chart.kind for chart in made} - {chart.kind for chart in charts}
    listed = {name: text for name, text in commands.items() if name not in empty}
    overview = overview_of(asked.analysis, with_spans=True)
    choice = _choice([_host(asked.analysis)]) if "choose" in commands else None
    return Chapter(asked, overview, choice, charts, drawn, listed, digest)


def _host(analysis: Analysis) -> Machine:
    size = analysis.scenario.page_size
    return Machine(analysis.topology.name, analysis.parameters, size)


def _choice(hosts: Sequence[Machine]) -> Choice:
    """Choose the tree's batch for BUDGET_BYTES on all machines."""
    goal = Goal(tree.DESIGN, "rss", "both", BUDGET_BYTES)
    return choice_of(goal, carry_tree.KNOB, hosts)


def _commands(context: click.Context, source: str | None) -> dict[str, str]:
    """Give the commands that reproduce the tables and pictures of the page, with their options."""
    machine = "" if source is None else f" --topology {shlex.quote(source)}"
    beside = ("counters", *OPTIONS)
    whole = machine + _tail(context, *beside)
    of_tree = machine + _tail(context, "designs", *beside)
    free = machine + _tail(context, "designs", "batch", "percpu_batch", "rss", *beside)
    settled = machine + _tail(context, "designs", "in_flight", "max_increment", *beside)
    chosen = context.params["designs"]
    has_tree = not chosen or tree.DESIGN.id in chosen
    commands = {
        "analyze": f"rssbound analyze{whole} --explain",
        **{kind: f"rssbound plot {kind}{whole} -o {kind}.svg" for kind in FIGURES},
        "pareto": f"rssbound plot pareto{of_tree} -o pareto.svg",
        "choose": f"rssbound choose{free} --budget {BUDGET_BYTES >> 20}MiB",
        "verify": f"rssbound verify{settled}",
    }
    if context.params["counters"] != RSS:
        commands["beside"] = f"rssbound analyze{machine}{_tail(context, 'designs')} --explain"
    of_a_tree = {"pareto", "choose"}
    return {name: text for name, text in commands.items() if has_tree or name not in of_a_tree}


def _can_draw() -> bool:
    try:
        import matplotlib as mpl  # noqa: PLC0415 (slow to load, and an extra)
    except ImportError:
        return False
    return bool(mpl)


def _tail(context: click.Context, *without: str) -> str:
    """Give the options on the command line except those of the machine and the output."""
    words: list[str] = []
    for option in context.command.params:
        name = str(option.name)
        if not is_given(context, name) or name in {"more", "topology", "output", *without}:
            continue
        value = context.meta[SYSROOT] if name == "sysroot" else context.params[name]
        for one in value if getattr(option, "multiple", False) else (value,):
            words += [option.opts[-1], _option_text(one)]
    return "".join(f" {shlex.quote(word)}" for word in words)


def _option_text(value: object) -> str:
    """Write the value of an option as the command line accepts it."""
    if isinstance(value, ProcessSize):
        return size_text(value)
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
