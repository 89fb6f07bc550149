"""Sets of CPU ids, read and printed the kernel's way.

A set is one Python integer whose bit c says whether CPU c is in it, as in the kernel's cpumask: a
million CPUs are 128 KiB, and unions, intersections and counts are single operations.
"""

from __future__ import annotations

import re
from itertools import chain, compress, groupby
from typing import TYPE_CHECKING, TypeVar

from rssbound.errors import InputError, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ("MAX_CPU_IDS", "CpuSet", "list_of")

MAX_CPU_IDS = 1 << 22
"""Limit of CPU ids: 512 times the NR_CPUS of any released kernel; a larger id is a mistake."""

FEW = 8
"""Up to this number of CPUs, arithmetic finds them; above it, the digits of the mask do."""

_RANGE = r"(\d{1,12})(?:-(\d{1,12})(?::(\d{1,12})/(\d{1,12}))?)?"
_RUN = re.compile("1+")
_AS_FLAGS = bytes.maketrans(b"01", b"\0\1")

T = TypeVar("T")


class CpuSet:
    """An immutable set of CPU ids; `mask` has bit c set for each CPU c.

    >>> cpus = CpuSet.parse("0-3,8")
    >>> len(cpus), 8 in cpus, list(cpus), str(cpus)
    (5, True, [0, 1, 2, 3, 8], '0-3,8')
    """

    __slots__ = ("mask",)
    __match_args__ = ("mask",)
    mask: int

    def __init__(self, mask: int = 0) -> None:
        object.__setattr__(self, "mask", mask)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a CpuSet is immutable: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a CpuSet is immutable: {name}")

    def __reduce__(self) -> tuple[type[CpuSet], tuple[int]]:
        return CpuSet, (self.mask,)

    def __eq__(self, other: object) -> bool:
        return self.mask == other.mask if isinstance(other, CpuSet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.mask)

    @classmethod
    def first(cls, count: int) -> CpuSet:
        """CPUs 0 to count - 1."""
        return cls((1 << count) - 1)

    @classmethod
    def of(cls, ids: Iterable[int]) -> CpuSet:
        """Make the set of these ids, in any order; InputError for an invalid CPU id."""
        ids = list(ids)
        if not ids:
            return cls()
        if min(ids) < 0 or max(ids) >= MAX_CPU_IDS:
            raise InputError(_beyond(min(ids) if min(ids) < 0 else max(ids)))
        bits = bytearray(b"0") * (max(ids) + 1)
        for cpu in ids:
            bits[cpu] = 0x31
        bits.reverse()
        return cls(int(bits, 2))

    @classmethod
    def parse(cls, text: str) -> CpuSet:
        """Read a CPU list such as `0-3,8` or `0-31:2/4` (of each 4, the first 2).

        Source: the kernel's bitmap_parselist, Documentation/admin-guide/kernel-parameters.rst.
        InputError for anything else, with the wrong part.
        """
        return cls(_union(_range_mask(piece) for piece in text.split(",")) if text.strip() else 0)

    @classmethod
    def parse_mask(cls, text: str) -> CpuSet:
        """Read a mask file such as `00000000,0000000f`: hexadecimal words of 32 bits.

        The first word may be narrower; there may be more words than CPUs. InputError otherwise.
        """
        words = text.strip().split(",")
        if not all(re.fullmatch("[0-9a-fA-F]{1,8}", word) for word in words):
            raise InputError(f"{shortened(text, 40)!r} is not a CPU mask such as 00000000,0000000f")
        mask = int("".join(word.zfill(8) for word in words), 16)
        if mask.bit_length() > MAX_CPU_IDS:
            raise InputError(_beyond(mask.bit_length() - 1))
        return cls(mask)

    def __len__(self) -> int:
        return self.mask.bit_count()

    def __contains__(self, cpu: int) -> bool:
        return cpu >= 0 and bool(self.mask >> cpu & 1)

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self.ranges())

    def __and__(self, other: CpuSet) -> CpuSet:
        return CpuSet(self.mask & other.mask)

    def __or__(self, other: CpuSet) -> CpuSet:
        return CpuSet(self.mask | other.mask)

    def __sub__(self, other: CpuSet) -> CpuSet:
        return CpuSet(self.mask & ~other.mask)

    def __le__(self, other: CpuSet) -> bool:
        return not self.mask & ~other.mask

    def __repr__(self) -> str:
        return f"CpuSet.parse({str(self)!r})"

    def __str__(self) -> str:
        return _list_of(self.ranges())

    @property
    def lowest(self) -> int:
        """The smallest id; -1 if the set is empty."""
        return (self.mask & -self.mask).bit_length() - 1

    @property
    def highest(self) -> int:
        """The largest id; -1 if the set is empty."""
        return self.mask.bit_length() - 1

    def ranges(self) -> Iterator[range]:
        """Yield the runs of consecutive ids, smallest first."""
        if len(self) <= FEW:
            yield from _few_runs(self.mask)
            return
        for run in _RUN.finditer(self._bits()):
            yield range(*run.span())

    def select(self, column: Sequence[T]) -> Iterator[T]:
        """Yield the entries of a column, indexed by CPU id, of the CPUs in this set."""
        return compress(column, self._bits().encode().translate(_AS_FLAGS))

    def residues(self, modulus: int) -> int:
        """Count the distinct values of `cpu mod modulus`; the modulus is a power of two."""
        return self._folded(modulus).bit_count()

    def residues_alike(self, below: int, modulus: int) -> int:
        """Give the largest number of values of `cpu mod below` that share one `cpu mod modulus`.

        Both are powers of two, `below` the larger.
        """
        mask, part = self._folded(below), (1 << modulus) - 1
        return _most_often((mask >> start) & part for start in range(0, below, modulus))

    def blocks(self, bits: int) -> int:
        """Count the distinct values of `cpu >> bits`."""
        return self._block_starts(bits).bit_count()

    def blocks_alike(self, below: int, bits: int) -> int:
        """Give the largest number of values of `cpu >> below` that share one `cpu >> bits`."""
        mask, starts = self._block_starts(below), _every(1 << bits, self.mask.bit_length())
        return _most_often((mask >> start) & starts for start in range(0, 1 << bits, 1 << below))

    def _folded(self, modulus: int) -> int:
        """Give the mask of all `cpu mod modulus`."""
        mask = self.mask
        width = 1 << (mask.bit_length() - 1).bit_length() if mask else 1
        while width > modulus:
            width >>= 1
            mask = mask >> width | mask & ((1 << width) - 1)
        return mask

    def _block_starts(self, bits: int) -> int:
        """A mask with the lowest bit of each block of 2^bits CPUs that has a CPU of the set."""
        mask = self.mask
        for power in range(bits):
            mask |= mask >> (
                1 << power
            )  # in the end, the lowest bit of a block is the OR of all its bits
        return mask & _every(1 << bits, mask.bit_length())

    def _bits(self) -> str:
        """The mask as characters 0 and 1, CPU 0 first."""
        return bin(self.mask)[:1:-1]


