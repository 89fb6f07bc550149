"""The possible shapes of a tree compared with the kernel's own, in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds.hardware.locality import DOMAINS
from rssbound.cli.render.results.spans import span_columns
from rssbound.cli.render.sheet import Column, Table
from rssbound.cli.render.units import bound_text, bytes_text, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from fractions import Fraction

    from rssbound.bounds.choosing.shapes import Fitted, Shapes
    from rssbound.bounds.hardware.locality import Span

__all__ = (
    "SHAPE_COLUMNS",
    "front_table",
    "grouping_text",
    "rate_document",
    "shape_lines",
    "shape_rows",
    "shape_text",
    "shapes_document",
)

MOST_ROWS = 30
"""Number of shapes of the Pareto front in the table."""

SHAPE_COLUMNS = (
    *("fan_ins", "grouping", "kernel", "on_front", "batch", "bound_pages", "pages_per_root"),
    *("sharers", "memory_bytes", "boot_parameter"),
)


# -- for programs


def shapes_document(shapes: Shapes) -> list[dict[str, Any]]:
    """Give every shape as JSON; the shapes of the front with the domains that their items span."""
    front = set(map(id, shapes.front))
    return [
        {
            "fan_ins": list(fitted.shape.fan_ins),
            "grouping": fitted.shape.grouping,
            "kernel": fitted.shape.kernel,
            "on_front": id(fitted) in front,
            "batch": fitted.batch,
            "bound_pages": fitted.bound_pages,
            "root_rate": rate_document(fitted.root_rate),
            "sharers": fitted.sharers,
            "memory_bytes": fitted.memory_bytes,
            "boot_parameter": fitted.shape.boot_parameter,
            **({"levels": _levels(fitted)} if id(fitted) in front or fitted.shape.kernel else {}),
        }
        for fitted in shapes.fitted
    ]


def rate_document(rate: Fraction) -> dict[str, int]:
    """Give a rate as a number of updates per number of pages, exact unlike a float."""
    return {"updates": rate.numerator, "pages": rate.denominator}


def shape_rows(shapes: Shapes) -> Iterator[tuple[object, ...]]:
    """Give a row of SHAPE_COLUMNS for every shape."""
    front = set(map(id, shapes.front))
    for fitted in shapes.fitted:
        yield (
            *(shape_text(fitted), fitted.shape.grouping, int(fitted.shape.kernel)),
            *(int(id(fitted) in front), fitted.batch, fitted.bound_pages, 1 / fitted.root_rate),
            *(fitted.sharers, fitted.memory_bytes, fitted.shape.boot_parameter or ""),
        )


# -- for people


def shape_lines(shapes: Shapes) -> list[str]:
    """Count the shapes that fit, and say whether the kernel's own is on the Pareto front."""
    if not shapes.fitted:
        return [
            "There is no shape to compare: the counter is exact, or no batch of any shape fits."
        ]
    kernel, better = shapes.kernel, shapes.better
    number = len(shapes.fitted)
    fit = "fits" if number == 1 else "fit"
    count = f"{counted(number, 'shape')} {fit}, {len(shapes.front)} on the Pareto front"
    if kernel is None:
        verdict = "no batch of the kernel's own shape fits"
    elif better is None:
        verdict = f"the kernel's own shape ({shape_text(kernel)}) is on it"
    else:
        verdict = (
            f"the kernel's own shape ({shape_text(kernel)} by cpu mod 2^k) is not: "
            f"{shape_text(better)} by {grouping_text(better)} with batch {better.batch} is at "
            "least as good in every figure and better in some"
        )
    lines = [f"{count}; {verdict}."]
    advised = shapes.recommended
    if advised:
        lines.append(
            "For a kernel whose shape is set at boot (tree-symmetric): "
            f"{advised.shape.boot_parameter}, with batch {advised.batch}."
        )
    shown = set(map(id, _shown(shapes)))
    hidden = sum(id(fitted) not in shown for fitted in shapes.front)
    if hidden:
        are = "is" if hidden == 1 else "are"
        lines.append(f"{hidden} of them {are} not shown; --format json lists all.")
    return lines


def _shown(shapes: Shapes) -> list[Fitted]:
    """Give the rows of the table: the first shapes of the front, and the kernel's shape."""
    rows = list(shapes.front[:MOST_ROWS])
    if shapes.kernel and shapes.kernel not in rows:
        rows.append(shapes.kernel)
    return rows


def front_table(shapes: Shapes, page_size: int) -> Table:
    """Show the front and the kernel's shape; page size in bytes."""
    rows = _shown(shapes)
    marked = rows.index(shapes.kernel) if shapes.kernel else None

    def column(
        group: str, title: str, rank: int, cell: Callable[[Fitted], str], *, numeric: bool = True
    ) -> Column:
        return Column(group, title, tuple(map(cell, rows)), rank, numeric)

    spans = [row.spans[0] if row.spans else None for row in rows]
    return Table(
        "Pareto front of bound, root updates, sharers and memory; > marks the kernel's shape",
        (
            column("", "fan-ins", 0, shape_text, numeric=False),
            column("", "items by", 1, grouping_text, numeric=False),
            column("", "batch", 0, lambda fitted: str(fitted.batch)),
            column("", "bound", 0, lambda fitted: bound_text(fitted.bound_pages * page_size)),
            column("root updates", "per page", 0, lambda fitted: str(fitted.root_rate)),
            column("", "sharers", 0, lambda fitted: str(fitted.sharers)),
            column("", "memory", 0, lambda fitted: bytes_text(fitted.memory_bytes)),
            *span_columns("a level 1 item spans", spans),
        ),
        marked,
    )


def shape_text(fitted: Fitted) -> str:
    """Print fan-ins: `8x8x8`."""
    return "x".join(map(str, fitted.shape.fan_ins))


def grouping_text(fitted: Fitted) -> str:
    """Name the rule by which CPUs share an item."""
    if fitted.shape.grouping == "hardware":
        return "+".join(items.name for items in fitted.shape.items)
    return {"modulo": "cpu mod 2^k", "consecutive": "cpu >> k"}[fitted.shape.grouping]


def _levels(fitted: Fitted) -> list[dict[str, Any]]:
    """Give what the items of each level span, as JSON."""
    return [
        {
            "name": items.name,
            "items": items.used,
            **{domain: _pair(span, domain) for domain in DOMAINS},
        }
        for items, span in zip(fitted.shape.items, fitted.spans, strict=True)
    ]


def _pair(span: Span | None, domain: str) -> list[int] | None:
    found = span.domains[domain] if span else None
    return None if found is None else list(found)
