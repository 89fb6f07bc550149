"""Facts about all processes of a machine: the kernel's design, its files, bounds by threads.

The catalogue of interfaces says which files of the kernel are cheap and which are precise. This
module only chooses the precise file with the lowest cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rssbound.bounds.analysis import kernel_design_of
from rssbound.bounds.counter.design import version_of
from rssbound.bounds.reading.accuracy import accuracy_of, readings_of
from rssbound.bounds.reading.catalogue import INTERFACES, PRECISE
from rssbound.bounds.reading.releases import FIRST_ROLLUP
from rssbound.bounds.scenario.scenario import resolve
from rssbound.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rssbound.bounds.counter.interval import Interval
    from rssbound.bounds.scenario.scenario import Scenario
    from rssbound.topology import CpuSet, Topology

__all__ = ("CHEAP", "ROLLUP", "STATM", "Bounds", "Facts", "facts_of")

MEASURED = {
    True: "a measurement here shows that it is",
    False: "a measurement here shows that it is not",
    None: "it cannot be measured here, so statm is not used",
}

CHEAP, STATM, ROLLUP, SMAPS = "stat", "statm", "smaps_rollup", "smaps"


@dataclass(frozen=True)
class Facts:
    """Facts that hold for every process of a machine.

    design     id of the kernel's design; several ids if it may be one of several
    guess      whether the design does not follow from the release
    precise    the precise file: STATM, or ROLLUP or SMAPS, which walk page tables
    why        a sentence that explains the choice
    page_size  bytes
    """

    kernel: str
    design: str
    guess: bool
    precise: str
    why: str
    page_size: int

    @property
    def walks(self) -> bool:
        """Whether reading the precise file walks page tables."""
        return self.precise != STATM


def facts_of(
    machine: Topology, scenario: Scenario, is_statm_precise: Callable[[], bool | None]
) -> Facts:
    """Give the facts of a machine; InputError if its kernel is unknown.

    `is_statm_precise` measures this if the release does not say it; it returns None if it failed.
    """
    design = kernel_design_of(machine)
    release = machine.kernel or ""
    version = version_of(release)
    if design is None or version is None:
        raise InputError(f"{release or 'this kernel'!r} is not a release such as 6.12.117")
    accuracy = accuracy_of(INTERFACES[STATM], release)
    is_precise = accuracy.kind == PRECISE
    why = f"statm is {accuracy.kind} on Linux {release}"
    if accuracy.guess:
        measured = is_statm_precise()
        is_precise = bool(measured)
        why = f"the release does not say whether statm is precise; {MEASURED[measured]}"
    return Facts(
        kernel=release,
        design=" or ".join(design.candidates),
        guess=design.guess,
        precise=STATM if is_precise else ROLLUP if version >= FIRST_ROLLUP else SMAPS,
        why=why,
        page_size=resolve(scenario, machine).page_size,
    )


class Bounds:
    """The bounds of the cheap file, by the number of threads and the CPUs of a process; cached."""

    MOST_KEPT = 4096

    def __init__(self, machine: Topology, scenario: Scenario) -> None:
        self._machine = machine
        self._scenario = scenario
        self._kept: dict[tuple[int, CpuSet], Interval] = {}

    def renew(self, machine: Topology) -> None:
        """Update the machine after CPUs have come online or gone offline.

        The kernel's batch has changed with them, but residuals of larger batches may still exist.
        """
        before = self._scenario.max_online or len(self._machine.online)
        most = max(before, len(machine.online))
        self._machine = machine
        self._scenario = replace(self._scenario, max_online=min(most, len(machine.possible)))
        self._kept.clear()

    def of(self, threads: int, cpus: CpuSet) -> Interval:
        """Give by how many pages the cheap file can be too low and too high."""
        key = (threads, cpus)
        if key not in self._kept:
            if len(self._kept) >= self.MOST_KEPT:
                self._kept.clear()
            self._kept[key] = self._made(threads, cpus)
        return self._kept[key]

    def _made(self, threads: int, cpus: CpuSet) -> Interval:
        allowed = (cpus & self._machine.possible) or self._machine.online
        scenario = replace(self._scenario, threads=max(threads, 1), cpus=allowed)
        (reading,) = readings_of(self._machine, scenario, (CHEAP,))
        return reading.sums
