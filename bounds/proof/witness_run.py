"""What a run of a witness on a real kernel has shown, beside what it was to show.

A run prints `precise - approximate` of every file before and after the updates, in pages; what the
updates did is the difference. A file that the kernel reads cheaply is to be off by the bound, one
that it sums precisely by nothing.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from rssbound.bounds.counter.design import Place
from rssbound.bounds.reading.accuracy import accuracy_on
from rssbound.bounds.reading.catalogue import APPROXIMATE, INTERFACES
from rssbound.bounds.scenario.kernel_constants import USUAL
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rssbound.bounds.proof.witness import Witness
    from rssbound.bounds.vendors import KernelDesign

__all__ = ("FileRun", "WitnessRun", "most_held", "run_from")

FILES = {
    "stat": ("stat", None),
    "statm": ("statm", None),
    "status": ("status", None),
    "status_anon": ("status", ("anon",)),
    "status_file_and_shmem": ("status", ("file", "shmem")),
}
"""What is read -> the interface, and the counters whose lines of it are added up; None: all."""


@dataclass(frozen=True)
class FileRun:
    """How far what is read was off on the witness's side, in pages.

    `expected` is None where the kernel may have another design than the witness is of.
    """

    expected: int | None
    measured: int


@dataclass(frozen=True)
class WitnessRun:
    """One run, of some counters.

    bound     pages, of these counters together
    held      pages by which the process grew, and `held_expected` those of the witness
    clean     caches were empty before, nothing moved after, and the process grew as it was to
    attempts  how often it was run until it was clean
    """

    counters: tuple[str, ...]
    bound: int
    held: int
    held_expected: int
    clean: bool
    files: Mapping[str, FileRun]
    attempts: int = 1

    @property
    def telling(self) -> FileRun:
        """The file that is to be off by the bound; stat, which every kernel reads cheaply, if any.

        Only where errors of two counters cancel in their sum it is another.
        """
        found = (file for file in self.files.values() if file.expected == self.bound)
        return next(found, self.files["stat"])

    @property
    def measured(self) -> int:
        """By how much that file was off."""
        return self.telling.measured

    @property
    def exceeds(self) -> bool:
        """Whether more was measured than a bound that is this kernel's allows."""
        return self.telling.expected is not None and self.measured > self.bound


def run_from(
    values: Mapping[str, int],
    witness: Witness,
    counters: Sequence[str],
    kernel: str,
    design: KernelDesign,
    attempts: int = 1,
) -> WitnessRun:
    """Make a result of the values that a run printed."""
    share = len(witness.counters)
    bound = (witness.bound or 0) // share * len(counters)
    held = values["precise_rss"] - values["start_precise_rss"]
    held_expected = _held(witness) // share * len(counters)
    sign = 1 if witness.side == "under" else -1
    known = witness.design in design.candidates
    signs = _signs(witness, counters)
    files = {
        name: FileRun(
            _expected(interface, of, signs, bound, kernel) if known else None,
            sign * (values[f"error_{name}"] - values[f"start_error_{name}"]),
        )
        for name, (interface, of) in FILES.items()
    }
    clean = bool(values["emptied"] and values["settled"]) and held == held_expected
    return WitnessRun(tuple(signs), bound, held, held_expected, clean, files, attempts)


def _held(witness: Witness) -> int:
    """Give the pages by which the process grows; a copy on write takes the place of a page."""
    if witness.place is not Place.THREAD:
        return witness.precise
    return sum(max(0, pages) for _, pages in witness.updates if isinstance(pages, int))


def _signs(witness: Witness, counters: Sequence[str]) -> dict[str, int]:
    """Give each counter that updates are made to: 1 if it is off by the bound, -1 the other way."""
    if witness.place is not Place.THREAD:
        return dict.fromkeys(counters, 1)
    amounts = {pages for _, pages in witness.updates if isinstance(pages, int)}
    if -1 in amounts:  # copies on write, which are anonymous pages in place of those of a file
        return {"file": 1, "anon": -1}
    return {"anon" if amounts == {1} else "file": 1}


def _expected(
    interface: str,
    of: tuple[str, ...] | None,
    signs: Mapping[str, int],
    bound: int,
    kernel: str,
) -> int:
    """Give what a file is to be off by: the bound of those of the counters that it adds up."""
    if accuracy_on(INTERFACES[interface], kernel, USUAL).kind != APPROXIMATE:
        return 0
    each = bound // sum(sign > 0 for sign in signs.values())
    return each * sum(sign for counter, sign in signs.items() if of is None or counter in of)


def most_held(updates: Sequence[tuple[int, int]]) -> int:
    """Give the most pages of one counter that a process holds at once while it makes updates."""
    return max(accumulate((pages for _, pages in updates), initial=0))
