"""From exact numbers to charts: bounds over CPUs and batches, and where the error hides."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rssbound.bounds import DESIGNS
from rssbound.bounds.curves import over_batches, over_cpus, splits_of
from rssbound.cli.render.chart import (
    COUNT,
    DASHED,
    EXACT,
    RATE,
    SIZE,
    THIN,
    Axis,
    Bar,
    Chart,
    Group,
    Line,
    Mark,
    Panel,
    Rows,
    Segment,
    Stack,
)
from rssbound.cli.render.pareto_figure import pareto_chart
from rssbound.cli.render.sheet import Column, Table, process_words
from rssbound.cli.render.typical_figure import typical_chart
from rssbound.cli.render.units import counted, pages_text, side_bytes, signed_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rssbound.bounds import Analysis, Scenario
    from rssbound.bounds.curves import BatchCurves, CpuCurves, Curve, Split

__all__ = ("FIGURES", "Asked", "batch_chart", "cpus_chart", "levels_chart")

METRIC_WORDS = {"rss": "RSS", "oom": "the OOM score", "counter": "one counter"}
SIDE_WORDS = {"under": "too low", "over": "too high"}
PART_WORDS = {
    "core": "cores",
    "llc": "last-level caches",
    "node": "NUMA nodes",
    "package": "packages",
}
RATE_WORDS = (
    "Slow paths: updates of a process that grows page by page that reach the first level that CPUs "
    "share, and the root. At worst every update of a tree does."
)
MOST_STACKED = 12
"""More parts than this make no picture."""


class Asked:
    """What a figure is of: an analysis with the scenario it was made from, a metric and a side.

    `budget` is in bytes, for shapes of the tree; None is what the kernel's own has.
    """

    def __init__(
        self,
        analysis: Analysis,
        scenario: Scenario,
        metric: str,
        side: str,
        budget: int | None = None,
    ) -> None:
        self.analysis = analysis
        self.scenario = scenario
        self.metric = metric
        self.side = side
        self.budget = budget
        self.topology = analysis.topology
        self.page_size = analysis.scenario.page_size
        self.designs = [result.id for result in analysis.results]
        self.running = analysis.running

    @property
    def what(self) -> str:
        """What reads wrong, and which way: `RSS can read too low`."""
        metric = METRIC_WORDS[self.metric]
        return f"{metric[0].upper()}{metric[1:]} can read {SIDE_WORDS[self.side]}"

    @property
    def words(self) -> tuple[str, ...]:
        """The machine's name and the process."""
        return (f"{self.topology.name}: {process_words(self.analysis)}",)

    def size(self, pages: int) -> int:
        """Give pages in bytes."""
        return pages * self.page_size

    def text(self, pages: int | None) -> str:
        """Print one side of a bound."""
        return side_bytes(pages, self.page_size)

    def running_note(self) -> list[str]:
        """Say which design the machine's kernel uses, if it is among those asked for."""
        if self.running not in self.designs:
            return []
        return [f"Linux {self.topology.kernel} uses {self.running}."]

    def is_running(self, designs: Iterable[str]) -> bool:
        """Tell whether the running kernel's design is among these."""
        return self.running in set(designs)


# -- over CPUs


def cpus_chart(asked: Asked) -> Chart:
    """Draw the bounds of all designs over the number of CPUs, both scales logarithmic."""
    data = over_cpus(asked.topology, asked.scenario, asked.designs, asked.metric, asked.side)
    lines = [
        *_lines(data.curves, asked),
        *(_line((curve.design,), curve, asked, DASHED) for curve in data.published),
    ]
    own = tuple(asked.size(pages) for pages in data.own.values() if pages)
    mark = Mark(data.own_cpus, f"this machine: {counted(data.own_cpus, 'CPU')}", own)
    panel = Panel(
        Axis("CPUs, all online", COUNT), Axis(f"{asked.what} by", SIZE), tuple(lines), (mark,)
    )
    return Chart(
        kind="cpus",
        title=f"{asked.what}: the worst case, by number of CPUs",
        words=asked.words,
        notes=(_family_words(data), *_cpus_notes(data, asked)),
        legend=_cpus_legend(data),
        table=_cpus_table(data, asked),
        rows=_curve_rows("cpus", data.curves, asked),
        groups=_cpus_groups(data, asked),
        panels=(panel,),
    )


