"""The colours of a picture, and the markers that distinguish its lines without colour."""

from __future__ import annotations

from rssbound.records import dataclass

__all__ = ("LETTER", "MARKERS", "MOST_LETTERS", "ON_PAPER", "Palette")

MARKERS = "osD^vPX*pdh<"
"""One marker for each design, so that all lines of a picture differ."""

LETTER, MOST_LETTERS = 0.075, 31
"""Width of a letter of a label in inches, and the most letters on a line."""


@dataclass(frozen=True)
class Palette:
    """Colours: of text and lines, of emphasis, of secondary text, of grids, and of the paper."""

    ink: str
    accent: str
    soft: str
    faint: str
    paper: str


ON_PAPER = Palette("#1b1f24", "#9a1f1f", "#8b939c", "#e3e6ea", "#ffffff")
