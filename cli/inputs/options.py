"""Option types and the options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from rssbound.bounds import DESIGNS
from rssbound.bounds.designs import BESIDE_IDS
from rssbound.bounds.gate.amounts import bytes_of
from rssbound.bounds.gate.sizes import process_size_of
from rssbound.bounds.scenario.process_size import ProcessSize
from rssbound.bounds.scenario.scenario import ALL, CPU_SETS, DEFAULT_PAGE_SIZE, UPDATERS
from rssbound.cli.command import File, Folder, Word
from rssbound.errors import RssboundError
from rssbound.topology import READERS, CpuSet
from rssbound.topology.arity import parse_arity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


__all__ = (
    "BESIDE_WORDS",
    "DESIGN_WORDS",
    "SCENARIO_OPTIONS",
    "SYSROOT",
    "Bytes",
    "Size",
    "apply",
    "color_option",
    "designs_option",
    "format_option",
    "is_given",
    "more_sources",
    "output_option",
    "result_options",
    "scenario_options",
    "scenario_value",
    "source_options",
    "sysroot_option",
)

Decorated = Any

SYSROOT = "rssbound.sysroot"
"""Key of the context's `meta` under which --sysroot is kept."""


DESIGN_WORDS = f"Designs: {', '.join(DESIGNS)}."
BESIDE_WORDS = f"Counters other than RSS: {', '.join(BESIDE_IDS)}."
"""The end of the help of options that name designs."""


class Source(File):
    """A machine: a file or a folder, which shells complete, or a string that describes it."""

    name = "source"


class Bytes(click.ParamType):  # type: ignore[type-arg] # generic since click 8.4
    """A size such as 4096, 64K or 2MiB, in bytes; units are powers of 1024.

    `most` is the largest that is accepted.
    """

    name = "size"

    def __init__(self, most: int | None = None) -> None:
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the size."""
        if isinstance(value, int):
            return value
        try:
            size = bytes_of(str(value))
        except RssboundError as error:
            self.fail(str(error), param, ctx)
        if self.most is not None and size > self.most:
            self.fail(f"{value}: no process is larger than {self.most >> 60} EiB.", param, ctx)
        return size


class Size(click.ParamType):  # type: ignore[type-arg] # see Bytes
    """The size of a process: 300MiB, 200MiB-1GiB, or by counter anon=200MiB,file=80MiB."""

    name = "size"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> ProcessSize:
        """Read the size."""
        if isinstance(value, ProcessSize):
            return value
        try:
            return process_size_of(str(value))
        except RssboundError as error:
            self.fail(str(error), param, ctx)


class Cpus(click.ParamType):  # type: ignore[type-arg] # see Bytes
    """`online`, `present`, `possible` or a CPU list."""

    name = "cpus"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> CpuSet | str:
        """Read the set."""
        if isinstance(value, CpuSet):
            return value
        if value in CPU_SETS:
            return str(value)
        try:
            return CpuSet.parse(str(value))
        except RssboundError as error:
            self.fail(f"{error}; {', '.join(CPU_SETS)} are accepted too", param, ctx)


class Arity(click.ParamType):  # type: ignore[type-arg] # see Bytes
    """Fan-outs of a tree from the CPUs to the root, such as 16 or 4,4."""

    name = "fan-outs"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Read the fan-outs."""
        if isinstance(value, tuple):
            return value
        try:
            return parse_arity(str(value))
        except RssboundError as error:
            self.fail(str(error), param, ctx)


