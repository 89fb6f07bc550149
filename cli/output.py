"""Where a result goes and how it is drawn there."""

from __future__ import annotations

import sys

from rssbound.cli.main import wants_color
from rssbound.cli.render import Style

__all__ = ("chosen_format", "style_for")


def style_for(output: str, color: str, *, explain: bool = False) -> Style:
    """Give the style of a result that goes to a file, or to standard output as it is."""
    return Style(
        width=_columns() if _is_terminal(output) else 80,
        color=wants_color(color, sys.stdout) if output == "-" else color == "always",
        explain=explain,
        encoding=(sys.stdout.encoding if output == "-" else None) or "utf-8",
    )


def chosen_format(format_: str | None, output: str) -> str:
    """Give the format that was asked for, else a table on a terminal and plain text elsewhere."""
    return format_ or ("table" if _is_terminal(output) else "plain")


def _is_terminal(output: str) -> bool:
    return output == "-" and sys.stdout.isatty()


def _columns() -> int:
    import shutil  # noqa: PLC0415 (it loads all compressors)

    return shutil.get_terminal_size().columns
