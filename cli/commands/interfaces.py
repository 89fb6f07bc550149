"""`rssbound interfaces`: which file is precise on a kernel, and which is off by how much here."""

from __future__ import annotations

from typing import Any

import click

from rssbound.bounds.analysis import with_kernel_of
from rssbound.bounds.reading.accuracy import readings_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.cli.inputs.kernel_source import kernel_source_option, scenario_of
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    apply,
    color_option,
    format_option,
    output_option,
    scenario_options,
    source_options,
)
from rssbound.cli.inputs.process import asked_process, pid_option, with_process
from rssbound.cli.output import chosen_format, style_for, write
from rssbound.cli.progress import patience
from rssbound.cli.render import FORMATS
from rssbound.cli.render.results import interfaces as interfaces_table

__all__ = ("interfaces",)

EPILOG = """\b
Examples:
  rssbound interfaces                                    this machine, this kernel
  rssbound interfaces --pid 4711                         of a process of this machine
  rssbound interfaces --topology host.json --kernel 6.12.41
  rssbound interfaces --kernel 6.1.176 --threads 64 --format json
  rssbound interfaces --probe                            measure this machine too
"""


@click.command(epilog=EPILOG)
@apply([*source_options(), kernel_source_option(), pid_option()])
@click.option(
    "--probe",
    is_flag=True,
    help="Measure on this machine which files agree with smaps_rollup; some seconds.",
)
@apply(
    scenario_options(
        *("cpus", "updaters", "threads", "max_online", "percpu_batch"),
        *("page_size", "fault_around_bytes"),
    )
)
@apply([format_option(FORMATS), output_option(), color_option()])
@click.pass_context
def interfaces(
    context: click.Context,
    /,
    topology: str | None,
    form: str | None,
    kernel: str | None,
    kernel_source: str | None,
    pid: int | None,
    probe: bool,
    format_: str | None,
    output: str,
    color: str,
    **options: Any,
) -> None:
    """Say where RSS can be read on a kernel, how far off each place is, and what to read instead.

    The worst case is that of the kernel's counter design on this machine. Vendors backport fixes
    without changing the version; where the release does not tell, it is marked as a guess, and
    --probe measures.
    """
    if probe and topology is not None:
        raise click.UsageError("--probe measures this machine; leave out --topology.")
    machine = read_machine(topology, form, kernel)
    scenario = scenario_of(context, options, kernel_source)
    machine = with_kernel_of(scenario.constants, machine)
    scenario = with_process(context, scenario, machine, asked_process(context, pid))
    readings = readings_of(machine, scenario)
    measured = None
    if probe:
        from rssbound.cli.inputs.probe import probed  # noqa: PLC0415 (needs a Linux machine)

        with patience("measuring"):
            measured = probed()
    page_size = resolve(scenario, machine).page_size
    style, chosen = style_for(output, color), chosen_format(format_, output, FORMATS)
    named = f"Linux {machine.kernel}"
    if kernel_source:
        release = f", {named}" if scenario.constants.release else ""
        named = f"kernel source {kernel_source}{release}"
    text = interfaces_table.render(machine, named, page_size, readings, measured, chosen, style)
    write(text, output)
