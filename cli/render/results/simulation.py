"""Simulations: the observed error and the predicted one, with a histogram of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import bound_text, counted, pages_text, side_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rssbound.bounds.typical.simulation import Run, Simulation
    from rssbound.cli.render import Style
    from rssbound.topology import Topology

    Seen = Sequence[tuple[Simulation, Run]]

__all__ = ("render",)

BINS = 20
BAR = 30
ENOUGH = 10
SHARES = {"median": 0.5, "p99": 0.99}
CSV_COLUMNS = (
    *("host", "design", "workload", "seed", "updates", "looks"),
    *(
        f"{whose}_{name}_pages"
        for whose in ("seen", "predicted")
        for name in ("mean", "stddev", *SHARES)
    ),
)


def render(machine: Topology, page_size: int, seen: Seen, format_: str, style: Style) -> str:
    """Give simulations on one machine in a format."""
    return render_as(
        format_,
        style,
        sheet=lambda: _sheet(machine, page_size, seen),
        document=lambda: _document(machine, page_size, seen),
        rows=lambda: (CSV_COLUMNS, _rows(machine, seen)),
    )


def _figures(simulation: Simulation, run: Run) -> dict[str, dict[str, float]]:
    """Give the observed and the predicted figures, in pages."""
    law = simulation.law
    return {
        "seen": {
            "mean": round(run.mean, 3),
            "stddev": round(run.stddev, 3),
            **{name: run.size_quantile(share) for name, share in SHARES.items()},
        },
        "predicted": {
            "mean": float(law.mean),
            "stddev": round(law.stddev, 3),
            **{name: law.size_quantile(share) for name, share in SHARES.items()},
        },
    }


def _document(machine: Topology, page_size: int, seen: Seen) -> dict[str, Any]:
    return {
        "kind": "rssbound.simulation",
        "format_version": "1.0",
        "host": machine.name,
        "page_size": page_size,
        "simulations": [
            {
                "design": simulation.design.id,
                "workload": simulation.workload,
                "seed": simulation.seed,
                "updates": simulation.updates,
                "warming": simulation.warming,
                "mixing": simulation.mixing,
                "looks": len(run.errors),
                **_figures(simulation, run),
                "extremes": {"low": run.errors[0], "high": run.errors[-1]},
                "bound": {"under": simulation.bound.under, "over": simulation.bound.over},
                "within": run.within(simulation.bound),
                "histogram": [
                    {"first": first, "last": last, "seen": share, "predicted": round(predicted, 9)}
                    for first, last, share, predicted in _histogram(simulation, run)
                ],
            }
            for simulation, run in seen
        ],
    }


def _rows(machine: Topology, seen: Seen) -> Iterator[tuple[int | float | str, ...]]:
    for simulation, run in seen:
        figures = _figures(simulation, run)
        yield (
            *(machine.name, simulation.design.id, simulation.workload, simulation.seed),
            *(simulation.updates, len(run.errors)),
            *(*figures["seen"].values(), *figures["predicted"].values()),
        )


def _histogram(simulation: Simulation, run: Run) -> list[tuple[int, int, float, float]]:
    """Give the first and last page of each bin, its share of samples and its probability."""
    return [
        (first, last, run.share(first, last), predicted)
        for first, last, predicted in simulation.law.masses(BINS)
    ]


# -- for people


def _sheet(machine: Topology, page_size: int, seen: Seen) -> Sheet:
    first, _ = seen[0]
    what = f"{first.workload}, {counted(first.updates, 'update')}, seed {first.seed}"
    head = (
        f"{machine.name}: one counter of one large process; {what}",
        "error = precise - approximate; above 0, the reading is too low",
    )
    histograms = tuple(_histogram_table(simulation, run, page_size) for simulation, run in seen)
    return Sheet(head, _table(page_size, seen), _footlines(seen), histograms)


def _table(page_size: int, seen: Seen) -> Table:
    """Show each simulation: statistics in bytes, extremes and bound in pages."""
    figures = [_figures(simulation, run) for simulation, run in seen]

    def column(group: str, title: str, cell: Callable[[Simulation, Run], str], rank: int) -> Column:
        return Column(group, title, tuple(cell(*row) for row in seen), rank)

    def sizes(group: str, title: str, name: str, rank: int = 0) -> Column:
        cells = tuple(_size(row[group][name], page_size) for row in figures)
        return Column(group, title, cells, rank)

    return Table(
        "",
        (
            Column(
                "", "design", tuple(simulation.design.id for simulation, _ in seen), numeric=False
            ),
            sizes("seen", "mean", "mean"),
            sizes("seen", "stddev", "stddev", 1),
            sizes("seen", "99%", "p99"),
            sizes("predicted", "mean", "mean"),
            sizes("predicted", "stddev", "stddev", 1),
            sizes("predicted", "99%", "p99"),
            column("extremes, pages", "low", lambda _, run: pages_text(run.errors[0]), 2),
            column("extremes, pages", "high", lambda _, run: pages_text(run.errors[-1]), 2),
            column(
                "bound, pages", "over", lambda simulation, _: side_pages(simulation.bound.over), 2
            ),
            column(
                "bound, pages", "under", lambda simulation, _: side_pages(simulation.bound.under), 2
            ),
            column("", "samples", lambda _, run: pages_text(len(run.errors)), 3),
        ),
    )


def _size(pages: float, page_size: int) -> str:
    size = round(abs(pages) * page_size)
    return f"-{bound_text(size)}" if pages < 0 and size else bound_text(size)


def _footlines(seen: Seen) -> tuple[str, ...]:
    lines = [
        f"{simulation.design.id}: a state influences about {_about(simulation.mixing)} later "
        "updates, so these samples are strongly correlated and can deviate together from the "
        "prediction; give more --updates."
        for simulation, _ in seen
        if simulation.updates < ENOUGH * simulation.mixing
    ]
    lines += [
        f"{simulation.design.id}: only {counted(simulation.warming, 'update')} came before the "
        "first sample, too few to forget the empty start, so the prediction is not reached yet."
        for simulation, _ in seen
        if simulation.warming < simulation.mixing
    ]
    lines += [
        f"{simulation.design.id}: AN ERROR EXCEEDED THE BOUND; please report it."
        for simulation, run in seen
        if not run.within(simulation.bound)
    ]
    return tuple(lines)


def _about(count: int) -> str:
    """Print an estimate with two significant digits."""
    return pages_text(round(count, 2 - len(str(count))))


def _histogram_table(simulation: Simulation, run: Run, page_size: int) -> Table:
    bins = _histogram(simulation, run)
    most = max(max(share, predicted) for _, _, share, predicted in bins) or 1.0
    return Table(
        f"{simulation.design.id}: # seen, | predicted",
        (
            Column("", "from", tuple(_size(first, page_size) for first, *_ in bins)),
            Column("", "pages", tuple(pages_text(first) for first, *_ in bins), 1),
            Column("", "seen", tuple(f"{share:.1%}" for *_, share, _ in bins)),
            Column("", "predicted", tuple(f"{predicted:.1%}" for *_, predicted in bins)),
            Column(
                "",
                "",
                tuple(_bar(share / most, predicted / most) for *_, share, predicted in bins),
                numeric=False,
            ),
        ),
    )


def _bar(seen: float, predicted: float) -> str:
    """Draw a bar for the observed share, with a mark at the prediction."""
    bar = ("#" * round(seen * BAR)).ljust(BAR + 1)
    mark = round(predicted * BAR)
    return f"{bar[:mark]}|{bar[mark + 1 :]}".rstrip()
