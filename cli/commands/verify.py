"""`rssbound verify`: every bound shown five ways that must agree."""

from __future__ import annotations

from typing import Any

import click

from rssbound.bounds import Scenario
from rssbound.bounds.proof.agreement import (
    SMALL_HOSTS,
    agreements_of,
    cases_of_host,
    small_cases,
)
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    SCENARIO_OPTIONS,
    apply,
    color_option,
    format_option,
    output_option,
    source_options,
)
from rssbound.cli.output import EXIT_VIOLATED, chosen_format, style_for, write
from rssbound.cli.progress import stepped
from rssbound.cli.render import FORMATS_WITHOUT_ROWS
from rssbound.cli.render.results import agreement as result
from rssbound.cli.render.units import counted
from rssbound.topology import read

__all__ = ("verify",)

EPILOG = """\b
Examples:
  rssbound verify                       this machine
  rssbound verify --topology host.json
  rssbound verify --small               all sets of CPUs of small machines
"""


@click.command(epilog=EPILOG)
@apply(source_options())
@click.option("--small", is_flag=True, help="All sets of CPUs of small machines instead; a minute.")
@apply([*SCENARIO_OPTIONS, format_option(FORMATS_WITHOUT_ROWS), output_option(), color_option()])
@click.pass_context
def verify(
    context: click.Context,
    /,
    topology: str | None,
    form: str | None,
    kernel: str | None,
    small: bool,
    format_: str | None,
    output: str,
    color: str,
    **options: Any,
) -> None:
    """Show every bound five ways that must agree; exit 1 if any differs.

    The number that `analyze` prints; the formula, evaluated; a witness, replayed; a search of all
    states, where they are few enough; and a theorem, where z3 is installed (pip install z3-solver).
    """
    if small:
        cases = list(small_cases(map(read, SMALL_HOSTS)))
        title = f"{counted(len(cases), 'case')} on small machines"
    else:
        machine = read_machine(topology, form, kernel)
        cases = cases_of_host(machine, Scenario(**options))
        title = machine.name
    agreements = [
        agreement for case in stepped(cases, "verifying") for agreement in agreements_of(case)
    ]
    chosen = chosen_format(format_, output, FORMATS_WITHOUT_ROWS)
    style = style_for(output, color)
    write(result.render(agreements, title, chosen, style, summed=small), output)
    if not all(agreement.holds for agreement in agreements):
        context.exit(EXIT_VIOLATED)
