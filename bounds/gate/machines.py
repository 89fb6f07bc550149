"""The machines of a check, each with what is known of how its kernel counts RSS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.records import dataclass
from rssbound.topology.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.bounds.analysis import Analysis

__all__ = ("CheckedMachine", "machines_of")


@dataclass(frozen=True)
class CheckedMachine:
    """A machine that is checked.

    host, topology  its name and the digest of its topology
    kernel          the release; None where that is not known
    candidates      ids of the designs that this kernel may have, one where it is known; none
                    without a release
    guess           whether the design was inferred, or is one of several
    why             where that is from
    """

    host: str
    topology: str
    kernel: str | None
    candidates: tuple[str, ...]
    guess: bool
    why: str


def machines_of(analyses: Iterable[Analysis]) -> tuple[CheckedMachine, ...]:
    """List the machines by name; those that differ in name only are one, as on record."""
    found: dict[str, CheckedMachine] = {}
    for analysis in sorted(analyses, key=lambda analysis: analysis.topology.name):
        machine = _machine(analysis)
        found.setdefault(machine.topology, machine)
    return tuple(found.values())


def _machine(analysis: Analysis) -> CheckedMachine:
    kernel = analysis.kernel_design
    return CheckedMachine(
        analysis.topology.name,
        digest_of(analysis.topology),
        analysis.topology.kernel,
        kernel.candidates if kernel else (),
        kernel is not None and kernel.guess,
        kernel.why if kernel else "",
    )
