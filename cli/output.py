"""Where a result goes, how it is drawn there, and how a command ends.

Exit codes: 0 done, 1 a limit is violated, 2 no answer (usage, unreadable or invalid input, a bug),
130 interrupted, 141 the reader of the output has gone. Data goes to standard output, everything
else to standard error.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from rssbound.cli.render import FORMATS, Style
from rssbound.cli.spelling import nearest
from rssbound.errors import naming
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import TextIO

__all__ = (
    "ENDINGS",
    "EXIT_INTERRUPTED",
    "EXIT_NO_ANSWER",
    "EXIT_VIOLATED",
    "STANDARD_OUTPUT",
    "Target",
    "check_distinct",
    "chosen_format",
    "ending_of",
    "say",
    "style_for",
    "targets_of",
    "wants_color",
    "write",
    "write_bytes",
    "write_result",
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
"""Extension of a file's name -> the format that it selects."""

TEXT_ENDINGS = ("", "log", "out", "txt")
"""Extensions that select no format: such a file has the format of standard output."""

STANDARD_OUTPUT = "standard output"

FORMAT_VARIABLE = "RSSBOUND_FORMAT"
"""Environment variable: the format of results whose file has none of the extensions above."""


@dataclass(frozen=True)
class Target:
    """A file to write (`-` is standard output), and the format and style of its content."""

    file: str
    format: str
    style: Style


def targets_of(
    files: Sequence[str],
    format_: str | None,
    formats: Collection[str],
    color: str,
    *,
    explain: bool = False,
    brief: bool = False,
) -> tuple[Target, ...]:
    """Decide where a result goes and in which format, before it is computed.

    If there are several files, each extension selects a format; `format_` is for the other files.
    UsageError for a file named twice, or an extension whose format is not among `formats`.
    """
    check_distinct(files)
    several = len(files) > 1
    return tuple(
        Target(
            file,
            chosen_format(
                None if several and ending_of(file) in ENDINGS else format_, file, formats
            ),
            style_for(file, color, explain=explain, brief=brief),
        )
        for file in files or ("-",)
    )


def write_result(targets: Sequence[Target], render: Callable[[str, Style], str | bytes]) -> None:
    """Write a result to each of its targets; `render` returns it in a given format and style."""
    for target in targets:
        result = render(target.format, target.style)
        if isinstance(result, bytes):
            write_bytes(result, target.file)
        else:
            write(result, target.file)


def style_for(output: str, color: str, *, explain: bool = False, brief: bool = False) -> Style:
    """Give the style of a result that goes to a file or to standard output."""
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
    """Give the format that was requested, else the one that the file's extension selects.

    Without either, $RSSBOUND_FORMAT decides if the result has that format; otherwise it is a table
    on a terminal and plain text elsewhere. UsageError for an extension whose format is not among
    `formats`, and if the variable does not name a format.
    """
    if format_:
        return format_
    wanted = ENDINGS.get(ending_of(output)) or _format_of_environment(formats)
    if wanted is None and ending_of(output) in TEXT_ENDINGS:
        wanted = "table" if _is_terminal(output) else "plain"
    if wanted is None or wanted not in formats:
        endings = sorted(
            (ending for ending, format_ in ENDINGS.items() if format_ in formats),
            key=lambda ending: list(formats).index(ENDINGS[ending]),
        )
        names = ", ".join(f".{ending}" for ending in endings)
        raise click.UsageError(
            f"no format for {output!r}; use the extension {names} or .txt, or give --format."
        )
    return wanted


def check_distinct(files: Sequence[str]) -> None:
    """UsageError for a file named twice."""
    for file in files:
        if files.count(file) > 1:
            raise click.UsageError(f"-o {file} is given twice.")


def ending_of(file: str) -> str:
    """Give the extension of a file's name, without its dot."""
    return os.path.splitext(file)[1].lower().removeprefix(".")


def _format_of_environment(formats: Collection[str]) -> str | None:
    """Give the format of $RSSBOUND_FORMAT; None if unset, or if the result lacks that format."""
    word = os.environ.get(FORMAT_VARIABLE, "")
    known = {*FORMATS, *ENDINGS.values()}
    if word and word not in known:
        raise click.UsageError(
            f"{FORMAT_VARIABLE}: {word!r} is not a known format.{nearest(word, sorted(known))}"
        )
    return word if word in formats else None


def say(text: str) -> None:
    """Print one line for the user on standard error; control characters are made visible.

    If standard error cannot be written, the exit code says what remains to be said.
    """
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    with suppress(OSError):
        click.echo(f"rssbound: {line}", err=True)


def write(text: str, output: str) -> None:
    """Write the result to a file, or `-` for standard output; the file is opened only now.

    OSError names the file, or standard output.
    """
    with naming(_name_of(output)):
        if output == "-":
            sys.stdout.write(text)
            sys.stdout.flush()
            return
        with open(output, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)


def write_bytes(data: bytes, output: str) -> None:
    """Write a result that is not text."""
    with naming(_name_of(output)):
        if output == "-":
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        with open(output, "wb") as file:
            file.write(data)


def _name_of(output: str) -> str:
    return STANDARD_OUTPUT if output == "-" else output


def wants_color(choice: str, stream: TextIO) -> bool:
    """Decide on colour: --color first, then NO_COLOR, FORCE_COLOR, and whether it is a terminal."""
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
