"""Counters other than RSS in every format: the bound of each in every design."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rssbound.bounds.reading.gaps import unknown_words
from rssbound.cli.render.documents import csv_side, csv_text, json_text
from rssbound.cli.render.result import render_sheet
from rssbound.cli.render.results.analysis_json import host_of
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import (
    bytes_text,
    counted,
    guessed,
    pages_text,
    side_bytes,
    side_pages,
)
from rssbound.cli.render.words import cpus_words, machine_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rssbound.bounds import Interval
    from rssbound.bounds.reading.beside import Beside, CounterBound
    from rssbound.bounds.scenario.beside import Beside as Known
    from rssbound.cli.render import Style

__all__ = ("document_of", "render", "sheet_of", "table_of")

CSV_COLUMNS = (
    *("host", "page_size_bytes", "counter", "design", "kernels", "used", "used_guess"),
    *("under_pages", "over_pages", "published_under_pages", "published_over_pages"),
)
LEVEL_COLUMNS = ("host", "counter", "design", "level", "items", "low_pages", "high_pages")


def render(machines: Sequence[Beside], format_: str, style: Style) -> str:
    """Give machines' counters other than RSS in a format; `explain` adds the levels of each."""
    if format_ == "json":
        documents = [document_of(beside) for beside in machines]
        several = {"kind": "rssbound.counters_list", "format_version": "1.0", "machines": documents}
        return json_text(documents[0] if len(documents) == 1 else several)
    if format_ == "csv":
        header, rows_of = (LEVEL_COLUMNS, _level_rows) if style.explain else (CSV_COLUMNS, _rows)
        return csv_text(header, (row for beside in machines for row in rows_of(beside)))
    sheets = (sheet_of(one, explain=style.explain, brief=style.brief) for one in machines)
    return "\n".join(render_sheet(sheet, format_, style) for sheet in sheets)


# -- for programs


def document_of(beside: Beside) -> dict[str, Any]:
    """Give counters other than RSS as JSON, `"kind": "rssbound.counters"`; values in pages."""
    scenario, p = beside.scenario, beside.parameters
    known = scenario.beside
    return {
        "kind": "rssbound.counters",
        "format_version": "1.0",
        "host": host_of(beside.topology, scenario.page_size),
        "scenario": {
            "cpus": str(scenario.cpus),
            "updaters": scenario.updaters,
            "max_online": scenario.max_online,
            "in_flight": scenario.in_flight,
            "max_increment": scenario.max_increment,
            "cgroups": known.cgroups,
            "zones_known": known.zones is not None,
            "memory_bytes": known.memory,
            "zone_threshold": p.zone_threshold,
            "zone_thresholds": p.zone_thresholds,
            "node_threshold": p.node_threshold,
            "node_thresholds": p.node_thresholds,
            "mem_pcpu_rsv": p.mem_pcpu_rsv,
        },
        "used_guess": beside.guess,
        "counters": [_counter(bound) for bound in beside.bounds],
    }


def _counter(bound: CounterBound) -> dict[str, Any]:
    design = bound.design
    return {
        "id": bound.counter,
        "design": design.id,
        "title": design.title,
        "kernels": design.kernels.label,
        "used": bound.used,
        **_interval(bound.error),
        "concurrent": _interval(bound.concurrent),
        "published": None if bound.published is None else _interval(bound.published),
        "lasts": design.lasts,
        "levels": [
            {"name": level.name, "items": level.items, "low": level.low, "high": level.high}
            for level in bound.levels
        ],
        "at_most": bound.at_most,
        "caveats": list(bound.caveats),
    }


def _interval(error: Interval) -> dict[str, Any]:
    return {"under": error.under, "over": error.over}


def _rows(beside: Beside) -> Iterator[tuple[object, ...]]:
    for bound in beside.bounds:
        stated = bound.published
        yield (
            *(beside.topology.name, beside.scenario.page_size, bound.counter, bound.design.id),
            *(bound.design.kernels.label, int(bound.used), int(beside.guess)),
            *(csv_side(bound.error.under), csv_side(bound.error.over)),
            *(("", "") if stated is None else (csv_side(stated.under), csv_side(stated.over))),
        )


def _level_rows(beside: Beside) -> Iterator[tuple[object, ...]]:
    for bound in beside.bounds:
        for level in bound.levels:
            yield (
                *(beside.topology.name, bound.counter, bound.design.id),
                *(level.name, level.items, level.low, level.high),
            )


# -- for people


def sheet_of(beside: Beside, *, explain: bool = False, brief: bool = False) -> Sheet:
    """Lay out counters in one table; `explain` adds one for each, `brief` keeps those in use."""
    known = any(bound.used for bound in beside.bounds)
    bounds = tuple(bound for bound in beside.bounds if bound.used or not (brief and known))
    details = tuple(_explanation(bound) for bound in beside.bounds) if explain else ()
    return Sheet(_headlines(beside), table_of(beside, bounds), _footlines(beside, bounds), details)


