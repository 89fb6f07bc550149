"""`rssbound topology`: show or convert a machine, or capture this one."""

from __future__ import annotations

import shutil
import sys

import click

from rssbound.cli.command import Group, Word
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    SYSROOT,
    apply,
    color_option,
    output_option,
    source_options,
    sysroot_option,
)
from rssbound.cli.output import (
    check_distinct,
    ending_of,
    say,
    wants_color,
    write,
    write_bytes,
)
from rssbound.cli.render import Style
from rssbound.errors import InputError
from rssbound.topology.capture import raw_capture
from rssbound.topology.nesting import check_drawable, nest
from rssbound.topology.sources import open_source
from rssbound.topology.writers import WRITERS

__all__ = ("topology",)

ENDINGS = {"json": "json", "xml": "hwloc-xml", "dot": "dot", "gv": "dot"}
"""Ending of a file's name -> the form that it asks for."""

EPILOG = """\b
Examples:
  rssbound topology show
  rssbound topology show --topology host.tar.xz --full
  rssbound topology convert --topology lstopo.xml -o host.json -o host.dot
  rssbound topology convert --to dot | dot -Tsvg -o host.svg
  rssbound topology capture -o host.json
  rssbound topology capture --raw -o host.tar.gz
"""


@click.group(cls=Group, epilog=EPILOG)
def topology() -> None:
    """Show a machine's topology, convert it to another format, or capture this machine."""


@topology.command(epilog=EPILOG)
@apply([*source_options(), output_option(), color_option()])
@click.option("--full", is_flag=True, help="Show every domain instead of folding identical ones.")
def show(
    topology: str | None,
    form: str | None,
    kernel: str | None,
    full: bool,
    output: str,
    color: str,
) -> None:
    """Draw the tree of domains; identical branches are folded into one."""
    from rssbound.cli.render.results.topology import outline  # noqa: PLC0415 (rich is slow to load)

    machine = read_machine(topology, form, kernel)
    if full:
        check_drawable(machine)
    nesting = nest(machine)
    for warning in nesting.warnings:
        say(f"warning: {machine.source}: {warning}")
    to_terminal = output == "-" and sys.stdout.isatty()
    style = Style(
        width=shutil.get_terminal_size().columns if to_terminal else 10_000,
        color=wants_color(color, sys.stdout),
        encoding=sys.stdout.encoding or "utf-8",
    )
    write(outline(machine, nesting, style, full=full), output)


@topology.command(epilog=EPILOG)
@apply([*source_options(), output_option(multiple=True)])
@click.option(
    "--to",
    "target",
    type=Word(list(WRITERS)),
    help="The format.  [default: by the extension of FILE: .json, .xml, .dot]",
)
def convert(
    topology: str | None,
    form: str | None,
    kernel: str | None,
    target: str | None,
    output: tuple[str, ...],
) -> None:
    """Write a machine in another format.

    json keeps everything. lstopo reads hwloc-xml. synthetic is one line, for machines whose
    branches are all identical. dot is for Graphviz.
    """
    forms = _forms(output, target)
    machine = read_machine(topology, form, kernel)
    texts = {}
    for file, wanted in forms.items():
        try:
            texts[file] = WRITERS[wanted](machine)
        except InputError as error:
            raise error.at(f"{machine.source}: --to {wanted}") from None
    for file, text in texts.items():
        write(text, file)


def _forms(files: tuple[str, ...], target: str | None) -> dict[str, str]:
    """Give the format of each file: the given one, or for several files that of each extension.

    UsageError for a file whose format is not known.
    """
    check_distinct(files)
    forms = {}
    for file in files:
        by_name = ENDINGS.get(ending_of(file))
        form = by_name or target if len(files) > 1 else target or by_name
        if form is None:
            if file == "-":
                raise click.UsageError(f"give --to: {', '.join(WRITERS)}.")
            names = ", ".join(f".{ending}" for ending in ENDINGS)
            raise click.UsageError(
                f"the format of {file!r} is not known; use the extension {names} or give --to."
            )
        forms[file] = form
    return forms


@topology.command(epilog=EPILOG)
@apply([output_option(), sysroot_option()])
@click.option(
    "--raw",
    is_flag=True,
    help="Write a .tar.gz of the sysfs files, with kernel release and page size.",
)
@click.pass_context
def capture(context: click.Context, raw: bool, output: str) -> None:
    """Write this machine as JSON, from which the same machine can be read.

    --raw copies the files that describe the topology, for bug reports about reading them. They
    contain no host names or serial numbers.
    """
    if not raw:
        write(WRITERS["json"](read_machine(None, "sysfs")), output)
        return
    if output == "-" and sys.stdout.isatty():
        raise click.UsageError(
            "--raw writes an archive, which cannot go to a terminal; use -o FILE."
        )
    sysroot = context.meta[SYSROOT]
    write_bytes(raw_capture(open_source(None, sysroot=sysroot or "/")), output)
