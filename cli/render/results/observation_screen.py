"""Running processes as a screen: as many as fit, in the chosen order, and the keys."""

from __future__ import annotations

import textwrap
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rssbound.cli.render.formats.plain import aligned
from rssbound.cli.render.formats.table import fitting
from rssbound.cli.render.results.observation import (
    counted_processes,
    facts_line,
    left_out_lines,
    off_by,
    outside_line,
    share_text,
    verdict_text,
)
from rssbound.cli.render.sheet import Column, Table
from rssbound.cli.render.units import bytes_text, printable, side_bytes
from rssbound.live.sample import is_outside, share_of_bound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rssbound.live.facts import Facts
    from rssbound.live.sample import Sample
    from rssbound.live.watch import Look

__all__ = ("KEYS", "ORDERS", "Described", "Line", "View", "lines_of", "sparkline")

BLOCKS, ASCII_BLOCKS = "▁▂▃▄▅▆▇█", "_.-:=+*#"

ORDERS: dict[str, tuple[str, Callable[[Sample], object]]] = {
    "d": ("difference", lambda sample: -abs(sample.difference_pages or 0)),
    "u": ("used", lambda sample: -(share_of_bound(sample) or 0.0)),
    "a": ("approximate", lambda sample: -sample.approximate_pages),
    "p": ("PID", lambda sample: sample.pid),
    "n": ("name", lambda sample: sample.comm),
}
"""Key -> the name of an order, and its sort key."""

KEYS = (
    "sort by "
    + ", ".join(f"{key} {name}" for key, (name, _) in ORDERS.items())
    + "; r reverse; q quit"
)


class Line(NamedTuple):
    """A line of the screen; `look` is its style: title, head, bad, dim or nothing."""

    text: str
    look: str = ""


class Described(NamedTuple):
    """What is known about a process besides its numbers."""

    user: str
    command: str


@dataclass(frozen=True)
class View:
    """Settings of the screen.

    order, reverse  one of ORDERS, and whether it is reversed
    threshold       in bytes; None without one
    history         PID -> its newest differences, pages
    described       PID -> its user and its command line; empty without psutil
    own             what the watch itself takes, in words
    """

    width: int
    height: int
    is_ascii: bool = False
    order: str = "d"
    reverse: bool = False
    threshold: int | None = None
    own: str = ""
    notes: tuple[str, ...] = ()


def in_order(samples: Sequence[Sample], view: View) -> list[Sample]:
    """Sort samples as the view wants them."""
    _, key = ORDERS[view.order]
    return sorted(samples, key=lambda sample: (key(sample), sample.pid), reverse=view.reverse)


def lines_of(
    look: Look,
    facts: Facts,
    view: View,
    history: Mapping[int, Sequence[int | None]],
    describe: Callable[[Sample], Described | None],
) -> list[Line]:
    """Give the lines of the screen, no more than it has; `history` has differences by PID."""
    clock = time.strftime("%H:%M:%S", time.localtime(look.time))
    title = f"rssbound observe {clock}, {counted_processes(len(look.samples))}; {view.own}"
    outside = sum(map(is_outside, look.samples))
    head = [
        *_wrapped(title, view, "title"),
        *_wrapped(facts_line(facts), view),
        *_verdicts(look.samples, view),
    ]
    below = _wrapped(outside_line(outside), view, "bad") if outside else []
    for text in (*left_out_lines(look.left_out, look.remarks), *view.notes, KEYS):
        below += _wrapped(text, view, "dim")
    room = max(view.height - len(head) - len(below) - 1, 1)
    shown = in_order(look.samples, view)[:room]
    rows = _rows(shown, view, history, describe)
    filler = [Line("")] * (room + 1 - len(rows))
    return [*head, *rows, *filler, *below][: view.height]


def _verdicts(samples: Sequence[Sample], view: View) -> list[Line]:
    if view.threshold is None:
        return []
    counts: dict[str, int] = {}
    for sample in samples:
        text = verdict_text(sample)
        counts[text] = counts.get(text, 0) + 1
    listed = ", ".join(f"{count:,} {text}" for text, count in sorted(counts.items()))
    return _wrapped(f"threshold {bytes_text(view.threshold)}: {listed}", view)


def _wrapped(text: str, view: View, look: str = "") -> list[Line]:
    """Give a text in lines of the screen's width."""
    return [Line(line, look) for line in textwrap.wrap(text, max(view.width, 1))]


def _rows(
    samples: Sequence[Sample],
    view: View,
    history: Mapping[int, Sequence[int | None]],
    describe: Callable[[Sample], Described | None],
) -> list[Line]:
    if not samples:
        return [Line("no process is visible")]
    columns = fitting(tuple(_columns(samples, view, history, describe)), view.width)
    first, *lines = aligned(Table("", columns))
    looks = ["bad" if is_outside(sample) else "" for sample in samples]
    rows = [Line(text, look) for text, look in zip(lines, looks, strict=True)]
    return [Line(first, "head"), *rows]


def _columns(
    samples: Sequence[Sample],
    view: View,
    history: Mapping[int, Sequence[int | None]],
    describe: Callable[[Sample], Described | None],
) -> list[Column]:
    def column(
        title: str, cell: Callable[[Sample], str], rank: int = 0, *, numeric: bool = True
    ) -> Column:
        return Column("", title, tuple(map(cell, samples)), rank, numeric)

    known = {sample.pid: describe(sample) for sample in samples}
    columns = [column("PID", lambda sample: f"{'!' if is_outside(sample) else ''}{sample.pid}")]
    if any(known.values()):
        columns.append(column("user", lambda s: _user(known[s.pid]), 4, numeric=False))
    columns += [
        column("threads", lambda sample: str(sample.threads), 5),
        column("CPUs", lambda sample: sample.cpus[:12], 6),
        column("approximate", lambda s: bytes_text(s.approximate_pages * s.page_size), 2),
        column("precise", _precise),
        column("off by", off_by),
        column("can be low by", lambda s: side_bytes(s.bound_under_pages, s.page_size), 1),
        column("high by", lambda s: side_bytes(s.bound_over_pages, s.page_size), 3),
        column("used", share_text),
    ]
    if view.threshold is not None:
        columns.append(column("verdict", verdict_text, numeric=False))
    blocks = ASCII_BLOCKS if view.is_ascii else BLOCKS
    columns.append(
        column("history", lambda s: sparkline(history.get(s.pid, ()), blocks), 2, numeric=False)
    )
    columns.append(column("command", lambda sample: sample.comm, numeric=False))
    left = view.width - sum(max(map(len, (one.title, *one.cells))) + 2 for one in columns[:-1])
    columns[-1] = column("command", lambda s: _command(s, known[s.pid], left), numeric=False)
    return columns


def _precise(sample: Sample) -> str:
    pages = sample.precise_pages
    return "-" if pages is None else bytes_text(pages * sample.page_size)


def _user(described: Described | None) -> str:
    return printable(described.user)[:12] if described else "-"


def _command(sample: Sample, described: Described | None, room: int) -> str:
    """Give the command, with its arguments if there is room."""
    text = printable(described.command if described and described.command else sample.comm)
    return text[: max(room, len(printable(sample.comm)))]


def sparkline(differences: Sequence[int | None], blocks: str = BLOCKS) -> str:
    """Draw the sizes of differences relative to the largest, newest last."""
    most = max((abs(pages) for pages in differences if pages is not None), default=0)
    steps = len(blocks) - 1
    return "".join(
        " " if pages is None else blocks[round(abs(pages) / most * steps) if most else 0]
        for pages in differences
    )
