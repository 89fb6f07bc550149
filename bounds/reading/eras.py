"""How the files of a process read on a machine, from one era of kernel releases to the next.

An era is the releases of kernel.org with the same design of the counters and the same readers;
single stable releases that have a later fix are apart (releases.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.reading.accuracy import readings_of
from rssbound.bounds.reading.catalogue import ELSEWHERE, INTERFACES
from rssbound.bounds.scenario.kernel_constants import USUAL
from rssbound.records import replace

if TYPE_CHECKING:
    from rssbound.bounds.reading.accuracy import Reading
    from rssbound.bounds.scenario.scenario import Scenario
    from rssbound.topology import Topology

__all__ = ("ERAS", "FILES_OF_ERAS", "eras_of")

ERAS = {
    "2.6.34 to 6.1": "6.1.0",
    "6.2 to 6.15": "6.2.0",
    "6.16 to 6.19": "6.16.0",
    "7.0 and later": "7.0.0",
}
"""Each era, and a release of it."""

FILES_OF_ERAS = tuple(id_ for id_, interface in INTERFACES.items() if interface.kind != ELSEWHERE)


def eras_of(topology: Topology, scenario: Scenario) -> dict[str, tuple[Reading, ...]]:
    """Give the readings of FILES_OF_ERAS in each era, as if the machine ran such a kernel.

    ScenarioError for an impossible scenario.
    """
    plain = replace(scenario, constants=USUAL)
    return {
        era: readings_of(replace(topology, kernel=release), plain, FILES_OF_ERAS)
        for era, release in ERAS.items()
    }