def apply(options: list[Callable[[Decorated], Decorated]]) -> Callable[[Decorated], Decorated]:
    """Add a list of options to a command; the help lists them in this order."""

    def decorate(command: Decorated) -> Decorated:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def source_options(
    *, multiple: bool = False, default: str = "this machine"
) -> list[Callable[[Decorated], Decorated]]:
    """Give the options that name a machine, or several; `default` is used if none is named."""
    again = " May be repeated; further arguments are more machines." if multiple else ""
    return [
        click.option(
            "--topology",
            type=Source(),
            metavar="SOURCE",
            multiple=multiple,
            help="The machine: a file, a captured folder or archive, - for standard input, or a "
            f"string such as 'package:2 numa:4 core:24 pu:2'. Default: {default}.{again}",
        ),
        click.option(
            "--from",
            "form",
            type=Word([reader.id for reader in READERS]),
            metavar="FORM",
            help="Format of SOURCE, instead of detecting it: "
            f"{', '.join(reader.id for reader in READERS)}.",
        ),
        sysroot_option(),
        click.option("--kernel", metavar="RELEASE", help="Kernel release, such as 6.12.117."),
    ]


def sysroot_option() -> Callable[[Decorated], Decorated]:
    """Give the option that names the folder of this machine's sys; read_machine uses it."""

    def keep(context: click.Context, _: click.Parameter, value: str | None) -> None:
        context.meta[SYSROOT] = value

    return click.option(
        "--sysroot",
        metavar="DIR",
        type=Folder(),
        expose_value=False,
        callback=keep,
        help="Read this machine's /sys from DIR/sys, for example in a container that is run with "
        "-v /sys:/host/sys:ro (--sysroot /host).",
    )


def more_sources() -> Callable[[Decorated], Decorated]:
    """Give the arguments that name machines without --topology, as `more`."""
    return click.argument("more", nargs=-1, metavar="[SOURCE]...", type=Source())


_SCENARIO: dict[str, Callable[[Decorated], Decorated]] = {
    "cpus": click.option(
        "--cpus",
        type=Cpus(),
        default="online",
        show_default=True,
        metavar="SET",
        help="CPUs the process may run on: online, present, possible or a list such as 0-3,8.",
    ),
    "updaters": click.option(
        "--updaters",
        type=Word(UPDATERS),
        default=ALL,
        show_default=True,
        help="Who updates the process's counters. all: any task on any online CPU. own: only the "
        "process itself, which has run only on --cpus; you guarantee this.",
    ),
    "threads": click.option(
        "--threads", type=int, default=1, show_default=True, help="Threads of the process."
    ),
    "rss": click.option(
        "--rss",
        type=Size(),
        metavar="SIZE",
        help="True size of the process: 300MiB, 200MiB-1GiB or anon=200MiB,file=80MiB (a counter "
        "that is not named can have any size). No reading can be too low by more.",
    ),
    "batch": click.option(
        "--batch",
        type=int,
        default=32,
        show_default=True,
        metavar="PAGES",
        help="RSS_STAT_BATCH_SIZE of the tree designs, a power of two.",
    ),
    "percpu_batch": click.option(
        "--percpu-batch",
        type=int,
        metavar="PAGES",
        help="percpu_counter_batch.  [default: max(32, 2 * max-online)]",
    ),
    "max_online": click.option(
        "--max-online",
        type=int,
        metavar="CPUS",
        help="Most CPUs that have been online together since boot.  [default: those online now]",
    ),
    "page_size": click.option(
        "--page-size",
        type=Bytes(),
        metavar="SIZE",
        help=f"Page size.  [default: the machine's, else {DEFAULT_PAGE_SIZE}]",
    ),
    "fault_around_bytes": click.option(
        "--fault-around-bytes",
        type=Bytes(),
        default="64KiB",
        show_default=True,
        metavar="SIZE",
        help="Largest window that one file fault maps.",
    ),
    "nodes_shift": click.option(
        "--nodes-shift",
        type=int,
        default=10,
        show_default=True,
        metavar="BITS",
        help="CONFIG_NODES_SHIFT of the kernel.",
    ),
    "arity": click.option(
        "--arity",
        type=Arity(),
        metavar="FAN-OUTS",
        help="Shape of tree-symmetric and lazy-tree, as set at boot by percpu_counter_tree.arity=, "
        "such as 16 or 4,4.  [default: the machine's, else the kernel's]",
    ),
    "in_flight": click.option(
        "--in-flight",
        type=int,
        default=0,
        show_default=True,
        metavar="UPDATERS",
        help="Number of updaters stopped half-way through an update.",
    ),
    "max_increment": click.option(
        "--max-increment",
        type=int,
        metavar="PAGES",
        help="Most pages that one update adds or removes.  [default: the pages that one page table "
        "maps, and at least 6 MiB, the most that the arguments of an exec take]",
    ),
}
"""Field of Scenario -> the option that sets it."""

