"""A kernel source tree, from which constants are taken: --kernel-source."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from rssbound.bounds import Scenario
from rssbound.cli.inputs.options import is_given
from rssbound.cli.output import say
from rssbound.cli.progress import patience

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rssbound.bounds.scenario.kernel_constants import Finding, KernelConstants

__all__ = ("FromSource", "from_source", "kernel_source_option", "scenario_of", "with_source")

FIELDS = ("batch", "fault_around_bytes", "nodes_shift", "page_size")
"""Fields of Scenario that a tree may set; an option on the command line wins."""


class FromSource(NamedTuple):
    """A scenario with what a tree says in it, and what does not fit together there."""

    scenario: Scenario
    findings: tuple[Finding, ...]


def kernel_source_option() -> Callable[[Any], Any]:
    """Give the option that names a tree."""
    return click.option(
        "--kernel-source",
        metavar="DIR",
        help="Take constants, and which design counts RSS, from a kernel source tree.",
    )


def scenario_of(
    context: click.Context, options: Mapping[str, Any], kernel_source: str | None
) -> Scenario:
    """Make the scenario of some options, with what a tree says where they are left open."""
    if kernel_source is None:
        return Scenario(**options)
    given = {name for name in options if is_given(context, name)}
    return with_source(Scenario(**options), kernel_source, given)


def with_source(scenario: Scenario, kernel_source: str, given: set[str]) -> Scenario:
    """As `from_source`, with a warning for each finding."""
    read = from_source(scenario, kernel_source, given)
    for finding in read.findings:
        say(f"warning: {kernel_source}: {finding}")
    return read.scenario


def from_source(scenario: Scenario, kernel_source: str, given: set[str]) -> FromSource:
    """Put what a tree says into a scenario, but for the fields that were given."""
    from rssbound.kernel import read_kernel_source  # noqa: PLC0415 (an extra, and slow to load)

    with patience(f"reading {kernel_source}"):
        read = read_kernel_source(kernel_source)
    fields = {
        name: value
        for name in FIELDS
        if name not in given and (value := getattr(read.constants, name)) is not None
    }
    asked = replace(scenario, constants=_without(read.constants, given), **fields)
    return FromSource(asked, read.findings)


def _without(constants: KernelConstants, given: set[str]) -> KernelConstants:
    """Drop the tree's formula of a batch that was given."""
    if "percpu_batch" in given:
        return replace(constants, percpu_least=None, percpu_each=None)
    return constants
