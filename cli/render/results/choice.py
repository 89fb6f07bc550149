"""The chosen batch, with the candidates around it and the shapes it was compared with."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from rssbound.bounds.choosing.batch import MOST_BATCH
from rssbound.bounds.counter.counters import TYPICAL
from rssbound.bounds.counter.interval import Level
from rssbound.bounds.hardware.locality import DOMAINS, spans_of
from rssbound.cli.render import render_as
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import bytes_text, counted, pages_text

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from fractions import Fraction

    from rssbound.bounds.choosing.batch import Candidate, Choice, Machine
    from rssbound.bounds.choosing.shapes import Fitted, Shapes
    from rssbound.bounds.hardware.locality import Range, Span
    from rssbound.cli.render import Style
    from rssbound.topology import Topology

    SpanOf = Callable[[Callable[[int], Hashable]], Span | None]

__all__ = (
    "Chosen",
    "front_table",
    "grouping_text",
    "render",
    "shape_lines",
    "shape_text",
)

MOST_ROWS = 30
CANDIDATE_COLUMNS = (
    *("design", "metric", "side", "budget_bytes", "batch", "fits", "bound_bytes", "host"),
    *("typical_p99_pages", "pages_per_first", "pages_per_root", "memory_bytes"),
    *("chosen", "present"),
)
SHAPE_COLUMNS = (
    *("fan_ins", "grouping", "kernel", "on_front", "batch", "bound_pages", "pages_per_root"),
    *("sharers", "memory_bytes"),
)
METRIC_WORDS = {"counter": "one counter", "rss": "RSS", "oom": "the OOM score"}
SIDE_WORDS = {"under": "too low", "over": "too high", "both": "off"}


@dataclass(frozen=True)
class Chosen:
    """A choice with what it is shown with: machines, shapes if asked for, processes of a host."""

    choice: Choice
    hosts: tuple[Machine, ...]
    machine: Topology
    shapes: Shapes | None = None
    processes: int | None = None


def render(chosen: Chosen, format_: str, style: Style) -> str:
    """Give a choice in a format."""
    if format_ == "json":
        return json.dumps(_document(chosen), indent=2, ensure_ascii=False) + "\n"
    if format_ == "csv":
        return _csv(chosen)
    return render_as(_sheet(chosen), format_, style)


# -- for programs


def _document(chosen: Chosen) -> dict[str, Any]:
    choice, shapes = chosen.choice, chosen.shapes
    return {
        "kind": "rssbound.choice",
        "format_version": "1.0",
        "design": choice.goal.design.id,
        "constant": choice.knob.name,
        "metric": choice.goal.metric,
        "side": choice.goal.side,
        "budget_bytes": choice.goal.budget_bytes,
        "hosts": [host.name for host in chosen.hosts],
        "batch": choice.batch,
        "any_fits": choice.any_fits,
        "least_budget_bytes": choice.least_bytes,
        "candidates": [_candidate(own, chosen) for own in choice.candidates],
        **({"shapes": _shape_rows(shapes, chosen)} if shapes else {}),
    }


def _candidate(own: Candidate, chosen: Chosen) -> dict[str, Any]:
    memory = {"memory_bytes": own.memory_bytes}
    if chosen.processes:
        memory["host_memory_bytes"] = own.memory_bytes * chosen.processes
    return {
        "batch": own.batch,
        "fits": own.fits,
        "present": own.batch == chosen.choice.present,
        "host": own.machine,
        "page_size": own.page_size,
        "under": own.error.under,
        "over": own.error.over,
        "bound_bytes": own.bound_bytes,
        "typical": {"median": own.typical.median, "p99": own.typical.p99},
        "propagation": {
            "first": _fraction(own.cost.rates.first),
            "root": _fraction(own.cost.rates.root),
            "worst_first": _fraction(own.cost.rates.worst_first),
            "worst_root": _fraction(own.cost.rates.worst_root),
        },
        "shared_lines": own.cost.lines,
        **memory,
    }


def _fraction(rate: Fraction) -> dict[str, int]:
    """Give a rate as updates for a number of pages, which no float could hold."""
    return {"updates": rate.numerator, "pages": rate.denominator}


def _shape_rows(shapes: Shapes, chosen: Chosen) -> list[dict[str, Any]]:
    front = set(map(id, shapes.front))
    span_of = _spans(chosen)
    return [
        {
            "fan_ins": list(own.shape.fan_ins),
            "grouping": own.shape.grouping,
            "kernel": own.shape.kernel,
            "on_front": id(own) in front,
            "batch": own.batch,
            "bound_pages": own.bound_pages,
            "root_rate": _fraction(own.root_rate),
            "sharers": own.sharers,
            "memory_bytes": own.memory_bytes,
            **({"levels": _levels(own, span_of)} if id(own) in front or own.shape.kernel else {}),
        }
        for own in shapes.fitted
    ]


def _csv(chosen: Chosen) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    if chosen.shapes:
        _write_shapes(writer, chosen.shapes)
        return stream.getvalue()
    writer.writerow(CANDIDATE_COLUMNS)
    goal = chosen.choice.goal
    for own in chosen.choice.candidates:
        writer.writerow(
            (
                *(goal.design.id, goal.metric, goal.side, goal.budget_bytes, own.batch),
                *(int(own.fits), own.bound_bytes, own.machine, own.typical.p99),
                *(1 / own.cost.rates.first, 1 / own.cost.rates.root, own.memory_bytes),
                *(int(own.batch == chosen.choice.batch), int(own.batch == chosen.choice.present)),
            )
        )
    return stream.getvalue()


def _write_shapes(writer: Any, shapes: Shapes) -> None:
    front = set(map(id, shapes.front))
    writer.writerow(SHAPE_COLUMNS)
    for own in shapes.fitted:
        writer.writerow(
            (
                *(shape_text(own), own.shape.grouping, int(own.shape.kernel)),
                *(int(id(own) in front), own.batch, own.bound_pages, 1 / own.root_rate),
                *(own.sharers, own.memory_bytes),
            )
        )


# -- for people


def _sheet(chosen: Chosen) -> Sheet:
    choice = chosen.choice
    batches = [own.batch for own in choice.candidates]
    marked = batches.index(choice.batch) if choice.batch in batches else None
    table = Table("", _columns(chosen), marked)
    shapes = chosen.shapes
    details = (front_table(shapes, chosen),) if shapes and shapes.fitted else ()
    return Sheet(_verdict(chosen), table, _footlines(chosen), details)


def _verdict(chosen: Chosen) -> tuple[str, ...]:
    choice = chosen.choice
    goal, name = choice.goal, choice.knob.name
    where = chosen.hosts[0].name if len(chosen.hosts) == 1 else f"{len(chosen.hosts)} machines"
    budget = bytes_text(goal.budget_bytes)
    what = f"{METRIC_WORDS[goal.metric]} of {goal.design.id}"
    asked = f"{where}: {what} is to be at most {budget} {SIDE_WORDS[goal.side]}"
    if choice.any_fits:
        up_to = f" up to {pages_text(MOST_BATCH)}" if choice.candidates[-1].bound_bytes else ""
        return asked, f"any {name}{up_to} will do"
    if choice.batch is None:
        least = f"{bytes_text(choice.least_bytes)} ({pages_text(choice.least_bytes)} bytes)"
        return asked, f"no {name} will do; with {choice.knob.least} it takes a budget of {least}"
    own = next(own for own in choice.candidates if own.batch == choice.batch)
    on = f" on {own.machine}" if len(chosen.hosts) > 1 else ""
    return asked, f"{name} = {choice.batch}: at most {bytes_text(own.bound_bytes)}{on}"


def _columns(chosen: Chosen) -> tuple[Column, ...]:
    choice = chosen.choice
    candidates = choice.candidates

    def column(
        group: str, title: str, rank: int, cell: Callable[[Candidate], str], *, numeric: bool = True
    ) -> Column:
        return Column(group, title, tuple(map(cell, candidates)), rank, numeric)

    value = "batch" if "batch" in choice.knob.field else "threshold"
    columns = [
        column("", value, 0, lambda own: str(own.batch)),
        column("", "", 0, lambda own: _remark(own, choice), numeric=False),
        column("bound", "too low", 0, lambda own: _size(own.error.under, own)),
        column("bound", "too high", 0, lambda own: _size(own.error.over, own)),
        column("typical of one", "half", 5, lambda own: _size(own.typical.median, own)),
        column("typical of one", "99%", 3, lambda own: _size(own.typical.p99, own)),
        column("slow paths a page", "first", 1, lambda own: str(own.cost.rates.first)),
        column("slow paths a page", "root", 1, lambda own: str(own.cost.rates.root)),
        column("slow paths, worst", "first", 4, lambda own: str(own.cost.rates.worst_first)),
        column("slow paths, worst", "root", 4, lambda own: str(own.cost.rates.worst_root)),
        column("shared", "lines", 6, lambda own: str(own.cost.lines)),
        column("memory", "process", 2, lambda own: bytes_text(own.memory_bytes)),
    ]
    if chosen.processes:
        total = chosen.processes
        columns.append(
            column("memory", "host", 2, lambda own: bytes_text(own.memory_bytes * total))
        )
    if len(chosen.hosts) > 1:
        columns.append(column("", "worst on", 7, lambda own: own.machine, numeric=False))
    return tuple(columns)


def _remark(own: Candidate, choice: Choice) -> str:
    remarks = [] if own.fits else ["too large"]
    if own.batch == choice.present:
        remarks.append("as now")
    return ", ".join(remarks)


def _size(pages: int | None, own: Candidate) -> str:
    return "no bound" if pages is None else bytes_text(pages * own.page_size)


def _footlines(chosen: Chosen) -> tuple[str, ...]:
    choice, shapes = chosen.choice, chosen.shapes
    lines = [
        "Slow paths a page: a process that grows; worst: whatever single pages can do. "
        + choice.candidates[0].cost.why
    ]
    if choice.worst_counter:
        lines.append(
            f"Typical: of {TYPICAL}; the bound is that of the worst counter, "
            f"{choice.worst_counter}."
        )
    if chosen.processes:
        processes = "process" if chosen.processes == 1 else "processes"
        lines.append(f"Memory of a host: {pages_text(chosen.processes)} {processes}.")
    if len(chosen.hosts) > 1:
        lines.append("Every figure of a row is of the machine where the bound is the largest.")
    if shapes:
        lines += shape_lines(shapes)
    return tuple(lines)


def shape_lines(shapes: Shapes) -> list[str]:
    """Say how many shapes fit, and whether the kernel's own is among the best."""
    if not shapes.fitted:
        return ["No shape to compare: the counter is exact, or no batch of any shape fits."]
    kernel, better = shapes.kernel, shapes.better
    count = f"{counted(len(shapes.fitted), 'shape')} fit, {len(shapes.front)} on the front"
    if kernel is None:
        verdict = "no batch of the kernel's own fits"
    elif better is None:
        verdict = f"the kernel's own ({shape_text(kernel)}) is on it"
    else:
        verdict = (
            f"the kernel's own ({shape_text(kernel)} by cpu mod 2^k) is not: "
            f"{shape_text(better)} by {grouping_text(better)} with batch {better.batch} is no "
            "worse in any figure and better in some"
        )
    lines = [f"{count}; {verdict}."]
    shown = set(map(id, _shown(shapes)))
    hidden = sum(id(own) not in shown for own in shapes.front)
    if hidden:
        are = "is" if hidden == 1 else "are"
        lines.append(f"{hidden} of them {are} not shown; see --format json.")
    return lines


