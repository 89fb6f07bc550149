"""`rssbound observe`: approximate against precise RSS of running processes, beside the bound."""

from __future__ import annotations

import math
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from rssbound.bounds import Scenario
from rssbound.cli.command import Word, command
from rssbound.cli.inputs.machine import read_machine
from rssbound.cli.inputs.options import (
    Bytes,
    apply,
    color_option,
    is_given,
    output_option,
    scenario_options,
)
from rssbound.cli.inputs.process import process_of
from rssbound.cli.observing.law import law_for
from rssbound.cli.observing.pace import Pace
from rssbound.cli.observing.session import LOOK, SCREEN, STREAM, SUMMARY, Plan, Seen, watched
from rssbound.cli.output import EXIT_VIOLATED, chosen_format, style_for, wants_color, write
from rssbound.cli.render import FORMATS
from rssbound.cli.render.results import observation, observation_summary
from rssbound.cli.render.results.observation_screen import View
from rssbound.errors import InputError
from rssbound.live.facts import Bounds, facts_of
from rssbound.live.procfs import hides_others, is_in_container
from rssbound.live.recording import read_record
from rssbound.live.summary import summary_of
from rssbound.live.wanted import Wanted, cgroup_folder

if TYPE_CHECKING:
    from rssbound.live.facts import Facts
    from rssbound.live.summary import Summary

__all__ = ("observe",)

NDJSON = "ndjson"
ENDINGS = {".ndjson", ".jsonl"}

HIDDEN = "/proc is mounted with hidepid: processes of other users are not seen; root sees all."
CONTAINER = "This is a PID namespace of its own (a container): processes outside are not seen."

EPILOG = """\b
Examples:
  rssbound observe --all                             every process, as top does
  rssbound observe --name 'postgres*' --threshold 512MiB
  rssbound observe --pid 4711 --interval 0.1 --record run.parquet
  rssbound observe --cgroup system.slice/nginx.service --count 10 | jq .difference_pages
  rssbound observe --record build.ndjson -- make -j8
  rssbound observe --summary build.ndjson            the worst and the usual difference
  rssbound observe --all --metrics 9105              for Prometheus, at http://localhost:9105
  rssbound observe --all --metrics /var/lib/node_exporter/rssbound.prom --duration 3600

\b
Exit codes:
  0    every difference was within its bound
  1    one was not
  2    nothing to watch, or not permitted
  130  Ctrl-C; 143 asked to end
With COMMAND: its own code, 128 and the signal that ended it; 1 too where a difference was outside.
"""


