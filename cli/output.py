"""Where a result goes, how it is drawn there, and how a command ends.

Exit codes: 0 done, 1 a limit is violated, 2 no answer (usage, unreadable or invalid input, a bug),
130 interrupted, 141 nobody reads the output any more. Data goes to standard output, everything
else to standard error.
"""

from __future__ import annotations

import os
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from rssbound.cli.render import Style

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import TextIO

__all__ = (
    "ENDINGS",
    "EXIT_INTERRUPTED",
    "EXIT_NO_ANSWER",
    "EXIT_VIOLATED",
    "chosen_format",
    "say",
    "style_for",
    "wants_color",
    "write",
    "write_bytes",
)

EXIT_VIOLATED = 1
EXIT_NO_ANSWER = 2
EXIT_INTERRUPTED = 130

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


def style_for(output: str, color: str, *, explain: bool = False, brief: bool = False) -> Style:
    """Give the style of a result that goes to a file, or to standard output as it is."""
    columns, lines = _terminal() if _is_terminal(output) else (80, None)
    return Style(
        width=columns,
        height=lines,
        color=wants_color(color, sys.stdout) if output == "-" else color == "always",
        explain=explain,
        brief=brief,
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


def say(text: str) -> None:
    """Print one line for the user to standard error; control characters are made visible."""
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    click.echo(f"rssbound: {line}", err=True)


def write(text: str, output: str) -> None:
    """Write the result to a file, `-` for standard output; opened only now that all is done."""
    if output == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    with open(output, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)


def write_bytes(data: bytes, output: str) -> None:
    """Write a result that is no text."""
    if output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    with open(output, "wb") as file:
        file.write(data)


def wants_color(choice: str, stream: TextIO) -> bool:
    """Decide on colour: --color over NO_COLOR over FORCE_COLOR over whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _is_terminal(output: str) -> bool:
    return output == "-" and sys.stdout.isatty()


def _terminal() -> tuple[int, int]:
    import shutil  # noqa: PLC0415 (it loads all compressors)

    size = shutil.get_terminal_size()
    return size.columns, size.lines