SCENARIO_OPTIONS = list(_SCENARIO.values())
"""The options that make a Scenario."""


def scenario_options(*fields: str) -> list[Callable[[Decorated], Decorated]]:
    """Give the options of some fields of Scenario."""
    return [_SCENARIO[field] for field in fields]


def is_given(context: click.Context, name: str) -> bool:
    """Return whether an option or an argument was given on the command line.

    In click 8.1, arguments that may be left out come from the command line even if none is there.
    """
    source = context.get_parameter_source(name)
    return source is not ParameterSource.DEFAULT and context.params.get(name, name) != ()


def scenario_value(context: click.Context, name: str, value: int | str) -> dict[str, Any]:
    """Read a scenario option that is not from the command line; gives the field and its value.

    `name` is the option without its leading dashes. UsageError for an unknown name or a value that
    the option does not accept.
    """
    options = {option.opts[-1].removeprefix("--"): option for option in context.command.params}
    names = [field.replace("_", "-") for field in _SCENARIO]
    if name not in names:
        raise click.UsageError(f"unknown setting {name!r}; known: {', '.join(names)}")
    option = options[name]
    try:
        return {str(option.name): option.type_cast_value(context, value)}
    except click.BadParameter as error:
        raise click.UsageError(f"{name}: {error.message}") from None


def designs_option(
    text: str = "Only this design; may be repeated.", *, beside: bool = False
) -> Callable[[Decorated], Decorated]:
    """Give the option that names designs; `beside`: also those of counters other than RSS."""
    known = [*DESIGNS, *(BESIDE_IDS if beside else ())]
    metavar = "DESIGN" if beside else None
    words = f"{text} {DESIGN_WORDS} {BESIDE_WORDS}" if beside else text
    return click.option(
        "--design", "designs", multiple=True, type=Word(known), help=words, metavar=metavar
    )


def output_option(*, multiple: bool = False) -> Callable[[Decorated], Decorated]:
    """Give the option `output`, the file to write; with `multiple`, a tuple of files.

    UsageError if a command that writes one file is given two.
    """
    again = " May be repeated: -o a.json -o b.csv." if multiple else ""
    return click.option(
        "-o",
        "--output",
        metavar="FILE",
        multiple=True,
        type=File(),
        default=("-",),
        callback=None if multiple else _only_file,
        help=f"Write to a file instead of standard output.{again}",
    )


def _only_file(_: click.Context, __: click.Parameter, files: tuple[str, ...]) -> str:
    file, *more = files
    if more:
        raise click.UsageError("-o is given twice; this command writes one file.")
    return file


def color_option() -> Callable[[Decorated], Decorated]:
    """Give the option for colour."""
    return click.option(
        "--color",
        type=Word(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Whether to use colour; auto depends on the terminal, NO_COLOR and FORCE_COLOR.",
    )


def format_option(formats: Iterable[str]) -> Callable[[Decorated], Decorated]:
    """Give the option for the format, as `format_`, and --json, which is short for one."""
    choice = Word(list(formats))
    options = [
        click.option(
            "--format",
            "format_",
            type=choice,
            help="Output format.  [default: by the extension of FILE, else $RSSBOUND_FORMAT, else "
            "table on a terminal, else plain]",
        )
    ]
    if "json" in choice.choices:
        options.append(
            click.option(
                "--json", "format_", type=choice, flag_value="json", help="Short for --format json."
            )
        )
    return apply(options)


def result_options(formats: Iterable[str]) -> list[Callable[[Decorated], Decorated]]:
    """Give the options for the output of a result: `format_`, `output`, `color`.

    `output` is a tuple of files; `targets_of` turns the three into the targets of `write_result`.
    """
    return [format_option(formats), output_option(multiple=True), color_option()]