def _family_words(data: CpuCurves) -> str:
    parts = ", ".join(
        f"{PART_WORDS[name]} of {counted(size, 'CPU') if not place else pages_text(size)}"
        for place, (name, size) in enumerate(data.sizes)
    )
    built = f"built from this one's parts ({parts})" if parts else "in one node, each a core"
    return f"Machines of 1 to {pages_text(data.most)} CPUs {built}, all online."


def _cpus_notes(data: CpuCurves, asked: Asked) -> list[str]:
    curves = {curve.design: [pages for _, pages in curve.points] for curve in data.curves}
    return _never(curves, asked) + asked.running_note()


def _cpus_legend(data: CpuCurves) -> tuple[str, ...]:
    rings = "Rings: this machine itself, with its own CPU ids and offline CPUs."
    dashes = "Dashed, with the same markers: what the authors of a design state."
    return (*([rings] if any(data.own.values()) else []), *([dashes] if data.published else []))


def _cpus_table(data: CpuCurves, asked: Asked) -> Table:
    """Give every power of two, and this machine as the marked row."""
    counts = [1 << order for order in range(data.most.bit_length())]
    bounds = {curve.design: dict(curve.points) for curve in data.curves}
    columns = [Column("", "CPUs", ("this machine", *map(pages_text, counts)), 0)]
    for id_, pages in bounds.items():
        cells = (asked.text(data.own[id_]), *(asked.text(pages.get(count)) for count in counts))
        columns.append(Column("", id_, cells, 0))
    return Table("", tuple(columns), 0)


def _cpus_groups(data: CpuCurves, asked: Asked) -> tuple[Group, ...]:
    """Draw every fourth machine, and this one first; lengths are logarithmic."""
    counts = [1 << order for order in range(2, data.most.bit_length(), 2)]
    bounds = {curve.design: dict(curve.points) for curve in data.curves}
    most = max((pages for points in bounds.values() for pages in points.values()), default=1)
    own = f"this machine, {counted(data.own_cpus, 'CPU')} (lengths are logarithmic)"
    groups = [Group(own, _bars(data.own, most, asked))]
    for count in counts:
        at = {id_: points.get(count) for id_, points in bounds.items()}
        groups.append(Group(counted(count, "CPU"), _bars(at, most, asked)))
    return tuple(groups)


def _bars(bounds: dict[str, int | None], most: int, asked: Asked) -> tuple[Bar, ...]:
    return tuple(
        Bar(id_, _log_length(pages, most), asked.text(pages), asked.is_running([id_]))
        for id_, pages in bounds.items()
        if pages != 0
    )


# -- over batches


def batch_chart(asked: Asked) -> Chart:
    """Draw the bounds over the batch of the tree, and how often updates leave their CPU."""
    data = over_batches(asked.topology, asked.scenario, asked.designs, asked.metric, asked.side)
    constant = [
        Line(id_, tuple((x, asked.size(pages)) for x in _ends(data)), look=THIN)
        for id_, pages in data.fixed.items()
        if pages
    ]
    own = tuple(
        asked.size(pages) for curve in data.curves for x, pages in curve.points if x == data.batch
    )
    panel = Panel(
        Axis("batch of the tree, pages", COUNT),
        Axis(f"{asked.what} by", SIZE),
        (*_lines(data.curves, asked), *_joined(constant, asked)),
        (Mark(data.batch, f"batch {pages_text(data.batch)}", own),),
    )
    rates = Panel(
        Axis("batch of the tree, pages", COUNT),
        Axis("slow paths for each page", RATE),
        tuple(_rate_lines(data, asked)),
        (Mark(data.batch, ""),),
    )
    bounds = {curve.design: [pages for _, pages in curve.points] for curve in data.curves}
    bounds |= {id_: [] if pages is None else [pages] for id_, pages in data.fixed.items()}
    return Chart(
        kind="batch",
        title=f"{asked.what}: the worst case, by batch of the tree",
        words=asked.words,
        notes=(*_never(bounds, asked), RATE_WORDS, *asked.running_note()),
        table=_batch_table(data, asked),
        rows=_batch_rows(data, asked),
        groups=_batch_groups(data, asked),
        panels=(panel, rates),
    )