def _headlines(beside: Beside) -> tuple[str, ...]:
    scenario, known = beside.scenario, beside.scenario.beside
    moment = (
        f"worst case with {counted(scenario.in_flight, 'update')} stopped half-way"
        if scenario.in_flight
        else "worst case once updates have settled"
    )
    of = "one cgroup" if known.cgroups == 1 else f"a cgroup and {known.cgroups - 1:,} below it"
    return (
        f"{beside.topology.name}: {machine_words(beside)}",
        f"{of} on {cpus_words(scenario.cpus)}; {_zones_words(beside, known)}; {moment}",
    )


def _zones_words(beside: Beside, known: Known) -> str:
    """Describe the thresholds of vmstat and where they come from."""
    p = beside.parameters
    if known.zones is not None:
        return f"{counted(len(known.zones), 'zone')} with thresholds of up to {p.zone_threshold}"
    if known.memory is not None:
        size = bytes_text(known.memory)
        return (
            f"zones of an x86-64 machine with {size} and no movable zone, thresholds of up to "
            f"{p.zone_threshold}"
        )
    zones = p.zone_thresholds // p.zone_threshold
    return f"memory not known: the largest thresholds, {p.zone_threshold} in each of {zones} zones"


def table_of(beside: Beside, bounds: tuple[CounterBound, ...]) -> Table:
    """Lay out bounds in one table, with a word for those of the machine's kernel."""
    size = beside.scenario.page_size

    def column(
        group: str,
        title: str,
        rank: int,
        cell: Callable[[CounterBound], str],
        *,
        text: bool = False,
    ) -> Column:
        return Column(group, title, tuple(map(cell, bounds)), rank, numeric=not text)

    here = guessed("here", guess=beside.guess)
    return Table(
        "",
        (
            column("", "counter", 0, lambda one: one.counter, text=True),
            column("", "design", 0, lambda one: one.design.id, text=True),
            column("", "kernels", 1, lambda one: one.design.kernels.label, text=True),
            column("", "used", 0, lambda one: here if one.used else "-", text=True),
            column("can read", "too low", 0, lambda one: side_bytes(one.error.under, size)),
            column("can read", "too high", 0, lambda one: side_bytes(one.error.over, size)),
            column("pages", "low", 2, lambda one: side_pages(one.error.under)),
            column("pages", "high", 2, lambda one: side_pages(one.error.over)),
            column("published, pages", "low", 4, lambda one: _published(one, "under")),
            column("published, pages", "high", 4, lambda one: _published(one, "over")),
        ),
    )


def _published(bound: CounterBound, side: str) -> str:
    return "-" if bound.published is None else side_pages(getattr(bound.published, side))


def _footlines(beside: Beside, bounds: tuple[CounterBound, ...]) -> tuple[str, ...]:
    shown = {one.design.id: one for one in bounds if _matters(beside, one.design.id)}
    words = (
        f"{id_}: {text}."
        for id_, bound in shown.items()
        for text in (f"an error lasts {bound.design.lasts}", *bound.caveats)
    )
    return (
        *_unknown(beside),
        *words,
        "A reading is never below 0, so it is never too low by more than the true value.",
    )


def _unknown(beside: Beside) -> list[str]:
    """Name the counters for which the kernel's design is not known."""
    kernel = beside.topology.kernel or ""
    counters = dict.fromkeys(bound.counter for bound in beside.bounds)
    used = {bound.counter for bound in beside.bounds if bound.used}
    missing = [counter for counter in counters if counter not in used] if kernel else []
    return [f"{unknown_words(counter, kernel)}." for counter in missing]


def _matters(beside: Beside, design_id: str) -> bool:
    """Return whether to print a design's caveats: it is in use, or no design is known."""
    used = {bound.design.id for bound in beside.bounds if bound.used}
    return not used or design_id in used


def _explanation(bound: CounterBound) -> Table:
    """Show the error of each level of a counter."""
    levels = bound.levels
    title = f"{bound.counter}, {bound.design.id}: {bound.design.title} ({bound.design.source})."
    return Table(
        title,
        (
            Column("", "level", tuple(level.name for level in levels), numeric=False),
            Column("", "items", tuple(pages_text(level.items) for level in levels)),
            Column(
                "each keeps,",
                "pages",
                tuple(f"{pages_text(level.low)}..{pages_text(level.high)}" for level in levels),
            ),
            Column(
                "all, pages",
                "low",
                tuple(pages_text(level.items * level.high) for level in levels),
            ),
            Column(
                "all, pages",
                "high",
                tuple(pages_text(-level.items * level.low) for level in levels),
            ),
        ),
    )