def _shown(shapes: Shapes) -> list[Fitted]:
    """Give the rows of the table: the first of the front, and the kernel's shape."""
    rows = list(shapes.front[:MOST_ROWS])
    if shapes.kernel and shapes.kernel not in rows:
        rows.append(shapes.kernel)
    return rows


def front_table(shapes: Shapes, chosen: Chosen) -> Table:
    """Show the front, and the kernel's shape wherever it is."""
    rows = _shown(shapes)
    marked = rows.index(shapes.kernel) if shapes.kernel else None
    span_of = _spans(chosen)
    page_size = chosen.hosts[0].page_size

    def column(
        group: str, title: str, rank: int, cell: Callable[[Fitted], str], *, numeric: bool = True
    ) -> Column:
        return Column(group, title, tuple(map(cell, rows)), rank, numeric)

    titles = {"package": "packages", "node": "nodes", "llc": "caches"}
    return Table(
        "Shapes that no other beats in bound, root updates, sharers and memory; > the kernel's",
        (
            column("", "fan-ins", 0, shape_text, numeric=False),
            column("", "items by", 1, grouping_text, numeric=False),
            column("", "batch", 0, lambda own: str(own.batch)),
            column("", "bound", 0, lambda own: bytes_text(own.bound_pages * page_size)),
            column("root updates", "a page", 0, lambda own: str(own.root_rate)),
            column("", "sharers", 0, lambda own: str(own.sharers)),
            column("", "memory", 0, lambda own: bytes_text(own.memory_bytes)),
            *(
                Column("a level 1 item spans", title, _spanned(rows, span_of, domain), 2)
                for domain, title in titles.items()
            ),
        ),
        marked,
    )


