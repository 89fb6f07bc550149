"""`rssbound witness`: updates that reach a bound, replayed before they are printed."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import DESIGNS, Scenario
from rssbound.bounds.counter.counters import SIDES
from rssbound.bounds.designs import BESIDE_IDS
from rssbound.bounds.proof.witness import STYLES, witness_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.vendors import design_on
from rssbound.cli.command import Word, command
from rssbound.cli.inputs.beside import beside_options, popped, refuse_beside
from rssbound.cli.inputs.beside_values import with_beside
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    BESIDE_WORDS,
    DESIGN_WORDS,
    SCENARIO_OPTIONS,
    apply,
    is_given,
    result_options,
    source_options,
)
from rssbound.cli.output import EXIT_VIOLATED, targets_of, write_result
from rssbound.cli.progress import patience
from rssbound.cli.render import FORMATS_WITHOUT_ROWS
from rssbound.cli.render.results import witness as result
from rssbound.cli.render.words import METRIC_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds.proof.witness import Witness
    from rssbound.cli.output import Target
    from rssbound.topology import Topology

__all__ = ("witness",)

FORMATS = (*FORMATS_WITHOUT_ROWS, "c")

EPILOG = """\b
Examples:
  rssbound witness --design percpu --side over
  rssbound witness --topology host.json --design tree --side under --format json
  rssbound witness --design percpu --side under --style pages --format c -o witness.c
  rssbound witness --design stat-threshold --side over --format c -o vmstat.c
  rssbound witness --topology 'numa:2 core:4' --design per-node --side over --in-flight 1
  rssbound witness --design percpu --side under --metric rss --run   # on this kernel
  rssbound witness --design percpu --side over --cpus 0 --run --compiled
"""


@command(EPILOG)
@apply(source_options())
@click.option(
    "--design",
    type=Word([*DESIGNS, *BESIDE_IDS]),
    metavar="DESIGN",
    required=True,
    help=f"Design whose bound is reached. {DESIGN_WORDS} {BESIDE_WORDS}",
)
@click.option(
    "--side", type=Word(SIDES), required=True, help="Reading too low (under) or too high (over)."
)
@click.option(
    "--metric",
    type=Word(list(METRIC_WORDS)),
    default="counter",
    show_default=True,
    help="counter, the worst single counter; rss; or oom, the OOM score.",
)
@click.option(
    "--style",
    type=Word(STYLES),
    default="shortest",
    show_default=True,
    help="Few large updates, or single pages as in page faults.",
)
@click.option(
    "--run", is_flag=True, help="Make the updates on this machine's kernel and measure the error."
)
@click.option("--compiled", is_flag=True, help="With --run: use the C program of --format c.")
@apply([*SCENARIO_OPTIONS, *beside_options(), *result_options(FORMATS)])
@click.pass_context
def witness(
    context: click.Context,
    /,
    topology: str | None,
    form: str | None,
    kernel: str | None,
    design: str,
    side: str,
    metric: str,
    style: str,
    run: bool,
    compiled: bool,
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **options: Any,
) -> None:
    """List updates that reach a bound, starting with an empty process (or cgroup, zone, protocol).

    Before they are printed, the updates are replayed on an executable model of the kernel's
    algorithm; they end exactly at the bound. If there is no bound (per-node with overlapping
    updates, --in-flight), the output is a schedule whose error grows without limit. --format c
    writes a program that makes the updates on the running kernel and prints the approximate value,
    the precise value and the bound.

    --run makes the updates on this machine in a separate process, and shows the error of every
    file. It needs no privileges, and refuses a witness that does not fit into memory. Exit 1 if a
    measured error exceeds the bound.
    """
    if compiled and not run:
        raise click.UsageError("--compiled needs --run.")
    if run and design in BESIDE_IDS:
        raise click.UsageError(
            "--run applies only to RSS; use --format c to write a program for this counter."
        )
    if run and (is_given(context, "topology") or is_given(context, "kernel")):
        raise click.UsageError("--run uses this machine; leave out --topology and --kernel.")
    targets = targets_of(output, format_, FORMATS_WITHOUT_ROWS if run else FORMATS, color)
    if run and "c" in {target.format for target in targets}:
        raise click.UsageError("--format c only writes the program; leave out --run.")
    machine = read_machine(topology, form, kernel)
    known = popped(options)
    scenario = Scenario(**options)
    if design in BESIDE_IDS:
        scenario = with_beside(scenario, known, machine, is_this=topology is None)
    else:
        refuse_beside(context, "--design with one of theirs")
    with patience(f"finding updates on {machine.name}"):
        found = witness_of(machine, design, side, scenario, metric=metric, style=style)
    page_size = resolve(scenario, machine).page_size
    if run:
        _run(context, found, machine, targets, compiled=compiled)
    else:
        write_result(targets, partial(result.render, found, machine.name, page_size))


def _run(
    context: click.Context,
    found: Witness,
    machine: Topology,
    targets: Sequence[Target],
    *,
    compiled: bool,
) -> None:
    """Run a witness on this kernel and write what was measured."""
    from rssbound.cli.inputs.witness_run import run_witness  # noqa: PLC0415 (only --run needs it)
    from rssbound.cli.render.results.witness_run import RanOn, render  # noqa: PLC0415

    kernel = os.uname().release
    runs = run_witness(found, compiled=compiled)
    page_size = os.sysconf("SC_PAGE_SIZE")
    where = RanOn(machine.name, kernel, design_on(kernel), page_size, compiled)
    write_result(targets, partial(render, found, runs, where))
    if any(each.exceeds for each in runs):
        context.exit(EXIT_VIOLATED)
