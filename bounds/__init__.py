"""How wrong can it be? Designs stated once, evaluated with integers or with symbols."""

from __future__ import annotations

from rssbound.bounds.analysis import Analysis, Result, analyze
from rssbound.bounds.counter.interval import Interval, Level
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.scenario.scenario import Scenario

__all__ = ("DESIGNS", "Analysis", "Interval", "Level", "Result", "Scenario", "analyze")
