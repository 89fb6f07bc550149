"""`rssbound measure`: run the counter functions of a kernel source tree."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import Scenario
from rssbound.cli.command import Folder, Word, command
from rssbound.cli.inputs.beside import OPTIONS
from rssbound.cli.inputs.beside_values import with_beside
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    apply,
    is_given,
    result_options,
    scenario_options,
    source_options,
)
from rssbound.cli.output import EXIT_VIOLATED, targets_of, write_result
from rssbound.cli.progress import counting

if TYPE_CHECKING:
    from rssbound.topology import Topology

__all__ = ("measure",)

FORMATS = ("table", "plain", "json", "markdown")
PROCESS_OPTIONS = ("cpus", "threads", "max_online", "fault_around_bytes")

EPILOG = """\b
Examples:
  rssbound measure --kernel-source ~/linux
  rssbound measure --kernel-source . --topology host.json --format json
  rssbound measure --kernel-source . --topology 'package:2 core:64' --threads 8
  rssbound measure --kernel-source . --topology host.json --max-online 512
  rssbound measure --kernel-source ~/linux --counters beside
"""


@command(EPILOG)
@click.option(
    "--kernel-source",
    metavar="DIR",
    type=Folder(),
    required=True,
    help="The kernel source tree whose functions are run.",
)
@click.option(
    "--counters",
    type=Word(("rss", "beside")),
    default="rss",
    show_default=True,
    help="Counters to run: rss, or beside: all others, which are memory.current, memory.stat, "
    "vmstat and sockets.",
)
@apply(source_options())
@apply(scenario_options(*PROCESS_OPTIONS))
@apply(result_options(FORMATS))
@click.pass_context
def measure(
    context: click.Context,
    /,
    kernel_source: str,
    counters: str,
    topology: str | None,
    form: str | None,
    kernel: str | None,
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **options: Any,
) -> None:
    """Run a kernel tree's own counter functions and compare the error they reach with the bound.

    The functions that create, update, flush and read the RSS counters are executed statement by
    statement. The error that they reach on this machine, and on small machines in every state, must
    equal the bound computed from the tree's constants; exit 1 if it does not. Nothing is compiled
    and no kernel is booted.
    """
    targets = targets_of(output, format_, FORMATS, color)
    machine = read_machine(topology, form, kernel)
    if counters == "beside":
        _refuse_process_options(context)
    run, scenario = _rss, Scenario(**options)
    if counters == "beside":
        run = _beside
        scenario = with_beside(scenario, dict.fromkeys(OPTIONS), machine, is_this=topology is None)
    result, render = run(kernel_source, machine, scenario)
    write_result(targets, partial(render, result))
    if result.findings:
        context.exit(EXIT_VIOLATED)


def _refuse_process_options(context: click.Context) -> None:
    """UsageError for an option that applies to a process."""
    for name in PROCESS_OPTIONS:
        if is_given(context, name):
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(
                f"{option} applies only to RSS; leave it out with --counters beside."
            )


def _rss(tree: str, machine: Topology, scenario: Scenario) -> tuple[Any, Any]:
    from rssbound.cli.render.results import measurement as table  # noqa: PLC0415 (as below)
    from rssbound.kernel.execution.measurement import STEPS, measure  # noqa: PLC0415 (slow to load)

    with counting(STEPS, f"running {tree}") as advance:
        return measure(tree, machine, scenario, advance), table.render


def _beside(tree: str, machine: Topology, scenario: Scenario) -> tuple[Any, Any]:
    from rssbound.cli.render.results import beside_measurement as table  # noqa: PLC0415 (as below)
    from rssbound.kernel.execution.beside_measurement import (  # noqa: PLC0415 (slow to load)
        STEPS,
        measure_beside,
    )

    with counting(STEPS, f"running {tree}") as advance:
        return measure_beside(tree, machine, scenario, advance), table.render
