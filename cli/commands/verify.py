"""`rssbound verify`: every bound shown five ways that must agree."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import Scenario
from rssbound.bounds.counter.theorems import can_prove
from rssbound.bounds.proof.agreement import (
    SMALL_HOSTS,
    Agreement,
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
from rssbound.cli.render import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import counted, pages_text
from rssbound.topology import read

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("verify",)

FORMATS = ("table", "plain", "json", "markdown")

EPILOG = """\b
Examples:
  rssbound verify                       this machine
  rssbound verify --topology host.json
  rssbound verify --small               all sets of CPUs of small machines
"""


@click.command(epilog=EPILOG)
@apply(source_options())
@click.option("--small", is_flag=True, help="All sets of CPUs of small machines instead; a minute.")
@apply([*SCENARIO_OPTIONS, format_option(FORMATS), output_option(), color_option()])
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
    chosen = chosen_format(format_, output, FORMATS)
    if chosen == "json":
        write(json.dumps(_document(agreements), indent=2) + "\n", output)
    else:
        sheet = _summary(agreements, title) if small else _sheet(agreements, title)
        write(render_as(sheet, chosen, style_for(output, color)), output)
    if not all(agreement.holds for agreement in agreements):
        context.exit(EXIT_VIOLATED)


def _document(agreements: Iterable[Agreement]) -> dict[str, Any]:
    return {
        "kind": "rssbound.verification",
        "format_version": "1.0",
        "agreements": [
            {
                "host": agreement.host,
                "design": agreement.design,
                "side": agreement.side,
                "number": agreement.number,
                "formula": agreement.formula,
                "witness": agreement.witness,
                "searched": agreement.searched,
                "theorem": agreement.theorem,
                "holds": agreement.holds,
            }
            for agreement in agreements
        ],
    }


def _sheet(agreements: list[Agreement], title: str) -> Sheet:
    def column(heading: str, name: str, *, numeric: bool = True) -> Column:
        values = (getattr(agreement, name) for agreement in agreements)
        return Column("", heading, tuple(map(_cell, values)), 0, numeric)

    columns = (
        column("design", "design", numeric=False),
        column("side", "side", numeric=False),
        column("number", "number"),
        column("formula", "formula"),
        column("witness", "witness"),
        column("searched", "searched"),
        column("theorem", "theorem", numeric=False),
        Column("", "", tuple(_tick(agreement.holds) for agreement in agreements), 0, numeric=False),
    )
    heads = (f"{title}: the bound of one counter, in pages, five ways",)
    return Sheet(heads, Table("", columns), _footlines(agreements))


def _summary(agreements: list[Agreement], title: str) -> Sheet:
    """Count by design; every case that differs gets a line of its own."""
    designs = list(dict.fromkeys(agreement.design for agreement in agreements))
    own = [[each for each in agreements if each.design == design] for design in designs]
    columns = (
        Column("", "design", tuple(designs), 0, numeric=False),
        Column("", "bounds", tuple(pages_text(len(group)) for group in own)),
        Column("", "searched", tuple(_count(group, "searched") for group in own)),
        Column("", "theorem", tuple(_count(group, "theorem") for group in own)),
        Column("", "agree", tuple(pages_text(sum(each.holds for each in group)) for group in own)),
        Column(
            "", "", tuple(_tick(all(each.holds for each in group)) for group in own), numeric=False
        ),
    )
    heads = (f"{title}: the bound of one counter, five ways",)
    return Sheet(heads, Table("", columns), _footlines(agreements))


def _footlines(agreements: list[Agreement]) -> tuple[str, ...]:
    wrong = [agreement for agreement in agreements if not agreement.holds]
    lines = [
        f"DIFFERS: {each.design} {each.side} on {each.host}: number {each.number}, formula "
        f"{each.formula}, witness {each.witness}, searched {_cell(each.searched)}, theorem "
        f"{_cell(each.theorem)}"
        for each in wrong
    ]
    if not can_prove():
        lines.append("theorem: not checked, z3 is not installed (pip install z3-solver).")
    lines.append(
        f"{counted(len(agreements) - len(wrong), 'bound')} of {pages_text(len(agreements))} agree."
    )
    return tuple(lines)


def _count(agreements: list[Agreement], name: str) -> str:
    return pages_text(sum(getattr(agreement, name) is not None for agreement in agreements))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "proved" if value else "REFUTED"
    return pages_text(value) if isinstance(value, int) else str(value)


def _tick(holds: bool) -> str:
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    return ("✓" if unicode else "ok") if holds else "DIFFERS"
