"""Simulations: what was seen beside what the law predicts, with a histogram of both."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from rssbound.cli.render import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import bytes_text, counted, pages_text, side_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rssbound.bounds.typical.simulation import Run, Simulation
    from rssbound.cli.render import Style
    from rssbound.topology import Topology

    Seen = Sequence[tuple[Simulation, Run]]

__all__ = ("render",)

BINS = 20
BAR = 30
ENOUGH = 10
SHARES = {"median": 0.5, "p99": 0.99}


def render(host: Topology, page_size: int, seen: Seen, format_: str, style: Style) -> str:
    """Give simulations on one machine in a format."""
    if format_ == "json":
        document = _document(host, page_size, seen)
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if format_ == "csv":
        return _csv(host, seen)
    return render_as(_sheet(host, page_size, seen), format_, style)


def _figures(simulation: Simulation, run: Run) -> dict[str, dict[str, float]]:
    """Give what was seen and what is predicted, in pages."""
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


def _document(host: Topology, page_size: int, seen: Seen) -> dict[str, Any]:
    return {
        "kind": "rssbound.simulation",
        "format_version": "1.0",
        "host": host.name,
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
                    {"first": first, "last": last, "seen": own, "predicted": round(predicted, 9)}
                    for first, last, own, predicted in _histogram(simulation, run)
                ],
            }
            for simulation, run in seen
        ],
    }


def _csv(host: Topology, seen: Seen) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = ("mean", "stddev", *SHARES)
    of_both = [f"{whose}_{name}_pages" for whose in ("seen", "predicted") for name in names]
    writer.writerow(("host", "design", "workload", "seed", "updates", "looks", *of_both))
    for simulation, run in seen:
        figures = [value for own in _figures(simulation, run).values() for value in own.values()]
        settings = (simulation.workload, simulation.seed, simulation.updates, len(run.errors))
        writer.writerow((host.name, simulation.design.id, *settings, *figures))
    return stream.getvalue()


def _histogram(simulation: Simulation, run: Run) -> list[tuple[int, int, float, float]]:
    """Give first and last pages of each bin, the share of looks in it and its probability."""
    return [
        (first, last, run.share(first, last), predicted)
        for first, last, predicted in simulation.law.masses(BINS)
    ]


# -- for people


def _sheet(host: Topology, page_size: int, seen: Seen) -> Sheet:
    first, _ = seen[0]
    what = f"{first.workload}, {counted(first.updates, 'update')}, seed {first.seed}"
    head = (
        f"{host.name}: one counter of one large process; {what}",
        "precise - approximate: positive is too low",
    )
    histograms = tuple(_histogram_table(simulation, run, page_size) for simulation, run in seen)
    return Sheet(head, _table(page_size, seen), _footlines(seen), histograms)


def _table(page_size: int, seen: Seen) -> Table:
    rows = [(simulation, run, _figures(simulation, run)) for simulation, run in seen]

    def column(group: str, title: str, rank: int, cell: Callable[..., str]) -> Column:
        return Column(group, title, tuple(cell(*row) for row in rows), rank)

    def figure(group: str, title: str, name: str, rank: int) -> Column:
        return column(group, title, rank, lambda _s, _r, own: _size(own[group][name], page_size))

    return Table(
        "",
        (
            Column("", "design", tuple(own.design.id for own, _, _ in rows), numeric=False),
            figure("seen", "mean", "mean", 0),
            figure("seen", "stddev", "stddev", 1),
            figure("seen", "99%", "p99", 0),
            figure("predicted", "mean", "mean", 0),
            figure("predicted", "stddev", "stddev", 1),
            figure("predicted", "99%", "p99", 0),
            column("extremes, pages", "low", 2, lambda _s, run, _o: pages_text(run.errors[0])),
            column("extremes, pages", "high", 2, lambda _s, run, _o: pages_text(run.errors[-1])),
            column("bound, pages", "over", 2, lambda own, _r, _o: side_pages(own.bound.over)),
            column("bound, pages", "under", 2, lambda own, _r, _o: side_pages(own.bound.under)),
            column("", "looks", 3, lambda _s, run, _o: pages_text(len(run.errors))),
        ),
    )


def _size(pages: float, page_size: int) -> str:
    size = round(abs(pages) * page_size)
    return f"-{bytes_text(size)}" if pages < 0 and size else bytes_text(size)


def _footlines(seen: Seen) -> tuple[str, ...]:
    lines = [
        f"{simulation.design.id}: it takes about {_about(simulation.mixing)} updates to forget "
        "a state, so these looks are much alike and scatter together around what is predicted; "
        "give more --updates."
        for simulation, _ in seen
        if simulation.updates < ENOUGH * simulation.mixing
    ]
    lines += [
        f"{simulation.design.id}: only {counted(simulation.warming, 'update')} came before the "
        "first look; the empty start is not forgotten, and what is predicted is not yet reached."
        for simulation, _ in seen
        if simulation.warming < simulation.mixing
    ]
    lines += [
        f"{simulation.design.id}: AN ERROR OUTSIDE THE BOUND WAS SEEN; please report it."
        for simulation, run in seen
        if not run.within(simulation.bound)
    ]
    return tuple(lines)


def _about(count: int) -> str:
    """Print a number that is only estimated: two digits of it."""
    return pages_text(round(count, 2 - len(str(count))))


def _histogram_table(simulation: Simulation, run: Run, page_size: int) -> Table:
    bins = _histogram(simulation, run)
    most = max(max(own, predicted) for _, _, own, predicted in bins) or 1.0
    return Table(
        f"{simulation.design.id}: # seen, | predicted",
        (
            Column("", "from", tuple(_size(first, page_size) for first, *_ in bins)),
            Column("", "pages", tuple(pages_text(first) for first, *_ in bins), 1),
            Column("", "seen", tuple(f"{own:.1%}" for *_, own, _ in bins)),
            Column("", "predicted", tuple(f"{predicted:.1%}" for *_, predicted in bins)),
            Column(
                "",
                "",
                tuple(_bar(own / most, predicted / most) for *_, own, predicted in bins),
                numeric=False,
            ),
        ),
    )


def _bar(seen: float, predicted: float) -> str:
    """Draw a bar as long as what was seen, with a mark where the prediction is."""
    bar = ("#" * round(seen * BAR)).ljust(BAR + 1)
    mark = round(predicted * BAR)
    return f"{bar[:mark]}|{bar[mark + 1 :]}".rstrip()
