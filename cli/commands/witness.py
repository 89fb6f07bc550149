"""`rssbound witness`: the updates that reach a bound, replayed before they are printed."""

from __future__ import annotations

import json
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import DESIGNS, Scenario
from rssbound.bounds.counter.counters import METRICS, SIDES
from rssbound.bounds.counter.design import Place
from rssbound.bounds.proof.witness import STYLES, witness_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    SCENARIO_OPTIONS,
    apply,
    color_option,
    format_option,
    output_option,
    source_options,
)
from rssbound.cli.output import chosen_format, style_for, write
from rssbound.cli.render import render_as
from rssbound.cli.render.code.witness import program
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import bytes_text, counted, pages_text
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from rssbound.bounds.proof.witness import Witness
    from rssbound.topology import Topology

__all__ = ("witness",)

FORMATS = ("table", "plain", "json", "markdown", "c")

EPILOG = """\b
Examples:
  rssbound witness --design percpu --side over
  rssbound witness --topology host.json --design tree --side under --format json
  rssbound witness --design percpu --side under --style pages --format c -o witness.c
  rssbound witness --topology 'numa:2 core:4' --design per-node --side over --in-flight 1
"""


@click.command(epilog=EPILOG)
@apply(source_options())
@click.option("--design", type=click.Choice(list(DESIGNS)), required=True, help="The design.")
@click.option("--side", type=click.Choice(SIDES), required=True, help="Too low, or too high.")
@click.option(
    "--metric",
    type=click.Choice(["counter", *METRICS]),
    default="counter",
    show_default=True,
    help="One counter, the worst; RSS; or the OOM score.",
)
@click.option(
    "--style",
    type=click.Choice(STYLES),
    default="shortest",
    show_default=True,
    help="Few large updates, or single pages as page faults make them.",
)
@apply([*SCENARIO_OPTIONS, format_option(FORMATS), output_option(), color_option()])
def witness(
    topology: str | None,
    form: str | None,
    kernel: str | None,
    design: str,
    side: str,
    metric: str,
    style: str,
    format_: str | None,
    output: str,
    color: str,
    **options: Any,
) -> None:
    """Give the updates that reach a bound, from an empty process.

    They are replayed on an executable model of the kernel's algorithm before they are printed, and
    end with exactly the bound. Where there is no bound (per-node when updates overlap, --in-flight)
    a schedule is shown that grows for ever. --format c writes a program that makes the updates on
    the kernel it runs on, and prints approximate and precise RSS beside the bound.
    """
    machine = read_machine(topology, form, kernel)
    scenario = Scenario(**options)
    found = witness_of(machine, design, side, scenario, metric=metric, style=style)
    chosen = chosen_format(format_, output, FORMATS)
    if chosen == "json":
        write(json.dumps(document_of(found)) + "\n", output)
        return
    if chosen == "c":
        write(_program(found), output)
        return
    page_size = resolve(scenario, machine).page_size
    sheet = _schedule(found) if found.bound is None else _updates(found, machine, page_size)
    write(render_as(sheet, chosen, style_for(output, color)), output)


def _program(witness: Witness) -> str:
    """Give the C program of a witness; ScenarioError for one that no single process can run."""
    if witness.metric == "oom":
        raise ScenarioError("--format c: no file shows the sum that oom_score reads; --metric rss")
    plain = [
        (at, pages) for at, pages in witness.updates if at is not None and isinstance(pages, int)
    ]
    if len(plain) < len(witness.updates):
        raise ScenarioError(
            f"--format c: a counter reads below 0 in {witness.design} {witness.side}, which a "
            "program's own pages prevent; --metric counter"
        )
    if not plain or witness.bound is None:
        raise ScenarioError(
            f"--format c: {witness.design} {witness.side} has no updates that end; nothing to run"
        )
    return program(
        *(witness.design, witness.side, plain, witness.bound, witness.batch, witness.counters),
        threads=witness.place is Place.THREAD,
    )


def document_of(witness: Witness) -> dict[str, Any]:
    """Give a witness as JSON, `"kind": "rssbound.witness"`; values in pages."""
    return {
        "kind": "rssbound.witness",
        "format_version": "1.0",
        "design": witness.design,
        "metric": witness.metric,
        "side": witness.side,
        "counters": list(witness.counters),
        "nr_cpu_ids": witness.nr_cpu_ids,
        "batch": witness.batch,
        "updates": [list(update) for update in witness.updates],
        "approximate": witness.approximate,
        "precise": witness.precise,
        "error": witness.error,
        "bound": witness.bound,
        **(
            {
                "schedule": [
                    {
                        "begins": round_.begins,
                        "others": round_.others,
                        "takes": round_.takes,
                        "error": round_.error,
                    }
                    for round_ in witness.schedule
                ]
            }
            if witness.schedule
            else {}
        ),
    }


def _updates(witness: Witness, machine: Topology, page_size: int) -> Sheet:
    side = "too low" if witness.side == "under" else "too high"
    sums = " + ".join(witness.counters)
    size = bytes_text(witness.error * page_size)
    head = f"{witness.design} on {machine.name}: {counted(len(witness.updates), 'update')}"
    each = f" of each of {sums}" if len(witness.counters) > 1 else f" of {sums}"
    ends = (
        f"approximate {pages_text(witness.approximate)}, precise {pages_text(witness.precise)}: "
        f"{counted(witness.error, 'page')} ({size}) {side}, which is the bound"
    )
    if witness.bound == 0:
        ends = f"no history of updates reads {side}: the bound is 0"
    where = witness.place.updater
    pages = [_pages(amount) for _, amount in witness.updates]
    running = accumulate(amount if isinstance(amount, int) else 0 for _, amount in witness.updates)
    columns = [
        Column("", where, tuple("-" if at is None else str(at) for at, _ in witness.updates)),
        Column("", "pages", tuple(pages)),
    ]
    if all(isinstance(amount, int) for _, amount in witness.updates):
        columns.append(Column("precise", "so far", tuple(map(pages_text, running))))
    return Sheet((f"{head}{each}", ends), Table("", tuple(columns)))


def _pages(amount: Any) -> str:
    if isinstance(amount, int):
        return pages_text(amount)
    return ", ".join(f"{counter} {pages:+,}" for counter, pages in amount.items())


def _schedule(witness: Witness) -> Sheet:
    rounds, batch = witness.schedule, witness.batch
    return Sheet(
        (
            f"{witness.design}: no bound once updates of a node overlap; a slot of batch {batch}",
            "an updater adds and is stopped, others add page by page, it goes on and takes away",
        ),
        Table(
            "",
            (
                Column("", "round", tuple(str(number + 1) for number in range(len(rounds)))),
                Column("", "adds", tuple(pages_text(round_.begins) for round_ in rounds)),
                Column("", "others add", tuple(pages_text(round_.others) for round_ in rounds)),
                Column("", "takes away", tuple(pages_text(round_.takes) for round_ in rounds)),
                Column("settled,", "too high by", tuple(f"{round_.error:+,}" for round_ in rounds)),
            ),
        ),
        (f"Each round adds {counted(witness.batch, 'page')}, without end.",),
    )
