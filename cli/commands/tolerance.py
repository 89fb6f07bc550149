"""`rssbound tolerance`: one number for a test or a watchdog."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds.designs import BESIDE_COUNTERS
from rssbound.bounds.reading.catalogue import ALIASES, INTERFACES, interface_id
from rssbound.bounds.reading.tolerance import ASSUMPTIONS
from rssbound.bounds.reading.tolerance import tolerance as tolerance_of
from rssbound.bounds.scenario.scenario import OWN, resolve
from rssbound.cli.command import Word, command
from rssbound.cli.inputs.beside import beside_options, popped, refuse_beside, with_beside
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
from rssbound.cli.render import FORMATS_WITHOUT_ROWS
from rssbound.cli.render.results.tolerance import Question, Situation, render

if TYPE_CHECKING:
    from rssbound.bounds import Scenario
    from rssbound.bounds.reading.tolerance import Tolerance
    from rssbound.topology import Topology

__all__ = ("tolerance",)

FILES = Word([*INTERFACES, *ALIASES])

EPILOG = """\b
Examples:
  rssbound tolerance stat                       # a reading against the truth
  rssbound tolerance stat --change              # the difference of two readings
  rssbound tolerance maxrss --against statm     # two files at one moment
  rssbound tolerance memory.current             # a cgroup of this machine
  rssbound tolerance stat --pid 4711 --format json
  rssbound tolerance maxrss --assume 'single-threaded, no huge pages'
  rssbound tolerance statm --topology host.json --kernel 6.1.176 --threads 64
"""


@command(EPILOG)
@click.argument("file", type=FILES, metavar="FILE")
@click.option("--change", is_flag=True, help="Of the difference of two readings of FILE.")
@click.option(
    "--against",
    type=FILES,
    metavar="FILE",
    help="Of FILE against this other one, both read at the same moment.",
)
@click.option(
    "--assume",
    type=Word(list(ASSUMPTIONS)),
    help="What is known of the process; a peak has no bound below without.",
)
@apply([*source_options(), kernel_source_option(), pid_option()])
@apply(
    scenario_options(
        *("cpus", "updaters", "threads", "rss", "max_online", "percpu_batch"),
        *("page_size", "fault_around_bytes"),
    )
)
@apply(beside_options())
@apply(result_options(FORMATS_WITHOUT_ROWS))
@click.pass_context
def tolerance(
    context: click.Context,
    /,
    file: str,
    change: bool,
    against: str | None,
    assume: str | None,
    topology: str | None,
    form: str | None,
    kernel: str | None,
    kernel_source: str | None,
    pid: int | None,
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **options: Any,
) -> None:
    """Say by how much a reading of FILE can be off, for a test or a watchdog.

    FILE is an id of `rssbound interfaces`: status, statm, stat, hwm, maxrss, smaps_rollup,
    memory.current, memory.stat and others; or the name of a value: VmRSS, VmHWM, ru_maxrss. A
    correct program stays within the tolerance, and a smaller one would fail some.
    """
    if change and against is not None:
        raise click.UsageError("--change is of one file, --against of two; give one of them.")
    targets = targets_of(output, format_, FORMATS_WITHOUT_ROWS, color)
    machine = read_machine(topology, form, kernel)
    process = asked_process(context, pid)
    known, is_beside = popped(options), interface_id(file) in BESIDE_COUNTERS
    if is_beside:
        _refuse_options_of_rss(context)
    else:
        refuse_beside(context, "the name of one as FILE")
    scenario = scenario_of(context, options, kernel_source)
    if is_beside:
        scenario = with_beside(scenario, known, machine, is_this=topology is None)
    scenario = with_process(context, scenario, machine, process, stays=not change)
    other = None if against is None else interface_id(against)
    question = Question(interface_id(file), other, assume, change=change)
    with patience(f"analysing {machine.name}"):
        found = _answer(question, machine, scenario)
    alone = found if is_beside else _answer(question, machine, replace(scenario, updaters=OWN))
    named = f"kernel source {kernel_source}" if kernel_source else f"Linux {machine.kernel}"
    situation = Situation(machine, named, resolve(scenario, machine), process)
    promised = None if alone == found else alone
    write_result(targets, partial(render, question, found, promised, situation))


def _refuse_options_of_rss(context: click.Context) -> None:
    """UsageError for an option that says nothing of a counter beside RSS."""
    for name in ("pid", "threads", "rss", "assume"):
        if is_given(context, name):
            raise click.UsageError(f"--{name} is of a process; this counter is of none.")


def _answer(question: Question, machine: Topology, scenario: Scenario) -> Tolerance:
    return tolerance_of(
        *(machine, question.file, None, scenario),
        change=question.change,
        against=question.against,
        assume=question.assume,
    )
