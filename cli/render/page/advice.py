"""What to do about it: what to read, what a watchdog must allow for, which batch a tree needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.choosing.batch import Goal, Machine, choice_of
from rssbound.bounds.counter.counters import COUNTER
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.designs.carry_tree import KNOB
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.cli.render.units import bytes_text
from rssbound.cli.render.words import cheap_reading, precise_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rssbound.bounds import Analysis

__all__ = ("BUDGET_BYTES", "batch_advice", "reading_advice")

BUDGET_BYTES = 64 << 20
"""What one counter may be off where a batch is proposed."""

WALKED = (
    "Where the exact figure is needed, read Rss in /proc/PID/smaps_rollup (4.14 and later): it "
    "walks the page tables and asks no counter. It takes time in proportion to the memory mapped."
)


def reading_advice(analysis: Analysis) -> tuple[str, ...]:
    """Say what a cheap reading of RSS is worth on a machine, and what to read instead."""
    error = analysis.meant.rss
    size = analysis.scenario.page_size
    if error.under == error.over == 0:
        return ("Every reading of RSS is exact here, once updates have settled.",)
    if error.under is None or error.over is None:
        return ("No cheap reading of RSS is evidence of anything here.", WALKED)
    above = f"more than {bytes_text(error.over * size)} above it" if error.over else "above it"
    within = f"at least {bytes_text(error.under * size)} below" if error.under else "not above it"
    proof = (
        f"A watchdog: {cheap_reading(analysis)} proves that RSS is above a limit only if it is "
        f"{above}, and that it is not only if it is {within}. In between, look closer."
    )
    return proof, *precise_files(analysis), WALKED


def batch_advice(analyses: Sequence[Analysis]) -> str:
    """Say which batch a tree needs for one counter to be within BUDGET_BYTES on all machines."""
    goal = Goal(DESIGNS["tree"], COUNTER, "both", BUDGET_BYTES)
    hosts = tuple(
        Machine(
            analysis.topology.name,
            parameters_of(analysis.topology, analysis.scenario),
            analysis.scenario.page_size,
        )
        for analysis in analyses
    )
    choice = choice_of(goal, KNOB, hosts)
    budget = bytes_text(BUDGET_BYTES)
    if choice.any_fits:
        return f"With the tree, one counter stays within {budget} whatever the batch."
    if choice.batch is None:
        least = bytes_text(choice.least_bytes)
        return (
            f"With the tree, no batch keeps one counter within {budget}: the smallest, "
            f"{KNOB.least}, takes {least}."
        )
    chosen = next(row for row in choice.candidates if row.batch == choice.batch)
    return (
        f"With the tree, {KNOB.name} = {choice.batch} keeps one counter within {budget}: at worst "
        f"it is {bytes_text(chosen.bound_bytes)} off."
    )
