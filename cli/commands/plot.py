"""`rssbound plot`: the bounds as pictures, for a file or for the terminal."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import Scenario
from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.counter.counters import SIDES
from rssbound.bounds.designs import BESIDE_COUNTERS
from rssbound.cli.command import Word, command
from rssbound.cli.figures import FIGURES, Asked
from rssbound.cli.figures.fleet import fleet_chart
from rssbound.cli.figures.observed import observed_chart
from rssbound.cli.inputs.beside import beside_options, popped, refuse_beside
from rssbound.cli.inputs.beside_values import with_beside
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    SCENARIO_OPTIONS,
    Bytes,
    apply,
    designs_option,
    is_given,
    result_options,
    source_options,
)
from rssbound.cli.output import targets_of, write_result
from rssbound.cli.progress import patience
from rssbound.cli.render.pictures.chart import render_chart
from rssbound.cli.render.words import METRIC_WORDS
from rssbound.errors import InputError
from rssbound.live.recording import read_record

if TYPE_CHECKING:
    from rssbound.cli.render import Style
    from rssbound.cli.render.pictures.chart import Chart

__all__ = ("plot",)

PICTURES = ("svg", "png")
OF_BESIDE = ("cpus", "levels")
OF_BESIDE_WORDS = " and ".join(OF_BESIDE)
"""Figures that can show counters other than RSS."""

OBSERVED, FLEET = "observed", "fleet"
OF_FILES = {
    OBSERVED: ("record", {"kind", "record", "no_notes", "format_", "output", "color"}),
    FLEET: (
        "table of machines",
        {"kind", "record", "no_notes", "format_", "output", "color", "designs", "metric", "side"}
        | {"cpus", "updaters", "threads", "batch", "percpu_batch", "page_size", "in_flight"}
        | {"fault_around_bytes", "nodes_shift", "max_increment"},
    ),
}
"""Figures of a file: what the file is, and the options that they take."""
FORMATS = (*PICTURES, "table", "plain", "json", "csv", "markdown")

EPILOG = """\b
Kinds:
  cpus     the bound of every design against the number of CPUs
  batch    the bound and the rate of propagation against the tree's batch
  levels   the error of each level
  typical  the usual error of one counter under each workload
  pareto   possible shapes of the tree: bound against updates of its root
  observed error of running processes over time: plot observed RECORD
  fleet    width of the bounds of a table of machines: plot fleet TABLE

\b
Examples:
  rssbound plot cpus                              # bars, in the terminal
  rssbound plot cpus -o bounds.svg
  rssbound plot cpus --metric counter -o bounds.png     # with published bounds
  rssbound plot batch --topology host.json --design tree --design percpu -o batch.svg
  rssbound plot levels --topology 'package:2 numa:4 core:24 pu:2' --side under
  rssbound plot cpus --metric memory.current --side over
  rssbound plot cpus --format csv | head
  rssbound plot observed run.parquet -o run.svg   # of rssbound observe --record
  rssbound plot fleet hosts.parquet -o fleet.svg  # a table such as rssbound fleet reads

