"""How a formula grows, and the limit of its ratio to the published bound. Loads sympy.

A formula of one piece: the p for which formula / x^p has a limit that is neither 0 nor infinite.

A tree: each level above the CPUs holds 2^o B (1 - 1/fan-in) pages at N = 2^o, between N B / 2 and N
B, so the bound is of the order of N times the number of levels; how that grows with o = log2 N is
read from the orders 0 .. 20, which are all that exist.
"""

from __future__ import annotations

from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

import sympy

from rssbound.bounds.counter.counters import TYPICAL
from rssbound.bounds.scenario.parameters import MOST_ORDER
from rssbound.bounds.scenario.scenario import percpu_counter_batch
from rssbound.bounds.symbolic.formula import general, symbol

if TYPE_CHECKING:
    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.symbolic.formula import Formula, Piece

__all__ = ("growth_of", "kernels_own", "ratio_of")

FAR = 1 << 21
"""A number of CPUs beyond all orders, where max(32, 2 N) is 2 N."""

FIXED_SHIFT = 10
"""NODES_SHIFT is a constant of a kernel; its value does not change how a bound grows."""


def kernels_own(pages: Any) -> Any:
    """Substitute the kernel's own batch of percpu counters, max(32, 2 N)."""
    return sympy.sympify(pages).subs(symbol("b"), percpu_counter_batch(symbol("N")))


def growth_of(design: Design, formula: Formula) -> str:
    """Give the growth of a formula, such as O(N^2), in N or, if it has no N, in T."""
    if len(formula.pieces) > 1:
        levels = [len(design.levels(general(order), (TYPICAL,))) for order in range(MOST_ORDER + 1)]
        return "O(N log N)" if _keeps_growing(levels) else "O(N)"
    pages = kernels_own(next(piece.pages for piece in formula.pieces))
    names = [str(variable) for variable in pages.free_symbols]
    name = next((name for name in ("N", "T") if name in names), None)
    if name is None:
        return "O(1)"
    return _order_of(_far_out(pages, name), name)


def _keeps_growing(counts: list[int]) -> bool:
    """Return whether a count grows by the same amount from each order to the next."""
    steps = [after - before for before, after in pairwise(counts[-6:])]
    return min(steps) > 0


def _far_out(pages: Any, name: str) -> Any:
    """Give a formula's smooth form beyond FAR, for several threads.

    Rounding to an integer does not matter there and is dropped.
    """
    pages = pages.replace(sympy.Piecewise, lambda *cases: cases[-1][0])
    variable = symbol(name)
    far = pages.subs(symbol("S"), FIXED_SHIFT).subs(variable, variable + FAR * 2**FIXED_SHIFT)
    if not far.has(sympy.log):
        return far
    smooth = far.replace(sympy.ceiling, lambda rounded: rounded)
    return smooth.replace(sympy.Max, _largest_far_out)


def _largest_far_out(*values: Any) -> Any:
    """Give the value that is the largest when all symbols are large."""
    return max(values, key=lambda value: value.subs(dict.fromkeys(value.free_symbols, 1 << 99)))


def _order_of(pages: Any, name: str) -> str:
    variable = symbol(name)
    power = next(
        power
        for power in count()
        if sympy.limit(pages / variable**power, variable, sympy.oo).is_finite
    )
    logarithm = ""
    if power and sympy.limit(pages / variable**power, variable, sympy.oo) == 0:
        power, logarithm = power - 1, f" log {name}"
    factor = "" if not power else name if power == 1 else f"{name}^{power}"
    return f"O({factor}{logarithm})".replace("( ", "(") if factor or logarithm else "O(1)"


def ratio_of(formula: Formula) -> Any:
    """Give the limit of exact over published as N, or T, grows; None if no bound is published.

    For a tree: at N = 2^o with a large batch, as o grows; if both converge, the last order's ratio.
    """
    if formula.published is None:
        return None
    if len(formula.pieces) == len(formula.published) == 1:
        return _limit(formula.pieces[0].pages, formula.published[0].pages)
    return _tree_limit(formula)


def _limit(exact: Any, published: Any) -> Any:
    exact, published = kernels_own(exact), kernels_own(published)
    if published == 0:
        return None
    names = {str(variable) for variable in exact.free_symbols | published.free_symbols}
    name = "N" if "N" in names else "T"
    ratio = _far_out(exact, name) / _far_out(published, name)
    return sympy.simplify(sympy.limit(ratio, symbol(name), sympy.oo))


def _tree_limit(formula: Formula) -> Any:
    exact = [_at(formula.pieces, order) for order in range(MOST_ORDER + 1)]
    published = [_at(formula.published or (), order) for order in range(MOST_ORDER + 1)]
    slopes = [_slope(values) for values in (exact, published)]
    if all(slope is not None and slope != 0 for slope in slopes):
        ratio = slopes[0] / slopes[1]
    else:
        ratio = exact[-1] / published[-1]
    return sympy.limit(ratio, symbol("B"), sympy.oo)


def _at(pieces: tuple[Piece, ...], order: int) -> Any:
    """Give a formula's value at N = 2^order, divided by N."""
    n = 1 << order
    piece = next(
        piece for piece in pieces if piece.first <= n and (piece.last is None or n <= piece.last)
    )
    pages: Any = sympy.sympify(piece.pages)
    return sympy.expand(pages.subs(symbol("N"), n) / n)


def _slope(values: list[Any]) -> Any:
    """Give the final step of a sequence, None if the last steps differ."""
    steps = {sympy.expand(after - before) for before, after in pairwise(values[-6:])}
    return steps.pop() if len(steps) == 1 else None
