"""`rssbound verify`: compute each bound in five ways that must agree (six with a kernel tree)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import Scenario
from rssbound.bounds.designs import BESIDE_IDS, DESIGNS, design_of
from rssbound.bounds.proof.agreement import (
    SMALL_HOSTS,
    agreements_of,
    cases_of_host,
    small_cases,
)
from rssbound.cli.command import Word, command
from rssbound.cli.inputs.beside import beside_options, popped, refuse_beside
from rssbound.cli.inputs.beside_values import with_beside
from rssbound.cli.inputs.kernel_source import kernel_source_option, scenario_of
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    SCENARIO_OPTIONS,
    apply,
    is_given,
    result_options,
    source_options,
)
from rssbound.cli.output import EXIT_VIOLATED, say, targets_of, write_result
from rssbound.cli.progress import counting, stepped
from rssbound.cli.render import FORMATS_WITHOUT_ROWS
from rssbound.cli.render.results import agreement as result
from rssbound.cli.render.units import counted
from rssbound.topology import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.proof.agreement import Agreement
    from rssbound.kernel.execution.measurement import Measurement
    from rssbound.topology import Topology

__all__ = ("verify",)

RSS, ALL_BESIDE = "rss", "beside"

OF_THE_TREE = ("batch", "percpu_batch", "nodes_shift", "arity")
"""Options for constants that a tree's own code takes from the tree."""

EPILOG = """\b
Examples:
  rssbound verify                       # this machine
  rssbound verify --topology host.json
  rssbound verify --counters beside     # memory.current, memory.stat, vmstat, sockets
  rssbound verify --small               # all sets of CPUs of small machines
  rssbound verify --kernel-source ~/linux
"""


@command(EPILOG)
@apply([*source_options(), kernel_source_option()])
@click.option(
    "--counters",
    type=Word([RSS, ALL_BESIDE]),
    default=RSS,
    show_default=True,
    help="Counters to verify: rss, or beside: all counters other than RSS.",
)
@click.option(
    "--small",
    is_flag=True,
    help="Verify all sets of CPUs of small machines instead; takes about two minutes.",
)
@apply([*SCENARIO_OPTIONS, *beside_options(), *result_options(FORMATS_WITHOUT_ROWS)])
@click.pass_context
def verify(
    context: click.Context,
    /,
    topology: str | None,
    form: str | None,
    kernel: str | None,
    kernel_source: str | None,
    counters: str,
    small: bool,
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **options: Any,
) -> None:
    """Compute every bound in five ways that must agree; exit 1 if any differs.

    The five ways are: the number that `analyze` prints; the formula, evaluated; a witness,
    replayed; a search of all states, if there are few enough; and a theorem, if z3 (z3-solver) is
    installed. A kernel source tree adds a sixth for its own design: the error that its functions
    reach when they are executed.
    """
    targets = targets_of(output, format_, FORMATS_WITHOUT_ROWS, color)
    executed: Measurement | None = None
    if kernel_source is not None:
        _refuse_options_beside_a_tree(context, small=small)
    known, designs = popped(options), _designs(context, counters)
    if small:
        cases = list(small_cases(map(read, SMALL_HOSTS), designs))
        title = f"{counted(len(cases), 'case')} on small machines"
    else:
        machine = read_machine(topology, form, kernel)
        scenario = scenario_of(context, options, kernel_source)
        if counters != RSS:
            scenario = with_beside(scenario, known, machine, is_this=topology is None)
        cases = cases_of_host(machine, scenario, designs)
        if kernel_source is not None:
            executed = _executed(kernel_source, machine, Scenario(**options))
        title = machine.name
    agreements = [
        agreement for case in stepped(cases, "verifying") for agreement in agreements_of(case)
    ]
    if executed is not None:
        agreements = [_with_executed(agreement, executed) for agreement in agreements]
    write_result(targets, partial(result.render, agreements, title, summed=small))
    findings = executed.findings if executed else ()
    for finding in findings:
        say(f"{kernel_source}: {finding}")
    if findings or not all(agreement.holds for agreement in agreements):
        context.exit(EXIT_VIOLATED)


def _designs(context: click.Context, counters: str) -> list[Design]:
    """Give the designs to verify."""
    if counters == RSS:
        refuse_beside(context, "--counters beside")
        return list(DESIGNS.values())
    if is_given(context, "kernel_source"):
        raise click.UsageError(
            "--kernel-source applies only to RSS; leave it out with --counters beside."
        )
    return [design_of(id_) for id_ in BESIDE_IDS]


def _refuse_options_beside_a_tree(context: click.Context, *, small: bool) -> None:
    """Raise UsageError for options that cannot be combined with a tree's own code."""
    if small:
        raise click.UsageError(
            "--small does not run a kernel source tree; `rssbound measure` does, on small machines."
        )
    given = [name for name in OF_THE_TREE if is_given(context, name)]
    if given:
        option = f"--{given[0].replace('_', '-')}"
        raise click.UsageError(
            f"{option} cannot be given with --kernel-source: the tree has its own value."
        )


def _executed(kernel_source: str, machine: Topology, scenario: Scenario) -> Measurement:
    """Run a tree's functions on a machine."""
    from rssbound.kernel.execution.measurement import STEPS, measure  # noqa: PLC0415 (slow to load)

    with counting(STEPS, f"running {kernel_source}") as advance:
        return measure(kernel_source, machine, scenario, advance)


def _with_executed(agreement: Agreement, executed: Measurement) -> Agreement:
    """Add what a tree's functions reached to the agreement of its own design."""
    if agreement.design != executed.design:
        return agreement
    reached: Sequence[int] = [one.error for one in executed.reached if one.side == agreement.side]
    return replace(agreement, executed=max(reached, default=None))
