"""For which numbers of CPUs one design's bound is smaller than another's. Loads sympy.

The machines are those of symbolic/formula.py, with CPUs 0 .. N-1. Every N up to 2^20 is tried,
because the formulas jump at powers of two and have steps, so the roots of their difference are not
enough. Where the order changes, both bounds are evaluated again with integers, by the designs
themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy

from rssbound.bounds.scenario.parameters import MOST_ORDER
from rssbound.bounds.scenario.scenario import percpu_counter_batch
from rssbound.bounds.symbolic.formula import formula_of, general, symbol
from rssbound.bounds.symbolic.growth import kernels_own
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.symbolic.formula import Formula

__all__ = ("MOST_CPUS", "Stretch", "stretches_of")

MOST_CPUS = 1 << MOST_ORDER


@dataclass(frozen=True)
class Stretch:
    """The bounds compare in the same way from `first` to `last` CPUs inclusive.

    `sign` is that of the first bound minus the second; `pages` are both bounds at `first` CPUs.
    """

    first: int
    last: int
    sign: int
    pages: tuple[int, int]


def stretches_of(
    designs: tuple[Design, Design], metric: str, side: str, values: Mapping[str, int]
) -> tuple[Stretch, ...]:
    """Compare one side of a metric of two designs for N = 1 .. 2^20.

    `values` are numbers for the symbols B, T, F, M, S and, if it is not the kernel's, b.
    AssertionError if a formula and a design's integers differ at a change.
    """
    functions = [_function(formula_of(design, metric, side), values) for design in designs]
    found: list[Stretch] = []
    for first, last, sign in _runs(*functions):
        pages = tuple(_with_integers(design, metric, side, values, first) for design in designs)
        if pages != tuple(function(first) for function in functions):
            raise AssertionError(f"the formulas and the integers differ at {first} CPUs")
        found.append(Stretch(first, last, sign, (pages[0], pages[1])))
    return tuple(found)


def _runs(a: Callable[[int], int], b: Callable[[int], int]) -> Iterator[tuple[int, int, int]]:
    """Yield first N, last N and the sign of a - b for each run of N with one sign."""
    first, before = 1, _sign(a(1) - b(1))
    for n in range(2, MOST_CPUS + 1):
        now = _sign(a(n) - b(n))
        if now != before:
            yield first, n - 1, before
            first, before = n, now
    yield first, MOST_CPUS, before


def _sign(difference: int) -> int:
    return (difference > 0) - (difference < 0)


def _function(formula: Formula, values: Mapping[str, int]) -> Callable[[int], int]:
    """Turn a formula into a function of N."""
    pieces = [(piece.last or MOST_CPUS, _of_n(piece.pages, values)) for piece in formula.pieces]
    if len(pieces) == 1:
        return pieces[0][1]
    by_order = [function for _, function in _per_order(pieces)]
    return lambda n: by_order[(n - 1).bit_length()](n)


def _per_order(
    pieces: list[tuple[int, Callable[[int], int]]],
) -> Iterator[tuple[int, Callable[[int], int]]]:
    """Give the function of each order; one piece can hold for several."""
    for order in range(MOST_CPUS.bit_length()):
        yield order, next(function for last, function in pieces if 1 << order <= last)


def _of_n(pages: Any, values: Mapping[str, int]) -> Callable[[int], int]:
    numbers: dict[Any, Any] = {symbol(name): value for name, value in values.items()}
    numbers[symbol("M")] = sympy.Min(values["M"], symbol("N"))  # each item has a CPU
    of_n = kernels_own(sympy.sympify(pages).subs(numbers))
    function: Callable[[int], int] = sympy.lambdify([symbol("N")], of_n, "math")
    return function


def _with_integers(
    design: Design, metric: str, side: str, values: Mapping[str, int], cpus: int
) -> int:
    """Evaluate one side with integers."""
    machine = general((cpus - 1).bit_length()).on_machine(cpus, min(values["M"], cpus))
    parameters = machine.having(
        threads=values["T"],
        batch=values["B"],
        percpu_batch=values.get("b", percpu_counter_batch(cpus)),
        fault_pages=values["F"],
        nodes_shift=values["S"],
    )
    pages: int = getattr(design.worst(parameters, metric), side)
    return pages
