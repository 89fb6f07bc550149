"""`rssbound observe`: compare approximate and precise RSS of running processes with the bound."""

from __future__ import annotations

import math
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from rssbound.bounds import Scenario
from rssbound.cli.command import Whole, Word, command
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
from rssbound.cli.observing.session import (
    EXIT_CLOSED_PIPE,
    LOOK,
    SCREEN,
    STREAM,
    SUMMARY,
    Plan,
    Seen,
    watched,
)
from rssbound.cli.output import EXIT_VIOLATED, chosen_format, say, style_for, wants_color, write
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

HIDDEN = (
    "/proc is mounted with hidepid: processes of other users are hidden; run as root to see all."
)
CONTAINER = "This is a separate PID namespace (a container): processes outside it are not visible."

EPILOG = """\b
Examples:
  rssbound observe --all                             every process, as top does
  rssbound observe --name 'postgres*' --threshold 512MiB
  rssbound observe --pid 4711 --interval 0.1 --record run.parquet
  rssbound observe --cgroup system.slice/nginx.service --count 10 | jq .difference_pages
  rssbound observe --record build.ndjson -- make -j8
  rssbound observe --summary build.ndjson            worst and usual difference
  rssbound observe --all --metrics 9105              for Prometheus, at http://localhost:9105
  rssbound observe --all --metrics /var/lib/node_exporter/rssbound.prom --duration 3600

\b
Exit codes:
  0    every difference was within its bound
  1    a difference exceeded its bound
  2    nothing to watch, or not permitted
  130  interrupted with Ctrl-C; 143 after SIGTERM
With COMMAND: the exit code of COMMAND, or 128 plus the signal that ended it; 1 if COMMAND
succeeded but a difference exceeded its bound.
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
    """A time in seconds, from `least` to about three years, for which a clock can wait."""

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
    type=Whole(min=1),
    metavar="PID",
    multiple=True,
    help="Process to watch; may be repeated.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="PATTERN",
    help="Processes whose command name matches; *, ? and [..] work as in a shell. The kernel "
    "keeps only the first 15 bytes of a name.",
)
@click.option("--all", "everything", is_flag=True, help="All visible processes.")
@click.option(
    "--cgroup",
    "cgroups",
    multiple=True,
    metavar="NAME",
    help="Processes of a cgroup and its descendants: a path, or a name below /sys/fs/cgroup.",
)
@click.option(
    "--threshold",
    type=Bytes(),
    metavar="SIZE",
    help="Show for each process whether its RSS is above SIZE, below it, or cannot be decided "
    "from the cheap value.",
)
@click.option(
    "--interval",
    type=Seconds(0.01),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between samples.",
)
@click.option("--count", type=Whole(min=1), metavar="N", help="Stop after N samples.")
@click.option(
    "--duration",
    type=Seconds(0),
    metavar="SECONDS",
    help="Stop after this time.",
)
@click.option(
    "--cpu-budget",
    "share",
    type=Percent(),
    default="1%",
    show_default=True,
    metavar="PERCENT",
    help="Largest share of one CPU for walking page tables (smaps_rollup), on kernels where "
    "statm is not precise.",
)
@click.option(
    "--record",
    metavar="FILE",
    help="Write every sample to FILE: Parquet if it ends in .parquet, else NDJSON.",
)
@click.option("--summary", metavar="FILE", help="Summarise a record instead of watching.")
@click.option(
    "--metrics",
    metavar="PLACE",
    help="Export the difference and the bound of each process to Prometheus: a port of this "
    "machine, ADDRESS:PORT, or a file for the textfile collector of node_exporter.",
)
@apply(scenario_options("updaters", "max_online", "percpu_batch", "fault_around_bytes"))
@click.option(
    "--format",
    "format_",
    type=Word([*FORMATS, NDJSON]),
    help="Output format. ndjson prints every sample at once; the other formats print one sample, "
    "or a summary of several.  [default: from the extension of -o; else the live screen on a "
    "terminal; else ndjson with --interval, --count or --duration but without --record and "
    "--metrics; else plain]",
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
    """Watch processes: their RSS as read cheaply, their true RSS, and the bound of the error.

    On a terminal, this is a screen that refreshes like top, with keys to sort and quit. Elsewhere
    it prints one sample or NDJSON. The cheap value is field 24 of /proc/PID/stat. The precise value
    comes from statm on kernels where statm is precise, at almost no cost. On other kernels it comes
    from smaps_rollup, within --cpu-budget, and with --threshold only if the cheap value cannot
    decide. Watching your own processes needs no privileges.

    COMMAND is started and watched together with its children. If the watch ends first, COMMAND
    receives SIGTERM. Its standard output goes to standard error, or stays on standard output with
    -o FILE; the live screen hides it.
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
    if shows in {LOOK, SUMMARY}:
        format_ = chosen_format(
            format_, output, FORMATS
        )  # an unknown format fails before the watch
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
    """How to print the samples; `scenario` is the scenario of the typical law."""

    format_: str | None
    output: str
    color: str
    scenario: dict[str, Any]


