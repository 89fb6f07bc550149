"""Formulas in every format: the exact one and the published one. Loads sympy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.counters import SIDE_WORDS
from rssbound.bounds.symbolic.formula import EVERY_MEANING, MEANINGS
from rssbound.bounds.symbolic.growth import kernels_own
from rssbound.cli.render.code.formula import cases_in_text, in_latex, in_text
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import NO_BOUND
from rssbound.cli.render.words import METRIC_WORDS
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds.symbolic.formula import Formula, Piece
    from rssbound.cli.render import Style

__all__ = ("Machine", "Row", "latex", "render")

SEE = "see below"
MOST_LETTERS, MOST_LETTERS_ALONE = 24, 52
"""Width of a formula in a table of 80 columns, with and without other columns."""


@dataclass(frozen=True)
class Row:
    """A formula, how it grows, and the limit of exact over published, None if there is none."""

    formula: Formula
    growth: str
    ratio: Any


@dataclass(frozen=True)
class Machine:
    """The machine of the formulas: its online CPUs, and its percpu_counter_batch in pages."""

    name: str
    online: int
    percpu_batch: int


def render(rows: Sequence[Row], machine: Machine | None, format_: str, style: Style) -> str:
    """Give formulas in a format; of a machine, or of any N CPUs."""
    return render_as(
        format_,
        style,
        sheet=lambda: _sheet(rows, machine),
        document=lambda: _document(rows, machine),
    )


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
    return NO_BOUND if piece.pages is None else in_text(piece.pages)


# -- for programs


def _document(rows: Sequence[Row], machine: Machine | None) -> dict[str, Any]:
    return {
        "kind": "rssbound.formula",
        "format_version": "1.0",
        "host": None if machine is None else machine.name,
        "symbols": {
            name: _meaning(name, machine)
            for name in EVERY_MEANING
            if name in MEANINGS or any(name in row.formula.symbols for row in rows)
        },
        "formulas": [
            {
                "design": row.formula.design,
                "metric": row.formula.metric,
                "side": row.formula.side,
                "symbols": row.formula.symbols,
                "pieces": _pieces(row.formula.pieces),
                "growth": row.growth if machine is None else None,
                "published": _published(row.formula),
                "ratio": None if row.ratio is None or machine else str(row.ratio),
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


def _sheet(rows: Sequence[Row], machine: Machine | None) -> Sheet:
    metric = METRIC_WORDS.get(rows[0].formula.metric, rows[0].formula.metric)
    where = f"the CPUs of {machine.name}" if machine else "CPUs 0 .. N-1"
    letters = MOST_LETTERS if machine is None else MOST_LETTERS_ALONE
    exact = tuple(_cell(row.formula.pieces, letters) for row in rows)
    columns = [
        Column("", "design", tuple(row.formula.design for row in rows), numeric=False),
        Column("", "reads", tuple(SIDE_WORDS[row.formula.side] for row in rows), numeric=False),
        Column("", "at most", exact, numeric=False),
    ]
    published: tuple[str, ...] = ()
    if machine is None:
        published = tuple(_cell(row.formula.published, letters) for row in rows)
        columns += [
            Column("", "grows", tuple(row.growth for row in rows), 1, numeric=False),
            Column("", "published", published, 2, numeric=False),
            Column("", "ratio", tuple(map(_ratio, rows)), 2, numeric=False),
        ]
    head = f"{metric} on {where}, pages"
    tables = tuple(
        _orders(row.formula, with_published=machine is None)
        for row, *cells in zip(rows, exact, published or exact, strict=True)
        if SEE in cells
    )
    return Sheet((head,), Table("", tuple(columns)), _footlines(rows, machine), tables)


def _cell(pieces: Sequence[Piece] | None, letters: int) -> str:
    """Give a formula, or a reference to its own table if it has pieces or is too long."""
    if pieces is None:
        return "-"
    text = _text(pieces[0])
    return text if len(pieces) == 1 and len(text) <= letters else SEE


def _ratio(row: Row) -> str:
    return "-" if row.ratio is None else f"-> {row.ratio}"


def _orders(formula: Formula, *, with_published: bool) -> Table:
    """Show a formula and the published one, with a row for each order that they depend on."""
    title = f"{formula.design}, {SIDE_WORDS[formula.side]}"
    published = (formula.published or ()) if with_published else ()
    ranges = max(formula.pieces, published, key=len)
    if len(ranges) == 1:
        cases = cases_in_text(formula.pieces[0].pages)
        return Table(title, (Column("", "at most", cases, numeric=False),))
    columns = [
        Column("", "N from", tuple(f"{piece.first:,}" for piece in ranges)),
        Column("", "to", tuple(f"{piece.last:,}" for piece in ranges)),
        Column("", "at most", _along(formula.pieces, ranges), numeric=False),
    ]
    if published:
        columns.append(Column("", "published", _along(published, ranges), 1, numeric=False))
    return Table(title, tuple(columns))


def _along(pieces: Sequence[Piece], ranges: Sequence[Piece]) -> tuple[str, ...]:
    """Give the formula that holds in each range."""
    return tuple(
        next(
            _text(piece)
            for piece in pieces
            if piece.first <= span.first and (piece.last is None or span.first <= piece.last)
        )
        for span in ranges
    )


def _meaning(name: str, machine: Machine | None) -> str:
    """Give the meaning of a symbol; for b, also the kernel's value."""
    meaning = EVERY_MEANING[name][1]
    if name != "b":
        return meaning
    if machine is None:
        return f"{meaning}; the kernel's is max(32, 2 N)"
    return f"{meaning}; the kernel's is {machine.percpu_batch} with {machine.online} CPUs online"


def _footlines(rows: Sequence[Row], machine: Machine | None) -> tuple[str, ...]:
    used = [name for name in EVERY_MEANING if any(name in row.formula.symbols for row in rows)]
    lines = [f"{name}: {_meaning(name, machine)}." for name in used]
    if machine is None and any(row.growth != "O(1)" for row in rows):
        lines.append("grows: with N, or with T if the formula has no N; other symbols are fixed.")
    if any(row.ratio is not None for row in rows) and machine is None:
        lines.append(
            "ratio: limit of exact / published as N (or T) grows; for a tree with N = 2^o and "
            "large B."
        )
    if "b" in used and "N" in used:
        formula = next(row.formula for row in rows if "b" in row.formula.symbols)
        pages = in_text(kernels_own(formula.pieces[0].pages))
        lines.append(f"With the kernel's own b, {formula.design} is {pages}.")
    return tuple(lines)
