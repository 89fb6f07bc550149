"""The chosen batch, with the neighbouring candidates and the shapes of the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds.choosing.batch import MOST_BATCH
from rssbound.bounds.counter.counters import SIDE_WORDS, TYPICAL
from rssbound.cli.render.result import render_as
from rssbound.cli.render.results.shapes import (
    SHAPE_COLUMNS,
    front_table,
    rate_document,
    shape_lines,
    shape_rows,
    shapes_document,
)
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import bound_text, bytes_text, pages_text, side_bytes
from rssbound.cli.render.words import METRIC_WORDS
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rssbound.bounds.choosing.batch import Candidate, Choice, Machine
    from rssbound.bounds.choosing.shapes import Shapes
    from rssbound.cli.render import Style

__all__ = ("Chosen", "render")

CANDIDATE_COLUMNS = (
    *("design", "metric", "side", "budget_bytes", "batch", "fits", "bound_bytes", "host"),
    *("typical_p99_pages", "pages_per_first", "pages_per_root", "memory_bytes"),
    *("chosen", "present"),
)
OFF_WORDS = {**SIDE_WORDS, "both": "off"}
"""Like SIDE_WORDS, for a budget that can apply to both sides."""


EVERY_COUNTER = (
    "percpu_counter_batch is one number for every percpu_counter of the kernel, such as nr_files: "
    "another value changes them all."
)


@dataclass(frozen=True)
class Chosen:
    """A choice with its context: machines, shapes if requested, processes per machine.

    `in_use` says whether the kernels of all machines use the design.
    """

    choice: Choice
    machines: tuple[Machine, ...]
    shapes: Shapes | None = None
    processes: int | None = None
    in_use: bool = False


def render(chosen: Chosen, format_: str, style: Style) -> str:
    """Give a choice in a format."""
    return render_as(
        format_,
        style,
        sheet=lambda: _sheet(chosen),
        document=lambda: _document(chosen),
        rows=lambda: (
            (SHAPE_COLUMNS, shape_rows(chosen.shapes))
            if chosen.shapes
            else (CANDIDATE_COLUMNS, _candidate_rows(chosen.choice))
        ),
    )


# -- for programs


def _document(chosen: Chosen) -> dict[str, Any]:
    choice, shapes = chosen.choice, chosen.shapes
    return {
        "kind": "rssbound.choice",
        "format_version": "1.1",
        "design": choice.goal.design.id,
        "constant": choice.knob.name,
        "metric": choice.goal.metric,
        "side": choice.goal.side,
        "budget_bytes": choice.goal.budget_bytes,
        "hosts": [host.name for host in chosen.machines],
        "batch": choice.batch,
        "any_fits": choice.any_fits,
        "least_budget_bytes": choice.least_bytes,
        "candidates": [_candidate(candidate, chosen) for candidate in choice.candidates],
        **(_shapes(shapes) if shapes else {}),
    }


def _shapes(shapes: Shapes) -> dict[str, Any]:
    advised = shapes.recommended
    return {
        "shapes": shapes_document(shapes),
        "boot_parameter": advised.shape.boot_parameter if advised else None,
    }


def _candidate(candidate: Candidate, chosen: Chosen) -> dict[str, Any]:
    memory = {"memory_bytes": candidate.memory_bytes}
    if chosen.processes:
        memory["host_memory_bytes"] = candidate.memory_bytes * chosen.processes
    return {
        "batch": candidate.batch,
        "fits": candidate.fits,
        "present": chosen.in_use and candidate.batch == chosen.choice.present,
        "default": candidate.batch == chosen.choice.present,
        "host": candidate.machine,
        "page_size": candidate.page_size,
        "under": candidate.error.under,
        "over": candidate.error.over,
        "bound_bytes": candidate.bound_bytes,
        "typical": {"median": candidate.typical.median, "p99": candidate.typical.p99},
        "propagation": {
            "first": rate_document(candidate.cost.rates.first),
            "root": rate_document(candidate.cost.rates.root),
            "worst_first": rate_document(candidate.cost.rates.worst_first),
            "worst_root": rate_document(candidate.cost.rates.worst_root),
        },
        "shared_lines": candidate.cost.lines,
        **memory,
    }


def _candidate_rows(choice: Choice) -> Iterator[tuple[object, ...]]:
    goal = choice.goal
    for candidate in choice.candidates:
        propagation = candidate.cost.rates
        yield (
            *(goal.design.id, goal.metric, goal.side, goal.budget_bytes, candidate.batch),
            *(int(candidate.fits), candidate.bound_bytes, candidate.machine, candidate.typical.p99),
            *(1 / propagation.first, 1 / propagation.root, candidate.memory_bytes),
            *(int(candidate.batch == choice.batch), int(candidate.batch == choice.present)),
        )


# -- for people


def _sheet(chosen: Chosen) -> Sheet:
    choice = chosen.choice
    batches = [candidate.batch for candidate in choice.candidates]
    marked = batches.index(choice.batch) if choice.batch in batches else None
    table = Table("", _columns(chosen), marked)
    shapes = chosen.shapes
    details: tuple[Table, ...] = ()
    if shapes and shapes.fitted:
        page_size = chosen.machines[0].page_size
        details = (front_table(shapes, page_size),)
    return Sheet(_verdict(chosen), table, _footlines(chosen), details)


def _verdict(chosen: Chosen) -> tuple[str, ...]:
    choice = chosen.choice
    goal, name = choice.goal, choice.knob.name
    where = (
        chosen.machines[0].name if len(chosen.machines) == 1 else f"{len(chosen.machines)} machines"
    )
    budget = bytes_text(goal.budget_bytes)
    what = f"with {goal.design.id}, {METRIC_WORDS[goal.metric]}"
    asked = f"{where}: {what} may be at most {budget} {OFF_WORDS[goal.side]}"
    if choice.any_fits:
        up_to = f" up to {pages_text(MOST_BATCH)}" if choice.candidates[-1].bound_bytes else ""
        return asked, f"any {name}{up_to} fits"
    if choice.batch is None:
        least = f"{bound_text(choice.least_bytes)} ({pages_text(choice.least_bytes)} bytes)"
        return (
            asked,
            f"no {name} fits; the smallest, {choice.knob.least}, needs a budget of {least}",
        )
    found = next(row for row in choice.candidates if row.batch == choice.batch)
    on = f" on {found.machine}" if len(chosen.machines) > 1 else ""
    return asked, f"{name} = {choice.batch}: at most {bound_text(found.bound_bytes)}{on}"


def _columns(chosen: Chosen) -> tuple[Column, ...]:
    choice = chosen.choice

    def column(
        group: str, title: str, rank: int, cell: Callable[[Candidate], str], *, numeric: bool = True
    ) -> Column:
        return Column(group, title, tuple(map(cell, choice.candidates)), rank, numeric)

    value = "batch" if "batch" in choice.knob.field else "threshold"
    columns = [
        column("", value, 0, lambda row: str(row.batch)),
        column("", "", 0, lambda row: _remark(row, chosen), numeric=False),
        column("bound", "too low", 0, lambda row: side_bytes(row.error.under, row.page_size)),
        column("bound", "too high", 0, lambda row: side_bytes(row.error.over, row.page_size)),
        column("typical, one counter", "half", 5, lambda row: _size(row.typical.median, row)),
        column("typical, one counter", "99%", 3, lambda row: _size(row.typical.p99, row)),
        column("slow paths per page", "first", 1, lambda row: str(row.cost.rates.first)),
        column("slow paths per page", "root", 1, lambda row: str(row.cost.rates.root)),
        column("slow paths, worst", "first", 4, lambda row: str(row.cost.rates.worst_first)),
        column("slow paths, worst", "root", 4, lambda row: str(row.cost.rates.worst_root)),
        column("shared", "lines", 6, lambda row: str(row.cost.lines)),
        column("memory", "process", 2, lambda row: bytes_text(row.memory_bytes)),
    ]
    if chosen.processes:
        total = chosen.processes
        columns.append(
            column("memory", "host", 2, lambda row: bytes_text(row.memory_bytes * total))
        )
    if len(chosen.machines) > 1:
        columns.append(column("", "worst on", 7, lambda row: row.machine, numeric=False))
    return tuple(columns)


def _size(pages: int, candidate: Candidate) -> str:
    return bound_text(pages * candidate.page_size)


def _remark(candidate: Candidate, chosen: Chosen) -> str:
    remarks = [] if candidate.fits else ["too large"]
    if candidate.batch == chosen.choice.present:
        remarks.append("as now" if chosen.in_use else "default")
    return ", ".join(remarks)


def _footlines(chosen: Chosen) -> tuple[str, ...]:
    choice, shapes = chosen.choice, chosen.shapes
    lines = [
        "Slow paths per page: for a growing process; worst: for any order of single-page updates. "
        + choice.candidates[0].cost.why
    ]
    if choice.knob.field == "percpu_batch":
        lines.append(EVERY_COUNTER)
    if choice.worst_counter:
        lines.append(
            f"Typical: for {TYPICAL}; the bound is that of the worst counter, "
            f"{choice.worst_counter}."
        )
    if chosen.processes:
        processes = "process" if chosen.processes == 1 else "processes"
        lines.append(f"Memory of a host: with {pages_text(chosen.processes)} {processes}.")
    if len(chosen.machines) > 1:
        lines.append("All figures of a row are for the machine with the largest bound.")
    if shapes:
        lines += shape_lines(shapes)
    return tuple(lines)
