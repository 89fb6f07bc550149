"""`rssbound report`: everything about one machine or several, on one page."""

from __future__ import annotations

import hashlib
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from rssbound.bounds import Scenario
from rssbound.bounds.analysis import analysis_of
from rssbound.cli.figures import FIGURES, Asked
from rssbound.cli.machine import read_machine
from rssbound.cli.main import say, write
from rssbound.cli.options import (
    SCENARIO_OPTIONS,
    apply,
    designs_option,
    is_given,
    output_option,
    source_options,
)
from rssbound.cli.progress import patience
from rssbound.cli.render.embed import embedded
from rssbound.cli.render.report import Part, page
from rssbound.cli.render.sections import NEED_PLOT
from rssbound.topology.writers import WRITERS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("report",)

EPILOG = """\b
Examples:
  rssbound report -o report.html                       this machine
  rssbound report --topology host.json --threads 64 -o report.html
  rssbound report examples/*.json -o fleet.html        several, with a table of all
  ssh host tar cf - /sys/devices/system/{cpu,node} | rssbound report -o host.html -

Pictures need matplotlib (pip install 'rssbound[plot]'); without it the page has none.
"""


@click.command(epilog=EPILOG)
@click.argument("more", nargs=-1, metavar="[SOURCE]...")
@apply(source_options(multiple=True))
@apply([*SCENARIO_OPTIONS, designs_option()])
@apply([output_option()])
@click.pass_context
def report(
    context: click.Context,
    /,
    more: tuple[str, ...],
    topology: tuple[str, ...],
    form: str | None,
    kernel: str | None,
    designs: tuple[str, ...],
    output: str,
    **scenario: Any,
) -> None:
    """Write a page of HTML: summary, tables, pictures, assumptions, commands.

    It is one file that needs no network and no script, light or dark as the reader's system is,
    and prints well. Bounds are those of analyze, for RSS.
    """
    if output == "-" and sys.stdout.isatty():
        raise click.UsageError("a page is for a browser; name a file, such as -o report.html.")
    sources: Sequence[str | None] = (*topology, *more) or (None,)
    if sources.count("-") > 1:
        raise click.UsageError("- is standard input, which can be read only once.")
    wanted = Scenario(**scenario)
    tail, plain = _tail(context), _tail(context, "designs")
    situation = _tail(context, "designs", "batch", "percpu_batch") if _has_tree(designs) else None
    parts: list[Part] = []
    keys = [f"machine-{number}" for number in range(1, len(sources) + 1)]
    pictures = _can_draw()
    for source, key in zip(sources, keys, strict=True):
        analysis = analysis_of(read_machine(source, form, kernel), wanted, designs or None)
        with patience(f"drawing {analysis.topology.name}"):
            asked = Asked(analysis, wanted, "rss", "under")
            name = _named(source)
            choose = "" if situation is None else name + situation or " "
            parts.append(_part(asked, key, (name + tail, name + plain, choose), pictures=pictures))
    if not pictures:
        say(NEED_PLOT)
    with patience("writing the page"):
        text = page(parts, keys)
    write(text, output)


def _has_tree(designs: Sequence[str]) -> bool:
    return not designs or "tree" in designs


def _part(asked: Asked, key: str, options: tuple[str, str, str], *, pictures: bool) -> Part:
    made = (make(asked) for make in FIGURES.values())
    charts = tuple(chart for chart in made if not chart.is_empty)
    drawn = tuple(embedded(chart, f"{key}-{chart.kind}") for chart in charts if pictures)
    digest = hashlib.sha256(WRITERS["json"](asked.topology).encode()).hexdigest()
    return Part(asked, charts, drawn, *options, digest)


def _can_draw() -> bool:
    try:
        import matplotlib as mpl  # noqa: PLC0415 (slow to load, and an extra)
    except ImportError:
        return False
    return bool(mpl)


def _named(source: str | None) -> str:
    return "" if source is None else f" --topology {shlex.quote(source)}"


def _tail(context: click.Context, *without: str) -> str:
    """Give the options of the command line that are not about the machine or the output."""
    words: list[str] = []
    for option in context.command.params:
        name = str(option.name)
        if not is_given(context, name) or name in {"more", "topology", "output", *without}:
            continue
        value = context.params[name]
        for one in value if isinstance(value, tuple) else (value,):
            words += [option.opts[-1], str(one)]
    return "".join(f" {shlex.quote(word)}" for word in words)
