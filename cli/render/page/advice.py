"""Advice: which file to read, what a watchdog must allow for, which batch a tree needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.cli.render.units import bound_text, bytes_text
from rssbound.cli.render.words import METRIC_WORDS, cheap_reading

if TYPE_CHECKING:
    from rssbound.bounds.choosing.batch import Choice
    from rssbound.bounds.reading.overview import Overview

__all__ = ("WALKED", "batch_advice", "reading_advice")

WALKED = (
    "For the exact value, read Rss in /proc/PID/smaps_rollup (Linux 4.14 and later). It walks the "
    "page tables and does not use the counters; the time grows with the mapped memory."
)


OF_TREE = "Kernel developers: with the proposed tree counter (not merged),"


def reading_advice(overview: Overview) -> tuple[str, ...]:
    """Say what a cheap reading of RSS shows on a machine, and what to read instead."""
    analysis = overview.analysis
    error = analysis.rss
    size = analysis.scenario.page_size
    if error.under == error.over == 0:
        return ("Every reading of RSS is exact once updates have settled.",)
    if error.under is None or error.over is None:
        return ("A cheap reading of RSS proves nothing on this machine.", WALKED)
    above = f"more than {bound_text(error.over * size)} above it" if error.over else "above it"
    within = (
        f"at least {bound_text(error.under * size)} below it" if error.under else "not above it"
    )
    proof = (
        f"For a watchdog with a limit: {cheap_reading(overview)} proves that RSS is above the "
        f"limit only if the reading is {above}; it proves that RSS is not above the limit only if "
        f"the reading is {within}. In between, read the exact value."
    )
    return proof, WALKED


def batch_advice(choice: Choice) -> str:
    """Say which batch keeps a metric within the budget on all machines."""
    budget, knob = bytes_text(choice.goal.budget_bytes), choice.knob
    what = METRIC_WORDS[choice.goal.metric]
    if choice.any_fits:
        return f"{OF_TREE} any batch keeps the error of {what} within {budget}."
    if choice.batch is None:
        least = bound_text(choice.least_bytes)
        return (
            f"{OF_TREE} no batch keeps the error of {what} within {budget}; the smallest "
            f"batch, {knob.least}, needs {least}."
        )
    chosen = next(row for row in choice.candidates if row.batch == choice.batch)
    return (
        f"{OF_TREE} {knob.name} = {choice.batch} keeps the error of {what} within {budget}; "
        f"the worst case is {bound_text(chosen.bound_bytes)}."
    )
