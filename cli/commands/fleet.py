"""`rssbound fleet`: the bounds of many machines, one row in, one row out."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from glob import glob
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import DESIGNS, Scenario
from rssbound.bounds.scenario.scenario import refuse_impossible
from rssbound.cli.command import File, Word, command, refuse_input
from rssbound.cli.inputs.options import apply, color_option, output_option, scenario_options
from rssbound.cli.output import EXIT_NO_ANSWER, EXIT_VIOLATED, chosen_format, say, style_for, write
from rssbound.cli.progress import patience
from rssbound.cli.render import FORMATS
from rssbound.cli.render.results.fleet import render
from rssbound.cli.render.units import counted
from rssbound.cli.render.words import METRIC_WORDS
from rssbound.errors import InputError, shortened
from rssbound.extras import how_to_install, packages_of_extra
from rssbound.fleet.columns import KERNEL, Asked
from rssbound.fleet.sources import CSV, NDJSON, PARQUET, Part, format_by_name, parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.fleet.answers import Outcome

__all__ = ("fleet",)

SITUATION = (
    *("cpus", "updaters", "threads", "batch", "percpu_batch", "page_size", "fault_around_bytes"),
    *("nodes_shift", "in_flight", "max_increment"),
)
"""Options that apply to rows without a value of their own."""

DUCKDB, SPARK = "duckdb", "spark"
ENGINES = {
    DUCKDB: ("rssbound.fleet.engines.embedded", "duckdb", "fleet"),
    SPARK: ("rssbound.fleet.engines.spark", "pyspark", "spark"),
}
"""Engine -> the module that runs it, the package it needs, and the extra that installs it."""

MOST_SHOWN = 5
"""Number of errors shown, the most frequent first."""

EPILOG = """\b
Examples:
  rssbound fleet hosts.parquet -o bounds.parquet
  rssbound fleet hosts.csv --design kernel --metric rss --metric oom -o bounds.csv
  rssbound fleet hosts.parquet --summary                 # how wide the bounds of the fleet are
  rssbound fleet captures/ -o bounds.ndjson              # a folder of captured machines
  zcat hosts.ndjson.gz | rssbound fleet - | jq 'select(.error)'
  rssbound fleet 'logs/*.ndjson.gz' --strict -o bounds.ndjson
  rssbound fleet s3a://fleet/hosts/ --engine spark --master yarn -o s3a://fleet/bounds

