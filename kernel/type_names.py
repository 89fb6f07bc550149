"""One name for each type: u32, unsigned int and uint32_t are `unsigned`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("OTHER_NAMES", "RESULTS", "type_name")

OTHER_NAMES = {
    **dict.fromkeys(("s8", "__s8", "int8_t"), "char signed"),
    **dict.fromkeys(("u8", "__u8", "uint8_t"), "char unsigned"),
    **dict.fromkeys(("s16", "__s16", "int16_t", "short int"), "short"),
    **dict.fromkeys(("u16", "__u16", "uint16_t"), "short unsigned"),
    **dict.fromkeys(("s32", "__s32", "int32_t", "signed"), "int"),
    **dict.fromkeys(("u32", "__u32", "uint32_t", "uint"), "unsigned"),
    **dict.fromkeys(("s64", "__s64", "int64_t", "loff_t"), "long long"),
    **dict.fromkeys(("u64", "__u64", "uint64_t"), "long long unsigned"),
    **dict.fromkeys(("ulong", "size_t"), "long unsigned"),
    "ssize_t": "long",
    "_Bool": "bool",
}
"""Types with another name."""

RESULTS = {
    **dict.fromkeys(
        ("get_mm_counter", "get_mm_counter_sum", "get_mm_rss", "get_mm_rss_sum"), "long unsigned"
    ),
    **dict.fromkeys(
        (
            *("percpu_counter_read", "percpu_counter_read_positive", "percpu_counter_sum"),
            *("percpu_counter_sum_positive", "__percpu_counter_sum"),
        ),
        "long long",
    ),
    **dict.fromkeys(("mm_pgtables_bytes", "global_node_page_state"), "long unsigned"),
    **dict.fromkeys(("num_online_cpus", "num_possible_cpus", "num_present_cpus"), "unsigned"),
    "atomic_read": "int",
    "atomic_long_read": "long",
    "atomic64_read": "long long",
}
"""Functions -> the type of their result: those with a fingerprint of their own, and those that
never change."""

SIZES = {"unsigned", "signed", "long", "short", "int", "char"}


def type_name(words: Iterable[str]) -> str:
    """Give one name of a type: `unsigned` and `unsigned int` are one, as are `long`, `long int`."""
    kept = [word for word in words if word not in {"const", "struct"}]
    if len(kept) > 1 and SIZES.issuperset(kept):
        kept = sorted(word for word in kept if word != "int")
    written = " ".join(kept)
    return OTHER_NAMES.get(written, written)
