"""Exact while single-threaded, percpu_counter from the second thread on.

    T = 1: approximate = precise;   T > 1: as `percpu`

T = 1 assumes a process that never had a second thread, because there is no way back. A symbol for T
means several threads.

Source: ZhangPeng, "mm: atomic mode" RFC v2 of 2024-04-18, carried by openEuler and deepin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.counter.design import Cost, Design, Kernels, Place
from rssbound.bounds.counter.rests import (
    CALLERS,
    FUNCTION,
    MM,
    Rest,
)
from rssbound.bounds.counter.theorems import threshold_is_inductive
from rssbound.bounds.designs import percpu, shared
from rssbound.bounds.laws.residuals import signed

if TYPE_CHECKING:
    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.executable import CounterModel, Update
    from rssbound.bounds.counter.interval import Interval, Level
    from rssbound.bounds.laws.slots import Slots
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGN",)


def mode(p: Parameters) -> Design:
    """Give the design of the counter's current mode."""
    return shared.DESIGN if p.threads == 1 else percpu.DESIGN


def levels(p: Parameters, counters: tuple[str, ...]) -> tuple[Level, ...]:
    """State the levels of the mode."""
    return mode(p).levels(p, counters)


def slots(p: Parameters) -> Slots:
    """State how pages pass through the slots of the mode."""
    return mode(p).slots(p)


def model(p: Parameters) -> CounterModel:
    """Make a counter in its mode."""
    return mode(p).model(p)


def witness(p: Parameters, side: str) -> tuple[Update, ...]:
    """Give the mode's witness."""
    return mode(p).witness(p, side)


def published(p: Parameters) -> Interval | None:
    """Give what is published for the mode."""
    return mode(p).published(p)


def memory_bytes(p: Parameters) -> Quantity:
    """Give the percpu_counter structs, and the per-CPU part once there is one."""
    return len(COUNTERS) * 40 if p.threads == 1 else percpu.DESIGN.memory_bytes(p)


def cost(p: Parameters) -> Cost:
    """Give the cost of the mode."""
    return mode(p).cost(p)


RESTS = (
    Rest(
        "percpu_counter_switch_to_pcpu_many",
        FUNCTION,
        percpu.FILES,
        "A counter with per-CPU slots never goes back to a single atomic.",
    ),
    *(
        Rest(name, FUNCTION, percpu.FILES, "Without per-CPU slots updates and reads are exact.")
        for name in ("percpu_counter_initialized", "percpu_counter_atomic_*")
    ),
    Rest(
        "percpu_counter_switch_to_pcpu_many",
        CALLERS,
        (),
        "Its call, at the second thread, ends the exact mode of a process.",
    ),
    Rest(
        "mm_counter_switch_to_pcpu_many",
        FUNCTION,
        MM,
        "It switches all counters of a process at once.",
    ),
    Rest(
        "mm_counter_switch_to_pcpu_many",
        CALLERS,
        (),
        "Its call, at the second thread, ends the exact mode of a process.",
    ),
    *percpu.RESTS,
)
"""The code that its bound rests on."""

DESIGN = Design(
    id="dual-mode",
    title="exact until the second thread, then percpu",
    kernels=Kernels("RFC; vendors", merged=False),
    source="ZhangPeng, RFC v2, 2024-04-18; openEuler, deepin",
    levels=levels,
    law=signed,
    slots=slots,
    published=published,
    memory_bytes=memory_bytes,
    cost=cost,
    batch=lambda p: mode(p).batch(p),
    place=Place.CPU,
    model=model,
    witness=witness,
    search_amounts=percpu.DESIGN.search_amounts,
    theorem=threshold_is_inductive,
    knob=percpu.DESIGN.knob,
    rests=RESTS,
)
