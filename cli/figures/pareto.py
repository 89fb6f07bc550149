"""The figure `pareto`: all possible shapes of the tree, bound against updates of the root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.choosing.batch import Goal, Machine
from rssbound.bounds.choosing.pareto import front_of
from rssbound.bounds.choosing.shapes import GROUPINGS, shapes_of
from rssbound.bounds.designs import tree
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.cli.render.pictures.chart import (
    LINEAR,
    RATE,
    Axis,
    Bar,
    Chart,
    Group,
    Panel,
    Rows,
    Spot,
)
from rssbound.cli.render.results.shapes import (
    front_table,
    grouping_text,
    shape_lines,
    shape_text,
)
from rssbound.cli.render.units import bound_text

if TYPE_CHECKING:
    from fractions import Fraction

    from rssbound.bounds.choosing.shapes import Fitted, Shapes
    from rssbound.cli.figures.asked import Asked

__all__ = ("pareto_chart",)

DESIGN = tree.DESIGN
SHORT = {"modulo": "mod", "consecutive": ">>", "hardware": "hw"}
COLUMNS = (
    *("host", "metric", "side", "fan_ins", "grouping", "items_by", "kernel", "on_front", "batch"),
    *("bound_pages", "pages_per_root", "sharers", "memory_bytes"),
)
MOST_LABELS = 8
MOST_BARS = 30
MARKER_WORDS = (
    "Filled markers: shapes on the Pareto front of bound, root updates, sharers and memory. "
    "Circles group CPUs by cpu mod 2^k, as the kernel does; squares by cpu >> k; diamonds by the "
    "hardware. Labels: the best in bound and root updates, and any that beats the kernel's shape."
)


def pareto_chart(asked: Asked) -> Chart:
    """Draw each shape with the largest batch that fits; the kernel's shape is marked."""
    parameters = parameters_of(asked.topology, asked.analysis.scenario)
    host = Machine(asked.topology.name, parameters, asked.page_size)
    present = Goal(DESIGN, asked.metric, asked.side, 0).bytes_of(host)
    budget = present if asked.budget is None else asked.budget
    goal = Goal(DESIGN, asked.metric, asked.side, budget)
    shapes = shapes_of(goal, parameters, asked.topology, asked.page_size)
    batch = asked.analysis.scenario.batch
    size = bound_text(budget)
    as_now = f", the bound of the kernel's shape with batch {batch}" if asked.budget is None else ""
    return Chart(
        kind="pareto",
        title=f"{asked.what}: shapes of the tree" + (f" within {size}" if shapes.fitted else ""),
        words=asked.words("batch"),
        notes=(
            f"Each shape has the largest batch whose bound fits {size}{as_now}.",
            *shape_lines(shapes),
        ),
        table=front_table(shapes, asked.page_size),
        rows=_rows(shapes, asked),
        groups=(_group(shapes, asked),) if shapes.front else (),
        legend=(MARKER_WORDS,) if shapes.fitted else (),
        panels=(_panel(shapes, asked),) if shapes.fitted else (),
    )


def _panel(shapes: Shapes, asked: Asked) -> Panel:
    labels = _labels(shapes)
    front = set(map(id, shapes.front))
    spots: dict[tuple[Fraction, int, str, bool], Spot] = {}
    for fitted in shapes.fitted:
        strong = id(fitted) in front
        point = (fitted.root_rate, fitted.bound_pages, fitted.shape.grouping, strong)
        if point not in spots or id(fitted) in labels:
            spots[point] = Spot(
                fitted.root_rate,
                asked.size(fitted.bound_pages),
                list(GROUPINGS).index(fitted.shape.grouping),
                strong,
                labels.get(id(fitted), ""),
                fitted.shape.kernel,
            )
    return Panel(
        Axis("updates of the root per page", RATE),
        Axis(f"{asked.what} by", LINEAR),
        (),
        spots=tuple(spots.values()),
    )


def _labels(shapes: Shapes) -> dict[int, str]:
    """Label the kernel's shape, and those that are best in bound and root updates.

    Shapes with the same bound and updates share a label.
    """
    best = front_of(shapes.front, lambda fitted: (fitted.bound_pages, fitted.root_rate))
    alike: dict[tuple[int, Fraction], list[Fitted]] = {}
    for fitted in best:
        alike.setdefault((fitted.bound_pages, fitted.root_rate), []).append(fitted)
    labels = {id(same[0]): _name(same) for same in list(alike.values())[:MOST_LABELS]}
    if shapes.better:
        labels.setdefault(id(shapes.better), _name([shapes.better]))
    if shapes.kernel:
        labels[id(shapes.kernel)] = f"kernel: {shape_text(shapes.kernel)}"
    return labels


def _name(alike: list[Fitted]) -> str:
    first = alike[0]
    groupings = [
        SHORT[fitted.shape.grouping]
        for fitted in alike
        if fitted.shape.fan_ins == first.shape.fan_ins
    ]
    return f"{shape_text(first)} {', '.join(dict.fromkeys(groupings))}, batch {first.batch}"


def _group(shapes: Shapes, asked: Asked) -> Group:
    most = max(fitted.bound_pages for fitted in (*shapes.front, *_kernels(shapes)))
    rows = [*shapes.front[:MOST_BARS], *_kernels(shapes)]
    return Group(
        "bound and root updates per page, sorted by bound",
        tuple(
            Bar(
                f"{shape_text(fitted)} {SHORT[fitted.shape.grouping]}, batch {fitted.batch}",
                fitted.bound_pages / most,
                f"{asked.text(fitted.bound_pages)}  {fitted.root_rate}",
                fitted.shape.kernel,
            )
            for fitted in rows
        ),
    )


def _kernels(shapes: Shapes) -> list[Fitted]:
    """Give the kernel's shape if it is not on the front."""
    return [shapes.kernel] if shapes.kernel and shapes.better else []


def _rows(shapes: Shapes, asked: Asked) -> Rows:
    front = set(map(id, shapes.front))
    return Rows(
        COLUMNS,
        tuple(
            (
                *(asked.topology.name, asked.metric, asked.side),
                *(shape_text(fitted), fitted.shape.grouping, grouping_text(fitted)),
                *(int(fitted.shape.kernel), int(id(fitted) in front), fitted.batch),
                *(
                    fitted.bound_pages,
                    str(1 / fitted.root_rate),
                    fitted.sharers,
                    fitted.memory_bytes,
                ),
            )
            for fitted in shapes.fitted
        ),
    )
