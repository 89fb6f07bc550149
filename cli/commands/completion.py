"""`rssbound completion`: the script with which a shell completes commands, options and values."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from rssbound.cli.command import Word, command
from rssbound.cli.output import write

__all__ = ("completion",)

SHELLS = ("bash", "zsh", "fish")

EPILOG = """\b
Examples, one line for each shell:
  source <(rssbound completion bash)                     this session, bash or zsh
  echo 'source <(rssbound completion bash)' >> ~/.bashrc
  echo 'source <(rssbound completion zsh)' >> ~/.zshrc   below compinit
  rssbound completion fish > ~/.config/fish/completions/rssbound.fish
"""


@command(EPILOG)
@click.argument("shell", type=Word(SHELLS), metavar="SHELL")
@click.pass_context
def completion(context: click.Context, /, shell: str) -> None:
    """Print the completion script for SHELL: bash, zsh or fish.

    It completes commands, options, and the names of designs, interfaces, formats and files.
    """
    script = get_completion_class(shell)
    if script is not None:
        program = context.find_root()
        complete = script(program.command, {}, "rssbound", "_RSSBOUND_COMPLETE")
        write(complete.source() + "\n", "-")
