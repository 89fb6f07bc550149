"""`rssbound choose`: the largest batch whose bound fits a budget, and the possible tree shapes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import DESIGNS, Scenario
from rssbound.bounds.analysis import running_of
from rssbound.bounds.choosing.batch import SIDES_OF, Choice, Goal, Machine, choice_of
from rssbound.bounds.designs import tree
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.cli.command import Whole, Word, command
from rssbound.cli.inputs.machine import read_machines
from rssbound.cli.inputs.options import (
    DESIGN_WORDS,
    Bytes,
    apply,
    more_sources,
    result_options,
    scenario_options,
    source_options,
)
from rssbound.cli.output import EXIT_VIOLATED, targets_of, write_result
from rssbound.cli.progress import patience, stepped
from rssbound.cli.render import FORMATS
from rssbound.cli.render.results import choice
from rssbound.cli.render.words import METRIC_WORDS
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from rssbound.bounds.choosing.shapes import Shapes
    from rssbound.topology import Topology

__all__ = ("choose",)

CHOOSABLE = [design.id for design in DESIGNS.values() if design.knob]

SITUATION = (
    *(
        "cpus",
        "updaters",
        "threads",
        "max_online",
        "page_size",
        "fault_around_bytes",
        "nodes_shift",
    ),
    *("arity", "in_flight", "max_increment"),
)
"""Options of the scenario; not the batches, which are the result."""

EPILOG = """\b
Examples:
  rssbound choose --topology host.json --budget 64MiB
  rssbound choose hosts.parquet --budget 256MiB          # every machine of a table
  rssbound choose --topology fleet/*.json --budget 256MiB --metric counter
  rssbound choose --topology host.json --budget 64MiB --design percpu
  rssbound choose --topology host.json --budget 64MiB --shapes
  rssbound choose --topology 'core:512' --budget 1GiB --processes 10000
"""


@command(EPILOG)
@apply([more_sources(), *source_options(multiple=True)])
@click.option(
    "--budget",
    type=Bytes(),
    required=True,
    metavar="SIZE",
    help="Largest acceptable error, such as 64MiB; a number without a unit is bytes. Units are "
    "powers of 1024: 64MB is 64MiB.",
)
@click.option(
    "--metric",
    type=Word(list(METRIC_WORDS)),
    default="rss",
    show_default=True,
    help="The error that must fit: rss; counter, the worst single counter; or oom, the OOM score.",
)
@click.option(
    "--side",
    type=Word(list(SIDES_OF)),
    default="both",
    show_default=True,
    help="Reading too low (under), too high (over), or both.",
)
@click.option(
    "--design",
    type=Word(list(DESIGNS)),
    metavar="DESIGN",
    default=tree.DESIGN.id,
    show_default=True,
    help=f"The design whose batch is chosen. {DESIGN_WORDS}",
)
@click.option("--shapes", is_flag=True, help="Also compare all possible shapes of the tree.")
@click.option(
    "--processes",
    type=Whole(min=1),
    metavar="NUMBER",
    help="Number of processes on a host, to show their memory use.",
)
@apply(scenario_options(*SITUATION))
@apply(result_options(FORMATS))
@click.pass_context
def choose(
    context: click.Context,
    /,
    more: tuple[str, ...],
    topology: tuple[str, ...],
    form: str | None,
    kernel: str | None,
    budget: int,
    metric: str,
    side: str,
    design: str,
    shapes: bool,
    processes: int | None,
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **options: Any,
) -> None:
    """Choose the largest batch whose bound fits a budget.

    The batch is RSS_STAT_BATCH_SIZE (a power of two) for the tree designs, percpu_counter_batch for
    percpu, and TASK_RSS_EVENTS_THRESH for per-thread. A larger batch only saves updates of shared
    cache lines. With several machines, the result is the largest batch that fits all of them. Exit
    1 if no batch fits, and print the smallest budget that would work.
    """
    targets = targets_of(output, format_, FORMATS, color)
    machines = [
        machine
        for source in stepped([*topology, *more] or [None], "reading")
        for machine in read_machines(source, form, kernel)
    ]
    if shapes and (design != tree.DESIGN.id or len(machines) > 1):
        raise click.UsageError("--shapes compares trees of one machine; leave out --design.")
    with patience("trying batches"):
        found, hosts = _choice(machines, options, Goal(DESIGNS[design], metric, side, budget))
    compared = _shapes(found.goal, hosts[0], machines[0]) if shapes else None
    sized = choice.Chosen(
        found, tuple(hosts), compared, processes, in_use=_in_use(design, machines)
    )
    write_result(targets, partial(choice.render, sized))
    if found.batch is None and not found.any_fits:
        context.exit(EXIT_VIOLATED)


def _in_use(design: str, machines: list[Topology]) -> bool:
    """Return whether the kernels of all machines use a design."""
    return all(running_of(machine) == design for machine in machines)


def _choice(
    machines: list[Topology], options: dict[str, Any], goal: Goal
) -> tuple[Choice, list[Machine]]:
    if goal.design.knob is None:
        raise ScenarioError(
            f"{goal.design.id} has no batch to choose; these have: {', '.join(CHOOSABLE)}"
        )
    hosts = []
    for machine in machines:
        try:
            scenario = resolve(Scenario(**options), machine)
        except ScenarioError as error:
            raise error.at(machine.source) from None
        hosts.append(Machine(machine.name, parameters_of(machine, scenario), scenario.page_size))
    return choice_of(goal, goal.design.knob, hosts), hosts


def _shapes(goal: Goal, host: Machine, machine: Topology) -> Shapes:
    from rssbound.bounds.choosing.shapes import shapes_of  # noqa: PLC0415 (only where they are asked for)

    with patience("comparing shapes"):
        return shapes_of(goal, host.parameters, machine, host.page_size)
