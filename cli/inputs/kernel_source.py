"""--kernel-source: constants from a kernel source tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import Scenario
from rssbound.cli.command import Folder
from rssbound.cli.inputs.options import is_given
from rssbound.cli.output import say
from rssbound.cli.progress import patience
from rssbound.cli.render.units import counted
from rssbound.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rssbound.bounds.scenario.kernel_constants import KernelConstants
    from rssbound.kernel import KernelSource

__all__ = (
    "from_source",
    "kernel_source_option",
    "say_what_was_reviewed",
    "scenario_and_source",
    "scenario_of",
)

FIELDS = ("batch", "fault_around_bytes", "nodes_shift", "page_size")
"""Fields of Scenario that a tree can set; options on the command line take precedence."""

MOST_NAMED = 6
"""Number of unknown fingerprints that are named."""


def kernel_source_option() -> Callable[[Any], Any]:
    """Give the option that names a tree."""
    return click.option(
        "--kernel-source",
        metavar="DIR",
        type=Folder(),
        help="Read the constants and the design of RSS from a kernel source tree.",
    )


def scenario_of(
    context: click.Context, options: Mapping[str, Any], kernel_source: str | None
) -> Scenario:
    """Make a scenario from options; a tree sets the values that the options leave open."""
    return scenario_and_source(context, options, kernel_source)[0]


def scenario_and_source(
    context: click.Context, options: Mapping[str, Any], kernel_source: str | None
) -> tuple[Scenario, KernelSource | None]:
    """Like `scenario_of`, with what was read from the tree; each finding is a warning."""
    if kernel_source is None:
        return Scenario(**options), None
    from rssbound.kernel import read_kernel_source  # noqa: PLC0415 (an extra, and slow to load)

    given = {name for name in options if is_given(context, name)}
    with patience(f"reading {kernel_source}"):
        read = read_kernel_source(kernel_source)
    for finding in read.findings:
        say(f"warning: {kernel_source}: {finding}")
    return from_source(Scenario(**options), read, given), read


def from_source(scenario: Scenario, read: KernelSource, given: set[str]) -> Scenario:
    """Put the values of a tree into a scenario, except for the fields in `given`."""
    fields = {
        name: value
        for name in FIELDS
        if name not in given and (value := getattr(read.constants, name)) is not None
    }
    return replace(scenario, constants=_without(read.constants, given), **fields)


def _without(constants: KernelConstants, given: set[str]) -> KernelConstants:
    """Drop the tree's formula for the batch if the batch was given."""
    if "percpu_batch" in given:
        return replace(constants, percpu_least=None, percpu_each=None)
    return constants


def say_what_was_reviewed(kernel_source: str, read: KernelSource) -> None:
    """Say on standard error which tree was read, and how much of its code has been reviewed."""
    from rssbound.kernel.fingerprints import fingerprints_of  # noqa: PLC0415 (slow to load)
    from rssbound.kernel.reviewed import review_of, reviewed  # noqa: PLC0415

    constants = read.constants
    design = constants.design or ""
    with patience(f"reading {kernel_source}"):
        fingerprints = fingerprints_of(read.tree, design, searched_only=True)
    review = review_of(design, fingerprints)
    releases = [
        name for name in reviewed() if any(name in names for names in review.known.values())
    ]
    release = f"Linux {constants.release}" if constants.release else "an unknown release"
    count = counted(len(fingerprints), "fingerprint")
    if not releases:
        say(f"{kernel_source} is {release}; none of {count} matches a reviewed release")
        return
    known = f"{len(review.known)} of {count} match the reviewed source of {' or '.join(releases)}"
    parts = [f"{kernel_source} is {release}; {known}"]
    for word, ids in (("unknown", review.unknown), ("absent", review.absent)):
        if ids:
            parts.append(f"{word}: {_named(ids)}")
    say("; ".join(parts))


def _named(ids: Sequence[str]) -> str:
    more = len(ids) - MOST_NAMED
    return ", ".join(ids[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
