"""Values of C: types, their sizes, and how integers wrap.

Everything is a Python int. Integers hold their mathematical value, always within their type;
pointers hold addresses. The data model is LP64, or ILP32 if `long` has 4 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

__all__ = (
    "BOOL",
    "INT",
    "VOID",
    "Array",
    "CType",
    "Field",
    "Function",
    "Int",
    "Opaque",
    "Pointer",
    "Struct",
    "Void",
    "align_of",
    "common",
    "fits",
    "integer_types",
    "promoted",
    "size_of",
    "wrap",
    "wrapped",
)

OPAQUE_BYTES = 64
"""Bytes for a member of unknown type; its value cannot be read."""


@dataclass(frozen=True, slots=True)
class Int:
    """An integer type; `bits` of it hold the value."""

    name: str
    size: int
    signed: bool
    bits: int

    @property
    def low(self) -> int:
        """The least value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """The largest value."""
        return (1 << (self.bits - self.signed)) - 1


@dataclass(frozen=True, slots=True)
class Void:
    """No value; arithmetic on `void *` counts bytes."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """An address of a type."""

    to: CType
    size: int = 8


@dataclass(frozen=True, slots=True)
class Array:
    """A number of items of a type."""

    of: CType
    count: int


@dataclass(frozen=True, slots=True)
class Function:
    """A function type: its result and its parameters; None if they are not declared."""

    result: CType
    parameters: tuple[CType, ...] | None = None


@dataclass(frozen=True, slots=True)
class Opaque:
    """A type that is neither in the tree nor known here."""

    name: str


class Field(NamedTuple):
    """A member: its type, and its offset in bytes."""

    type: CType
    offset: int


@dataclass(eq=False)
class Struct:
    """A struct or union; it includes the members of unnamed ones inside it."""

    tag: str
    fields: dict[str, Field] = field(default_factory=dict)
    size: int = 0
    align: int = 1
    complete: bool = False


CType: TypeAlias = "Int | Void | Pointer | Array | Function | Opaque | Struct"

VOID = Void()
BOOL = Int("bool", 1, signed=False, bits=1)
INT = Int("int", 4, signed=True, bits=32)


def integer_types(long_bytes: int) -> dict[str, Int]:
    """Give the integer types by name: C's own, sorted, and the kernel's."""
    sizes = {"char": 1, "short": 2, "int": 4, "long": long_bytes, "long long": 8}
    types = {"bool": BOOL, "_Bool": BOOL}
    for name, size in sizes.items():
        types[name] = Int(name, size, signed=True, bits=8 * size)
        types[f"unsigned {name}"] = Int(f"unsigned {name}", size, signed=False, bits=8 * size)
    for bits in (8, 16, 32, 64):
        for name in (f"s{bits}", f"__s{bits}", f"int{bits}_t"):
            types[name] = Int(f"s{bits}", bits // 8, signed=True, bits=bits)
        for name in (f"u{bits}", f"__u{bits}", f"uint{bits}_t"):
            types[name] = Int(f"u{bits}", bits // 8, signed=False, bits=bits)
    word, signed = types["unsigned long"], types["long"]
    types |= dict.fromkeys(("size_t", "uintptr_t", "__kernel_size_t", "ulong"), word)
    types |= dict.fromkeys(("ssize_t", "intptr_t", "ptrdiff_t", "atomic_long_t"), signed)
    types |= {"loff_t": types["s64"], "atomic64_t": types["s64"], "local64_t": types["s64"]}
    types |= {"atomic_t": INT, "gfp_t": types["unsigned int"], "uint": types["unsigned int"]}
    types |= {"local_t": signed, "pgoff_t": word, "u_int": types["unsigned int"]}
    return types


def size_of(kind: CType) -> int:
    """Give the size of a type in bytes."""
    if isinstance(kind, Int | Pointer | Struct):
        return kind.size
    if isinstance(kind, Array):
        return kind.count * size_of(kind.of)
    return OPAQUE_BYTES if isinstance(kind, Opaque) else 1


def align_of(kind: CType) -> int:
    """Give the alignment of a type in bytes."""
    if isinstance(kind, Int | Pointer):
        return kind.size
    if isinstance(kind, Struct):
        return kind.align
    if isinstance(kind, Array):
        return align_of(kind.of)
    return 8 if isinstance(kind, Opaque) else 1


def promoted(kind: Int) -> Int:
    """Give the type of a small integer after integer promotion."""
    return INT if kind.bits < INT.bits else kind


def common(left: Int, right: Int) -> Int:
    """Give the common type of two integers, by C's usual arithmetic conversions."""
    left, right = promoted(left), promoted(right)
    if left.signed == right.signed:
        return left if left.size >= right.size else right
    unsigned, signed = (right, left) if left.signed else (left, right)
    return signed if signed.size > unsigned.size else unsigned


def fits(kind: CType, target: CType) -> bool:
    """Return whether another type can hold every value of a type."""
    if not isinstance(target, Int):
        return True
    if not isinstance(kind, Int):
        return isinstance(kind, Pointer) and not target.signed and target.bits >= 8 * kind.size
    return target.low <= kind.low and kind.high <= target.high


def wrap(value: int, kind: CType) -> int:
    """Give an integer converted to a type."""
    if not isinstance(kind, Int):
        return value
    if kind.bits == 1:
        return int(value != 0)
    value &= (1 << kind.bits) - 1
    return value - (1 << kind.bits) if value > kind.high else value


def wrapped(code: str, kind: CType) -> str:
    """Give Python that wraps the value of an expression; pointers stay as they are."""
    if not isinstance(kind, Int):
        return code
    if kind.bits == 1:
        return f"(1 if {code} else 0)"
    mask = (1 << kind.bits) - 1
    if not kind.signed:
        return f"({code} & {mask})"
    half = 1 << (kind.bits - 1)
    return f"(({code} + {half} & {mask}) - {half})"
