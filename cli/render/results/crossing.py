"""Where the bounds of two designs cross, for people and programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rssbound.cli.render import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import bytes_text, pages_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rssbound.bounds.symbolic.crossing import Stretch
    from rssbound.cli.render import Style

    Found = Mapping[str, Sequence[Stretch]]

__all__ = ("render",)

SIDE_WORDS = {"under": "too low", "over": "too high"}


def render(
    ids: tuple[str, str],
    metric: str,
    values: Mapping[str, int],
    page_size: int,
    found: Found,
    format_: str,
    style: Style,
) -> str:
    """Give the stretches of both sides in a format."""
    if format_ == "json":
        document = _document(ids, metric, values, found)
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    settings = ", ".join(f"{name} = {value}" for name, value in values.items())
    head = f"{ids[0]} against {ids[1]}, {metric}, CPUs 0 .. N-1 with {settings}"
    own = "" if "b" in values else "b is the kernel's own, max(32, 2 N). "
    foot = f"{own}Every N up to 2^20 was tried."
    tables = tuple(_table(ids, side, own, page_size) for side, own in found.items())
    nothing = Table("", (Column("", "", ()),))
    return render_as(Sheet((head,), nothing, (foot,), tables), format_, style)


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
                    "first": own.first,
                    "last": own.last,
                    "better": _better(ids, own),
                    "pages_at_first": dict(zip(ids, own.pages, strict=True)),
                }
                for own in stretches
            ]
            for side, stretches in found.items()
        },
    }


def _better(ids: tuple[str, str], own: Stretch) -> str | None:
    return None if not own.sign else ids[0] if own.sign < 0 else ids[1]


def _table(ids: tuple[str, str], side: str, stretches: Sequence[Stretch], page_size: int) -> Table:
    sizes = [
        Column(
            "at the first",
            id_,
            tuple(bytes_text(own.pages[number] * page_size) for own in stretches),
        )
        for number, id_ in enumerate(ids)
    ]
    return Table(
        SIDE_WORDS[side],
        (
            Column("", "N from", tuple(pages_text(own.first) for own in stretches)),
            Column("", "to", tuple(pages_text(own.last) for own in stretches)),
            Column(
                "",
                "better",
                tuple(_better(ids, own) or "equal" for own in stretches),
                numeric=False,
            ),
            *sizes,
        ),
    )
