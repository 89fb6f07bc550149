"""Compute exactly how wrong the RSS of a Linux process can be on this machine.

>>> import rssbound
>>> host = rssbound.read("core:384 pu:1")
>>> for result in rssbound.analyze(host, rssbound.Scenario(batch=32)):
...     print(result.id, result.counters["anon"].under)  # doctest: +ELLIPSIS
shared 0
per-thread 66
percpu 294528
...
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rssbound.bounds import Interval, Level, Result, Scenario, analyze
    from rssbound.bounds.reading.tolerance import Tolerance, tolerance
    from rssbound.bounds.scenario.process_size import ProcessSize, SizeRange
    from rssbound.errors import InputError, RssboundError, ScenarioError
    from rssbound.topology import CpuSet, Topology, read

__all__ = (
    "CpuSet",
    "InputError",
    "Interval",
    "Level",
    "ProcessSize",
    "Result",
    "RssboundError",
    "Scenario",
    "ScenarioError",
    "SizeRange",
    "Tolerance",
    "Topology",
    "analyze",
    "read",
    "tolerance",
)

__version__ = "0.1.0"

_MODULES = {
    **dict.fromkeys(("Interval", "Level", "Result", "Scenario", "analyze"), "rssbound.bounds"),
    **dict.fromkeys(("Tolerance", "tolerance"), "rssbound.bounds.reading.tolerance"),
    **dict.fromkeys(("ProcessSize", "SizeRange"), "rssbound.bounds.scenario.process_size"),
    **dict.fromkeys(("InputError", "RssboundError", "ScenarioError"), "rssbound.errors"),
    **dict.fromkeys(("CpuSet", "Topology", "read"), "rssbound.topology"),
}
"""Public name -> the module that it is loaded from on first use, which keeps the start-up short."""


def __getattr__(name: str) -> Any:
    """Load a public name."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted((*globals(), *__all__))