def _rate_lines(data: BatchCurves, asked: Asked) -> list[Line]:
    """Make a line of each rate; where a design's updates go to the root at once, one of both."""
    found: dict[object, list[tuple[str, str]]] = {}
    for rates in data.rates:
        deep = rates.root != rates.first
        found.setdefault(rates.first, []).append((rates.design, "first level" if deep else ""))
        if deep:
            found.setdefault(rates.root, []).append((rates.design, "root"))
    trees = [curve.design for curve in data.curves]
    return [_rate_line(points, names, trees, asked) for points, names in found.items()]


def _rate_line(points: Any, names: list[tuple[str, str]], trees: list[str], asked: Asked) -> Line:
    """Label a rate with its designs and, where not all of them are, with what they reach."""
    ids = [id_ for id_, _ in names]
    if len(trees) > 1 and set(trees) <= set(ids):
        ids = ["trees", *(id_ for id_ in ids if id_ not in trees)]
    level = names[0][1]
    constant = len({rate for _, rate in points}) == 1
    return Line(
        ", ".join(ids) + (f", {level}" if level else ""),
        points,
        list(DESIGNS).index(names[0][0]),
        THIN if constant else EXACT,
        asked.is_running(ids),
    )


def _batch_rows(data: BatchCurves, asked: Asked) -> Rows:
    """Give bounds with the pages between two slow paths, steady, at both ends of the path."""
    bounds = _curve_rows("batch", data.curves, asked)
    between = {
        (rates.design, batch): (str(1 / first), str(1 / root))
        for rates in data.rates
        for (batch, first), (_, root) in zip(rates.first, rates.root, strict=True)
    }
    return Rows(
        (*bounds.names, "pages_per_first", "pages_per_root"),
        tuple((*row, *between[str(row[1]), int(str(row[4]))]) for row in bounds.rows),
    )


def _ends(data: BatchCurves) -> tuple[int, int]:
    xs = [x for curve in data.curves for x, _ in curve.points] or [2, 4096]
    return min(xs), max(xs)


def _batch_table(data: BatchCurves, asked: Asked) -> Table:
    bounds = {curve.design: dict(curve.points) for curve in data.curves}
    batches = sorted({x for points in bounds.values() for x in points}) or [data.batch]
    columns = [Column("", "batch, pages", tuple(map(pages_text, batches)), 0)]
    for id_ in asked.designs:
        points = bounds.get(id_) or dict.fromkeys(batches, data.fixed.get(id_))
        columns.append(Column("", id_, tuple(asked.text(points.get(x)) for x in batches), 0))
    return Table("", tuple(columns), batches.index(data.batch))


def _batch_groups(data: BatchCurves, asked: Asked) -> tuple[Group, ...]:
    most = max((pages for curve in data.curves for _, pages in curve.points), default=1)
    groups = [
        Group(
            f"{curve.design} (lengths are logarithmic)",
            tuple(
                Bar(pages_text(x), _log_length(pages, most), asked.text(pages), x == data.batch)
                for x, pages in curve.points
            ),
        )
        for curve in data.curves
    ]
    return (*groups, Group("whatever the batch", _bars(data.fixed, most, asked)))


# -- level by level


def levels_chart(asked: Asked) -> Chart:
    """Draw what each level keeps back, as a part of the bound."""
    splits = splits_of(asked.topology, asked.scenario, asked.designs, asked.metric, asked.side)
    drawn = [split for split in splits if split.pages and not _takes_off(split)]
    return Chart(
        kind="levels",
        title=f"{asked.what}: where the error hides",
        words=asked.words,
        notes=tuple(_levels_notes(splits, asked)),
        legend=("Each bar is a design's whole bound, whose size stands at its end.",),
        table=_levels_table(splits, asked),
        rows=_levels_rows(splits, asked),
        groups=tuple(_levels_group(split, asked) for split in splits if split.pages),
        stacks=tuple(_stack(split, asked) for split in drawn),
    )


def _takes_off(split: Split) -> bool:
    return any(part.pages < 0 for part in split.parts)


