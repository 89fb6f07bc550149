"""A witness: the updates that reach a bound as a table, or a schedule if there is no bound."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.counters import SIDE_WORDS
from rssbound.cli.render.code.witness import program_of
from rssbound.cli.render.documents import json_line
from rssbound.cli.render.result import render_sheet
from rssbound.cli.render.sheet import Column, Sheet, Table
from rssbound.cli.render.units import bound_text, counted, pages_text
from rssbound.cli.render.words import cpus_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rssbound.bounds.counter.executable import Round
    from rssbound.bounds.proof.witness import Witness
    from rssbound.cli.render import Style

__all__ = ("document_of", "render")


def render(witness: Witness, machine: str, page_size: int, format_: str, style: Style) -> str:
    """Give a witness in a format; `machine` is its name, page size in bytes.

    JSON is on one line because there can be very many updates. ScenarioError if a C program is
    requested and cannot be written.
    """
    if format_ == "json":
        return json_line(document_of(witness)) + "\n"
    if format_ == "c":
        return program_of(witness)
    sheet = _schedule(witness) if witness.bound is None else _updates(witness, machine, page_size)
    return render_sheet(sheet, format_, style)


# -- for programs


def document_of(witness: Witness) -> dict[str, Any]:
    """Give a witness as JSON, `"kind": "rssbound.witness"`; values in pages."""
    rounds = [_round(step) for step in witness.schedule]
    return {
        "kind": "rssbound.witness",
        "format_version": "1.0",
        "design": witness.design,
        "metric": witness.metric,
        "side": witness.side,
        "counters": list(witness.counters),
        "own_cpus": str(witness.own_cpus),
        "nr_cpu_ids": witness.nr_cpu_ids,
        "batch": witness.batch,
        "updates": [list(update) for update in witness.updates],
        "approximate": witness.approximate,
        "precise": witness.precise,
        "error": witness.error,
        "bound": witness.bound,
        **({"schedule": rounds} if rounds else {}),
    }


def _round(step: Round) -> dict[str, int]:
    return {"begins": step.begins, "others": step.others, "takes": step.takes, "error": step.error}


# -- for people


def _updates(witness: Witness, machine: str, page_size: int) -> Sheet:
    """Lay out the updates in order, with the value of the counter after each."""
    where = witness.place.updater
    amounts = [amount for _, amount in witness.updates]
    columns = [
        Column(
            "", where, tuple("-" if place is None else str(place) for place, _ in witness.updates)
        ),
        Column("", "pages", tuple(map(_pages, amounts))),
    ]
    whole = [amount for amount in amounts if isinstance(amount, int)]
    if len(whole) == len(amounts):
        columns.append(Column("precise", "so far", tuple(map(pages_text, accumulate(whole)))))
    foreign = set(witness.foreign_cpus)
    if foreign:
        made_by = ("others" if cpu in foreign else "the process" for cpu, _ in witness.updates)
        columns.append(Column("", "made by", tuple(made_by), numeric=False))
    heads = _headlines(witness, machine, page_size)
    return Sheet(heads, Table("", tuple(columns)), _feet(witness))


def _feet(witness: Witness) -> tuple[str, ...]:
    """Explain who makes the updates on CPUs where the process never runs."""
    own, foreign = witness.own_cpus, witness.foreign_cpus
    if not foreign:
        return ()
    who = f"The process runs only on {cpus_words(own)}; other tasks on {cpus_words(foreign)}"
    return (f"{who} fault in, reclaim or truncate its pages.",)


def _headlines(witness: Witness, machine: str, page_size: int) -> tuple[str, str]:
    """Give the number of updates, the counters, and the error that results."""
    sums = " + ".join(witness.counters)
    of = f"of each of {sums}" if len(witness.counters) > 1 else f"of {sums}"
    head = f"{witness.design} on {machine}: {counted(len(witness.updates), 'update')} {of}"
    way = SIDE_WORDS[witness.side]
    if witness.bound == 0:
        return head, f"no sequence of updates makes the counter read {way}: the bound is 0"
    size = bound_text(witness.error * page_size)
    return head, (
        f"approximate {pages_text(witness.approximate)}, precise {pages_text(witness.precise)}: "
        f"{counted(witness.error, 'page')} ({size}) {way}, which is the bound"
    )


def _pages(amount: int | Mapping[str, int]) -> str:
    """Print the pages of an update; by counter if the counters differ."""
    if isinstance(amount, int):
        return pages_text(amount)
    return ", ".join(f"{counter} {pages:+,}" for counter, pages in amount.items())


def _schedule(witness: Witness) -> Sheet:
    """Lay out the rounds of an error that grows without limit."""
    rounds = witness.schedule
    numbers = tuple(str(number) for number in range(1, len(rounds) + 1))
    when, how = witness.words
    heads = (f"{witness.design}: {when}", how)
    columns = (
        Column("", "round", numbers),
        Column("", "adds", tuple(pages_text(step.begins) for step in rounds)),
        Column("", "others add", tuple(pages_text(step.others) for step in rounds)),
        Column("", "then removes", tuple(pages_text(step.takes) for step in rounds)),
        Column("settled,", "too high by", tuple(f"{step.error:+,}" for step in rounds)),
    )
    adds = abs(rounds[-1].error) - abs(rounds[-2].error)
    foot = f"Each round adds {counted(adds, 'page')}; there is no limit."
    return Sheet(heads, Table("", columns), (foot,))
