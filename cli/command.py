"""Commands, groups and choices of the command line: click's, with better help and errors.

A misspelt command or value gets a suggestion. The help lists options in groups and does not cut the
summaries of commands. This adds a few lines to click, because the packages that do the same take
longer to load than click itself.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import click

from rssbound.cli.output import EXIT_NO_ANSWER
from rssbound.cli.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from click.shell_completion import CompletionItem

__all__ = (
    "Command",
    "File",
    "Folder",
    "Group",
    "Whole",
    "Word",
    "command",
    "refuse_input",
    "version_option",
)

SECTIONS = {
    "Machine options": (
        *("topology", "form", "sysroot", "max_online", "page_size"),
        *("memory", "zoneinfo", "mem_pcpu_rsv"),
    ),
    "Process options": (
        *("pid", "cpus", "updaters", "threads", "rss", "in_flight", "max_increment"),
        "fault_around_bytes",
        *("cgroups", "cgroup"),
    ),
    "Kernel options": (
        *("kernel", "kernel_source", "batch", "percpu_batch", "nodes_shift", "arity"),
    ),
    "Output options": (
        *("brief", "explain", "summary", "whole", "no_notes", "format_", "output", "color", "help"),
    ),
}
"""Heading in the help -> the options under it; all other options come first, under "Options"."""

SUPERFLUOUS = "unexpected extra argument"
"""What click says about an argument for which a command has no place."""


class Word(click.Choice):  # type: ignore[type-arg] # generic since click 8.2
    """One of several words; the error suggests the word that was probably meant."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check the word."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            hint = nearest(str(value), map(str, self.choices))
            raise click.BadParameter(error.message + hint, ctx, param) from None


class File(click.ParamType):  # type: ignore[type-arg] # generic since click 8.4
    """A path that the shell completes; what opens it says what is wrong with it.

    click.Path would do, but each of them looks for a translation of its name, for which it loads
    `locale`.
    """

    name = "path"
    completed_as = "file"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Let the shell list paths."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 (for completion only)

        del ctx, param  # only what is typed counts
        return [CompletionItem(incomplete, type=self.completed_as)]


class Folder(File):
    """A path that completes to folders."""

    completed_as = "dir"


class Whole(click.IntRange):
    """A whole number in a range; the error names the range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check the number."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            bounds = (
                f"of at least {self.min}" if self.max is None else f"from {self.min} to {self.max}"
            )
            self.fail(f"{value!r} is not a whole number {bounds}.", param, ctx)


class Command(click.Command):
    """A command whose help lists options in groups, and whose output replaces no input."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, unless a file of its output is also one of its inputs."""
        refuse_input(ctx.params)
        return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; one too many is probably a machine, which most commands name so."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            named = any(param.name == "topology" for param in self.params)
            if named and SUPERFLUOUS in error.message:
                hint = "; a machine is named with --topology"
                raise click.UsageError(error.message.removesuffix(".") + hint, ctx) from None
            raise

    def get_help_option(self, ctx: click.Context) -> click.Option:  # noqa: ARG002
        """Give --help."""
        return _help_option()

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002 (never cut)
        """Give the first sentence of the help."""
        return _first_sentence(self.help)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list of options for each of SECTIONS."""
        section_of = {name: title for title, names in SECTIONS.items() for name in names}
        rows: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Options", *SECTIONS)}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and record[1]:  # click gives an argument an empty text
                rows[section_of.get(str(param.name), "Options")].append(record)
        for title, records in rows.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class Group(click.Group):
    """A group that prints its help if no command is named, and suggests similar command names."""

    command_class = Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Print the help and fail if no command is named, so that a script notices."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(EXIT_NO_ANSWER)
        return super().parse_args(ctx, args)

    def get_help_option(self, ctx: click.Context) -> click.Option:  # noqa: ARG002
        """Give --help."""
        return _help_option()

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002 (never cut)
        """Give the first sentence of the help."""
        return _first_sentence(self.help)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command by name; UsageError if there is none."""
        name = args[0]
        if (
            not ctx.resilient_parsing
            and not name.startswith("-")
            and self.get_command(ctx, name) is None
        ):
            raise click.UsageError(
                f"No such command {name!r}.{nearest(name, self.list_commands(ctx))}", ctx
            )
        return super().resolve_command(ctx, args)


def command(epilog: str, **settings: Any) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a command of rssbound; `epilog` holds the examples."""
    return click.command(cls=Command, epilog=epilog, **settings)


@cache
def _help_option() -> click.Option:
    """Make --help. click's own loads `locale` to translate one line, even if it is not shown."""
    settings = _printing(click.Context.get_help)
    return click.Option(["-h", "--help"], help="Show this message and exit.", **settings)


def version_option(version: str) -> Callable[[Any], Any]:
    """Add -V and --version; see _help_option for why it is not click's."""
    settings = _printing(lambda _: f"rssbound {version}")
    return click.option("-V", "--version", help="Show the version and exit.", **settings)


def _printing(text_of: Callable[[click.Context], str]) -> dict[str, Any]:
    """Give the settings of a flag that prints a text and ends the program."""

    def show(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001
        if value and not ctx.resilient_parsing:
            click.echo(text_of(ctx), color=ctx.color)
            ctx.exit()

    return {"is_flag": True, "expose_value": False, "is_eager": True, "callback": show}


def refuse_input(params: Mapping[str, Any]) -> None:
    """Raise UsageError if an output file is also given as an input, which it would replace."""
    outputs = [name for name in _strings(params.get("output")) if os.path.isfile(name)]
    if not outputs:
        return
    given = {
        os.path.realpath(name)
        for param, value in params.items()
        if param not in {"output", "write_baseline"}
        for name in _strings(value)
    }
    for output in outputs:
        if os.path.realpath(output) in given:
            context = click.get_current_context(silent=True)
            raise click.UsageError(f"-o {output} is an input; write to another file.", context)


def _strings(value: Any) -> list[str]:
    """Give the strings in the value of an option, which may be repeated."""
    values = value if isinstance(value, tuple | list) else [value]
    return [each for each in values if isinstance(each, str)]


def _first_sentence(text: str | None) -> str:
    paragraph = " ".join((text or "").partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].removesuffix(".") + "."
