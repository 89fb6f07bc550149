"""`rssbound measure`: the counters of a kernel source tree, run."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from rssbound.bounds import Scenario
from rssbound.cli.command import command
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    apply,
    result_options,
    scenario_options,
    source_options,
)
from rssbound.cli.output import EXIT_VIOLATED, targets_of, write_result
from rssbound.cli.progress import counting
from rssbound.cli.render.results import measurement as measurement_table

__all__ = ("measure",)

FORMATS = ("table", "plain", "json", "markdown")

EPILOG = """\b
Examples:
  rssbound measure --kernel-source ~/linux
  rssbound measure --kernel-source . --topology host.json --format json
  rssbound measure --kernel-source . --topology 'package:2 core:64' --threads 8
  rssbound measure --kernel-source . --topology host.json --max-online 512
"""


@command(EPILOG)
@click.option(
    "--kernel-source",
    metavar="DIR",
    type=click.Path(file_okay=False),
    required=True,
    help="The kernel source tree whose functions are run.",
)
@apply(source_options())
@apply(scenario_options("cpus", "threads", "max_online", "fault_around_bytes"))
@apply(result_options(FORMATS))
@click.pass_context
def measure(
    context: click.Context,
    /,
    kernel_source: str,
    topology: str | None,
    form: str | None,
    kernel: str | None,
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **options: Any,
) -> None:
    """Run a kernel tree's own counter functions; exit 1 if they reach another bound than expected.

    The functions that make, update, flush and read the RSS counters are executed, statement by
    statement. What they reach on this machine, and on small machines in every state, must equal the
    bound that the tree's constants give. Nothing is compiled, and the kernel is not booted.
    """
    from rssbound.kernel.execution.measurement import STEPS  # noqa: PLC0415 (slow to load)
    from rssbound.kernel.execution.measurement import measure as measured  # noqa: PLC0415

    targets = targets_of(output, format_, FORMATS, color)
    machine = read_machine(topology, form, kernel)
    with counting(STEPS, f"running {kernel_source}") as advance:
        result = measured(kernel_source, machine, Scenario(**options), advance)
    write_result(targets, partial(measurement_table.render, result))
    if result.findings:
        context.exit(EXIT_VIOLATED)