A row has any of the columns possible, present, online (CPU lists such as 0-63, or counts), nodes,
page_size, kernel, threads, cpus, rss, threshold (both in bytes), or a topology as JSON.
docs/fleet.md describes them.
"""


@command(EPILOG)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", type=File())
@click.option(
    "--design",
    "designs",
    multiple=True,
    type=Word([KERNEL, *DESIGNS]),
    metavar="DESIGN",
    help="Design to bound; kernel is the design of the row's kernel. May be repeated.  [default: "
    "kernel, percpu and tree]",
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    type=Word(list(METRIC_WORDS)),
    metavar="METRIC",
    help=f"What is bounded: {', '.join(METRIC_WORDS)}; may be repeated.  [default: rss]",
)
@apply(scenario_options(*SITUATION))
@click.option(
    "--summary",
    is_flag=True,
    help="Print a summary of the fleet instead of the rows: the width of bounds by design and "
    "kernel, the machines with the widest bounds, and how many thresholds can be decided.",
)
@click.option(
    "--engine",
    type=Word(ENGINES),
    default=DUCKDB,
    show_default=True,
    help="Engine that reads, joins and writes the rows: duckdb in this process, or spark.",
)
@click.option(
    "--master",
    metavar="URL",
    help="Where Spark runs: local[4], spark://HOST:7077, yarn, k8s://..  [default: Spark's own "
    "configuration]",
)
@click.option(
    "--strict", is_flag=True, help="Exit 1 if a row has an error; all rows are still written."
)
@click.option(
    "--format",
    "format_",
    type=Word(list(dict.fromkeys((NDJSON, CSV, PARQUET, *FORMATS)))),
    metavar="FORMAT",
    help=f"Format of rows: {NDJSON}, {CSV} or {PARQUET}.  [default: from the file extension "
    f"of -o, else the format of the first input]  For a summary: {', '.join(FORMATS)}.",
)
@apply([output_option(), color_option()])
@click.pass_context
def fleet(
    context: click.Context,
    /,
    sources: tuple[str, ...],
    designs: tuple[str, ...],
    metrics: tuple[str, ...],
    summary: bool,
    engine: str,
    master: str | None,
    strict: bool,
    format_: str | None,
    output: str,
    color: str,
    **scenario: Any,
) -> None:
    """Compute the bounds of many machines: one row in, one row out.

    Input is files of rows (NDJSON, CSV, Parquet, also compressed), folders or archives of captured
    machines, or - for standard input. Each row is written with all its columns, followed by the
    kernel's design, the exact bounds of each design and metric, the file with the worst reading,
    whether a threshold can be decided, and any error of the row. Rows keep their order and none is
    dropped.
    """
    asked = Asked(designs or Asked.designs, metrics or Asked.metrics, Scenario(**scenario))
    refuse_impossible(asked.scenario)
    _check_use(sources, engine, master, output, format_, summary=summary)
    module = _loaded(engine)
    with tempfile.TemporaryDirectory(prefix="rssbound-") as scratch:
        parts = _looked_at(sources or ("-",), scratch)
        refuse_input({"output": output, "parts": [part.label for part in parts]})
        where = master if engine == SPARK else scratch
        if summary:
            chosen = chosen_format(format_, output, FORMATS)
            with patience("computing the bounds"):
                found = module.summarise(parts, asked, where)
            outcome = found.outcome
            if not outcome.is_unread:
                write(render(found, asked, chosen, style_for(output, color)), output)
        else:
            chosen = _format(format_, output, parts)
            target = os.path.join(scratch, "written") if output == "-" else output
            with patience("computing the bounds"):
                outcome = module.run(parts, asked, target, chosen, where)
            if output == "-":
                _to_standard_output(target)
    _say_outcome(outcome)
    if outcome.is_unread:
        say("no row has a bound")
        context.exit(EXIT_NO_ANSWER)
    if strict and outcome.failed:
        context.exit(EXIT_VIOLATED)


def _check_use(
    sources: tuple[str, ...],
    engine: str,
    master: str | None,
    output: str,
    format_: str | None,
    *,
    summary: bool,
) -> None:
    """Refuse arguments that contradict each other or the terminal."""
    if sources.count("-") > 1:
        raise click.UsageError("- is standard input, which can be read only once.")
    if not sources and sys.stdin.isatty():
        raise click.UsageError("Nothing to read: name a file, a folder, or - for standard input.")
    if master is not None and engine != SPARK:
        raise click.UsageError("--master needs --engine spark.")
    if summary and format_ not in {None, *FORMATS}:
        raise click.UsageError(f"{format_} is for rows; a summary is {', '.join(FORMATS)}.")
    if engine == SPARK and output == "-" and not summary:
        raise click.UsageError("Spark writes a folder of files: name it with -o.")
    if engine == SPARK and os.path.exists(output):
        raise InputError(f"{output}: exists already; name a folder for Spark to make")
    refuse_input({"output": output, "sources": [path for each in sources for path in glob(each)]})


def _looked_at(sources: tuple[str, ...], scratch: str) -> tuple[Part, ...]:
    """Describe the files, and print warnings about them."""
    with patience("reading the files"):
        parts = parts_of(sources, scratch)
    if parts and all(part.is_empty for part in parts):
        raise InputError(f"{', '.join(part.label for part in parts)}: empty; no rows to read")
    for part in parts:
        if part.warning:
            say(f"warning: {part.label}: {part.warning}")
    return parts


def _loaded(engine: str) -> Any:
    """Load an engine; InputError if a package that it needs is not installed."""
    module, package, extra = ENGINES[engine]
    if importlib.util.find_spec(package) is None:
        needed = how_to_install(*packages_of_extra(extra))
        raise InputError(f"--engine {engine} needs {package}, which is not installed: {needed}")
    return importlib.import_module(module)


def _format(format_: str | None, output: str, parts: Sequence[Part]) -> str:
    """Give the format in which rows are written."""
    if format_ not in {None, NDJSON, CSV, PARQUET}:
        raise click.UsageError(
            f"{format_} is for --summary; rows are {NDJSON}, {CSV} or {PARQUET}."
        )
    chosen = format_ or (format_by_name(output) if output != "-" else None)
    if chosen is None and output != "-" and "." in os.path.basename(output):
        raise click.UsageError(
            f"no format for {output!r}; use the extension .ndjson, .csv or .parquet, or give "
            "--format."
        )
    chosen = chosen or (parts[0].format if parts else NDJSON)
    if chosen == PARQUET and output == "-" and sys.stdout.isatty():
        raise click.UsageError(
            "Parquet cannot be written to a terminal; give -o FILE or --format ndjson."
        )
    return chosen


def _to_standard_output(path: str) -> None:
    with open(path, "rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _say_outcome(outcome: Outcome) -> None:
    """Print how many rows were written, and the most frequent errors."""
    say(f"{counted(outcome.rows, 'row')}, {counted(outcome.shapes, 'distinct machine')}")
    if not outcome.failed:
        return
    say(f"{counted(outcome.failed, 'row')} with an error; the most frequent:")
    for text, count in outcome.frequent[:MOST_SHOWN]:
        say(f"  {counted(count, 'row')}: {shortened(text, 200)}")
