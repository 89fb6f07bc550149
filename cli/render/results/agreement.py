"""Agreements: every bound computed in five or six ways, case by case or counted by design."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.theorems import can_prove
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import counted, pages_text
from rssbound.extras import how_to_install

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rssbound.bounds.proof.agreement import Agreement
    from rssbound.cli.render import Style

__all__ = ("render",)

SIX = "six"


def render(
    agreements: Sequence[Agreement], title: str, format_: str, style: Style, *, summed: bool
) -> str:
    """Give agreements in a format: one row for each, or with `summed` a count by design.

    `title` names the machines of the bounds.
    """
    lay_out = _summary if summed else _sheet
    tick = "✓" if style.encoding.lower().startswith("utf") else "ok"
    return render_as(
        format_,
        style,
        sheet=lambda: lay_out(agreements, title, tick),
        document=lambda: _document(agreements),
    )


def _document(agreements: Iterable[Agreement]) -> dict[str, Any]:
    return {
        "kind": "rssbound.verification",
        "format_version": "1.1",
        "agreements": [
            {
                "host": agreement.host,
                "design": agreement.design,
                "side": agreement.side,
                "number": agreement.number,
                "formula": agreement.formula,
                "witness": agreement.witness,
                "searched": agreement.searched,
                "theorem": agreement.theorem,
                "executed": agreement.executed,
                "holds": agreement.holds,
            }
            for agreement in agreements
        ],
    }


# -- for people


def _sheet(agreements: Sequence[Agreement], title: str, tick: str) -> Sheet:
    def column(name: str, *, numeric: bool = True) -> Column:
        cells = (_cell(getattr(agreement, name)) for agreement in agreements)
        return Column("", name, tuple(cells), 0, numeric)

    columns = (
        column("design", numeric=False),
        column("side", numeric=False),
        column("number"),
        column("formula"),
        column("witness"),
        column("searched"),
        column("theorem", numeric=False),
        *([column("executed")] if _ways(agreements) == SIX else []),
        Column(
            "", "", tuple(_mark([agreement], tick) for agreement in agreements), 0, numeric=False
        ),
    )
    ways = f"computed in {_ways(agreements)} ways"
    heads = (f"{title}: the bound of one counter, in pages, {ways}",)
    return Sheet(heads, Table("", columns), _footlines(agreements))


def _summary(agreements: Sequence[Agreement], title: str, tick: str) -> Sheet:
    """Count by design; each case that differs gets its own line."""
    by_design: dict[str, list[Agreement]] = {}
    for agreement in agreements:
        by_design.setdefault(agreement.design, []).append(agreement)
    groups = by_design.values()
    columns = (
        Column("", "design", tuple(by_design), 0, numeric=False),
        Column("", "bounds", tuple(pages_text(len(group)) for group in groups)),
        Column("", "searched", tuple(_count(group, "searched") for group in groups)),
        Column("", "theorem", tuple(_count(group, "theorem") for group in groups)),
        Column("", "agree", tuple(pages_text(_holding(group)) for group in groups)),
        Column("", "", tuple(_mark(group, tick) for group in groups), numeric=False),
    )
    heads = (f"{title}: the bound of one counter, computed in {_ways(agreements)} ways",)
    return Sheet(heads, Table("", columns), _footlines(agreements))


def _footlines(agreements: Sequence[Agreement]) -> tuple[str, ...]:
    lines = [_difference(agreement) for agreement in agreements if not agreement.holds]
    if not can_prove():
        lines.append(f"theorem: not checked, z3 is not installed: {how_to_install('z3-solver')}")
    count = counted(_holding(agreements), "bound")
    return (*lines, f"{count} of {pages_text(len(agreements))} agree.")


def _mark(agreements: Iterable[Agreement], tick: str) -> str:
    return tick if all(agreement.holds for agreement in agreements) else "DIFFERS"


def _difference(agreement: Agreement) -> str:
    return (
        f"DIFFERS: {agreement.design} {agreement.side} on {agreement.host}: number "
        f"{agreement.number}, formula {agreement.formula}, witness {agreement.witness}, searched "
        f"{_cell(agreement.searched)}, theorem {_cell(agreement.theorem)}"
        + (f", executed {agreement.executed}" if agreement.executed is not None else "")
    )


def _ways(agreements: Sequence[Agreement]) -> str:
    """Count the ways; the sixth exists if a kernel source tree was run."""
    return SIX if any(agreement.executed is not None for agreement in agreements) else "five"


def _holding(agreements: Iterable[Agreement]) -> int:
    return sum(agreement.holds for agreement in agreements)


def _count(agreements: Iterable[Agreement], way: str) -> str:
    return pages_text(sum(getattr(agreement, way) is not None for agreement in agreements))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "proved" if value else "REFUTED"
    return pages_text(value) if isinstance(value, int) else str(value)
