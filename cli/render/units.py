"""Pages, bytes and CPUs as people read them; rounded here and nowhere else."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

__all__ = (
    "GUESS",
    "NO_BOUND",
    "amount_text",
    "bound_text",
    "bytes_text",
    "counted",
    "guessed",
    "pages_text",
    "printable",
    "side_bytes",
    "side_pages",
    "signed_bound",
    "signed_bytes",
)

NO_BOUND = "no bound"
"""Printed in place of a figure if there is no bound."""

GUESS = " (guess)"
"""Marks everything that is not certain from the known facts about the kernel."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def bytes_text(size: int) -> str:
    """Print a size that is no error: memory, a threshold, what a process has; halves go up."""
    return _three_digits(size, Fraction(1, 2))


def bound_text(size: int) -> str:
    """Print an error or its bound, which is never rounded down: 3.3706 GiB is `3.38 GiB`."""
    return _three_digits(size, Fraction(1))


def _three_digits(size: int, least_up: Fraction) -> str:
    """Print a size with three significant digits, without zeros at the end: `12 GiB`.

    The last digit is rounded up if the remainder is at least `least_up` of it; with 1, any
    remainder rounds up.
    """
    for power, unit_name in enumerate(_UNITS):
        unit = 1 << (10 * power)
        for decimals in (2, 1, 0):
            exact = Fraction(size * 10**decimals, unit)
            scaled = ceil(exact) if least_up == 1 else floor(exact + least_up)
            most = 1000 if decimals else 1024
            if scaled < most or (power == len(_UNITS) - 1 and not decimals):
                whole, rest = divmod(scaled, 10**decimals)
                fraction = f".{rest:0{decimals}}".rstrip("0") if rest else ""
                return f"{whole}{fraction} {unit_name}" if size else "0"
    raise AssertionError("the last unit has no end")


def guessed(text: str, *, guess: bool) -> str:
    """Mark a text if it is a guess."""
    return f"{text}{GUESS}" if guess else text


def signed_bytes(size: int) -> str:
    """Print a size that can be below 0."""
    return f"-{bytes_text(-size)}" if size < 0 else bytes_text(size)


def signed_bound(size: int) -> str:
    """Print an error that can be below 0, because a bias is subtracted from what levels hold."""
    return f"-{bound_text(-size)}" if size < 0 else bound_text(size)


def counted(count: int, name: str) -> str:
    """Print a number of things: `1 CPU`, `384 CPUs`."""
    return f"{pages_text(count)} {name}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """Make control characters visible, because XML and HTML cannot contain them."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def pages_text(pages: int) -> str:
    """Print pages in full, with thousands separators."""
    return f"{pages:,}"


def side_bytes(pages: int | None, page_size: int) -> str:
    """Print one side of an interval in bytes."""
    return NO_BOUND if pages is None else bound_text(pages * page_size)


def side_pages(pages: int | None) -> str:
    """Print one side of an interval in pages."""
    return NO_BOUND if pages is None else pages_text(pages)


def amount_text(pages: int, page_size: int) -> str:
    """Print a bound in bytes, followed by the exact pages: `4 KiB (1 page)`."""
    return f"{bound_text(pages * page_size)} ({counted(pages, 'page')})"
