"""Pages, bytes and CPUs as people read them; rounded here and nowhere else."""

from __future__ import annotations

__all__ = (
    "NO_BOUND",
    "amount_text",
    "bytes_text",
    "counted",
    "pages_text",
    "printable",
    "side_bytes",
    "side_pages",
    "signed_bytes",
)

NO_BOUND = "no bound"
"""What stands for people where a figure would, and there is none."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def bytes_text(size: int) -> str:
    """Print a size with three significant digits, halves rounded up: 158.5 MiB is `159 MiB`."""
    power = 0
    while power < len(_UNITS) - 1 and 2 * size >= 2047 << (10 * power):  # 1023.5 rounds up
        power += 1
    unit = 1 << (10 * power)
    if size % unit == 0:
        return f"{size // unit} {_UNITS[power]}" if size else "0"
    decimals = 2 if size < 10 * unit else 1 if size < 100 * unit else 0
    scaled = (2 * size * 10**decimals + unit) // (2 * unit)
    whole, rest = divmod(scaled, 10**decimals)
    return f"{whole}.{rest:0{decimals}} {_UNITS[power]}" if decimals else f"{whole} {_UNITS[power]}"


def signed_bytes(size: int) -> str:
    """Print a size that may be below 0: a bias takes off what levels keep back."""
    return f"-{bytes_text(-size)}" if size < 0 else bytes_text(size)


def counted(count: int, name: str) -> str:
    """Print a number of things: `1 CPU`, `384 CPUs`."""
    return f"{pages_text(count)} {name}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """Make control characters visible: XML and HTML have no place for them."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def pages_text(pages: int) -> str:
    """Print pages in full, thousands set off."""
    return f"{pages:,}"


def side_bytes(pages: int | None, page_size: int) -> str:
    """Print one side of an interval in bytes."""
    return NO_BOUND if pages is None else bytes_text(pages * page_size)


def side_pages(pages: int | None) -> str:
    """Print one side of an interval in pages."""
    return NO_BOUND if pages is None else pages_text(pages)


def amount_text(pages: int, page_size: int) -> str:
    """Print pages in bytes, with the pages themselves behind: `4 KiB (1 page)`."""
    return f"{bytes_text(pages * page_size)} ({counted(pages, 'page')})"
