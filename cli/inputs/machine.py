"""Reading the machine a command is about, with what every command says about it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from rssbound.bounds.counter.design import version_of
from rssbound.cli.inputs.options import SYSROOT
from rssbound.cli.memory import READ, Reading
from rssbound.cli.output import say
from rssbound.cli.progress import patience
from rssbound.errors import ScenarioError
from rssbound.topology import read

if TYPE_CHECKING:
    from rssbound.topology import Topology

__all__ = ("read_machine",)


def read_machine(source: str | None, form: str | None, kernel: str | None = None) -> Topology:
    """Read a SOURCE, None for this machine, and print its warnings; `kernel` replaces its own.

    This machine's `sys` is in the folder that --sysroot names.
    """
    sysroot = click.get_current_context().meta.get(SYSROOT)
    if source is not None and sysroot is not None:
        raise click.UsageError("--sysroot says where this machine's sys is; leave out --topology.")
    if source == "-" and sys.stdin.isatty():
        raise click.UsageError("- reads standard input, which is a terminal here.")
    with patience(f"reading {source or 'this machine'}"):
        machine = read(source, form=form, sysroot=sysroot or "/")
    _note(machine)
    if kernel is not None:
        if version_of(kernel) is None:
            raise ScenarioError(f"--kernel: {kernel!r} is not a kernel release such as 6.12.117")
        machine = replace(machine, kernel=kernel)
    for warning in machine.warnings:
        say(f"warning: {machine.source}: {warning}")
    return machine


def _note(machine: Topology) -> None:
    """Keep how large a machine was read, for what is said when the memory does not suffice."""
    context = click.get_current_context()
    cpus = max(context.meta.get(READ, (0,))[-1], len(machine.possible))
    context.meta[READ] = Reading(context.command_path, cpus)