SVG and PNG need matplotlib (the extra 'plot').
"""


@command(EPILOG)
@click.argument("kind", metavar="KIND", type=Word([*FIGURES, *OF_FILES]))
@click.argument("record", metavar="[FILE]", required=False)
@apply(source_options())
@apply([*SCENARIO_OPTIONS, *beside_options(), designs_option()])
@click.option(
    "--metric",
    type=Word([*METRIC_WORDS, *BESIDE_COUNTERS]),
    default="rss",
    show_default=True,
    metavar="METRIC",
    help="What is read: counter, the worst single counter; rss; oom, the OOM score; or a "
    f"counter other than RSS: {', '.join(BESIDE_COUNTERS)}.",
)
@click.option(
    "--side",
    type=Word(SIDES),
    default="under",
    show_default=True,
    help="Error to draw: reading too low (under) or too high (over).",
)
@click.option(
    "--budget",
    type=Bytes(),
    metavar="SIZE",
    help="For pareto: largest acceptable error.  [default: the bound of the kernel's tree]",
)
@click.option("--no-notes", is_flag=True, help="Leave out the title, legend and notes.")
@apply(result_options(FORMATS))
@click.pass_context
def plot(
    context: click.Context,
    /,
    kind: str,
    record: str | None,
    topology: str | None,
    form: str | None,
    kernel: str | None,
    designs: tuple[str, ...],
    metric: str,
    side: str,
    budget: int | None,
    no_notes: bool,
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **scenario: Any,
) -> None:
    """Draw the exact worst-case errors of RSS.

    Pictures can be read in black and white. The same input always gives the same bytes. json and
    csv give the exact numbers of every point.
    """
    _check_record(context, kind, record)
    _check_figure(context, kind, budget, designs)
    targets = targets_of(output, format_, FORMATS, color)
    for target in targets:
        if target.format in PICTURES and target.file == "-" and sys.stdout.isatty():
            raise click.UsageError(
                f"a picture cannot be shown in a terminal; name a file: -o bounds.{target.format}."
            )
    if record is not None:
        with patience(f"reading {record}"):
            if kind == OBSERVED:
                chart = observed_chart(partial(read_record, record), record)
            else:
                popped(scenario)
                chart = _fleet(record, designs, metric, side, Scenario(**scenario))
        write_result(targets, partial(_rendered, chart, not no_notes))
        return
    known = popped(scenario)
    wanted, machine = Scenario(**scenario), read_machine(topology, form, kernel)
    if metric in BESIDE_COUNTERS:
        _check_beside(kind, designs)
        wanted = with_beside(wanted, known, machine, is_this=topology is None)
    else:
        refuse_beside(context, "--metric with one of them")
    analysis = analysis_of(machine, wanted, designs or None)
    asked = Asked(analysis, wanted, metric, side, budget)
    if metric in BESIDE_COUNTERS:
        asked = _asked_beside(asked)
    with patience(f"computing {kind}"):
        chart = FIGURES[kind](asked)
    write_result(targets, partial(_rendered, chart, not no_notes))


def _check_beside(kind: str, designs: tuple[str, ...]) -> None:
    """UsageError for options and figures that counters other than RSS do not have."""
    if kind not in OF_BESIDE:
        raise click.UsageError(
            f"{kind} shows only RSS; the figures of this counter are {OF_BESIDE_WORDS}."
        )
    if designs:
        raise click.UsageError(
            "--design applies only to RSS; all designs of this counter are drawn."
        )


def _asked_beside(asked: Asked) -> Asked:
    """Give the designs of a counter other than RSS."""
    from rssbound.bounds.reading.beside import designs_of, on_kernel  # noqa: PLC0415 (seldom asked)

    ids = tuple(design.id for design in designs_of(asked.metric))
    used = on_kernel(asked.metric, asked.topology.kernel)
    return replace(asked, beside=ids, used=used.id if used else None)


def _check_figure(
    context: click.Context, kind: str, budget: int | None, designs: tuple[str, ...]
) -> None:
    """UsageError for options that a figure does not have."""
    if budget is not None and kind != "pareto":
        raise click.UsageError("--budget applies only to pareto.")
    if kind == "pareto" and designs:
        raise click.UsageError("pareto shows shapes of the tree; leave out --design.")
    if kind == "typical" and (is_given(context, "metric") or is_given(context, "side")):
        raise click.UsageError(
            "typical shows both sides of one counter; leave out --metric and --side."
        )


def _fleet(
    table: str, designs: tuple[str, ...], metric: str, side: str, scenario: Scenario
) -> Chart:
    """Draw a table of machines; UsageError for a counter that fleets are not bounded for."""
    if metric not in METRIC_WORDS:
        raise click.UsageError(
            f"a fleet has {', '.join(METRIC_WORDS)}; {metric} is for single machines."
        )
    from rssbound.cli.inputs.rows import summary_of_rows  # noqa: PLC0415 (needs an extra)

    summary, _ = summary_of_rows(table, designs, metric, scenario)
    if summary.outcome.is_unread:
        raise InputError(f"{table}: no row has a bound: {next(iter(summary.outcome.errors))}")
    return fleet_chart(summary, metric, side, table)


def _check_record(context: click.Context, kind: str, record: str | None) -> None:
    """UsageError for a file with a figure of a machine, and the other way round."""
    if kind not in OF_FILES:
        if record is not None:
            raise click.UsageError(
                f"{kind} shows a machine; leave out {record}, or give --topology."
            )
        return
    what, known = OF_FILES[kind]
    if record is None:
        raise click.UsageError(f"{kind} needs a {what}: plot {kind} FILE.")
    for option in context.command.params:
        if option.name not in known and is_given(context, str(option.name)):
            raise click.UsageError(f"{kind} shows a {what}; leave out {option.opts[-1]}.")


def _rendered(chart: Chart, words: bool, format_: str, style: Style) -> str | bytes:
    if format_ not in PICTURES:
        return render_chart(chart, format_, style)
    from rssbound.cli.render.pictures.draw import draw  # noqa: PLC0415 (most users want no picture)

    with patience(f"drawing {chart.kind}"):
        return draw(chart, format_, words=words)