def _stack(split: Split, asked: Asked) -> Stack:
    """Cut the bound into its levels; where there are too many, the uppermost are one."""
    segments = [
        Segment(part.level, part.pages, asked.text(part.pages))
        for part in split.parts
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
    notes = _never(bounds, asked)
    for split in splits:
        off = -sum(part.pages for part in split.parts if part.pages < 0)
        if off:
            notes.append(
                f"{split.design} keeps back what tree does; its bias takes {asked.text(off)} "
                f"off, {asked.text(split.pages)} are left."
            )
    return notes + asked.running_note()


def _levels_group(split: Split, asked: Asked) -> Group:
    whole = sum(part.pages for part in split.parts if part.pages > 0)
    bars = tuple(
        Bar(
            part.level,
            max(part.pages, 0) / whole,
            signed_bytes(asked.size(part.pages)),
        )
        for part in split.parts
        if part.pages
    )
    return Group(f"{split.design}: {asked.text(split.pages)}", bars)


def _levels_table(splits: Sequence[Split], asked: Asked) -> Table:
    rows = [(split, part) for split in splits for part in split.parts]

    def column(title: str, cell: Callable[[int], str], *, numeric: bool = True) -> Column:
        return Column("", title, tuple(map(cell, range(len(rows)))), 0, numeric)

    return Table(
        "",
        (
            column("design", lambda row: rows[row][0].design, numeric=False),
            column("level", lambda row: rows[row][1].level, numeric=False),
            column("items", lambda row: pages_text(rows[row][1].items)),
            column("pages", lambda row: pages_text(rows[row][1].pages)),
            column("bytes", lambda row: signed_bytes(asked.size(rows[row][1].pages))),
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
            for part in split.parts
        ),
    )


# -- what several figures have


def _lines(curves: Iterable[Curve], asked: Asked) -> list[Line]:
    """Make a line of each curve that is not 0 all along; one of those that are the same."""
    alike: dict[tuple[tuple[int, int], ...], list[str]] = {}
    for curve in curves:
        alike.setdefault(curve.points, []).append(curve.design)
    by_design = {curve.design: curve for curve in curves}
    return [
        _line(ids, by_design[ids[0]], asked, EXACT)
        for points, ids in alike.items()
        if any(pages for _, pages in points)
    ]


def _line(designs: Sequence[str], curve: Curve, asked: Asked, look: str) -> Line:
    """Make a line; a logarithmic scale has no place for 0."""
    points = tuple((x, asked.size(pages)) for x, pages in curve.points if pages)
    label = "" if look == DASHED else ", ".join(designs)
    bold = look == EXACT and asked.is_running(designs)
    return Line(label, points, list(DESIGNS).index(designs[0]), look, bold)


def _joined(lines: Iterable[Line], asked: Asked) -> list[Line]:
    """Join straight lines that lie on each other."""
    alike: dict[object, list[Line]] = {}
    for line in lines:
        alike.setdefault(line.points, []).append(line)
    return [
        replace(
            first,
            label=", ".join(ids := [first.label, *(line.label for line in more)]),
            bold=asked.is_running(ids),
        )
        for first, *more in alike.values()
    ]


def _never(bounds: dict[str, list[int]], asked: Asked) -> list[str]:
    """Name the designs that cannot be drawn: never wrong on this side, or without a bound."""
    exact = [id_ for id_, pages in bounds.items() if pages and not any(pages)]
    unbounded = [id_ for id_, pages in bounds.items() if not pages]
    notes = [f"Never {SIDE_WORDS[asked.side]}: {', '.join(exact)}."] if exact else []
    return notes + ([f"No bound: {', '.join(unbounded)}."] if unbounded else [])


def _curve_rows(name: str, curves: Iterable[Curve], asked: Asked) -> Rows:
    return Rows(
        ("host", "design", "metric", "side", name, "pages", "bytes"),
        tuple(
            (
                asked.topology.name,
                curve.design,
                asked.metric,
                asked.side,
                x,
                pages,
                asked.size(pages),
            )
            for curve in curves
            for x, pages in curve.points
        ),
    )


def _log_length(pages: int | None, most: int) -> float:
    """Give the length of a bar from 0 to 1: none for 0, all there is for no bound."""
    return 1.0 if pages is None else math.log2(pages + 1) / math.log2(max(most, pages, 1) + 1)


FIGURES: dict[str, Callable[[Asked], Chart]] = {
    "cpus": cpus_chart,
    "batch": batch_chart,
    "levels": levels_chart,
    "typical": typical_chart,
    "pareto": pareto_chart,
}
"""Kind of figure -> what makes its chart."""
