"""What to check: the command line combined with a repository's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from rssbound.bounds import DESIGNS, Scenario
from rssbound.bounds.gate.limits import allowance_of, limit_of
from rssbound.cli.gate.settings_file import Acceptance
from rssbound.cli.inputs.options import is_given, scenario_value
from rssbound.errors import InputError, RssboundError
from rssbound.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rssbound.bounds.gate.amounts import Amount
    from rssbound.bounds.gate.limits import Allowance, Limit
    from rssbound.bounds.gate.record import Target
    from rssbound.cli.gate.settings_file import Settings
    from rssbound.errors import Location

__all__ = ("CommandLine", "Given", "Request", "request_of")

Value = TypeVar("Value")


@dataclass(frozen=True)
class CommandLine:
    """The options of a check as given on the command line; empty or None if not given.

    `scenario` has a value for every field that an option sets; options not given have defaults.
    """

    context: click.Context
    sources: Sequence[str]
    designs: Sequence[str]
    kernel_source: str | None
    scenario: Mapping[str, Any]
    baseline: str | None
    limits: Sequence[str]
    allow: Sequence[str]
    accept: Sequence[str]


@dataclass(frozen=True)
class Given(Generic[Value]):
    """A value and its location in the settings; None if it is from the command line.

    `key` is its name in the settings or on the command line.
    """

    value: Value
    key: str
    location: Location | None = None

    @property
    def where(self) -> str:
        """The place to look at, for the start of a message."""
        return f"{self.location}: {self.key}" if self.location else self.key


@dataclass(frozen=True)
class Request:
    """What to check. `fields` has a value for every field that an option sets.

    `chosen` are the fields that the command line or the settings set; `locations` has the lines of
    those in the settings.
    """

    sources: Sequence[Given[str | None]]
    designs: Sequence[str]
    fields: Mapping[str, Any]
    chosen: frozenset[str]
    locations: Mapping[str, Location]
    kernel_source: Given[str] | None
    baseline: Given[str] | None
    limits: Sequence[Given[Limit]]
    allowances: Sequence[Given[Allowance]]
    acceptances: Sequence[Given[Acceptance]]

    @property
    def scenario(self) -> Scenario:
        """The scenario, before a kernel source tree is read."""
        return Scenario(**self.fields)

    @property
    def amounts(self) -> dict[Target, Amount]:
        """How much each bound may grow; if one is named twice, the last value counts."""
        return {allowance.value.target: allowance.value.amount for allowance in self.allowances}

    def placed(self, fault: str, machine: str) -> str:
        """Prefix a fault of the scenario with the machine and with the line of its setting."""
        location = self.locations.get(fault.partition(":")[0])
        return f"{location}: scenario: {machine}: {fault}" if location else f"{machine}: {fault}"


def request_of(settings: Settings, line: CommandLine) -> Request:
    """Combine the command line with the settings; the command line takes precedence.

    Limits and allowances of both apply. InputError with every fault of both.
    """
    faults = list(settings.faults)
    sources = _sources(settings, line.sources, faults)
    faults += _unknown_designs(settings)
    limits = [*_set(settings, "limits"), *_typed(line.limits, "--limit")]
    allowances = [*_set(settings, "allow"), *_typed(line.allow, "--allow")]
    held = _parsed(limit_of, limits, faults)
    allowed = _parsed(allowance_of, allowances, faults)
    fields, locations = _scenario(settings, line, faults)
    if faults:
        raise InputError(*faults)
    typed = {name for name in line.scenario if is_given(line.context, name)}
    return Request(
        sources=sources,
        designs=line.designs or settings.designs or tuple(DESIGNS),
        fields=fields,
        chosen=frozenset(locations) | typed,
        locations=locations,
        kernel_source=_path(settings, line.kernel_source, "kernel-source"),
        baseline=_path(settings, line.baseline, "baseline"),
        limits=_each_once(held),
        allowances=allowed,
        acceptances=_acceptances(settings, line.accept),
    )


def _typed(texts: Iterable[str], key: str) -> list[Given[Any]]:
    """Take texts from the command line."""
    return [Given(text, key) for text in texts]


def _set(settings: Settings, key: str) -> list[Given[Any]]:
    """Take texts from the settings, each with its line."""
    texts: tuple[str, ...] = getattr(settings, key)
    return [Given(text, key, settings.location_of_value(key, text)) for text in texts]


def _acceptances(settings: Settings, typed: Iterable[str]) -> list[Given[Acceptance]]:
    """List the accepted differences; those of the command line come first."""
    ids = [Given(Acceptance(id_), "--accept") for id_ in typed]
    listed = [
        Given(acceptance, "accept", settings.location_of_acceptance(acceptance.id))
        for acceptance in settings.accept
    ]
    return [*ids, *listed]


def _sources(
    settings: Settings, typed: Sequence[str], faults: list[str]
) -> list[Given[str | None]]:
    """List the machines; default is this machine. Patterns without a match are `faults`."""
    if typed:
        return _typed(typed, "--topology")
    listed, unmatched = settings.sources()
    faults += unmatched
    named = [Given[str | None](source, "topologies", location) for source, location in listed]
    return named or [Given(None, "--topology")]


def _unknown_designs(settings: Settings) -> list[str]:
    return [
        f"{settings.location_of_value('designs', name)}: unknown design {name!r}; "
        f"known: {', '.join(DESIGNS)}"
        for name in settings.designs
        if name not in DESIGNS
    ]


def _path(settings: Settings, typed: str | None, key: str) -> Given[str] | None:
    """Give the path on the command line, else that of the settings, relative to their folder."""
    if typed:
        return Given(typed, f"--{key}")
    path: str | None = getattr(settings, key.replace("-", "_"))
    return Given(settings.path(path), key, settings.location_of(key)) if path else None


def _parsed(
    parse: Callable[[str], Value], texts: Iterable[Given[str]], faults: list[str]
) -> list[Given[Value]]:
    """Parse texts; errors are added to `faults`."""
    parsed = []
    for text in texts:
        try:
            parsed.append(Given(parse(text.value), text.key, text.location))
        except RssboundError as error:
            faults += error.at(text.where).faults
    return parsed


def _each_once(limits: Iterable[Given[Limit]]) -> list[Given[Limit]]:
    """Drop limits that repeat an earlier one, even if written differently."""
    once: dict[object, Given[Limit]] = {}
    for limit in limits:
        once.setdefault((limit.value.target, replace(limit.value.most, text="")), limit)
    return list(once.values())


def _scenario(
    settings: Settings, line: CommandLine, faults: list[str]
) -> tuple[dict[str, Any], dict[str, Location]]:
    """Complete the command line from the settings; gives the fields and their locations."""
    fields, locations = dict(line.scenario), {}
    for name, text in settings.scenario.items():
        location = settings.location_of("scenario", name)
        try:
            read = scenario_value(line.context, name, text)
        except click.UsageError as error:
            faults.append(f"{location}: scenario: {error.format_message()}")
            continue
        for field, value in read.items():
            if not is_given(line.context, field):
                fields[field], locations[field] = value, location
    return fields, locations
