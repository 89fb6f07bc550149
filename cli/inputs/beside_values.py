"""The values that counters other than RSS depend on: from options, from /proc, from a cgroup."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds.scenario.beside import Beside
from rssbound.bounds.scenario.scenario import DEFAULT_PAGE_SIZE
from rssbound.cli.output import say
from rssbound.errors import InputError
from rssbound.records import replace

if TYPE_CHECKING:
    from rssbound.bounds.scenario.scenario import Scenario
    from rssbound.topology import Topology

__all__ = ("beside_of_machine", "with_beside")

ZONEINFO = Path("/proc/zoneinfo")
RESERVE = Path("/proc/sys/net/core/mem_pcpu_rsv")

MOST_BYTES = 1 << 26
"""Largest copy of /proc/zoneinfo that is read; a zone takes 2 KB and 200 bytes for each CPU."""


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
