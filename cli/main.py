"""`rssbound`: the list of commands, and the one place that handles errors and exit codes.

Each fault is one line without a traceback, unless --debug is given. Exit codes and streams are
described in cli/output.py.
"""

from __future__ import annotations

import errno
import gc
import importlib
import io
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from rssbound import __version__
from rssbound.cli.command import Group, version_option
from rssbound.cli.memory import READ, out_of_memory
from rssbound.cli.output import EXIT_INTERRUPTED, EXIT_NO_ANSWER, STANDARD_OUTPUT, say
from rssbound.errors import RssboundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ("cli", "main")

COMMANDS = {
    "analyze": "Compute the exact worst-case error of RSS for every counter design.",
    "choose": "Choose the largest batch whose bound fits a budget.",
    "formula": "Print bounds as formulas, from the same definition that analyze evaluates.",
    "witness": "List updates that reach a bound, starting with an empty process (or cgroup, "
    "zone, protocol).",
    "verify": "Compute every bound in five ways that must agree; exit 1 if any differs.",
    "simulate": "Run a workload on an executable model of a counter and measure its error.",
    "interfaces": "List where RSS can be read on a kernel, the error of each file, and what to "
    "read instead.",
    "tolerance": "Compute how far a reading of FILE can be off, for a test or a watchdog.",
    "observe": "Watch processes: their RSS as read cheaply, their true RSS, and the bound of "
    "the error.",
    "oom": "Show whether the OOM killer can rank processes in the wrong order.",
    "check": "Compare bounds with a baseline and with limits, for CI.",
    "compare": "Compare two analyses, bound by bound.",
    "fleet": "Compute the bounds of many machines: one row in, one row out.",
    "measure": "Run a kernel tree's own counter functions and compare the error they reach "
    "with the bound.",
    "plot": "Draw the exact worst-case errors of RSS.",
    "report": "Write an HTML page with summary, tables, pictures, assumptions and commands.",
    "topology": "Show a machine's topology, convert it to another format, or capture this machine.",
    "completion": "Print the completion script for SHELL: bash, zsh or fish.",
}
"""Command -> its summary in the help. Its module, of that name, is loaded on first use."""

MANY = 20_000
"""Number of new objects after which the garbage collector runs; short commands never reach it."""

EPILOG = """\b
Examples:
  rssbound analyze                                # this machine
  rssbound analyze host.json                      # a machine described in a file
  rssbound analyze 'package:2 core:64 pu:2' --threads 8
"""


LIMITS = {
    errno.EFBIG: "; raise the limit RLIMIT_FSIZE (ulimit -f)",
    errno.EMFILE: "; raise the limit RLIMIT_NOFILE (ulimit -n)",
    errno.EAGAIN: "; a limit on processes (ulimit -u, pids.max of the cgroup) may be reached",
}
"""Errors that a limit of the process causes, and what to do."""


class _Commands(Group):
    """A group that loads a command only when it is used, so that --help and --version are fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        with _nothing_is_garbage():
            module = importlib.import_module(f"rssbound.cli.commands.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 (click passes it)
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except RssboundError as error:
            return _failed(error.faults, debug=ctx.params["debug"])
        except OSError as error:
            return _failed([_os_fault(error)], debug=ctx.params["debug"])
        except MemoryError:
            pass  # leaving this block frees the memory that the message needs
        except Exception as error:  # noqa: BLE001 (the last line of defence: a bug is exit 2, not 1)
            text = (
                f"internal error: {type(error).__name__}: {error}; please report it with the "
                "output of "
                "--debug"
            )
            return _failed([text], debug=ctx.params["debug"])
        return _failed([out_of_memory(ctx.meta.get(READ))])


@contextmanager
def _nothing_is_garbage() -> Iterator[None]:
    """Keep the garbage collector from scanning modules repeatedly while they are loaded."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(MANY)
        gc.enable()


@click.group(
    cls=_Commands,
    epilog=EPILOG,
    context_settings={"max_content_width": 100},
)
@version_option(__version__)
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
def cli(debug: bool) -> None:
    """How wrong can a Linux process's RSS be, exactly, on this machine?

    Linux keeps part of a process's page counts in per-CPU, per-thread or per-node slots. A cheap
    read misses those pages. rssbound computes the exact worst case of every counter design.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code."""
    _replace_closed_streams()
    try:
        return _run(arguments)
    finally:
        _drop_unwritten()


def _replace_closed_streams() -> None:
    """Open the streams that the caller closed, as in `rssbound >&-`; Python has None for them.

    Input is empty, messages are dropped, and a result that goes to standard output is an error.
    """
    for name, flags, mode in (
        ("stdin", os.O_RDONLY, "r"),
        ("stdout", os.O_RDONLY, "w"),  # so that writing fails
        ("stderr", os.O_WRONLY, "w"),
    ):
        if getattr(sys, name) is None:
            file = os.open(os.devnull, flags)
            setattr(sys, name, os.fdopen(file, mode, encoding="utf-8"))


def _drop_unwritten() -> None:
    """Drop what a stream could not write; Python would try again at its end, and exit with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _run(arguments: Sequence[str] | None) -> int:
    """Run a command; each of its faults becomes a line and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # no file name may break the output
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # exit 141 if `head` closes the pipe
    try:
        return cli.main(arguments, prog_name="rssbound", standalone_mode=False) or 0
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else _path_of(arguments)
        message = " ".join(error.format_message().split())  # click lists choices on lines
        message = message.replace(" (Did you mean", " Did you mean").replace("?)", "?")
        stop = "" if message.endswith((".", "?")) else "."
        return _failed([f"{message}{stop} See '{path} --help'."])
    except click.ClickException as error:
        return _failed([error.format_message()])
    except OSError as error:  # only --help and --version print outside a command
        return _failed([_os_fault(error)])
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED


def _path_of(arguments: Sequence[str] | None) -> str:
    """Name the command for which click gives no context: an option lacks its argument."""
    given = sys.argv[1:] if arguments is None else arguments
    command = next((word for word in given if not word.startswith("-")), "")
    return f"rssbound {command}" if command in COMMANDS else "rssbound"


def _os_fault(error: OSError) -> str:
    """Name the file of an OSError; only what click prints itself has no file name."""
    unnamed = f"{STANDARD_OUTPUT}: " if error.errno in {errno.ENOSPC, errno.EBADF} else ""
    file = f"{error.filename}: " if error.filename else unnamed
    advice = LIMITS.get(error.errno or 0, "")
    return f"{file}{error.strerror or error}{advice}"


def _failed(faults: Sequence[str], *, debug: bool = False) -> int:
    if debug:
        import traceback  # noqa: PLC0415 (slow to load)

        traceback.print_exc()
    for fault in faults:
        say(fault)
    return EXIT_NO_ANSWER
