"""`rssbound plot`: the bounds as pictures, for a file or for the terminal."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import PurePath
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
from rssbound.cli.inputs.beside import beside_options, popped, refuse_beside, with_beside
from rssbound.cli.inputs.machine import read_machine, summary_of_rows
from rssbound.cli.inputs.options import (
    SCENARIO_OPTIONS,
    Bytes,
    apply,
    designs_option,
    is_given,
    result_options,
    source_options,
)
from rssbound.cli.output import ENDINGS, targets_of, write_result
from rssbound.cli.progress import patience
from rssbound.cli.render.pictures.chart import render_chart
from rssbound.cli.render.words import METRIC_WORDS
from rssbound.live.recording import read_record

if TYPE_CHECKING:
    from rssbound.cli.render import Style
    from rssbound.cli.render.pictures.chart import Chart

__all__ = ("plot",)

PICTURES = ("svg", "png")
OF_BESIDE = ("cpus", "levels")
OF_BESIDE_WORDS = " and ".join(OF_BESIDE)
"""Figures of counters beside RSS."""

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
  cpus     the bound of every design over the number of CPUs
  batch    the bound and the rate of propagation over the tree's batch
  levels   where the error hides, level by level
  typical  how wrong one counter is in the long run of each workload
  pareto   shapes a tree could have: bound against updates of its root
  observed how far off live processes were over time: plot observed RECORD
  fleet    how wide the bounds of a table of machines are: plot fleet TABLE

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

SVG and PNG need matplotlib, the extra 'plot'.
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
    help="What is read: counter, the worst single one; rss; oom, the OOM score; or a counter "
    f"beside RSS: {', '.join(BESIDE_COUNTERS)}.",
)
@click.option(
    "--side",
    type=Word(SIDES),
    default="under",
    show_default=True,
    help="Which error: how far it can read too low, or too high.",
)
@click.option(
    "--budget",
    type=Bytes(),
    metavar="SIZE",
    help="pareto: most that the error may be.  [default: what the kernel's tree has]",
)
@click.option("--no-notes", is_flag=True, help="Draw without title, legend and notes.")
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

    Pictures are readable in black and white, and the same bytes each time. json and csv give the
    exact numbers of every point.
    """
    _check_record(context, kind, record)
    _check_figure(context, kind, budget, designs)
    if format_ is None:
        for file in output:
            _check_ending(file)
    targets = targets_of(output, format_, FORMATS, color)
    for target in targets:
        if target.format in PICTURES and target.file == "-" and sys.stdout.isatty():
            raise click.UsageError(
                f"a terminal shows no picture; name a file: -o bounds.{target.format}."
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
    """UsageError for what there is not of a counter beside RSS."""
    if kind not in OF_BESIDE:
        raise click.UsageError(f"{kind} is of RSS; of this counter there are {OF_BESIDE_WORDS}.")
    if designs:
        raise click.UsageError("--design is of RSS; all designs of this counter are drawn.")


def _asked_beside(asked: Asked) -> Asked:
    """Ask for the designs of a counter beside RSS."""
    from rssbound.bounds.reading.beside import designs_of, on_kernel  # noqa: PLC0415 (seldom asked)

    ids = tuple(design.id for design in designs_of(asked.metric))
    used = on_kernel(asked.metric, asked.topology.kernel)
    return replace(asked, beside=ids, used=used.id if used else None)


def _check_figure(
    context: click.Context, kind: str, budget: int | None, designs: tuple[str, ...]
) -> None:
    """UsageError for options that a figure does not have."""
    if budget is not None and kind != "pareto":
        raise click.UsageError("--budget is for pareto.")
    if kind == "pareto" and designs:
        raise click.UsageError("pareto is of shapes of the tree; leave out --design.")
    if kind == "typical" and (is_given(context, "metric") or is_given(context, "side")):
        raise click.UsageError("typical is of one counter, both ways; leave out --metric, --side.")


def _fleet(
    table: str, designs: tuple[str, ...], metric: str, side: str, scenario: Scenario
) -> Chart:
    """Draw a table of machines; UsageError for a counter that fleets are not bounded for."""
    if metric not in METRIC_WORDS:
        raise click.UsageError(f"a fleet has {', '.join(METRIC_WORDS)}; {metric} is of a machine.")
    summary = summary_of_rows(table, designs, metric, scenario)
    return fleet_chart(summary, metric, side, table)


def _check_record(context: click.Context, kind: str, record: str | None) -> None:
    """Refuse a file for what is of a machine, and what is of a machine for a file."""
    if kind not in OF_FILES:
        if record is not None:
            raise click.UsageError(
                f"{kind} is of a machine; leave out {record}, or give --topology."
            )
        return
    what, known = OF_FILES[kind]
    if record is None:
        raise click.UsageError(f"{kind} is of a {what}: plot {kind} FILE.")
    for option in context.command.params:
        if option.name not in known and is_given(context, str(option.name)):
            raise click.UsageError(f"{kind} is of a {what}; leave out {option.opts[-1]}.")


def _rendered(chart: Chart, words: bool, format_: str, style: Style) -> str | bytes:
    if format_ not in PICTURES:
        return render_chart(chart, format_, style)
    from rssbound.cli.render.pictures.draw import draw  # noqa: PLC0415 (most users want no picture)

    with patience(f"drawing {chart.kind}"):
        return draw(chart, format_, words=words)


def _check_ending(output: str) -> None:
    """Refuse a file whose name asks for a picture of a kind there is none of."""
    known = sorted(
        (ending for ending, format_ in ENDINGS.items() if format_ in FORMATS),
        key=lambda ending: FORMATS.index(ENDINGS[ending]),
    )
    if PurePath(output).suffix.lower().removeprefix(".") not in {"", "txt", *known}:
        names = ", ".join(f".{ending}" for ending in known)
        raise click.UsageError(f"no format for {output!r}; end it in {names} or give --format.")
