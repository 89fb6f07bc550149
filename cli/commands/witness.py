"""`rssbound witness`: the updates that reach a bound, replayed before they are printed."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from rssbound.bounds import DESIGNS, Scenario
from rssbound.bounds.counter.counters import SIDES
from rssbound.bounds.proof.witness import STYLES, witness_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.cli.command import Word, command
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    DESIGN_WORDS,
    SCENARIO_OPTIONS,
    apply,
    result_options,
    source_options,
)
from rssbound.cli.output import targets_of, write_result
from rssbound.cli.render import FORMATS_WITHOUT_ROWS
from rssbound.cli.render.results import witness as result
from rssbound.cli.render.words import METRIC_WORDS

__all__ = ("witness",)

FORMATS = (*FORMATS_WITHOUT_ROWS, "c")

EPILOG = """\b
Examples:
  rssbound witness --design percpu --side over
  rssbound witness --topology host.json --design tree --side under --format json
  rssbound witness --design percpu --side under --style pages --format c -o witness.c
  rssbound witness --topology 'numa:2 core:4' --design per-node --side over --in-flight 1
"""


@command(EPILOG)
@apply(source_options())
@click.option(
    "--design",
    type=Word(list(DESIGNS)),
    metavar="DESIGN",
    required=True,
    help=f"The design. {DESIGN_WORDS}",
)
@click.option("--side", type=Word(SIDES), required=True, help="Too low, or too high.")
@click.option(
    "--metric",
    type=Word(list(METRIC_WORDS)),
    default="counter",
    show_default=True,
    help="One counter, the worst; RSS; or the OOM score.",
)
@click.option(
    "--style",
    type=Word(STYLES),
    default="shortest",
    show_default=True,
    help="Few large updates, or single pages as page faults make them.",
)
@apply([*SCENARIO_OPTIONS, *result_options(FORMATS)])
def witness(
    topology: str | None,
    form: str | None,
    kernel: str | None,
    design: str,
    side: str,
    metric: str,
    style: str,
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **options: Any,
) -> None:
    """Give the updates that reach a bound, from an empty process.

    They are replayed on an executable model of the kernel's algorithm before they are printed, and
    end with exactly the bound. Where there is no bound (per-node when updates overlap, --in-flight)
    a schedule is shown that grows for ever. --format c writes a program that makes the updates on
    the kernel it runs on, and prints approximate and precise RSS beside the bound.
    """
    targets = targets_of(output, format_, FORMATS, color)
    machine = read_machine(topology, form, kernel)
    scenario = Scenario(**options)
    found = witness_of(machine, design, side, scenario, metric=metric, style=style)
    page_size = resolve(scenario, machine).page_size
    write_result(targets, partial(result.render, found, machine.name, page_size))
