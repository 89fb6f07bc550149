"""The figure `typical`: histograms of each design's error, as fractions of its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import TYPICAL
from rssbound.bounds.laws.workloads import GROWTH, SCATTERED
from rssbound.bounds.typical.histograms import laws_of
from rssbound.cli.render.pictures.chart import Bar, Chart, Group, Hill, Ridge, Rows
from rssbound.cli.render.sheet import Column, Table
from rssbound.cli.render.units import bound_text, side_bytes, signed_bound
from rssbound.cli.render.words import process_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rssbound.bounds.typical.histograms import Law, Typicals
    from rssbound.cli.figures.asked import Asked

__all__ = ("typical_chart",)

WORKLOAD_WORDS = (
    "growth: one page at a time. churn: pages are added and removed. hop: the process moves "
    "between its CPUs and maps or unmaps a region on each. Not drawn, but in the table and the "
    "data: huge (growth by huge pages) and lockstep (all slots grow in step)."
)
SCALE_WORDS = (
    "100% is the worst case of the design. Figures on the right: the error is at most this large "
    f"half of the time, and 99% of the time, under {GROWTH}."
)
ROWS_OF_BARS = 12
"""Number of bars of a histogram in the terminal."""


def typical_chart(asked: Asked) -> Chart:
    """Draw the error of one counter in the long run, with a table for each workload."""
    every = laws_of(asked.topology, asked.scenario, asked.designs)
    found = [typicals for typicals in every if typicals.laws]
    exact = [typicals.design for typicals in every if not typicals.laws]
    process = process_words(asked.analysis).partition("; ")[0]
    return Chart(
        kind="typical",
        title="Typical error of one counter",
        words=(f"{asked.topology.name}: {process}; {TYPICAL}, settled, in the long run",),
        notes=(
            *([f"Always exact: {', '.join(exact)}."] if exact else []),
            WORKLOAD_WORDS,
            *asked.running_note(),
        ),
        table=_table(found, asked),
        rows=_rows(found, asked),
        groups=tuple(_group(typicals, asked) for typicals in found),
        legend=(SCALE_WORDS,),
        ridges=tuple(_ridge(typicals, asked) for typicals in found),
    )


def _growth(typicals: Typicals) -> Law:
    return next(law for law in typicals.laws if GROWTH in law.workloads)


def _most(typicals: Typicals) -> int:
    return max(typicals.bound.under or 0, typicals.bound.over or 0)


def _ridge(typicals: Typicals, asked: Asked) -> Ridge:
    law = _growth(typicals)
    text = f"half {bound_text(asked.size(law.median))}\n99% {bound_text(asked.size(law.p99))}"
    hills = tuple(
        _hill(law, _most(typicals)) for law in typicals.laws if set(SCATTERED) & set(law.workloads)
    )
    return Ridge(typicals.design, hills, text, asked.is_running([typicals.design]))


def _hill(law: Law, most: int) -> Hill:
    """Scale a histogram: values to fractions of the bound, heights to a maximum of 1."""
    highest = max(mass / (last + 1 - first) for first, last, mass in law.bins)
    columns = tuple(
        (
            (first - 0.5) / (most + 0.5),
            (last + 0.5) / (most + 0.5),
            mass / (last + 1 - first) / highest,
        )
        for first, last, mass in law.bins
    )
    return Hill(
        ", ".join(name for name in law.workloads if name in SCATTERED),
        law.mean / (most + 0.5),
        columns,
    )


def _group(typicals: Typicals, asked: Asked) -> Group:
    """Draw the histogram of growth, with several bins per bar."""
    bins = _growth(typicals).bins
    width = -(-len(bins) // ROWS_OF_BARS)
    joined = [
        (chosen[0][0], sum(mass for _, _, mass in chosen))
        for start in range(0, len(bins), width)
        if (chosen := bins[start : start + width])
    ]
    most = max(mass for _, mass in joined)
    bars = tuple(
        Bar(
            f"from {signed_bound(asked.size(first))}",
            mass / most,
            f"{100 * mass:.2f}%",
            asked.is_running([typicals.design]),
        )
        for first, mass in joined
    )
    bound = side_bytes(_most(typicals), asked.page_size)
    return Group(f"{typicals.design}, {GROWTH}; worst case {bound}", bars)


def _table(found: Sequence[Typicals], asked: Asked) -> Table:
    rows = [(typicals, law) for typicals in found for law in typicals.laws]

    def column(title: str, cell: Callable[[Typicals, Law], str], *, numeric: bool = True) -> Column:
        return Column("", title, tuple(cell(*row) for row in rows), 0, numeric)

    def size(pages: float) -> str:
        return signed_bound(round(asked.page_size * pages))

    return Table(
        "",
        (
            column("design", lambda typicals, _: typicals.design, numeric=False),
            column("workload", lambda _, law: ", ".join(law.workloads), numeric=False),
            column("mean", lambda _, law: size(law.mean)),
            column("deviation", lambda _, law: bound_text(round(asked.page_size * law.stddev))),
            column("half within", lambda _, law: size(law.median)),
            column("99% within", lambda _, law: size(law.p99)),
            column("worst, low", lambda typicals, _: asked.text(typicals.bound.under)),
            column("worst, high", lambda typicals, _: asked.text(typicals.bound.over)),
        ),
    )


def _rows(found: Sequence[Typicals], asked: Asked) -> Rows:
    """Give every bin, with probabilities to 12 digits, which are the same on every machine."""
    return Rows(
        ("host", "design", "counter", "workload", "from_pages", "to_pages", "probability"),
        tuple(
            (asked.topology.name, typicals.design, TYPICAL, workload, first, last, round(mass, 12))
            for typicals in found
            for law in typicals.laws
            for workload in law.workloads
            for first, last, mass in law.bins
        ),
    )
