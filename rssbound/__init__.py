"""How wrong can a Linux process's RSS be, exactly, on this machine?

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
