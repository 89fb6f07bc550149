"""A witness as a C program that makes its updates on the running kernel and measures the error."""

from __future__ import annotations

from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from rssbound.bounds.counter.design import Place
from rssbound.bounds.designs import BESIDE_IDS
from rssbound.cli.render.code.beside import beside_program_of
from rssbound.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from rssbound.bounds.proof.witness import Witness

__all__ = ("KINDS", "RSS", "Run", "plain_updates", "program", "program_of", "runs_of")

PLACEHOLDER = "/* @PARAMETERS@ */"

KINDS = {"anon": "ANON", "file": "FILES", "shmem": "SHMEM"}
"""The counters that a program can update; witness.c has the same order."""

RSS = tuple(KINDS)


class Run(NamedTuple):
    """A run of equal updates: CPU or thread, pages, number, and if another process makes them."""

    place: int
    pages: int
    times: int
    foreign: bool


def program_of(witness: Witness, counters: Sequence[str] = (), option: str = "--format c") -> str:
    """Write the C program of a witness; `counters` replace its own counters.

    ScenarioError for a witness that no single process can run; `option` is the option to name.
    """
    if witness.design in BESIDE_IDS:
        return beside_program_of(witness)
    plain = plain_updates(witness, option)
    return program(
        *(witness.design, witness.side, plain, witness.bound or 0, witness.batch),
        counters or witness.counters,
        threads=witness.place is Place.THREAD,
        own_cpus=None if witness.place is Place.THREAD else witness.own_cpus,
    )


def plain_updates(witness: Witness, option: str) -> list[tuple[int, int]]:
    """Give the updates of a witness that a process can make, in order."""
    if witness.metric == "oom":
        raise ScenarioError(
            f"{option}: no file shows the sum that oom_score reads; use --metric rss"
        )
    plain = [
        (at, pages) for at, pages in witness.updates if at is not None and isinstance(pages, int)
    ]
    if len(plain) < len(witness.updates):
        raise ScenarioError(
            f"{option}: {witness.design} {witness.side} needs a counter that reads below 0, which "
            "the program's own pages prevent; use --metric counter"
        )
    if witness.bound is None:
        raise ScenarioError(
            f"{option}: {witness.design} {witness.side} has no finite list of updates; nothing to "
            "run"
        )
    if not plain:
        raise ScenarioError(
            f"{option}: the bound of {witness.design} {witness.side} is 0; nothing to run"
        )
    return plain


def runs_of(updates: Sequence[tuple[int, int]], own: Collection[int]) -> list[Run]:
    """Group equal consecutive updates; another process makes those not on CPUs in `own`."""
    return [
        Run(place, pages, len(list(run)), place not in own)
        for (place, pages), run in groupby(updates)
    ]


def program(
    design: str,
    side: str,
    updates: Sequence[tuple[int, int]],
    bound: int,
    batch: int,
    counters: Collection[str] = ("anon",),
    *,
    threads: bool = False,
    own_cpus: Iterable[int] | None = None,
) -> str:
    """Write a self-contained C program (libc only) that runs updates and shows the error.

    `updates` are pairs of a CPU and a number of pages, which are mapped there (unmapped if
    negative) one at a time, for each of `counters`, which are names in KINDS.
    With `threads`, the first number is a thread, counted from 0, and each pair is one page fault: 1
    maps an anonymous page, a larger number maps that many pages of a file at once, -1 copies a page
    of the file on write. Updates on CPUs that are not in `own_cpus` are made by a second process,
    which runs there; None: the process may run on all CPUs. `bound` and `batch`, in pages, are
    printed with the measured error. ValueError for updates that no process can make.
    """
    fault = _fault(updates, threads=threads)
    if fault:
        raise ValueError(fault)
    places = {place for place, _ in updates}
    own = places if own_cpus is None else set(own_cpus)
    named = [] if threads else [kind for kind in KINDS if kind in counters]
    alike = named or ["anon"]
    parameters = _parameters(design, side, updates, bound, batch, alike, own, threads=threads)
    return _template().replace(PLACEHOLDER, parameters)


def _template() -> str:
    return files("rssbound.cli.render.code").joinpath("witness.c").read_text(encoding="utf-8")


def _parameters(
    design: str,
    side: str,
    updates: Sequence[tuple[int, int]],
    bound: int,
    batch: int,
    counters: Sequence[str],
    own: Collection[int],
    *,
    threads: bool,
) -> str:
    """Define the parameters of the template; a run of equal updates is one entry."""
    runs = runs_of(updates, own)
    most_pages = max((pages for _, pages in updates), default=1)
    copies = any(pages < 0 for _, pages in updates)
    first = next((run.place for run in runs if not run.foreign), min(own))
    rows = [f"\t{{ {run.place}, {run.pages}, {run.times}, {int(run.foreign)} }}," for run in runs]
    kinds = ", ".join(KINDS[counter] for counter in counters)
    return "\n".join(
        (
            f'static const char DESIGN[] = "{design}", SIDE[] = "{side}";',
            f"static const long BOUND = {bound}, BATCH = {batch};",
            f"#define COUNTERS {len(counters)}",
            f"#define COUNTERS_UPDATED {{ {kinds} }}",
            f"#define FIRST_CPU {first}",
            f"#define FOREIGN {int(any(run.foreign for run in runs))}",
            f"#define PER_THREAD {int(threads)}",
            f"#define THREADS {1 + max(place for place, _ in updates) if threads else 1}",
            f"#define MAPS_FILE {int(threads and (most_pages > 1 or copies))}",
            f"#define MOST_PAGES {most_pages if threads else 1}",
            f"#define COUNT {len(rows)}",
            "static const struct update UPDATES[COUNT] = {",
            *rows,
            "};",
        )
    )


def _fault(updates: Sequence[tuple[int, int]], *, threads: bool) -> str | None:
    """Describe an update that no process can make; None if there is none."""
    if not updates:
        return "no updates; a bound of 0 cannot be shown"
    held = 0
    for number, (place, pages) in enumerate(updates):
        if place < 0:
            return f"update {number}: place {place}; CPUs and threads are counted from 0"
        if threads and pages < -1:
            return f"update {number}: {pages} pages; a page fault removes at most one page"
        held += pages
        if held < 0:
            return f"update {number}: leaves the process with {held} pages; the least is 0"
    return None
