"""Pages, bytes and CPUs as people read them; the only place where figures are rounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rssbound.bounds import Interval

__all__ = ("bytes_text", "pages_text", "side_bytes", "side_pages")

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def bytes_text(size: int) -> str:
    """Print a size with three significant digits, halves rounded up: 158.5 MiB is `159 MiB`."""
    power = 0
    while power < len(_UNITS) - 1 and size >= 1024 << (10 * power):
        power += 1
    unit = 1 << (10 * power)
    if size % unit == 0:
        return f"{size // unit} {_UNITS[power]}" if size else "0"
    for decimals, most in ((2, 10), (1, 100), (0, 1 << 62)):
        scaled = (2 * size * 10**decimals + unit) // (2 * unit)
        if scaled < most * 10**decimals:
            break
    whole, rest = divmod(scaled, 10**decimals)
    return f"{whole}.{rest:0{decimals}} {_UNITS[power]}" if decimals else f"{whole} {_UNITS[power]}"


def pages_text(pages: int) -> str:
    """Print pages in full, thousands set off."""
    return f"{pages:,}"


def side_bytes(pages: int | None, page_size: int) -> str:
    """Print one side of an interval in bytes."""
    return "no bound" if pages is None else bytes_text(pages * page_size)


def side_pages(pages: int | None) -> str:
    """Print one side of an interval in pages."""
    return "no bound" if pages is None else pages_text(pages)


def both_sides(error: Interval, page_size: int) -> str:
    """Say in words how far a value can be off."""
    sides = ((error.under, "too low"), (error.over, "too high"))
    parts = [
        f"any amount {side}"
        if pages is None
        else f"{bytes_text(pages * page_size)} ({pages_text(pages)} pages) {side}"
        for pages, side in sides
        if pages != 0
    ]
    return "up to " + " and up to ".join(parts) if parts else "exactly"
