"""The subject of a figure: a machine, a process, and one of its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import SIDE_WORDS
from rssbound.cli.render.units import guessed, side_bytes
from rssbound.cli.render.words import METRIC_WORDS, machine_words, process_words
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.bounds import Analysis, Scenario
    from rssbound.topology import Topology

__all__ = ("Asked",)


@dataclass(frozen=True)
class Asked:
    """The subject of a figure: an analysis, the scenario it was made from, a metric and a side.

    `budget` is in bytes, for shapes of the tree; None is the bound of the kernel's tree. If the
    metric is a counter other than RSS, `beside` are its designs, and `used` is the kernel's design.
    """

    analysis: Analysis
    scenario: Scenario
    metric: str
    side: str
    budget: int | None = None
    beside: tuple[str, ...] = ()
    used: str | None = None

    @property
    def topology(self) -> Topology:
        """The machine."""
        return self.analysis.topology

    @property
    def page_size(self) -> int:
        """Bytes of a page."""
        return self.analysis.scenario.page_size

    @property
    def designs(self) -> list[str]:
        """The designs asked for."""
        return list(self.beside) or [result.id for result in self.analysis.results]

    @property
    def running(self) -> str | None:
        """The design that the machine's kernel uses, None if unknown."""
        return self.used if self.beside else self.analysis.running

    @property
    def what(self) -> str:
        """The value that is wrong, and its side: `RSS can read too low`."""
        metric = METRIC_WORDS.get(self.metric)
        name = f"{metric[0].upper()}{metric[1:]}" if metric else self.metric
        return f"{name} can read {SIDE_WORDS[self.side]}"

    def words(self, *varied: str) -> tuple[str, ...]:
        """Name the machine and the process, without the settings that the figure varies."""
        if self.beside:
            return (f"{self.topology.name}: {machine_words(self.analysis)}",)
        return (f"{self.topology.name}: {process_words(self.analysis, varied)}",)

    def size(self, pages: int) -> int:
        """Give pages in bytes."""
        return pages * self.page_size

    def text(self, pages: int | None) -> str:
        """Print one side of a bound."""
        return side_bytes(pages, self.page_size)

    def running_note(self) -> list[str]:
        """Say which design the machine's kernel uses, if it is among those asked for."""
        if self.running not in self.designs:
            return []
        kernel = self.analysis.kernel_design
        guess = kernel is None or (bool(kernel.vendor) if self.beside else kernel.guess)
        design = guessed(f"{self.running}", guess=guess)
        return [f"Linux {self.topology.kernel} uses {design}."]

    def is_running(self, designs: Iterable[str]) -> bool:
        """Return whether the running kernel's design is among these."""
        return self.running in set(designs)
