"""`rssbound simulate`: run a workload on the executable models and compare it with its law."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import DESIGNS, Scenario
from rssbound.bounds.analysis import running_of
from rssbound.bounds.designs import MAINLINE
from rssbound.bounds.laws.workloads import HOP, WORKLOADS
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.typical.simulation import Run, simulation_of
from rssbound.cli.command import Word, command
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    SCENARIO_OPTIONS,
    apply,
    designs_option,
    result_options,
    source_options,
)
from rssbound.cli.output import EXIT_VIOLATED, targets_of, write_result
from rssbound.cli.progress import counting
from rssbound.cli.render import FORMATS
from rssbound.cli.render.results import simulation
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from rssbound.bounds.typical.simulation import Simulation

__all__ = ("simulate",)

EPILOG = """\b
Examples:
  rssbound simulate --workload hop --updates 1e6 --seed 1
  rssbound simulate --topology 'core:384' --design tree --workload hop
  rssbound simulate --design percpu --workload churn --format json

\b
Workloads:
  growth  page faults, one page each, on CPUs chosen at random
  churn   as many pages taken as added, one at a time
  hop     a region is mapped page by page on one CPU, or unmapped at once on another
"""


class Updates(click.ParamType):  # type: ignore[type-arg] # generic since click 8.4
    """A number of updates, such as 1000000 or 1e6."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the number."""
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 1 <= number <= 1e12 or number != int(number):
            self.fail(f"{value!r} is not a number of updates such as 1000000 or 1e6", param, ctx)
        return int(number)


@command(EPILOG)
@apply(source_options())
@apply(
    [designs_option("Design to simulate; may be repeated.  [default: the kernel's, else percpu]")]
)
@click.option(
    "--workload",
    type=Word(WORKLOADS),
    default=HOP,
    show_default=True,
    help="Workload of the process.",
)
@click.option(
    "--updates",
    type=Updates(),
    default="1e6",
    show_default=True,
    help="Updates to sample, after the warm-up.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="Random seed; the same seed gives the same run.",
)
@apply([*SCENARIO_OPTIONS, *result_options(FORMATS)])
@click.pass_context
def simulate(
    context: click.Context,
    /,
    topology: str | None,
    form: str | None,
    kernel: str | None,
    designs: tuple[str, ...],
    workload: str,
    updates: int,
    seed: int,
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **options: Any,
) -> None:
    """Run a workload on an executable model of a counter and measure its error.

    The run covers one counter (anon) of one large process. The output shows the observed error, the
    error predicted by the exact law of the workload, and the bound. Exit 1 if a run exceeded its
    bound.
    """
    targets = targets_of(output, format_, FORMATS, color)
    machine = read_machine(topology, form, kernel)
    scenario = resolve(Scenario(**options), machine)
    if scenario.in_flight:
        raise ScenarioError("in_flight: a simulation samples settled counters; leave it at 0")
    parameters = parameters_of(machine, scenario)
    prepared = [
        simulation_of(DESIGNS[id_], parameters, workload, updates, seed)
        for id_ in designs or (running_of(machine) or MAINLINE,)
    ]
    seen = [(simulated, _run(simulated)) for simulated in prepared]
    write_result(targets, partial(simulation.render, machine, scenario.page_size, seen))
    if not all(run.within(simulated.bound) for simulated, run in seen):
        context.exit(EXIT_VIOLATED)


def _run(prepared: Simulation) -> Run:
    """Run a simulation with a progress bar; samples during the warm-up are not counted."""
    errors = []
    text = f"simulating {prepared.design.id}"
    with counting(prepared.warming + prepared.updates, text) as advance:
        for done, error in prepared.looks():
            advance(done + prepared.warming)
            if done > 0:
                errors.append(error)
    return Run(tuple(sorted(errors)))
