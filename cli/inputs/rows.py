"""Reading a file of rows, which describes many machines: the machines, and a summary of them."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from rssbound.errors import InputError
from rssbound.extras import how_to_install, packages_of_extra
from rssbound.fleet.columns import Asked
from rssbound.fleet.engines import embedded
from rssbound.fleet.sources import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rssbound.bounds import Scenario
    from rssbound.fleet.answers import Summary
    from rssbound.fleet.sources import Part
    from rssbound.topology import Topology

__all__ = ("machines_of_rows", "summary_of_rows", "survey_of_rows")


def machines_of_rows(source: str) -> tuple[Topology, ...]:
    """Read the distinct machines of a file of rows, in order; InputError names its faults."""
    with _parts(source) as (parts, scratch):
        machines, faults = embedded.machines(parts, scratch)
    if faults:
        raise InputError(*faults).at(source)
    return _named(machines, source)


def summary_of_rows(
    source: str, designs: tuple[str, ...], metric: str, scenario: Scenario
) -> tuple[Summary, Asked]:
    """Summarise a file or folder of rows like `rssbound fleet --summary`; InputError names it.

    If `designs` is empty, the kernel's own design, percpu and tree are bounded. Also gives what
    was asked for.
    """
    asked = Asked(designs or Asked.designs, (metric,), scenario)
    with _parts(source) as (parts, scratch):
        return embedded.summarise(parts, asked, scratch), asked


def survey_of_rows(
    source: str, designs: tuple[str, ...], metric: str, scenario: Scenario
) -> tuple[Summary, Asked, tuple[Topology, ...]]:
    """Give `summary_of_rows` and the distinct machines; InputError if none can be read."""
    asked = Asked(designs or Asked.designs, (metric,), scenario)
    with _parts(source) as (parts, scratch):
        summary, machines, faults = embedded.survey(parts, asked, scratch)
    if not machines:
        raise InputError(*faults).at(source)
    return summary, asked, _named(machines, source)


def _named(machines: tuple[Topology, ...], source: str) -> tuple[Topology, ...]:
    """Name the file in which each machine is; InputError if there are none."""
    if not machines:
        raise InputError(f"{source}: no rows in it")
    return tuple(replace(machine, source=f"{source}: {machine.name}") for machine in machines)


@contextmanager
def _parts(source: str) -> Iterator[tuple[Sequence[Part], str]]:
    """Give the files of a source and a folder for scratch."""
    try:
        with tempfile.TemporaryDirectory(prefix="rssbound-") as scratch:
            yield parts_of([source], scratch), scratch
    except ModuleNotFoundError:
        needed = how_to_install(*packages_of_extra("fleet"))
        raise InputError(
            f"{source}: rows are read by duckdb, which is not installed: {needed}"
        ) from None
