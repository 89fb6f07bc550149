"""`rssbound tolerance`: the margin that a test or a watchdog needs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds.designs import BESIDE_COUNTERS
from rssbound.bounds.reading.catalogue import ALIASES, INTERFACES, interface_id
from rssbound.bounds.reading.tolerance import ASSUMPTIONS, check_name
from rssbound.bounds.reading.tolerance import tolerance as tolerance_of
from rssbound.bounds.scenario.scenario import OWN, resolve
from rssbound.cli.command import Word, command
from rssbound.cli.inputs.beside import beside_options, popped, refuse_beside
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
  rssbound tolerance stat                       # one reading
  rssbound tolerance stat --change              # the difference of two readings
  rssbound tolerance maxrss --against statm     # two files, read at the same moment
  rssbound tolerance memory.current             # a cgroup of this machine
  rssbound tolerance stat --pid 4711 --format json
  rssbound tolerance maxrss --assume 'single-threaded, no huge pages'
  rssbound tolerance statm --topology host.json --kernel 6.1.176 --threads 64
"""


@command(EPILOG)
@click.argument("file", type=FILES, metavar="FILE")
@click.option("--change", is_flag=True, help="Tolerance of the difference of two readings of FILE.")
@click.option(
    "--against",
    type=FILES,
    metavar="FILE",
    help="Tolerance of FILE against this other file, both read at the same moment.",
)
@click.option(
    "--assume",
    type=Word(list(ASSUMPTIONS)),
    help="What is known about the process; without it, a peak can be too low by any amount.",
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
    """Compute how far a reading of FILE can be off, for a test or a watchdog.

    FILE is an id of `rssbound interfaces` (status, statm, stat, hwm, maxrss, smaps_rollup,
    memory.current, memory.stat and others) or the name of a value (VmRSS, VmHWM, ru_maxrss). The
    readings of a correct program always stay within the tolerance. With any smaller tolerance, some
    correct program would fail.
    """
    if change and against is not None:
        raise click.UsageError(
            "--change compares readings of one file, --against of two; give only one of them."
        )
    targets = targets_of(output, format_, FORMATS_WITHOUT_ROWS, color)
    machine = read_machine(topology, form, kernel)
    check_name(file, machine.kernel)
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
    """UsageError for an option that does not apply to counters other than RSS."""
    for name in ("pid", "threads", "rss", "assume"):
        if is_given(context, name):
            raise click.UsageError(
                f"--{name} applies to a process, and this counter does not belong to one."
            )


def _answer(question: Question, machine: Topology, scenario: Scenario) -> Tolerance:
    return tolerance_of(
        *(machine, question.file, None, scenario),
        change=question.change,
        against=question.against,
        assume=question.assume,
    )
