"""`rssbound oom`: can the OOM killer choose the wrong process?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds.analysis import kernel_design_of
from rssbound.bounds.reading.ranking import ranking_of
from rssbound.bounds.scenario.process_size import MOST_BYTES
from rssbound.bounds.scenario.scenario import resolve
from rssbound.cli.command import Whole, command
from rssbound.cli.inputs.contenders import subject_of_process, subject_of_size, total_pages
from rssbound.cli.inputs.kernel_source import kernel_source_option, scenario_of
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    Bytes,
    apply,
    is_given,
    result_options,
    scenario_options,
    source_options,
)
from rssbound.cli.output import EXIT_VIOLATED, targets_of, write_result
from rssbound.cli.render import FORMATS_WITHOUT_ROWS
from rssbound.cli.render.results.ranking import Asked, render

if TYPE_CHECKING:
    from rssbound.bounds import Scenario
    from rssbound.bounds.reading.ranking import Subject
    from rssbound.topology import Topology

__all__ = ("oom",)

EPILOG = """\b
Examples:
  rssbound oom --a 12GiB --b 11.8GiB
  rssbound oom --size 12GiB --size 11.8GiB --size 9GiB --threads 64
  rssbound oom --pid 4711 --pid 4712                     # running processes
  rssbound oom --topology host.json --kernel 6.12.117 --a 12GiB --b 11.8GiB --format json
"""


@command(EPILOG)
@click.option(
    "--a",
    type=Bytes(MOST_BYTES),
    help="True size of process A, such as 12GiB: RSS, swap and page tables. A number without a "
    "unit is bytes.",
)
@click.option("--b", type=Bytes(MOST_BYTES), help="True size of process B.")
@click.option(
    "--size",
    "sizes",
    type=Bytes(MOST_BYTES),
    multiple=True,
    help="True size of one process; repeat for each process.",
)
@click.option(
    "--pid",
    "pids",
    type=Whole(min=1),
    multiple=True,
    metavar="PID",
    help="A running process of this machine; give two or more.",
)
@apply([*source_options(), kernel_source_option()])
@apply(
    scenario_options(
        *("cpus", "updaters", "threads", "max_online", "percpu_batch"),
        *("page_size", "fault_around_bytes"),
    )
)
@apply(result_options(FORMATS_WITHOUT_ROWS))
@click.pass_context
def oom(
    context: click.Context,
    /,
    a: int | None,
    b: int | None,
    sizes: tuple[int, ...],
    pids: tuple[int, ...],
    topology: str | None,
    form: str | None,
    kernel: str | None,
    kernel_source: str | None,
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **options: Any,
) -> None:
    """Show whether the OOM killer can rank processes in the wrong order.

    The OOM killer chooses the process with the most RSS, swap and page tables. It reads four
    counters for this, and before Linux 7.0 it reads them approximately. Exit 0 if processes of
    these sizes are always ranked correctly, 1 if they can be ranked wrongly.
    """
    given = _named(a, b, sizes, pids)
    targets = targets_of(output, format_, FORMATS_WITHOUT_ROWS, color)
    if pids and is_given(context, "topology"):
        raise click.UsageError("--pid names a process of this machine; leave out --topology.")
    machine = read_machine(topology, form, kernel)
    scenario = scenario_of(context, options, kernel_source)
    page_size = resolve(scenario, machine).page_size
    subjects = _subjects(context, given, pids, scenario, machine)
    ranking = ranking_of(machine, subjects, total_pages(page_size) if pids else 0)
    named = f"kernel source {kernel_source}" if kernel_source else f"Linux {machine.kernel}"
    asked = Asked(machine, named, page_size, _design(machine, scenario), subjects)
    write_result(targets, partial(render, ranking, asked))
    if not ranking.right:
        context.exit(EXIT_VIOLATED)


def _named(
    a: int | None, b: int | None, sizes: tuple[int, ...], pids: tuple[int, ...]
) -> dict[str, int]:
    """Give the sizes by name; UsageError for fewer than two processes or for mixed options."""
    pair = {name: size for name, size in (("A", a), ("B", b)) if size is not None}
    listed = {f"#{number}": size for number, size in enumerate(sizes, 1)}
    kinds = [kind for kind in (pair, listed, pids) if kind]
    if len(kinds) != 1 or len(kinds[0]) < 2:
        raise click.UsageError("Give two processes: --a and --b, --size twice, or --pid twice.")
    if len(set(pids)) < len(pids):
        raise click.UsageError("The same --pid is given twice; name different processes.")
    return pair or listed


def _subjects(
    context: click.Context,
    named: dict[str, int],
    pids: tuple[int, ...],
    scenario: Scenario,
    machine: Topology,
) -> list[Subject]:
    if pids:
        return [subject_of_process(context, pid, scenario, machine) for pid in pids]
    return [subject_of_size(name, size, scenario, machine) for name, size in named.items()]


def _design(machine: Topology, scenario: Scenario) -> tuple[str, bool]:
    """Name the designs that this kernel may use, and say whether that is a guess."""
    if scenario.constants.design is not None:
        return scenario.constants.design, False
    kernel = kernel_design_of(machine)
    return (" or ".join(kernel.candidates), kernel.guess) if kernel else ("", True)
