"""The machines of a check, each with the possible designs of its kernel."""

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
    kernel          the release; None if it is not known
    candidates      ids of the possible designs of this kernel, one if it is known; none
                    without a release
    guess           whether the design was inferred, or is one of several
    why             the source of this knowledge
    """

    host: str
    topology: str
    kernel: str | None
    candidates: tuple[str, ...]
    guess: bool
    why: str


def machines_of(analyses: Iterable[Analysis]) -> tuple[CheckedMachine, ...]:
    """List the machines by name; machines that differ only in name are one, as in a record."""
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
