"""What does each figure show? One module per figure: exact numbers in, a chart out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.cli.figures.asked import Asked
from rssbound.cli.figures.batch import batch_chart
from rssbound.cli.figures.cpus import cpus_chart
from rssbound.cli.figures.levels import levels_chart
from rssbound.cli.figures.pareto import pareto_chart
from rssbound.cli.figures.typical import typical_chart

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.cli.render.pictures.chart import Chart

__all__ = ("FIGURES", "Asked")

FIGURES: dict[str, Callable[[Asked], Chart]] = {
    "cpus": cpus_chart,
    "batch": batch_chart,
    "levels": levels_chart,
    "typical": typical_chart,
    "pareto": pareto_chart,
}
"""Kind of figure -> the function that makes its chart."""
