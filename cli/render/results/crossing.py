"""The numbers of CPUs at which the bounds of two designs cross, in every format. Loads sympy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.counters import SIDE_WORDS
from rssbound.bounds.symbolic.crossing import MOST_CPUS
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import NOTHING, Column, Sheet, Table
from rssbound.cli.render.units import bound_text, pages_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rssbound.bounds.symbolic.crossing import Stretch
    from rssbound.cli.render import Style

    Found = Mapping[str, Sequence[Stretch]]

__all__ = ("render",)


def render(
    ids: tuple[str, str],
    metric: str,
    values: Mapping[str, int],
    page_size: int,
    found: Found,
    format_: str,
    style: Style,
) -> str:
    """Give the ranges of N of both sides in a format."""
    return render_as(
        format_,
        style,
        sheet=lambda: _sheet(ids, metric, values, page_size, found),
        document=lambda: _document(ids, metric, values, found),
    )


def _document(
    ids: tuple[str, str], metric: str, values: Mapping[str, int], found: Found
) -> dict[str, Any]:
    return {
        "kind": "rssbound.crossing",
        "format_version": "1.0",
        "designs": list(ids),
        "metric": metric,
        "values": dict(values),
        "sides": {
            side: [
                {
                    "first": stretch.first,
                    "last": stretch.last,
                    "better": _better(ids, stretch),
                    "pages_at_first": dict(zip(ids, stretch.pages, strict=True)),
                }
                for stretch in stretches
            ]
            for side, stretches in found.items()
        },
    }


def _better(ids: tuple[str, str], stretch: Stretch) -> str | None:
    return None if not stretch.sign else ids[0] if stretch.sign < 0 else ids[1]


def _sheet(
    ids: tuple[str, str], metric: str, values: Mapping[str, int], page_size: int, found: Found
) -> Sheet:
    numbers = ", ".join(f"{name} = {value}" for name, value in values.items())
    head = f"{ids[0]} against {ids[1]}, {metric}, CPUs 0 .. N-1 with {numbers}"
    kernels = "" if "b" in values else "b is the kernel's own, max(32, 2 N). "
    foot = f"{kernels}All N up to 2^{MOST_CPUS.bit_length() - 1} were tried."
    tables = tuple(_table(ids, side, stretches, page_size) for side, stretches in found.items())
    return Sheet((head,), NOTHING, (foot,), tables)


def _table(ids: tuple[str, str], side: str, stretches: Sequence[Stretch], page_size: int) -> Table:
    sizes = [
        Column(
            "bound at first N",
            id_,
            tuple(bound_text(stretch.pages[number] * page_size) for stretch in stretches),
        )
        for number, id_ in enumerate(ids)
    ]
    return Table(
        SIDE_WORDS[side],
        (
            Column("", "N from", tuple(pages_text(stretch.first) for stretch in stretches)),
            Column("", "to", tuple(pages_text(stretch.last) for stretch in stretches)),
            Column(
                "",
                "better",
                tuple(_better(ids, stretch) or "equal" for stretch in stretches),
                numeric=False,
            ),
            *sizes,
        ),
    )
