"""The options of counters other than RSS; beside_values.py reads what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rssbound.cli.command import File, Folder, Whole
from rssbound.cli.inputs.options import Bytes, is_given

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("OPTIONS", "beside_options", "popped", "refuse_beside")

OPTIONS = ("cgroups", "cgroup", "memory", "zoneinfo", "mem_pcpu_rsv")


def beside_options() -> list[Callable[[Any], Any]]:
    """Give the options of counters other than RSS; OPTIONS has their names."""
    return [
        click.option(
            "--cgroups",
            type=Whole(min=1),
            metavar="COUNT",
            help="Number of memory cgroups in the subtree that is read, including its root.  "
            "[default: 1]",
        ),
        click.option(
            "--cgroup",
            type=Folder(),
            metavar="DIR",
            help="Count the memory cgroups below this folder of cgroup v2, such as "
            "/sys/fs/cgroup/system.slice.",
        ),
        click.option(
            "--memory",
            type=Bytes(),
            metavar="SIZE",
            help="Memory of the machine, which the thresholds of vmstat depend on.",
        ),
        click.option(
            "--zoneinfo",
            type=File(),
            metavar="FILE",
            help="A copy of the machine's /proc/zoneinfo, which shows the thresholds of vmstat.  "
            "[default: this machine's]",
        ),
        click.option(
            "--mem-pcpu-rsv",
            type=Whole(min=1),
            metavar="PAGES",
            help="The sysctl net.core.mem_pcpu_rsv.  [default: this machine's, else 1 MiB]",
        ),
    ]


def popped(options: dict[str, Any]) -> dict[str, Any]:
    """Remove these options from those of a command, and give their values."""
    return {name: options.pop(name) for name in OPTIONS}


def refuse_beside(context: click.Context, instead: str) -> None:
    """Raise UsageError if one of these options is given for RSS alone."""
    for name in OPTIONS:
        if is_given(context, name):
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} applies to counters other than RSS; add {instead}.")
