"""`rssbound interfaces`: which files are precise on a kernel, and the errors of the others."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import Scenario
from rssbound.bounds.analysis import analysis_of, with_kernel_of
from rssbound.bounds.designs import MAINLINE
from rssbound.bounds.reading.accuracy import readings_of
from rssbound.bounds.reading.decided import decided
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import OWN, resolve
from rssbound.cli.command import command
from rssbound.cli.inputs.beside import beside_options, popped
from rssbound.cli.inputs.beside_values import with_beside
from rssbound.cli.inputs.kernel_source import kernel_source_option, scenario_of
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    apply,
    is_given,
    result_options,
    scenario_options,
    source_options,
)
from rssbound.cli.inputs.process import asked_process, pid_option, with_process
from rssbound.cli.output import targets_of, write_result
from rssbound.cli.progress import patience
from rssbound.cli.render import FORMATS
from rssbound.cli.render.results import interfaces as interfaces_table
from rssbound.cli.render.results.interfaces import Probed

if TYPE_CHECKING:
    from rssbound.bounds.reading.accuracy import Reading
    from rssbound.topology import Topology

__all__ = ("interfaces",)

EPILOG = """\b
Examples:
  rssbound interfaces                                    # this machine, this kernel
  rssbound interfaces --pid 4711                         # for a process of this machine
  rssbound interfaces --topology host.json --kernel 6.12.41
  rssbound interfaces --kernel 6.1.176 --threads 64 --format json
  rssbound interfaces --probe                            # also measure this machine
"""


@command(EPILOG)
@apply([*source_options(), kernel_source_option(), pid_option()])
@click.option(
    "--probe",
    is_flag=True,
    help="Measure on this machine which files agree with smaps_rollup and which design its "
    "counters use. Takes a few seconds.",
)
@apply(
    scenario_options(
        *("cpus", "updaters", "threads", "rss", "max_online", "percpu_batch"),
        *("page_size", "fault_around_bytes"),
    )
)
@apply(beside_options())
@apply(result_options(FORMATS))
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
    output: tuple[str, ...],
    color: str,
    **options: Any,
) -> None:
    """List where RSS can be read on a kernel, the error of each file, and what to read instead.

    The files of a process come first, then the counters of cgroups, zones, nodes and sockets. The
    worst case is that of the kernel's counter design on this machine. Vendors backport fixes
    without changing the version, so some results can only be guessed from the release; they are
    marked as guesses. --probe replaces the guesses about RSS by measurements.
    """
    if probe:
        _refuse_another_machine(context)
    targets = targets_of(output, format_, FORMATS, color)
    machine = read_machine(topology, form, kernel)
    known = popped(options)
    scenario = with_beside(
        scenario_of(context, options, kernel_source), known, machine, is_this=topology is None
    )
    machine = with_kernel_of(scenario.constants, machine)
    scenario = with_process(context, scenario, machine, asked_process(context, pid))
    probed = None
    if probe:
        with patience("measuring"):
            probed = _probed(machine, scenario)
    with patience(f"analysing {machine.name}"):
        readings = _readings(machine, scenario, probed)
        alone = _readings(machine, replace(scenario, updaters=OWN), probed)
    page_size = resolve(scenario, machine).page_size
    named = f"Linux {machine.kernel}"
    if kernel_source:
        release = f", {named}" if scenario.constants.release else ""
        named = f"kernel source {kernel_source}{release}"
    write_result(
        targets,
        partial(interfaces_table.render, machine, named, page_size, readings, alone, probed),
    )


def _refuse_another_machine(context: click.Context) -> None:
    """UsageError for an option that replaces the machine or the kernel that a probe measures."""
    for name in ("topology", "kernel", "kernel_source"):
        if is_given(context, name):
            option = name.replace("_", "-")
            raise click.UsageError(f"--probe measures this machine; leave out --{option}.")


def _readings(machine: Topology, scenario: Scenario, probed: Probed | None) -> tuple[Reading, ...]:
    """Give every interface, with measurements in place of assumptions where there are any."""
    return _decided(machine, scenario, probed) if probed else readings_of(machine, scenario)


def _probed(machine: Topology, scenario: Scenario) -> Probed:
    """Measure this machine: its files and its counters."""
    from rssbound.cli.inputs.probe import measured, probed  # noqa: PLC0415 (needs a Linux machine)

    kernel = analysis_of(machine, scenario, [MAINLINE]).kernel_design
    parameters = parameters_of(machine, resolve(Scenario(), machine))
    files = tuple(probed())
    return Probed(files, measured(parameters, kernel.candidates if kernel else ()))


def _decided(machine: Topology, scenario: Scenario, probed: Probed) -> tuple[Reading, ...]:
    """Give the readings of this machine with the measured designs; those of RSS are no guesses."""
    analysis = analysis_of(machine, scenario)
    designs = probed.counters.designs or tuple(result.id for result in analysis.used)
    agrees = {file.interface: file.agrees for file in probed.files}
    return decided(
        readings_of(machine, scenario, designs=designs), agrees, designs, analysis.parameters
    )
