"""Two records compared, in every format; figures in bytes, null or `inf` is "no bound"."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.counters import SIDE_WORDS
from rssbound.cli.render.documents import csv_side
from rssbound.cli.render.result import render_as
from rssbound.cli.render.sheet import NOTHING, Column, Sheet, Table
from rssbound.cli.render.units import NO_BOUND, bound_text, counted, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rssbound.bounds.gate.comparison import Bound, Pair
    from rssbound.bounds.gate.record import Kernel
    from rssbound.cli.render import Style

    Kernels = tuple[Kernel | None, Kernel | None]
    # of A and of B; None if no kernel source tree was read

__all__ = ("render",)

CSV_COLUMNS = (
    "counter",
    "side",
    "host_a",
    "design_a",
    "a_bytes",
    "host_b",
    "design_b",
    "b_bytes",
)


def render(
    names: tuple[str, str], pairs: Sequence[Pair], kernels: Kernels, format_: str, style: Style
) -> str:
    """Give pairs in a format; `names` are the operands A and B as typed."""
    return render_as(
        format_,
        style,
        sheet=lambda: _sheet(names, pairs, kernels),
        document=lambda: _document(names, pairs, kernels),
        rows=lambda: (CSV_COLUMNS, _rows(pairs)),
    )


def _document(names: tuple[str, str], pairs: Sequence[Pair], kernels: Kernels) -> dict[str, Any]:
    return {
        "kind": "rssbound.comparison",
        "format_version": "1.0",
        "a": names[0],
        "b": names[1],
        "kernels": {name: _kernel(kernel) for name, kernel in zip("ab", kernels, strict=True)},
        "rows": [
            {"counter": pair.counter, "side": pair.side, "a": _bound(pair.a), "b": _bound(pair.b)}
            for pair in pairs
        ],
    }


def _bound(bound: Bound) -> dict[str, Any]:
    return {"host": bound.host, "design": bound.design, "bytes": bound.size_bytes}


def _kernel(kernel: Kernel | None) -> dict[str, Any] | None:
    if kernel is None:
        return None
    return {"design": kernel.design, "readers": dict(sorted(kernel.readers.items()))}


def _rows(pairs: Sequence[Pair]) -> Iterator[tuple[int | str, ...]]:
    for pair in pairs:
        yield pair.counter, pair.side, *_cells(pair.a), *_cells(pair.b)


def _cells(bound: Bound) -> tuple[str, str, int | str]:
    return bound.host, bound.design, csv_side(bound.size_bytes)


def _sheet(names: tuple[str, str], pairs: Sequence[Pair], kernels: Kernels) -> Sheet:
    """Lay out pairs: one table for each machine with the bounds that differ, then a count of all.

    Kernels come first: the design of each, and how their readers differ.
    """
    shown = [pair for pair in pairs if pair.a.size_bytes != pair.b.size_bytes]
    tables = tuple(_table(printable(title), list(group)) for title, group in groupby(shown, _title))
    headlines = (f"A: {names[0]}", f"B: {names[1]}", *_kernel_words(kernels))
    lines = tuple(map(printable, headlines))
    return Sheet(lines, NOTHING, (), tables, closing=(_count(pairs, shown),))


def _count(pairs: Sequence[Pair], shown: Sequence[Pair]) -> str:
    """Count the bounds that are better, worse and equal."""
    worse = sum(_relation(pair).endswith("worse") for pair in shown)
    equal = len(pairs) - len(shown)
    counts = (f"{worse} worse in B", f"{len(shown) - worse} better in B", f"{equal} equal")
    return f"{counted(len(pairs), 'bound')}: {', '.join(counts)}."


def _kernel_words(kernels: Kernels) -> tuple[str, ...]:
    """Name the designs of two kernels, and the readers that differ."""
    a, b = kernels
    if a is None or b is None:
        return ()
    designs = f"A uses {a.design} for RSS, B uses {b.design}."
    if a.design == b.design:
        designs = f"Both use {a.design} for RSS."
    changed = {
        accuracy: [
            name
            for name, now in b.readers.items()
            if now == accuracy != a.readers.get(name, accuracy)
        ]
        for accuracy in sorted(set(b.readers.values()))
    }
    readers = [
        f"{accuracy.capitalize()} only in B: {', '.join(names)}."
        for accuracy, names in changed.items()
        if names
    ]
    return (designs, *readers)


def _title(pair: Pair) -> str:
    return f"{_hosts(pair)}: the designs that the kernels use" if pair.in_use else _hosts(pair)


def _hosts(pair: Pair) -> str:
    return pair.a.host if pair.a.host == pair.b.host else f"A: {pair.a.host}, B: {pair.b.host}"


def _table(title: str, pairs: Sequence[Pair]) -> Table:
    def column(name: str, cell: Callable[[Pair], str], *, numeric: bool = True) -> Column:
        return Column("", name, tuple(map(cell, pairs)), numeric=numeric)

    return Table(
        title,
        (
            column("design", _designs, numeric=False),
            column("reads", lambda pair: pair.counter, numeric=False),
            column("", lambda pair: SIDE_WORDS[pair.side], numeric=False),
            column("A", lambda pair: _size(pair.a)),
            column("B", lambda pair: _size(pair.b)),
            column("B is", _relation, numeric=False),
        ),
    )


def _designs(pair: Pair) -> str:
    a, b = pair.a.design, pair.b.design
    return a if a == b else f"{a}, {b}"


def _size(bound: Bound) -> str:
    return NO_BOUND if bound.size_bytes is None else bound_text(bound.size_bytes)


def _relation(pair: Pair) -> str:
    """Compare B with A, as a factor if both have a bound and neither is 0."""
    a, b = pair.a.size_bytes, pair.b.size_bytes
    if a == b:
        return "equal"
    if not a or b is None or not b:
        return "worse" if b is None or (a is not None and b > a) else "better"
    return f"{_factor(max(a, b) / min(a, b))} x {'worse' if b > a else 'better'}"


def _factor(factor: float) -> str:
    """Print a factor of at least 1 with three digits, or all digits of its whole part."""
    decimals = max(0, 2 - (len(f"{factor:.0f}") - 1))
    return f"{factor:,.{decimals}f}"
