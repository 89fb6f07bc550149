"""The measured and the expected result of a witness that ran on a real kernel.

A run prints `precise - approximate` of every file before and after the updates, in pages; the
difference is the effect of the updates. A file that the kernel reads cheaply must be off by the
bound, and one that it sums precisely must be exact.
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
"""File read -> its interface, and the counters whose lines are added up; None: all."""


@dataclass(frozen=True)
class FileRun:
    """The error of a file on the witness's side, in pages.

    `expected` is None if the kernel may have another design than that of the witness.
    """

    expected: int | None
    measured: int


@dataclass(frozen=True)
class WitnessRun:
    """One run of a witness, for some counters.

    bound     pages, for these counters together
    held      pages by which the process grew; `held_expected` is the growth in the witness
    clean     slots were empty before, nothing changed after, and the process grew as expected
    attempts  number of runs until one was clean
    """

    counters: tuple[str, ...]
    bound: int
    held: int
    held_expected: int
    clean: bool
    files: Mapping[str, FileRun]
    attempts: int = 1

    @property
    def decisive(self) -> FileRun:
        """The file that must be off by the bound: stat, if present, which is always read cheaply.

        It is another file only if the errors of two counters cancel in their sum.
        """
        found = (file for file in self.files.values() if file.expected == self.bound)
        return next(found, self.files["stat"])

    @property
    def measured(self) -> int:
        """The error of that file, in pages."""
        return self.decisive.measured

    @property
    def exceeds(self) -> bool:
        """Whether a measured error exceeds a bound of this kernel's own design."""
        return self.decisive.expected is not None and self.measured > self.bound


def run_from(
    values: Mapping[str, int],
    witness: Witness,
    counters: Sequence[str],
    kernel: str,
    design: KernelDesign,
    attempts: int = 1,
) -> WitnessRun:
    """Make a result from the values that a run printed."""
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
    """Give the pages by which the process grows; a copy on write replaces a page."""
    if witness.place is not Place.THREAD:
        return witness.precise
    return sum(max(0, pages) for _, pages in witness.updates if isinstance(pages, int))


def _signs(witness: Witness, counters: Sequence[str]) -> dict[str, int]:
    """Give each updated counter: 1 if it is off by the bound on this side, -1 on the other."""
    if witness.place is not Place.THREAD:
        return dict.fromkeys(counters, 1)
    amounts = {pages for _, pages in witness.updates if isinstance(pages, int)}
    if -1 in amounts:  # copies on write put anonymous pages in place of those of a file
        return {"file": 1, "anon": -1}
    return {"anon" if amounts == {1} else "file": 1}


def _expected(
    interface: str,
    of: tuple[str, ...] | None,
    signs: Mapping[str, int],
    bound: int,
    kernel: str,
) -> int:
    """Give the expected error of a file: the bound of those counters that it adds up."""
    if accuracy_on(INTERFACES[interface], kernel, USUAL).kind != APPROXIMATE:
        return 0
    each = bound // sum(sign > 0 for sign in signs.values())
    return each * sum(sign for counter, sign in signs.items() if of is None or counter in of)


def most_held(updates: Sequence[tuple[int, int]]) -> int:
    """Give the most pages of one counter that the process holds at once during the updates."""
    return max(accumulate((pages for _, pages in updates), initial=0))
