"""Formulas for people and programs: the exact one beside the published one. Loads sympy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rssbound.bounds.formula import MEANINGS
from rssbound.bounds.growth import kernels_own
from rssbound.cli.render import render_as
from rssbound.cli.render.code import in_latex, in_text
from rssbound.cli.render.sheet import Column, Sheet, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds.formula import Formula, Piece
    from rssbound.cli.render import Style

__all__ = ("Row", "latex", "render")

METRIC_WORDS = {"counter": "one counter", "rss": "RSS", "oom": "the OOM score"}
SIDE_WORDS = {"under": "too low", "over": "too high"}


@dataclass(frozen=True)
class Row:
    """A formula, how it grows, and the limit of exact over published, None if there is none."""

    formula: Formula
    growth: str
    ratio: Any


def render(rows: Sequence[Row], host: str | None, format_: str, style: Style) -> str:
    """Give formulas in a format; of a host, or of any N CPUs."""
    if format_ == "json":
        return json.dumps(_document(rows, host), indent=2, ensure_ascii=False) + "\n"
    return render_as(_sheet(rows, host), format_, style)


def latex(formula: Formula) -> str:
    """Give a formula as a LaTeX equation, with cases where it has several pieces."""
    name = f"\\mathrm{{{formula.side}}}_{{\\text{{{formula.design}, {formula.metric}}}}}"
    if len(formula.pieces) == 1:
        return f"{name} = {_latex(formula.pieces[0])}\n"
    cases = " \\\\\n".join(
        f"{_latex(piece)} & {piece.first} \\le N \\le {piece.last}" for piece in formula.pieces
    )
    return f"{name} = \\begin{{cases}}\n{cases}\n\\end{{cases}}\n"


def _latex(piece: Piece) -> str:
    return "\\infty" if piece.pages is None else in_latex(piece.pages)


def _text(piece: Piece) -> str:
    return "no bound" if piece.pages is None else in_text(piece.pages)


# -- for programs


def _document(rows: Sequence[Row], host: str | None) -> dict[str, Any]:
    return {
        "kind": "rssbound.formula",
        "format_version": "1.0",
        "host": host,
        "symbols": {name: meaning for name, (_, meaning) in MEANINGS.items()},
        "formulas": [
            {
                "design": row.formula.design,
                "metric": row.formula.metric,
                "side": row.formula.side,
                "symbols": row.formula.symbols,
                "pieces": _pieces(row.formula.pieces),
                "growth": row.growth if host is None else None,
                "published": _published(row.formula),
                "ratio": None if row.ratio is None or host else str(row.ratio),
            }
            for row in rows
        ],
    }


def _published(formula: Formula) -> list[dict[str, Any]] | None:
    return None if formula.published is None else _pieces(formula.published)


def _pieces(pieces: Sequence[Piece]) -> list[dict[str, Any]]:
    return [
        {
            "first": piece.first,
            "last": piece.last,
            "pages": None if piece.pages is None else in_text(piece.pages),
        }
        for piece in pieces
    ]


# -- for people


def _sheet(rows: Sequence[Row], host: str | None) -> Sheet:
    metric = METRIC_WORDS.get(rows[0].formula.metric, rows[0].formula.metric)
    where = f"the CPUs of {host}" if host else "CPUs 0 .. N-1"
    columns = [
        Column("", "design", tuple(row.formula.design for row in rows), numeric=False),
        Column("", "reads", tuple(SIDE_WORDS[row.formula.side] for row in rows), numeric=False),
        Column("", "at most", tuple(_whole(row.formula.pieces) for row in rows), numeric=False),
    ]
    if host is None:
        columns += [
            Column("", "grows", tuple(row.growth for row in rows), 1, numeric=False),
            Column("", "published", tuple(_stated(row.formula) for row in rows), 2, numeric=False),
            Column("exact/", "published", tuple(map(_ratio, rows)), 2, numeric=False),
        ]
    head = f"{metric} on {where}, pages"
    tables = tuple(
        _orders(row.formula)
        for row in rows
        if len(row.formula.pieces) > 1 or len(row.formula.published or ()) > 1
    )
    return Sheet((head,), Table("", tuple(columns)), _footlines(rows, host), tables)


def _whole(pieces: Sequence[Piece]) -> str:
    """Give a formula in a line; where it has pieces, the last, to stand for all."""
    return _text(pieces[0]) if len(pieces) == 1 else "see below"


def _stated(formula: Formula) -> str:
    return "-" if formula.published is None else _whole(formula.published)


def _ratio(row: Row) -> str:
    return "-" if row.ratio is None else f"-> {row.ratio}"


def _orders(formula: Formula) -> Table:
    """Show a formula, or what is published, that depends on the order: a row for each."""
    published = formula.published or ()
    ranges = max(formula.pieces, published, key=len)
    columns = [
        Column("", "N from", tuple(f"{piece.first:,}" for piece in ranges)),
        Column("", "to", tuple(f"{piece.last:,}" for piece in ranges)),
        Column("", "at most", _along(formula.pieces, ranges), numeric=False),
    ]
    if published:
        columns.append(Column("", "published", _along(published, ranges), 1, numeric=False))
    return Table(f"{formula.design}, {SIDE_WORDS[formula.side]}", tuple(columns))


def _along(pieces: Sequence[Piece], ranges: Sequence[Piece]) -> tuple[str, ...]:
    """Give the text that holds in each range."""
    return tuple(
        next(
            _text(piece)
            for piece in pieces
            if piece.first <= own.first and (piece.last is None or own.first <= piece.last)
        )
        for own in ranges
    )


def _footlines(rows: Sequence[Row], host: str | None) -> tuple[str, ...]:
    used = [name for name in MEANINGS if any(name in row.formula.symbols for row in rows)]
    lines = [f"{name}: {MEANINGS[name][1]}." for name in used]
    if any(row.ratio is not None for row in rows) and host is None:
        lines.append(
            "exact/published: the limit as N, or T, grows; of a tree at N = 2^o, with a large B."
        )
    if "b" in used and "N" in used:
        own = next(row.formula for row in rows if "b" in row.formula.symbols)
        lines.append(
            f"With the kernel's own b, {own.design} is {in_text(kernels_own(own.pieces[0].pages))}."
        )
    return tuple(lines)
