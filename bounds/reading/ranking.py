"""Whether the OOM killer can rank processes wrongly.

The kernel takes the process with the most points (oom_badness, mm/oom_kill.c of 5.10, 6.1, 6.12):

    points = file + anon + shmem + swap, as cheaply read, each not below 0
             + page tables, exact + oom_score_adj * (totalpages / 1000), exact

and among equal ones the last that it visits, which can be either. So for processes of true points
A and B, A > B, the order can be wrong if and only if  B + over_B >= A - under_A:  the two have
their own slots, and both ends are reached at once. It is always correct from a difference of

    under_A + over_B + 1

pages. Since 5898aa8f9a0b the four counters are summed precisely (get_mm_counter_sum).

Before a7f638f999ff (3.5) points are whole thousandths of memory, and before a63d83f427fb (2.6.36)
another measure; these kernels are refused. OLDER_RULES has other differences of older kernels.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from rssbound.bounds.analysis import bound_of
from rssbound.bounds.counter.counters import METRICS
from rssbound.bounds.counter.design import version_of
from rssbound.bounds.counter.interval import Interval
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.reading.accuracy import readings_of
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.errors import ScenarioError
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds.counter.design import Version
    from rssbound.bounds.reading.accuracy import Accuracy
    from rssbound.bounds.scenario.scenario import Scenario
    from rssbound.topology.model import Topology

__all__ = ("Contender", "Pair", "Ranking", "Subject", "ranked", "ranking_of")

OOM = METRICS["oom"]
FIRST_IN_PAGES: Version = (3, 5, 0)
"""a7f638f999ff, "mm, oom: normalize oom scores to oom_score_adj scale only for userspace"."""

OLDER_RULES: tuple[tuple[Version, bool, str], ...] = (
    ((4, 17, 0), False, "before Linux 4.17 a process with CAP_SYS_ADMIN has up to 3% fewer points"),
    (
        (5, 9, 0),
        True,
        "before Linux 5.9 points below 1 count as 1, so that such processes are equal",
    ),
)
"""The release that ended a rule (d46078b28889, 9066e5cfb73c); whether it needs an adj below 0."""

UNKILLABLE = -1000
"""OOM_SCORE_ADJ_MIN: a process with this value is never chosen."""


@dataclass(frozen=True)
class Subject:
    """A process to be ranked.

    size      its true size in pages: the four counters and page tables
    scenario  its threads, CPUs and size
    adj       its oom_score_adj, from -1000 to 1000
    is_init   whether it is the first process of the machine (is_global_init), never chosen
    """

    name: str
    size: int
    scenario: Scenario
    adj: int = 0
    is_init: bool = False


@dataclass(frozen=True)
class Contender:
    """A process as the OOM killer sees it, in pages.

    `size` is the true size, `adjustment` the points of oom_score_adj, `error` that of the four
    counters' sum. `killable`: neither init nor exempt by its oom_score_adj.
    """

    name: str
    size: int
    adjustment: int
    error: Interval
    killable: bool = True

    @property
    def points(self) -> int:
        """The true points."""
        return self.size + self.adjustment

    @property
    def under(self) -> int:
        """The most pages that the kernel's points can lack."""
        return self.size if self.error.under is None else min(self.error.under, self.size)

    @property
    def lowest(self) -> int:
        """The lowest possible points."""
        return self.points - self.under

    @property
    def highest(self) -> int | None:
        """The highest possible points; None: no limit."""
        return None if self.error.over is None else self.points + self.error.over


@dataclass(frozen=True)
class Pair:
    """Two processes; the first has at least the points of the second."""

    larger: Contender
    smaller: Contender

    @property
    def difference(self) -> int:
        """The difference in pages."""
        return self.larger.points - self.smaller.points

    @property
    def needed(self) -> int | None:
        """The smallest difference that is always ranked correctly; None if there is none."""
        over = self.smaller.error.over
        return None if over is None else self.larger.under + over + 1

    @property
    def right(self) -> bool:
        """Whether they are always ranked correctly; for equal scores either order is correct."""
        return self.difference == 0 or (self.needed is not None and self.difference >= self.needed)


