"""What is to be checked: the command line put before the file of settings, each with its line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from rssbound.bounds import DESIGNS, Scenario
from rssbound.bounds.gate.limits import allowance_of, limit_of
from rssbound.cli.inputs.options import is_given, scenario_value
from rssbound.errors import InputError, RssboundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rssbound.bounds.gate.amounts import Amount
    from rssbound.bounds.gate.limits import Allowance, Limit
    from rssbound.bounds.gate.record import Target
    from rssbound.cli.gate.settings_file import Config
    from rssbound.errors import Location

__all__ = ("Given", "Settings", "settings_of")

Value = TypeVar("Value")


@dataclass(frozen=True)
class Given(Generic[Value]):
    """A value, and where it stands in the file of settings; None: it is from the command line.

    `key` is what the settings or the command line call it.
    """

    value: Value
    key: str
    location: Location | None = None

    @property
    def where(self) -> str:
        """Where to look, for the start of a message."""
        return f"{self.location}: {self.key}" if self.location else self.key


@dataclass(frozen=True)
class Settings:
    """What is to be checked. `scenario` has a value for every field that an option sets.

    `given` are those of its fields that the command line or the file sets, `locations` where those
    of the file stand.
    """

    sources: Sequence[Given[str | None]]
    designs: Sequence[str]
    scenario: Mapping[str, Any]
    given: frozenset[str]
    locations: Mapping[str, Location]
    kernel_source: Given[str] | None
    baseline: Given[str] | None
    limits: Sequence[Given[Limit]]
    allowances: Sequence[Given[Allowance]]

    @property
    def asked(self) -> Scenario:
        """The scenario, as yet without a kernel source."""
        return Scenario(**self.scenario)

    @property
    def amounts(self) -> dict[Target, Amount]:
        """By how much each bound may grow; the last word on one counts."""
        return {own.value.target: own.value.amount for own in self.allowances}

    def placed(self, fault: str, machine: str) -> str:
        """Name the line of the setting that a fault of the scenario on a machine is about."""
        location = self.locations.get(fault.partition(":")[0])
        return f"{location}: scenario: {machine}: {fault}" if location else f"{machine}: {fault}"


def settings_of(
    file: Config,
    context: click.Context,
    *,
    sources: Sequence[str],
    designs: Sequence[str],
    kernel_source: str | None,
    scenario: Mapping[str, Any],
    baseline: str | None,
    limits: Sequence[str],
    allow: Sequence[str],
) -> Settings:
    """Put the command line before the file; limits and allowances of both count.

    InputError with every fault of both.
    """
    faults = list(file.faults)
    listed, unmatched = ([], []) if sources else file.sources()
    faults += unmatched
    faults += [
        f"{file.location_of_value('designs', name)}: no design {name!r}; "
        f"there are {', '.join(DESIGNS)}"
        for name in file.designs
        if name not in DESIGNS
    ]
    held = _parsed(limit_of, [*_own(file, "limits"), *_given(limits, "--limit")], faults)
    allowed = _parsed(allowance_of, [*_own(file, "allow"), *_given(allow, "--allow")], faults)
    fields, locations = _scenario(file, context, scenario, faults)
    if faults:
        raise InputError(*faults)
    return Settings(
        sources=_given(sources, "--topology")
        or [Given(source, "topologies", location) for source, location in listed]
        or [Given(None, "--topology")],
        designs=designs or file.designs or tuple(DESIGNS),
        scenario=fields,
        given=frozenset(locations) | {name for name in scenario if is_given(context, name)},
        locations=locations,
        kernel_source=_path(file, kernel_source, "kernel-source"),
        baseline=_path(file, baseline, "baseline"),
        limits=_each_once(held),
        allowances=allowed,
    )


def _given(texts: Iterable[str], key: str) -> list[Given[Any]]:
    return [Given(text, key) for text in texts]


def _own(file: Config, key: str) -> list[Given[Any]]:
    texts: tuple[str, ...] = getattr(file, key)
    return [Given(text, key, file.location_of_value(key, text)) for text in texts]


def _path(file: Config, given: str | None, key: str) -> Given[str] | None:
    """Give the path of the command line, else that of the file, which is relative to it."""
    if given:
        return Given(given, f"--{key}")
    own: str | None = getattr(file, key.replace("-", "_"))
    return Given(file.path(own), key, file.location_of(key)) if own else None


def _parsed(
    parse: Callable[[str], Value], texts: Iterable[Given[str]], faults: list[str]
) -> list[Given[Value]]:
    """Parse texts; what is wrong with them is noted in `faults`."""
    parsed = []
    for own in texts:
        try:
            parsed.append(Given(parse(own.value), own.key, own.location))
        except RssboundError as error:
            faults += error.at(own.where).faults
    return parsed


def _each_once(limits: Iterable[Given[Limit]]) -> list[Given[Limit]]:
    """Drop limits that say what an earlier one says, however it is written."""
    once: dict[object, Given[Limit]] = {}
    for own in limits:
        once.setdefault((own.value.target, replace(own.value.most, text="")), own)
    return list(once.values())


def _scenario(
    file: Config, context: click.Context, options: Mapping[str, Any], faults: list[str]
) -> tuple[dict[str, Any], dict[str, Location]]:
    """Fill in from the file what the command line leaves open; gives fields and their locations."""
    fields, locations = dict(options), {}
    for name, value in file.scenario.items():
        location = file.location_of("scenario", name)
        try:
            own = scenario_value(context, name, value)
        except click.UsageError as error:
            faults.append(f"{location}: scenario: {error.format_message()}")
            continue
        for field, read in own.items():
            if not is_given(context, field):
                fields[field], locations[field] = read, location
    return fields, locations
