"""Suggestions for a misspelt word."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("nearest",)


def nearest(word: str, words: Iterable[str]) -> str:
    """Suggest words for a misspelt one, as the end of an error message; may be empty."""
    from difflib import get_close_matches  # noqa: PLC0415 (only where an error is)

    close = get_close_matches(word.lower(), list(words), n=2)
    return f" Did you mean {' or '.join(close)}?" if close else ""
