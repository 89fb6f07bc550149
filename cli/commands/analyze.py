"""`rssbound analyze`: the exact bound of every counter design on a machine."""

from __future__ import annotations

from typing import Any

import click

from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.reading.overview import overview_of
from rssbound.cli.inputs.kernel_source import (
    kernel_source_option,
    say_what_was_reviewed,
    scenario_of,
)
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    SCENARIO_OPTIONS,
    apply,
    color_option,
    designs_option,
    format_option,
    output_option,
    source_options,
)
from rssbound.cli.inputs.process import asked_process, pid_option, with_process
from rssbound.cli.output import chosen_format, style_for, write
from rssbound.cli.render import FORMATS
from rssbound.cli.render.results.analysis import render

__all__ = ("analyze",)

EPILOG = """\b
Examples:
  rssbound analyze
  rssbound analyze --pid 4711                            a process of this machine
  rssbound analyze --topology host.json --threads 64 --explain
  rssbound analyze --topology captured-sys.tar.xz --cpus 0-15
  rssbound analyze --topology 'core:384 pu:1' --batch 64 --design tree
  ssh host tar cf - /sys/devices/system/{cpu,node} | rssbound analyze --topology -
  rssbound analyze --format json | jq '.designs[] | {id, rss}'
"""


@click.command(epilog=EPILOG)
@apply(source_options())
@apply([kernel_source_option(), pid_option(), *SCENARIO_OPTIONS, designs_option()])
@click.option("--brief", is_flag=True, help="Print the verdict on the kernel's files alone.")
@click.option("--explain", is_flag=True, help="Show where the error hides and what updates cost.")
@apply([format_option(FORMATS), output_option(), color_option()])
@click.pass_context
def analyze(
    context: click.Context,
    /,
    topology: str | None,
    form: str | None,
    kernel: str | None,
    kernel_source: str | None,
    pid: int | None,
    designs: tuple[str, ...],
    brief: bool,
    explain: bool,
    format_: str | None,
    output: str,
    color: str,
    **scenario: Any,
) -> None:
    """Compute the exact worst-case error of RSS for every counter design.

    The verdict comes first: how far each file of this kernel can be from the truth. Then every
    design that Linux has had or been offered. A bound is reached by some history of updates and
    never exceeded; figures headed "published" are what the authors of a design state.
    """
    machine = read_machine(topology, form, kernel)
    asked = scenario_of(context, scenario, kernel_source)
    if kernel_source is not None:
        say_what_was_reviewed(kernel_source, asked.constants)
    asked = with_process(context, asked, machine, asked_process(context, pid))
    analysis = analysis_of(machine, asked, designs or None)
    style = style_for(output, color, explain=explain, brief=brief)
    overview = overview_of(analysis, with_spans=explain)
    write(render(overview, chosen_format(format_, output, FORMATS), style), output)
