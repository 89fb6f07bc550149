"""The colours of a picture, and the markers that tell its lines apart without them."""

from __future__ import annotations

from rssbound.records import dataclass

__all__ = ("LETTER", "MARKERS", "MOST_LETTERS", "ON_PAPER", "Palette")

MARKERS = "osD^vPX*pdh<"
"""One for each design, so that no two lines of a picture have the same."""

LETTER, MOST_LETTERS = 0.075, 31
"""Inches of a letter of a label, and how many of them stand on a line."""


@dataclass(frozen=True)
class Palette:
    """Colours: of text and lines, of what is emphasised, of grids and fillings, and the paper."""

    ink: str
    accent: str
    soft: str
    faint: str
    paper: str


ON_PAPER = Palette("#1b1f24", "#9a1f1f", "#8b939c", "#e3e6ea", "#ffffff")