class Percent(click.ParamType):  # type: ignore[type-arg] # generic since click 8.4
    """A share such as 1% or 0.5%."""

    name = "percent"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read the share."""
        if isinstance(value, float):
            return value
        try:
            share = float(str(value).removesuffix("%")) / 100
        except ValueError:
            share = -1.0
        if not 0 < share <= 1:
            self.fail(f"{value!r} is not a share of a CPU such as 1% or 0.5%", param, ctx)
        return share


class Seconds(click.ParamType):  # type: ignore[type-arg] # generic since click 8.4
    """A time of at least so many seconds, and of at most some years, which a clock can wait."""

    name = "seconds"
    most = 1e8

    def __init__(self, least: float) -> None:
        self.least = least

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read the time."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not self.least <= seconds <= self.most:  # which NaN is not
            span = f"{self.least:g} to {self.most:,.0f}"
            self.fail(f"{str(value)!r} is not a time in seconds, from {span}", param, ctx)
        return seconds


@command(EPILOG, context_settings={"allow_interspersed_args": False})
@click.argument("started", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND [ARG]...]")
@click.option(
    "--pid",
    "pids",
    type=click.IntRange(min=1),
    multiple=True,
    help="This process; may be repeated.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="PATTERN",
    help="Processes whose command is this; *, ? and [..] as in a shell. The kernel keeps 15 "
    "letters of a command.",
)
@click.option("--all", "everything", is_flag=True, help="Every process that can be seen.")
@click.option(
    "--cgroup",
    "cgroups",
    multiple=True,
    metavar="NAME",
    help="Processes of a cgroup and of all below it: a path, or its name below /sys/fs/cgroup.",
)
@click.option(
    "--threshold",
    type=Bytes(),
    metavar="SIZE",
    help="Say of each process whether it has more, less, or whether the cheap value cannot tell.",
)
@click.option(
    "--interval",
    type=Seconds(0.01),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two looks.",
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="Look N times.")
@click.option(
    "--duration",
    type=Seconds(0),
    metavar="SECONDS",
    help="Look for so long.",
)
@click.option(
    "--cpu-budget",
    "share",
    type=Percent(),
    default="1%",
    show_default=True,
    metavar="PERCENT",
    help="Most of one CPU that walks of page tables (smaps_rollup) may take, on kernels where "
    "statm is not precise.",
)
@click.option(
    "--record", metavar="FILE", help="Keep every sample: NDJSON, or Parquet if it ends in .parquet."
)
@click.option("--summary", metavar="FILE", help="Watch nothing; say what a record comes to.")
@click.option(
    "--metrics",
    metavar="PLACE",
    help="Expose difference and bound of each process to Prometheus: a port of this machine, "
    "ADDRESS:PORT, or a file for node_exporter's textfile collector.",
)
@apply(scenario_options("updaters", "max_online", "percpu_batch", "fault_around_bytes"))
@click.option(
    "--format",
    "format_",
    type=Word([*FORMATS, NDJSON]),
    help="How to print; ndjson is every sample as it comes, the others are one look, or of more "
    "looks the summary.  [default: by the ending of FILE; else the live screen on a terminal; "
    "else ndjson with --interval, --count or --duration, without --record and --metrics; else "
    "plain]",
)
@apply([output_option(), color_option()])
@click.pass_context
def observe(
    context: click.Context,
    /,
    started: tuple[str, ...],
    pids: tuple[int, ...],
    names: tuple[str, ...],
    everything: bool,
    cgroups: tuple[str, ...],
    threshold: int | None,
    interval: float,
    count: int | None,
    duration: float | None,
    share: float,
    record: str | None,
    summary: str | None,
    metrics: str | None,
    format_: str | None,
    output: str,
    color: str,
    **scenario: Any,
) -> int:
    """Watch processes: RSS as the cheap read has it, as it really is, and the bound of the error.

    On a terminal a screen that refreshes as top's, with keys to sort and quit. Elsewhere one look,
    or NDJSON. The cheap read is field 24 of /proc/PID/stat. Where statm is precise it is read
    beside it, which costs next to nothing; elsewhere smaps_rollup is, within --cpu-budget, and with
    --threshold only where the cheap value cannot tell. Of one's own processes it needs no
    privileges.

    COMMAND is started, watched with all it starts, and asked to end when the watch ends before.
    What it prints goes to standard error, or with -o FILE to standard output; the screen hides it.
    """
    if summary is not None:
        _check_alone(context)
        return _summarise(summary, Print(format_, output, color, scenario))
    whom = bool(everything or pids or names or cgroups)
    _check_whom(context, command=bool(started), whom=whom)
    shows = _shows(
        format_,
        output,
        paced=any(is_given(context, name) for name in ("interval", "count", "duration")),
        kept=bool(record or metrics),
        command=bool(started),
    )
    facts, bounds = _surroundings(Scenario(**scenario))
    plan = Plan(
        wanted=_wanted(everything=everything, pids=pids, names=names, cgroups=cgroups),
        shows=shows,
        pace=Pace(interval, 1 if shows == LOOK else count, duration),
        command=started,
        threshold=None if threshold is None else threshold // facts.page_size,
        share=share,
        record=record,
        metrics=metrics,
        output=output,
    )
    notes = _notes(plan.wanted, facts)
    view = View(80, 24, is_ascii=_is_ascii(), threshold=threshold, notes=notes)
    seen = watched(plan, facts, bounds, view, color=wants_color(color, sys.stdout))
    _print(seen, plan, facts, notes, Print(format_, output, color, scenario))
    return seen.code


class Print(NamedTuple):
    """How to print what was seen; `scenario` is what the typical law is for."""

    format_: str | None
    output: str
    color: str
    scenario: dict[str, Any]


def _summarise(record: str, how: Print) -> int:
    """Print what a record comes to; gives the exit code."""
    found = summary_of(read_record(record))
    if not found.samples:
        raise InputError(f"{record}: no samples in it")
    _print_summary(found, f"{record}:", (), how)
    return EXIT_VIOLATED if found.outside else 0


def _print(seen: Seen, plan: Plan, facts: Facts, notes: tuple[str, ...], how: Print) -> None:
    """Print what is left to say once a watch has ended."""
    if seen.look is None:
        return
    if plan.shows == LOOK:
        chosen = chosen_format(how.format_, how.output, FORMATS)
        style = style_for(how.output, how.color)
        write(observation.render(seen.look, facts, notes, chosen, style), how.output)
    elif seen.summing is not None:
        source = f"{' '.join(plan.command) or 'processes'}, as watched:"
        _print_summary(seen.summing.summary(), source, (*notes, *seen.notes), how)


def _print_summary(found: Summary, source: str, notes: tuple[str, ...], how: Print) -> None:
    chosen = chosen_format(None if how.format_ == NDJSON else how.format_, how.output, FORMATS)
    law = law_for(found, read_machine(None, None), Scenario(**how.scenario))
    style = style_for(how.output, how.color)
    write(observation_summary.render(found, law, source, notes, chosen, style), how.output)


def _check_whom(context: click.Context, *, command: bool, whom: bool) -> None:
    """Refuse a watch of nothing, and of a command together with what contradicts it."""
    if not (command or whom):
        raise click.UsageError(
            "nothing to watch; give --all, --name, --pid, --cgroup or -- COMMAND."
        )
    if command and (whom or is_given(context, "count") or is_given(context, "duration")):
        raise click.UsageError(
            "COMMAND is watched by itself, to its end; leave out --pid, --name, --all, --cgroup, "
            "--count and --duration."
        )


def _check_alone(context: click.Context) -> None:
    """Refuse what says whom to watch, beside a record that is to be read."""
    allowed = {"summary", "format_", "output", "color", "max_online", "percpu_batch", "updaters"}
    for option in context.command.params:
        name = str(option.name)
        if name not in allowed and is_given(context, name):
            raise click.UsageError(f"--summary watches nothing; leave out {option.opts[-1]}.")


def _shows(format_: str | None, output: str, *, paced: bool, kept: bool, command: bool) -> str:
    """Decide what is printed; `kept`: samples go to a record or to Prometheus."""
    many = paced or kept or command
    if format_ == NDJSON or (format_ is None and PurePath(output).suffix in ENDINGS):
        return STREAM
    if format_ is not None or output != "-":
        return SUMMARY if many else LOOK
    if sys.stdout.isatty() and sys.stdin.isatty():
        return SCREEN
    if paced and not kept:
        return STREAM
    return SUMMARY if many else LOOK


def _wanted(
    *, everything: bool, pids: tuple[int, ...], names: tuple[str, ...], cgroups: tuple[str, ...]
) -> Wanted:
    """Check what is asked for; InputError with all that cannot be watched."""
    faults: list[str] = []
    for pid in pids:
        try:
            process_of(pid)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(*faults)
    folders = tuple(cgroup_folder(name) for name in cgroups)
    return Wanted(everything=everything, pids=frozenset(pids), names=names, cgroups=folders)


def _surroundings(scenario: Scenario) -> tuple[Facts, Bounds]:
    """Say what holds on this machine; measures whether statm is precise where nobody tells."""
    machine = read_machine(None, None)
    facts = facts_of(machine, scenario, _is_statm_precise)
    return facts, Bounds(machine, scenario)


def _is_statm_precise() -> bool | None:
    from rssbound.cli.inputs.probe import probed  # noqa: PLC0415 (only where it is not known)

    try:
        return next(file.agrees for file in probed() if file.interface == "statm")
    except (InputError, OSError):
        return None


def _notes(wanted: Wanted, facts: Facts) -> tuple[str, ...]:
    """Say why this file is the precise one, and what of the machine cannot be seen from here."""
    around = wanted.looks_around
    found = [
        (facts.guess or facts.walks, f"{facts.why[0].upper()}{facts.why[1:]}."),
        (around and hides_others(), HIDDEN),
        (around and is_in_container(), CONTAINER),
    ]
    return tuple(text for holds, text in found if holds)


def _is_ascii() -> bool:
    return not (sys.stdout.encoding or "").lower().startswith("utf")
