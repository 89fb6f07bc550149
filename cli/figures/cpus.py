"""The figure `cpus`: bounds against the number of CPUs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rssbound.bounds.sweeps.cpus import over_cpus
from rssbound.cli.figures.common import bars_of, curve_rows, line_of, lines_of, never, row_of
from rssbound.cli.render.pictures.chart import (
    COUNT,
    DASHED,
    SIZE,
    Axis,
    Chart,
    Group,
    Mark,
    Panel,
    Rows,
)
from rssbound.cli.render.sheet import Column, Table
from rssbound.cli.render.units import counted, pages_text

if TYPE_CHECKING:
    from rssbound.bounds.sweeps.cpus import CpuCurves
    from rssbound.bounds.sweeps.curve import Curve
    from rssbound.cli.figures.asked import Asked
    from rssbound.cli.render.pictures.chart import Line

__all__ = ("cpus_chart",)

DOMAIN_WORDS = {
    "core": "cores",
    "llc": "last-level caches",
    "node": "NUMA nodes",
    "package": "packages",
}


def cpus_chart(asked: Asked) -> Chart:
    """Draw the bounds of all designs against the number of CPUs, with logarithmic scales."""
    data = over_cpus(asked.topology, asked.scenario, asked.designs, asked.metric, asked.side)
    lines = [
        *lines_of(data.curves, asked),
        *(_published_line(curve, data, asked) for curve in data.published),
    ]
    rings = tuple(asked.size(pages) for pages in data.host_bounds.values() if pages)
    mark = Mark(data.host_cpus, f"this machine: {counted(data.host_cpus, 'CPU')}", rings)
    panel = Panel(
        Axis("CPUs, all online", COUNT), Axis(f"{asked.what} by", SIZE), tuple(lines), (mark,)
    )
    return Chart(
        kind="cpus",
        title=f"{asked.what}: worst case by number of CPUs",
        words=asked.words("cpus"),
        notes=(_family_words(data), *_cpus_notes(data, asked)),
        legend=_cpus_legend(data),
        table=_cpus_table(data, asked),
        rows=_cpus_rows(data, asked),
        groups=_cpus_groups(data, asked),
        panels=(panel,) if lines else (),
    )


def _published_line(curve: Curve, data: CpuCurves, asked: Asked) -> Line:
    """Make the line of a published bound; labelled if the exact one is 0 and not drawn."""
    drawn = any(
        pages for exact in data.curves if exact.design == curve.design for _, pages in exact.points
    )
    line = line_of((curve.design,), curve, asked, DASHED)
    return line if drawn else replace(line, label=f"{curve.design}, published")


def _cpus_rows(data: CpuCurves, asked: Asked) -> Rows:
    """Give the points of all lines, and of this machine, which are not necessarily on a line."""
    exact = curve_rows("cpus", data.curves, asked)
    published = curve_rows("cpus", data.published, asked)
    kinds = {
        "exact": exact.rows,
        "published": published.rows,
        "this machine": [
            row_of(id_, data.host_cpus, pages, asked) for id_, pages in data.host_bounds.items()
        ],
    }
    return Rows(
        (*exact.names, "what"),
        tuple((*row, what) for what, rows in kinds.items() for row in rows),
    )


def _family_words(data: CpuCurves) -> str:
    """Describe the machines of the curves; only the first size names its unit, CPUs."""
    sizes = [counted(size, "CPU") for _, size in data.sizes[:1]]
    sizes += [pages_text(size) for _, size in data.sizes[1:]]
    domains = ", ".join(
        f"{DOMAIN_WORDS[name]} of {text}" for (name, _), text in zip(data.sizes, sizes, strict=True)
    )
    parts = f"the parts of this machine ({domains})" if domains else "single-CPU cores in one node"
    return f"Machines of 1 to {pages_text(data.most)} CPUs, all online, built from {parts}."


def _cpus_notes(data: CpuCurves, asked: Asked) -> list[str]:
    curves = {curve.design: [pages for _, pages in curve.points] for curve in data.curves}
    return never(curves, asked) + asked.running_note()


def _cpus_legend(data: CpuCurves) -> tuple[str, ...]:
    rings = "Rings: this machine, with its own CPU ids and offline CPUs."
    dashes = "Dashed lines: the figures published by the authors of a design."
    return (
        *([rings] if any(data.host_bounds.values()) else []),
        *([dashes] if data.published else []),
    )


def _cpus_table(data: CpuCurves, asked: Asked) -> Table:
    """Give every power of two, and this machine as the marked row."""
    counts = [1 << order for order in range(data.most.bit_length())]
    bounds = {curve.design: dict(curve.points) for curve in data.curves}
    columns = [Column("", "CPUs", ("this machine", *map(pages_text, counts)), 0)]
    for id_, pages in bounds.items():
        cells = (
            asked.text(data.host_bounds[id_]),
            *(asked.text(pages.get(count)) for count in counts),
        )
        columns.append(Column("", id_, cells, 0))
    return Table("", tuple(columns), 0)


def _cpus_groups(data: CpuCurves, asked: Asked) -> tuple[Group, ...]:
    """Draw this machine, then every power of four, with logarithmic bars."""
    counts = [1 << order for order in range(2, data.most.bit_length(), 2)]
    bounds = {curve.design: dict(curve.points) for curve in data.curves}
    most = max((pages for points in bounds.values() for pages in points.values()), default=1)
    title = f"this machine, {counted(data.host_cpus, 'CPU')} (logarithmic bars)"
    groups = [Group(title, bars_of(data.host_bounds, most, asked))]
    for count in counts:
        at = {id_: points.get(count) for id_, points in bounds.items()}
        groups.append(Group(counted(count, "CPU"), bars_of(at, most, asked)))
    return tuple(groups)