def _spanned(rows: list[Fitted], span_of: SpanOf, domain: str) -> tuple[str, ...]:
    return tuple(
        _range(span_of(own.shape.items[0].item_of) if own.shape.items else None, domain)
        for own in rows
    )


def shape_text(own: Fitted) -> str:
    """Print fan-ins: `8x8x8`."""
    return "x".join(map(str, own.shape.fan_ins))


def grouping_text(own: Fitted) -> str:
    """Say which CPUs share an item."""
    if own.shape.grouping == "hardware":
        return "+".join(items.name for items in own.shape.items)
    return {"modulo": "cpu mod 2^k", "consecutive": "cpu >> k"}[own.shape.grouping]


def _range(span: Span | None, domain: str) -> str:
    found: Range | None = span.domains[domain] if span else None
    if found is None:
        return "-"
    least, most = found
    return str(most) if least == most else f"{least}-{most}"


def _spans(chosen: Chosen) -> SpanOf:
    """Give a function that says what the items of a level span, worked out once for equal items."""
    machine, cpus = chosen.machine, chosen.hosts[0].parameters.ids

    @cache
    def span(item_of: Callable[[int], Hashable]) -> Span | None:
        return spans_of(Level("", 0, 0, 0, item_of=item_of), machine, cpus)

    return span


def _levels(own: Fitted, span_of: SpanOf) -> list[dict[str, Any]]:
    """Give what the items of each level span, as JSON."""
    return [
        {
            "name": items.name,
            "items": items.used,
            **{domain: _pair(span_of(items.item_of), domain) for domain in DOMAINS},
        }
        for items in own.shape.items
    ]


def _pair(span: Span | None, domain: str) -> list[int] | None:
    found = span.domains[domain] if span else None
    return None if found is None else list(found)
