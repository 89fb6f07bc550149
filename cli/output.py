"""Where a result goes and how it is drawn there."""

from __future__ import annotations

import sys
from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from rssbound.cli.main import wants_color
from rssbound.cli.render import Style

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ("ENDINGS", "chosen_format", "style_for")

ENDINGS = {
    "c": "c",
    "csv": "csv",
    "json": "json",
    "md": "markdown",
    "png": "png",
    "svg": "svg",
    "xml": "junit",
}
"""Ending of a file's name -> the format that it asks for."""


def style_for(output: str, color: str, *, explain: bool = False) -> Style:
    """Give the style of a result that goes to a file, or to standard output as it is."""
    return Style(
        width=_columns() if _is_terminal(output) else 80,
        color=wants_color(color, sys.stdout) if output == "-" else color == "always",
        explain=explain,
        encoding=(sys.stdout.encoding if output == "-" else None) or "utf-8",
    )


def chosen_format(format_: str | None, output: str, formats: Collection[str]) -> str:
    """Give the format that was asked for, else what the file's name ends in.

    Without either, a table on a terminal and plain text elsewhere. UsageError for an ending whose
    format is none of `formats`.
    """
    if format_:
        return format_
    ending = PurePath(output).suffix.lower().removeprefix(".")
    chosen = ENDINGS.get(ending, "table" if _is_terminal(output) else "plain")
    if chosen not in formats:
        raise click.UsageError(
            f"no {chosen} of this for {output!r}; end it otherwise, or give --format."
        )
    return chosen


def _is_terminal(output: str) -> bool:
    return output == "-" and sys.stdout.isatty()


def _columns() -> int:
    import shutil  # noqa: PLC0415 (it loads all compressors)

    return shutil.get_terminal_size().columns
