"""Reading the machine of a command, with the warnings that every command prints."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from rssbound.bounds.counter.design import version_of
from rssbound.cli.inputs.options import SYSROOT
from rssbound.cli.memory import READ
from rssbound.cli.output import say
from rssbound.cli.progress import patience
from rssbound.errors import InputError, ScenarioError
from rssbound.records import replace
from rssbound.topology import read

if TYPE_CHECKING:
    from rssbound.topology import Topology

__all__ = ("is_table", "read_machine", "read_machines")

ONE = (".json", ".xml", ".txt", ".tar")
"""Extensions of files that describe one machine; the reader of tables is slow to load."""


def read_machines(
    source: str | None, form: str | None, kernel: str | None = None
) -> tuple[Topology, ...]:
    """Read a SOURCE like read_machine, or the distinct machines of a file of rows."""
    if source is None or not is_table(source, form):
        return (read_machine(source, form, kernel),)
    from rssbound.cli.inputs.rows import machines_of_rows  # noqa: PLC0415 (needs an extra)

    with patience(f"reading {source}"):
        machines = machines_of_rows(source)
    return tuple(map(partial(_with_kernel, kernel=kernel), machines))


def is_table(source: str | None, form: str | None) -> bool:
    """Return whether a SOURCE is a file of rows, which describes many machines."""
    if source is None or form is not None or "." not in source or source.endswith(ONE):
        return False
    from rssbound.fleet.sources import is_fleet  # noqa: PLC0415 (most sources are one machine)

    return is_fleet(source)


def read_machine(source: str | None, form: str | None, kernel: str | None = None) -> Topology:
    """Read a SOURCE (None: this machine) and print its warnings; `kernel` replaces its release.

    --sysroot names the folder that holds this machine's `sys`.
    """
    sysroot = click.get_current_context().meta.get(SYSROOT)
    if source is not None and sysroot is not None:
        raise click.UsageError("--sysroot applies to this machine; leave out --topology.")
    if source == "-" and sys.stdin.isatty():
        raise click.UsageError("- reads standard input, which is a terminal; pipe a file into it.")
    with patience(f"reading {source or 'this machine'}"):
        try:
            machine = read(source, form=form, sysroot=sysroot or "/")
        except InputError:
            if is_table(source, form):
                name = click.get_current_context().info_name
                raise InputError(
                    f"{source}: a table of machines; {name} takes one machine"
                ) from None
            raise
    _note(machine)
    machine = _with_kernel(machine, kernel)
    for warning in machine.warnings:
        say(f"warning: {machine.source}: {warning}")
    return machine


def _note(machine: Topology) -> None:
    """Remember the size of the largest machine that was read, for the out-of-memory message."""
    context = click.get_current_context()
    _, most = context.meta.get(READ, ("", 0))
    context.meta[READ] = (context.command_path, max(most, len(machine.possible)))


def _with_kernel(machine: Topology, kernel: str | None) -> Topology:
    """Replace the machine's kernel release by that of --kernel."""
    if kernel is None:
        return machine
    if version_of(kernel) is None:
        raise ScenarioError(f"--kernel: {kernel!r} is not a kernel release such as 6.12.117")
    return replace(machine, kernel=kernel)
