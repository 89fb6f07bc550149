"""The values that counters other than RSS depend on: from options, from /proc, from a cgroup."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds.scenario.beside import Beside
from rssbound.bounds.scenario.scenario import DEFAULT_PAGE_SIZE
from rssbound.cli.command import Folder, Whole
from rssbound.cli.inputs.options import Bytes, is_given
from rssbound.cli.output import say
from rssbound.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.bounds.scenario.scenario import Scenario
    from rssbound.topology import Topology

__all__ = (
    "OPTIONS",
    "beside_of_machine",
    "beside_options",
    "popped",
    "refuse_beside",
    "with_beside",
)

ZONEINFO = Path("/proc/zoneinfo")
RESERVE = Path("/proc/sys/net/core/mem_pcpu_rsv")
OPTIONS = ("cgroups", "cgroup", "memory", "zoneinfo", "mem_pcpu_rsv")

MOST_BYTES = 1 << 26
"""Largest copy of /proc/zoneinfo that is read; a zone takes 2 KB and 200 bytes for each CPU."""


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
            type=click.Path(),
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


def beside_of_machine(
    options: dict[str, Any], machine: Topology, *, is_this: bool, page_size: int | None = None
) -> Beside:
    """Combine the options with /proc, which fills in the missing values of this machine.

    InputError, in one line, for a file that cannot be read or has other content.
    """
    size = page_size or machine.page_size or DEFAULT_PAGE_SIZE
    if options["cgroups"] is not None and options["cgroup"] is not None:
        raise click.UsageError("--cgroups gives the number that --cgroup counts; use only one.")
    if options["memory"] is not None and options["zoneinfo"] is not None:
        raise click.UsageError("--zoneinfo already shows the memory; leave out --memory.")
    zoneinfo = None if options["zoneinfo"] is None else Path(options["zoneinfo"])
    if zoneinfo is None and is_this and options["memory"] is None:
        zoneinfo = _there(ZONEINFO)
    reserve = options["mem_pcpu_rsv"]
    return Beside(
        cgroups=_cgroups(options),
        zones=None if zoneinfo is None else _zones(zoneinfo, size),
        memory=options["memory"],
        mem_pcpu_rsv=_reserve() if reserve is None and is_this else reserve,
    )


def with_beside(
    scenario: Scenario, options: dict[str, Any], machine: Topology, *, is_this: bool
) -> Scenario:
    """Put the values of `beside_of_machine` into a scenario."""
    beside = beside_of_machine(options, machine, is_this=is_this, page_size=scenario.page_size)
    return replace(scenario, beside=beside)


def _there(path: Path) -> Path | None:
    """Give a file of /proc; None, with a warning, if it cannot be read on this machine."""
    if os.access(path, os.R_OK):
        return path
    say(f"warning: {path} cannot be read; assuming the largest thresholds of vmstat, 125")
    return None


def _zones(path: Path, page_size: int) -> Any:
    from rssbound.bounds.scenario.zoneinfo import zones_in  # noqa: PLC0415 (only where it is read)

    text = _text(path)
    try:
        return zones_in(text, page_size)
    except InputError as error:
        raise error.at(str(path)) from None


def _text(path: Path) -> str:
    """Read a file; InputError if it cannot be read or is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: larger than {MOST_BYTES} bytes; give a copy of /proc/zoneinfo")
    return data.decode("utf-8", "replace")


def _reserve() -> int | None:
    """Read this machine's per-CPU reserve of sockets; None if the kernel does not show it."""
    try:
        return int(RESERVE.read_text("ascii"))
    except (OSError, ValueError):
        return None


def _cgroups(options: dict[str, Any]) -> int:
    if options["cgroup"] is None:
        return options["cgroups"] or 1
    folder = Path(options["cgroup"])
    return 1 + _descendants(folder)


def _descendants(folder: Path) -> int:
    """Count the cgroups below one, including dying ones; InputError if it is not cgroup v2."""
    try:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; cgroups are in /sys/fs/cgroup")
        lines = (folder / "cgroup.stat").read_text("ascii").splitlines()
    except FileNotFoundError:
        raise InputError(
            f"{folder}: has no cgroup.stat, so it is not cgroup v2; count the cgroups and give "
            "--cgroups"
        ) from None
    except OSError as error:
        raise InputError(f"{folder}/cgroup.stat: {error.strerror}") from None
    counts = dict(line.split(maxsplit=1) for line in lines if " " in line)
    try:
        return sum(int(counts[name]) for name in ("nr_descendants", "nr_dying_descendants"))
    except (KeyError, ValueError):
        raise InputError(f"{folder}/cgroup.stat: has no nr_descendants; give --cgroups") from None
