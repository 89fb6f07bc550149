"""`rssbound compare A B`: two machines, settings, designs or saved results, row by row."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import DESIGNS
from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.gate.comparison import kernel_of, pairs_of
from rssbound.bounds.gate.record import Record, record_of
from rssbound.cli.command import command
from rssbound.cli.gate.baseline_file import on_record
from rssbound.cli.inputs.kernel_source import kernel_source_option, scenario_of
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    SCENARIO_OPTIONS,
    apply,
    designs_option,
    result_options,
    scenario_value,
    source_options,
)
from rssbound.cli.output import targets_of, write_result
from rssbound.cli.progress import patience
from rssbound.cli.render import FORMATS
from rssbound.cli.render.results import comparison
from rssbound.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("compare",)

EPILOG = """\b
Examples:
  rssbound compare old-host.json new-host.json
  rssbound compare --topology host.json batch=32 batch=64
  rssbound compare --topology host.json design=percpu design=tree
  rssbound compare --topology host.json cpus=0-15 cpus=online --format csv
  rssbound compare --topology host.json kernel-source=linux-6.1 kernel-source=linux-6.12
  rssbound compare host.json batch=64
  rssbound compare before.json after.json        # saved by analyze or check
  rssbound analyze --format json | rssbound compare before.json -
"""


@command(EPILOG)
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@apply([*source_options(), kernel_source_option(), *SCENARIO_OPTIONS, designs_option()])
@apply(result_options(FORMATS))
@click.pass_context
def compare(
    context: click.Context,
    /,
    a: str,
    b: str,
    topology: str | None,
    form: str | None,
    kernel: str | None,
    kernel_source: str | None,
    designs: tuple[str, ...],
    format_: str | None,
    output: tuple[str, ...],
    color: str,
    **scenario: Any,
) -> None:
    """Compare two analyses, bound by bound.

    A and B are each a machine (any SOURCE that --topology takes), a file written by analyze
    --format json or check --write-baseline, or a setting NAME=VALUE. A setting is design=tree,
    kernel-source=DIR, or an option of the scenario such as batch=64 or cpus=0-15. It applies to the
    machine given by --topology, or else to the machine of the other operand. Two settings without a
    machine apply to this machine.
    """
    targets = targets_of(output, format_, FORMATS, color)
    saved = [None if _is_setting(operand) else on_record(operand) for operand in (a, b)]
    machine = (_source(topology, (a, b), saved), form, kernel)
    records = [
        _only(record, designs)
        if record
        else _record(context, operand, machine, kernel_source, designs, scenario)
        for operand, record in zip((a, b), saved, strict=True)
    ]
    pairs = pairs_of(*records)
    if not pairs:
        raise InputError(f"{a} and {b} have no machine and design in common; nothing to compare")
    kernels = (kernel_of(records[0]), kernel_of(records[1]))
    write_result(targets, partial(comparison.render, (a, b), pairs, kernels))


def _is_setting(operand: str) -> bool:
    name, equals, _ = operand.partition("=")
    return bool(equals) and name.replace("-", "").isalpha()


def _source(
    topology: str | None, operands: tuple[str, str], saved: Sequence[Record | None]
) -> str | None:
    """Find the machine that a setting applies to; UsageError if the other operand has none."""
    are_settings = [_is_setting(operand) for operand in operands]
    if topology is not None or are_settings[0] == are_settings[1]:
        return topology
    other = are_settings.index(False)
    if saved[other]:
        raise click.UsageError(
            f"{operands[1 - other]} needs a machine: give --topology, "
            f"{operands[other]} holds only bounds."
        )
    if operands[other] == "-":
        raise click.UsageError(f"{operands[1 - other]} needs a machine: give a file.")
    return operands[other]


def _record(
    context: click.Context,
    operand: str,
    machine: tuple[str | None, str | None, str | None],
    kernel_source: str | None,
    designs: Sequence[str],
    scenario: dict[str, Any],
) -> Record:
    """Analyse one operand."""
    source, form, kernel = machine
    name, _, value = operand.partition("=")
    if not _is_setting(operand):
        source = operand
    elif name == "design":
        if value not in DESIGNS:
            raise click.UsageError(
                f"{operand}: unknown design {value!r}; known: {', '.join(DESIGNS)}."
            )
        designs = [value]
    elif name == "kernel-source":
        kernel_source = value
    else:
        scenario = {**scenario, **scenario_value(context, name, value)}
    found = read_machine(source, form, kernel)
    asked = scenario_of(context, scenario, kernel_source)
    with patience(f"analysing {found.name}"):
        return _only(record_of([analysis_of(found, asked, designs or None)]), designs)


def _only(record: Record, designs: Sequence[str]) -> Record:
    rows = {key: row for key, row in record.rows.items() if not designs or key.design in designs}
    return Record(record.machines, rows)
