"""Integer constants of C with their types, as the normal form writes them: 64, 64u, 64l, 64ul.

The type decides whether -1 < 64 and how wide a sum is, so 64 and 64u are two constants. Long has 64
bits, as on a 64-bit machine. Arithmetic that overflows its type is left as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rssbound.kernel.expressions import folded, literal_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("KNOWN", "Constant", "are_small", "combined", "constant_of", "converted", "literal")

BITS = {"": 32, "u": 32, "l": 64, "ul": 64, "ll": 64, "ull": 64}
"""Type of a constant, as the suffix that it needs -> its bits; long is that of a 64-bit machine."""

KNOWN = (
    *("RSS_STAT_BATCH_SIZE", "TASK_RSS_EVENTS_THRESH", "MAX_NR_LEVELS", "NR_MM_COUNTERS"),
    *("NR_CPUS", "CONFIG_SPLIT_PTLOCK_CPUS"),
    *("MEMCG_CHARGE_BATCH", "NR_MEMCG_STOCK", "FLUSH_TIME", "SK_MEMORY_PCPU_RESERVE"),
)
"""Numbers from 1 that are read as constants or have a fingerprint of their own."""

TYPES = {
    "int": "",
    "s32": "",
    "unsigned": "u",
    "u32": "u",
    "long": "l",
    "long unsigned": "ul",
    "long long": "ll",
    "s64": "ll",
    "long long unsigned": "ull",
    "u64": "ull",
}
"""Types in normal form -> suffix of their constants."""

WRITTEN = re.compile(r"(-?\d+)(u?l{0,2})")
LITERAL = re.compile(r"(0[xX][\da-fA-F]+|0[bB][01]+|\d+)([uUlL]*)")


class Constant(NamedTuple):
    """A constant and the suffix that gives it its type."""

    value: int
    suffix: str

    def __str__(self) -> str:
        return f"{self.value}{self.suffix}"

    @property
    def is_unsigned(self) -> bool:
        """Whether the type has no negative values."""
        return "u" in self.suffix

    @property
    def fits(self) -> bool:
        """Whether the type holds the value."""
        bits = BITS[self.suffix]
        least, bits = (0, bits) if self.is_unsigned else (-(1 << (bits - 1)), bits - 1)
        return least <= self.value < 1 << bits

    def negative(self) -> Constant:
        """Give the constant of a signed type with the other sign."""
        return Constant(-self.value, self.suffix)


def constant_of(text: str) -> Constant | None:
    """Read a constant as the normal form writes it; None for anything else."""
    match = WRITTEN.fullmatch(text)
    return None if match is None else Constant(int(match[1]), match[2])


def literal(text: str) -> Constant | None:
    """Read a literal of C; the type is the first that holds the value. None if it is no integer."""
    match = LITERAL.fullmatch(text)
    value = None if match is None else literal_of(text)
    if match is None or value is None:
        return None
    given = match[2].lower()
    wide = "ll" if "ll" in given else "l" if "l" in given else ""
    signs = ("u",) if "u" in given else ("",) if text[0] in "123456789" else ("", "u")
    wides = (wide,) if wide else ("", "l")
    fitting = (Constant(value, sign + width) for width in wides for sign in signs)
    return next((one for one in fitting if one.fits), None)


def converted(constant: Constant, type_: str) -> Constant | None:
    """Cast a constant; None if the type cannot hold it, is narrow, or is not known.

    A bool becomes an int wherever it is used.
    """
    if type_ == "bool":
        return Constant(int(constant.value != 0), "")
    if type_ not in TYPES:
        return None
    cast = Constant(constant.value, TYPES[type_])
    return cast if cast.fits else None


def are_small(constants: Iterable[Constant]) -> bool:
    """Return whether no sum and no product of some ints needs more bits than an int has."""
    product = 1
    for constant in constants:
        product *= max(2, abs(constant.value))
    return product < 1 << 31


def combined(sign: str, left: Constant, right: Constant) -> Constant | None:
    """Apply an operator; None if the result has no certain value or type."""
    suffixes = {left.suffix, right.suffix} - {""}
    suffix = left.suffix if sign in {"<<", ">>"} else next(iter(suffixes), "")
    is_mixed = len(suffixes) > 1 and sign not in {"<<", ">>"}
    is_turned = "u" in suffix and min(left.value, right.value) < 0
    value = None if is_mixed or is_turned else folded(sign, left.value, right.value)
    result = None if value is None else Constant(value, suffix)
    return result if result is not None and result.fits else None
