"""Neutral functions: exact on Python integers, symbolic on sympy expressions.

The designs are written with these, `+ - *`, `//` and comparisons of plain integers only, so each
bound is stated once and evaluated both ways. sympy is loaded only when a symbol is met.
"""

from __future__ import annotations

from typing import Any

__all__ = ("Quantity", "ceil_log2", "maximum", "minimum", "round_up", "shift_right")

Quantity = Any
"""An int, or a sympy expression over integer symbols."""


def maximum(a: Quantity, b: Quantity) -> Quantity:
    """Give the larger of two parameters."""
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    import sympy  # noqa: PLC0415 (slow to load)

    return sympy.Max(a, b)


def minimum(a: Quantity, b: Quantity) -> Quantity:
    """Give the smaller of two parameters."""
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    import sympy  # noqa: PLC0415 (slow to load)

    return sympy.Min(a, b)


def shift_right(a: Quantity, bits: Quantity) -> Quantity:
    """Give floor(a / 2^bits)."""
    return a >> bits if isinstance(a, int) and isinstance(bits, int) else a // 2**bits


def ceil_log2(a: Quantity) -> Quantity:
    """Give the smallest k with 2^k >= a, for a >= 1; the kernel's get_count_order."""
    if isinstance(a, int):
        return (a - 1).bit_length()
    import sympy  # noqa: PLC0415 (slow to load)

    return sympy.ceiling(sympy.log(a, 2))


def round_up(a: Quantity, step: Quantity) -> Quantity:
    """Give the smallest multiple of `step` that is >= a."""
    return -(-a // step) * step