def list_of(ids: Sequence[int]) -> str:
    """Print ascending ids as a CPU list, in time proportional to their number."""
    numbered = groupby(enumerate(ids), key=lambda pair: pair[1] - pair[0])
    runs = ([cpu for _, cpu in group] for _, group in numbered)
    return _list_of(range(run[0], run[-1] + 1) for run in runs)


def _list_of(runs: Iterable[range]) -> str:
    return ",".join(
        f"{run.start}-{run.stop - 1}" if len(run) > 1 else str(run.start) for run in runs
    )


def _few_runs(mask: int) -> Iterator[range]:
    """Yield the runs of ones of a mask, lowest first, with a few operations for each."""
    place = 0
    while mask:
        gap = (mask & -mask).bit_length() - 1
        mask >>= gap
        length = (~mask & mask + 1).bit_length() - 1
        mask >>= length
        yield range(place + gap, place + gap + length)
        place += gap + length


def _every(width: int, length: int) -> int:
    """Give a mask with every bit whose number is a multiple of `width`, up to `length` at least."""
    mask = 1
    while width < length:
        mask |= mask << width
        width *= 2
    return mask


def _most_often(masks: Iterable[int]) -> int:
    """Give the largest number of the masks that have one bit set.

    All bits are counted at once: plane k has, for each bit, digit k of its count.
    """
    planes: list[int] = []
    for mask in masks:
        carry = mask
        for place, plane in enumerate(planes):
            planes[place], carry = plane ^ carry, plane & carry
        if carry:
            planes.append(carry)
    most, among = 0, -1
    for place in reversed(range(len(planes))):
        if planes[place] & among:
            among &= planes[place]
            most |= 1 << place
    return most


def _range_mask(piece: str) -> int:
    match = re.fullmatch(_RANGE, piece.strip(), re.ASCII)
    if not match:
        raise InputError(f"{shortened(piece, 40)!r} is not a CPU list such as 0-3,8 or 0-31:2/4")
    first = int(match[1])
    last = first if match[2] is None else int(match[2])
    if last >= MAX_CPU_IDS:
        raise InputError(_beyond(last))
    if last < first:
        raise InputError(f"{piece.strip()!r} runs backwards; write {last}-{first}")
    length = last - first + 1
    if match[3] is None:
        return ((1 << length) - 1) << first
    used, group = int(match[3]), int(match[4])
    if not 0 < used <= group:
        raise InputError(
            f"{piece.strip()!r} takes {used} of each {group} CPUs; use 1 to {group or 1}"
        )
    if group > length:
        used, group = min(used, length), length
    pattern = ("1" * used + "0" * (group - used)) * -(-length // group)
    return int(pattern[:length][::-1], 2) << first


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


def _beyond(cpu: int) -> str:
    if cpu < 0:
        return f"CPU {cpu} is negative; ids start at 0"
    return f"CPU {cpu} is above {MAX_CPU_IDS - 1}, the largest supported id"
