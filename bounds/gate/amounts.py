"""Amounts of memory as people write them: 64MiB, 16384 pages, 5%, 1% of 1.5TiB."""

from __future__ import annotations

import re
from fractions import Fraction

from rssbound.errors import ScenarioError
from rssbound.records import dataclass

__all__ = ("Amount", "amount_of", "bytes_of")

_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50, "e": 60}
_FLAGS = re.IGNORECASE | re.ASCII  # no digits of other scripts, which look like these
_SIZE = r"(?:(\d+)|(?P<decimal>\d+\.\d+)(?=\s*[kmgtpe]))\s*(?P<unit>[kmgtpe]?)(?:i?b)?"
_PAGES = r"(\d+)(?:\s*pages?)?"
_SHARE = r"(\d+(?:\.\d+)?)\s*%(?:\s*of\s*(.+))?"

MOST_LETTERS = 1000
"""The most characters of an amount. Parsing time grows with the square of the digits, which is
negligible up to here; Python itself refuses more than 4,300."""


@dataclass(frozen=True)
class Amount:
    """A number of pages, a number of bytes, or a share of something; `text` is the source text.

    `share` is of `size_bytes` if that is given, else of a whole that the caller passes.
    """

    text: str
    pages: int | None = None
    size_bytes: int | None = None
    share: Fraction | None = None

    @property
    def needs_whole(self) -> bool:
        """Whether it is a share of a whole that it does not name."""
        return self.share is not None and self.size_bytes is None

    def in_pages(self, page_size: int, whole: int = 0) -> int:
        """Give the number of whole pages in the amount; `whole` is in pages."""
        return self.in_bytes(page_size, whole * page_size) // page_size

    def in_bytes(self, page_size: int, whole: int = 0) -> int:
        """Give the number of whole bytes in the amount; `whole` and `page_size` are in bytes."""
        if self.pages is not None:
            return self.pages * page_size
        if self.share is None:
            return self.size_bytes or 0
        return int(self.share * (whole if self.size_bytes is None else self.size_bytes))


def amount_of(text: str) -> Amount:
    """Read an amount; a number without a unit is pages. ScenarioError for anything else."""
    text = _short(text)
    if match := re.fullmatch(_PAGES, text, _FLAGS):
        return Amount(text, pages=int(match[1]))
    if match := re.fullmatch(_SHARE, text, _FLAGS):
        size = bytes_of(match[2]) if match[2] else None
        return Amount(text, size_bytes=size, share=Fraction(match[1]) / 100)
    if re.fullmatch(_SIZE, text, _FLAGS):
        return Amount(text, size_bytes=bytes_of(text))
    raise ScenarioError(f"{text!r} is not an amount such as 16384 pages, 64MiB or 1% of 64GiB")


def bytes_of(text: str) -> int:
    """Read a size such as 4096, 64K or 1.5TiB, units being powers of 1024; gives bytes.

    A fraction of a byte is rounded down. ScenarioError for anything else.
    """
    text = _short(text)
    match = re.fullmatch(_SIZE, text, _FLAGS)
    if not match:
        raise ScenarioError(f"{text!r} is not a size such as 4096, 64K or 2MiB")
    return int(Fraction(match[1] or match["decimal"]) * (1 << _UNITS[match["unit"].lower()]))


def _short(text: str) -> str:
    """Give a text without surrounding space; ScenarioError if it is too long."""
    text = text.strip()
    if len(text) > MOST_LETTERS:
        raise ScenarioError(
            f"'{text[:20]}...' is not an amount: {len(text):,} characters; at most {MOST_LETTERS:,}"
        )
    return text
