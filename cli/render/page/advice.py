"""What to do about it: what to read, what a watchdog must allow for, which batch a tree needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.cli.render.units import bound_text, bytes_text
from rssbound.cli.render.words import METRIC_WORDS, cheap_reading

if TYPE_CHECKING:
    from rssbound.bounds.choosing.batch import Choice
    from rssbound.bounds.reading.overview import Overview

__all__ = ("WALKED", "batch_advice", "reading_advice")

WALKED = (
    "Where the exact figure is needed, read Rss in /proc/PID/smaps_rollup (4.14 and later): it "
    "walks the page tables and asks no counter. It takes time in proportion to the memory mapped."
)


def reading_advice(overview: Overview) -> tuple[str, ...]:
    """Say what a cheap reading of RSS is worth on a machine, and what to read instead."""
    analysis = overview.analysis
    error = analysis.meant.rss
    size = analysis.scenario.page_size
    if error.under == error.over == 0:
        return ("Every reading of RSS is exact here, once updates have settled.",)
    if error.under is None or error.over is None:
        return ("No cheap reading of RSS is evidence of anything here.", WALKED)
    above = f"more than {bound_text(error.over * size)} above it" if error.over else "above it"
    within = f"at least {bound_text(error.under * size)} below" if error.under else "not above it"
    proof = (
        f"A watchdog: {cheap_reading(overview)} proves that RSS is above a limit only if it is "
        f"{above}, and that it is not only if it is {within}. In between, look closer."
    )
    return proof, WALKED


def batch_advice(choice: Choice) -> str:
    """Say which batch a tree needs for a metric to be within the budget on all machines."""
    budget, knob = bytes_text(choice.goal.budget_bytes), choice.knob
    what = METRIC_WORDS[choice.goal.metric]
    if choice.any_fits:
        return f"With the tree, {what} stays within {budget} whatever the batch."
    if choice.batch is None:
        least = bound_text(choice.least_bytes)
        return (
            f"With the tree, no batch keeps {what} within {budget}: the smallest, "
            f"{knob.least}, takes {least}."
        )
    chosen = next(row for row in choice.candidates if row.batch == choice.batch)
    return (
        f"With the tree, {knob.name} = {choice.batch} keeps {what} within {budget}: at worst "
        f"it is {bound_text(chosen.bound_bytes)} off."
    )
