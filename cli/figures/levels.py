"""The figure `levels`: the part of the error that each level holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.sweeps.levels import splits_of
from rssbound.cli.figures.common import never
from rssbound.cli.render.pictures.chart import Bar, Chart, Group, Rows, Segment, Stack
from rssbound.cli.render.sheet import Column, Table
from rssbound.cli.render.units import pages_text, signed_bound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rssbound.bounds.sweeps.levels import Split
    from rssbound.cli.figures.asked import Asked

__all__ = ("levels_chart",)

MOST_STACKED = 12
"""Number of levels that are drawn; more would not be readable."""


def levels_chart(asked: Asked) -> Chart:
    """Draw what each level holds back, as a part of the bound."""
    splits = splits_of(asked.topology, asked.scenario, asked.designs, asked.metric, asked.side)
    drawn = [split for split in splits if split.pages and not _takes_off(split)]
    return Chart(
        kind="levels",
        title=f"{asked.what}: error by level",
        words=asked.words(),
        notes=tuple(_levels_notes(splits, asked)),
        legend=("Each bar is the whole bound of a design; the label at its end is the size.",),
        table=_levels_table(splits, asked),
        rows=_levels_rows(splits, asked),
        groups=tuple(_levels_group(split, asked) for split in splits if split.pages),
        stacks=tuple(_stack(split, asked) for split in drawn),
    )


def _takes_off(split: Split) -> bool:
    return any(part.pages < 0 for part in split.levels)


def _stack(split: Split, asked: Asked) -> Stack:
    """Cut the bound into its levels; if there are too many, the uppermost ones are merged."""
    segments = [
        Segment(part.level, part.pages, asked.text(part.pages))
        for part in split.levels
        if part.pages
    ]
    if len(segments) > MOST_STACKED:
        rest = sum(segment.amount for segment in segments[MOST_STACKED - 1 :])
        segments = [*segments[: MOST_STACKED - 1], Segment("above", rest, asked.text(rest))]
    return Stack(
        split.design, tuple(segments), asked.text(split.pages), asked.is_running([split.design])
    )


def _levels_notes(splits: Sequence[Split], asked: Asked) -> list[str]:
    found = {split.design: split for split in splits}
    bounds = {id_: [found[id_].pages] if id_ in found else [] for id_ in asked.designs}
    notes = never(bounds, asked)
    for split in splits:
        off = -sum(part.pages for part in split.levels if part.pages < 0)
        if off:
            notes.append(
                f"{split.design} holds back as much as tree; its bias subtracts {asked.text(off)}, "
                f"which leaves {asked.text(split.pages)}."
            )
    return notes + asked.running_note()


def _levels_group(split: Split, asked: Asked) -> Group:
    whole = sum(part.pages for part in split.levels if part.pages > 0)
    bars = tuple(
        Bar(
            part.level,
            max(part.pages, 0) / whole,
            signed_bound(asked.size(part.pages)),
        )
        for part in split.levels
        if part.pages
    )
    return Group(f"{split.design}: {asked.text(split.pages)}", bars)


def _levels_table(splits: Sequence[Split], asked: Asked) -> Table:
    rows = [(split, part) for split in splits for part in split.levels]

    def column(title: str, cell: Callable[[int], str], *, numeric: bool = True) -> Column:
        return Column("", title, tuple(map(cell, range(len(rows)))), 0, numeric)

    return Table(
        "",
        (
            column("design", lambda row: rows[row][0].design, numeric=False),
            column("level", lambda row: rows[row][1].level, numeric=False),
            column("items", lambda row: pages_text(rows[row][1].items)),
            column("pages", lambda row: pages_text(rows[row][1].pages)),
            column("bytes", lambda row: signed_bound(asked.size(rows[row][1].pages))),
        ),
    )


def _levels_rows(splits: Sequence[Split], asked: Asked) -> Rows:
    return Rows(
        ("host", "design", "metric", "side", "level", "items", "pages", "bytes"),
        tuple(
            (
                asked.topology.name,
                split.design,
                asked.metric,
                asked.side,
                part.level,
                part.items,
                part.pages,
                asked.size(part.pages),
            )
            for split in splits
            for part in split.levels
        ),
    )