def _summarise(record: str, how: Print) -> int:
    """Print the summary of a record; gives the exit code."""
    found = summary_of(read_record(record))
    if not found.samples:
        raise InputError(f"{record}: contains no samples")
    _print_summary(found, f"{record}:", (), how)
    return EXIT_VIOLATED if found.outside else 0


def _print(seen: Seen, plan: Plan, facts: Facts, notes: tuple[str, ...], how: Print) -> None:
    """Print the results at the end of a watch."""
    if seen.look is None:
        return
    if plan.shows == LOOK:
        chosen = chosen_format(how.format_, how.output, FORMATS)
        style = style_for(how.output, how.color)
        write(observation.render(seen.look, facts, notes, chosen, style), how.output)
    elif seen.summing is not None:
        source = f"{' '.join(plan.command) or 'processes'}, as watched:"
        missing = observation.left_out_lines(seen.look.left_out, seen.look.remarks)
        notes = (*missing, *notes, seen.cost, *seen.limits)
        _print_summary(seen.summing.summary(), source, notes, how)
    elif seen.code != EXIT_CLOSED_PIPE:
        for line in (*observation.missing_lines(seen.look), *notes, *seen.limits):
            say(line)


def _print_summary(found: Summary, source: str, notes: tuple[str, ...], how: Print) -> None:
    chosen = chosen_format(None if how.format_ == NDJSON else how.format_, how.output, FORMATS)
    law = law_for(found, read_machine(None, None), Scenario(**how.scenario))
    style = style_for(how.output, how.color)
    write(observation_summary.render(found, law, source, notes, chosen, style), how.output)


def _check_whom(context: click.Context, *, command: bool, whom: bool) -> None:
    """UsageError if there is nothing to watch, or if options contradict COMMAND."""
    if not (command or whom):
        raise click.UsageError(
            "nothing to watch; give --all, --name, --pid, --cgroup or -- COMMAND."
        )
    if command and (whom or is_given(context, "count") or is_given(context, "duration")):
        raise click.UsageError(
            "COMMAND is watched alone, until it ends; leave out --pid, --name, --all, --cgroup, "
            "--count and --duration."
        )


def _check_alone(context: click.Context) -> None:
    """UsageError for options that select processes if a record is to be read."""
    allowed = {"summary", "format_", "output", "color", "max_online", "percpu_batch", "updaters"}
    for option in context.command.params:
        name = str(option.name)
        if name not in allowed and is_given(context, name):
            raise click.UsageError(f"--summary only reads a record; leave out {option.opts[-1]}.")


def _shows(format_: str | None, output: str, *, paced: bool, kept: bool, command: bool) -> str:
    """Decide what is printed; `kept` says whether samples go to a record or to Prometheus."""
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
    """Check the selection; InputError with everything that cannot be watched."""
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
    """Describe the counters of this machine; measure whether statm is precise if not known."""
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
    """Explain the choice of the precise file, and name processes that are hidden."""
    around = wanted.looks_around
    found = [
        (facts.guess or facts.walks, f"{facts.why[0].upper()}{facts.why[1:]}."),
        (around and hides_others(), HIDDEN),
        (around and is_in_container(), CONTAINER),
    ]
    return tuple(text for holds, text in found if holds)


def _is_ascii() -> bool:
    return not (sys.stdout.encoding or "").lower().startswith("utf")