@dataclass(frozen=True)
class Ranking:
    """Processes by true points, highest first, without those that cannot be killed.

    accuracy  how this kernel reads the counters
    pairs     all pairs of the contenders
    victims   names of those that can be chosen
    exempt    names of those that are never chosen
    needed    design id -> smallest difference at which two processes like the first pair are
              ranked correctly by cheap reads of this design; None if there is none
    """

    accuracy: Accuracy
    contenders: tuple[Contender, ...]
    pairs: tuple[Pair, ...]
    victims: tuple[str, ...]
    exempt: tuple[str, ...]
    needed: dict[str, int | None]
    caveats: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether every pair is always ranked correctly."""
        return all(pair.right for pair in self.pairs)


def ranking_of(topology: Topology, subjects: Sequence[Subject], total_pages: int = 0) -> Ranking:
    """Rank processes of a machine as its kernel does.

    `total_pages` is RAM plus swap, of which oom_score_adj is a share. ScenarioError if the kernel
    is not known, or ranks by another rule.
    """
    older = _older_rules(topology.kernel, subjects)
    found = [readings_of(topology, each.scenario, ("oom_badness",))[0] for each in subjects]
    contenders = [
        _contender(each, reading.error or Interval(0, 0), total_pages)
        for each, reading in zip(subjects, found, strict=True)
    ]
    pairs, victims = ranked(contenders)
    caveats = dict.fromkeys(text for reading in found for text in reading.caveats)
    return Ranking(
        found[0].accuracy,
        tuple(sorted(filter(_is_killable, contenders), key=_by_points)),
        pairs,
        victims,
        tuple(each.name for each in contenders if not each.killable),
        _of_designs(topology, subjects, total_pages),
        (*caveats, *older),
    )


def _older_rules(release: str | None, subjects: Sequence[Subject]) -> tuple[str, ...]:
    """Give the differences of an older kernel; ScenarioError if its points are another measure."""
    version = version_of(release or "")
    if version is None:
        return ()
    if version < FIRST_IN_PAGES:
        raise ScenarioError(
            f"Linux {release}: the OOM killer ranks by pages since 3.5; before, by thousandths of "
            "memory, or by address space"
        )
    has_negative = any(subject.adj < 0 for subject in subjects)
    return tuple(
        text
        for since, takes_negative, text in OLDER_RULES
        if version < since and (has_negative or not takes_negative)
    )


def ranked(contenders: Sequence[Contender]) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    """Give all pairs of killable processes, and the names of those that can be chosen.

    A process can be chosen if its highest possible points are at least the lowest possible points
    of every other process.
    """
    killable = sorted(filter(_is_killable, contenders), key=_by_points)
    pairs = tuple(Pair(*two) for two in combinations(killable, 2))
    least = max((each.lowest for each in killable), default=0)
    victims = [each.name for each in killable if each.highest is None or each.highest >= least]
    return pairs, tuple(victims)


def _is_killable(contender: Contender) -> bool:
    return contender.killable


def _by_points(contender: Contender) -> int:
    return -contender.points


def _contender(subject: Subject, error: Interval, total_pages: int) -> Contender:
    adjustment = subject.adj * (total_pages // 1000)
    killable = subject.adj != UNKILLABLE and not subject.is_init
    return Contender(subject.name, subject.size, adjustment, error, killable)


def _of_designs(
    topology: Topology, subjects: Sequence[Subject], total_pages: int
) -> dict[str, int | None]:
    """Give, for each design, the difference at which the first two are ranked correctly."""
    needed: dict[str, int | None] = {}
    resolved = [resolve(each.scenario, topology) for each in subjects]
    parameters = [parameters_of(topology, each) for each in resolved]
    for id_, design in DESIGNS.items():
        pairs, _ = ranked(
            [
                _contender(subject, bound_of(design, p, OOM, scenario.rss), total_pages)
                for subject, p, scenario in zip(subjects, parameters, resolved, strict=True)
            ]
        )
        if pairs:
            needed[id_] = pairs[0].needed
    return needed
