"""Write a man page for each command from its help: `make man` writes them to build/man."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

import rssbound
from rssbound.cli.main import cli

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class ManFormatter(click.HelpFormatter):
    """Lays out the help of a command as a man page instead of text for a terminal."""

    def __init__(self, command_path: str) -> None:
        super().__init__(width=10_000)
        name = command_path.replace(" ", "-")
        self.write(f'.TH "{name.upper()}" 1 "" "rssbound {rssbound.__version__}"\n')

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the synopsis."""
        del prefix
        self.write(f".SH SYNOPSIS\n.B {_roff(prog)}\n{_roff(args)}\n.SH DESCRIPTION\n")

    def write_heading(self, heading: str) -> None:
        """Begin a section."""
        self.write(f".SH {_roff(heading.upper())}\n")

    def write_paragraph(self) -> None:
        """Write nothing: sections and paragraphs begin themselves."""

    def write_text(self, text: str) -> None:
        """Write paragraphs; one that begins with a backspace keeps its lines."""
        for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
            kept = paragraph.lstrip(" ").startswith("\b")
            lines = paragraph.replace("\b\n", "").replace("\b", "").rstrip().splitlines()
            body = "\n".join(_roff(line.rstrip() if kept else line.strip()) for line in lines)
            if kept and lines and lines[0] == "Examples:":
                self.write(".SH EXAMPLES\n")
                body = body.partition("\n")[2]
            self.write(f".nf\n{body}\n.fi\n" if kept else f".PP\n{body}\n")

    def write_dl(
        self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write terms with their explanations."""
        del col_max, col_spacing
        for term, text in rows:
            if text:
                self.write(f".TP\n.B {_roff(term)}\n{_roff(' '.join(text.split()))}\n")


def _roff(text: str) -> str:
    """Escape what is special to roff."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return re.sub(r"^([.'])", r"\\&\1", escaped)


def contexts(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[click.Context]:
    """Yield a context for a command and all below it, groups first."""
    context = click.Context(command, parent, name, **command.context_settings)
    yield context
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                yield from contexts(found, below, context)


def page_of(context: click.Context) -> str:
    """Give the man page of a command."""
    formatter = ManFormatter(context.command_path)
    summary = context.command.get_short_help_str().removesuffix(".")
    name = context.command_path.replace(" ", "-")
    formatter.write(f".SH NAME\n{_roff(name)} \\- {_roff(summary[:1].lower() + summary[1:])}\n")
    context.command.format_help(context, formatter)
    return formatter.getvalue()


def main(folder: str) -> None:
    """Write all pages into a folder."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for context in contexts(cli, "rssbound"):
        page = target / f"{context.command_path.replace(' ', '-')}.1"
        page.write_text(page_of(context), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
