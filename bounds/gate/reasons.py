"""Why a bound has changed: the options that its design uses, its levels, its kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rssbound.bounds.counter.counters import COUNTERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.counter.interval import Level
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("OF_BESIDE", "differences", "level_differences", "levels_text", "options_of")

OPTIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("cpus", "online_cpus", "residues", "nodes", "hardware"), ("cpus",)),
    "threads": ("threads",),
    "batch": ("batch",),
    "percpu_batch": ("max_online", "percpu_batch"),
    "fault_pages": ("fault_around_bytes",),
    "nodes_shift": ("nodes_shift",),
    "arity": ("arity",),
    "in_flight": ("in_flight",),
    "max_increment": ("max_increment",),
}
"""Field of Parameters -> the options of a scenario that it is made from."""

OF_BESIDE = (
    *("cgroups", "zone_threshold", "zone_thresholds", "node_threshold", "node_thresholds"),
    "mem_pcpu_rsv",
)
"""Fields of Parameters that only counters other than RSS use; a record has them by these names."""

OF_EVERY_DESIGN = ("page_size",)
"""The option that converts all bounds from pages to bytes."""


class _Traced:
    """Parameters that note which of their fields are read."""

    def __init__(self, parameters: Parameters, fields: set[str]) -> None:
        self._parameters = parameters
        self._fields = fields

    def __getattr__(self, name: str) -> Any:
        self._fields.add(name)
        return getattr(self._parameters, name)

    def having(self, **values: Any) -> _Traced:
        """Replace some fields; reads of these are no longer noted."""
        return _Traced(self._parameters.having(**values), _Without(self._fields, values))


class _Without(set[str]):
    """A set that forwards added names to another set, except some names."""

    def __init__(self, noted: set[str], names: Iterable[str]) -> None:
        super().__init__()
        self._noted = noted
        self._names = frozenset(names)

    def add(self, name: str) -> None:
        """Add a name to the other set, if it is not excepted."""
        if name not in self._names:
            self._noted.add(name)


def options_of(
    design: Design, parameters: Parameters, counters: tuple[str, ...] = COUNTERS
) -> frozenset[str]:
    """Name the options on which a design's bound depends: those that its levels read."""
    fields: set[str] = set()
    design.error(cast("Parameters", _Traced(parameters, fields)), counters)
    used = [option for name in fields for option in OPTIONS.get(name, ())]
    used += [name for name in fields if name in OF_BESIDE]
    return frozenset((*used, *OF_EVERY_DESIGN))


def levels_text(levels: tuple[Level, ...]) -> tuple[str, ...]:
    """Put levels in words, such as `cpu: 8 x 0..31`: items, and the residuals of each in pages."""
    return tuple(f"{level.name}: {level.items} x {level.low}..{level.high}" for level in levels)


def differences(
    before: Mapping[str, Any], now: Mapping[str, Any], used: frozenset[str] | None
) -> Iterator[str]:
    """Say which of the `used` options have changed; None: of all options."""
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name) and (used is None or name in used):
            yield f"{name} {before.get(name, 'not on record')} -> {now.get(name, 'gone')}"


def level_differences(before: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    """Say which levels, in words, have changed."""
    if before != now:
        gone = "; ".join(level for level in before if level not in now)
        come = "; ".join(level for level in now if level not in before)
        yield f"levels {gone or 'none'} -> {come or 'none'}"
