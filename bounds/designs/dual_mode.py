"""Exact while single-threaded, percpu_counter after the first second thread.

    T = 1: approximate = precise;   T > 1: as `percpu`

Assumes a process that never had a second thread for T = 1: there is no way back. A symbol in place
of T stands for several threads.

Source: ZhangPeng, "mm: atomic mode" RFC v2 of 2024-04-18, carried by openEuler and deepin;
G. Krisman Bertazi, lazy counters RFC, late 2025.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.counter.design import Cost, Design, Kernels, Propagation
from rssbound.bounds.designs import percpu, shared
from rssbound.bounds.laws.residuals import signed

if TYPE_CHECKING:
    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.executable import Machine, Update
    from rssbound.bounds.counter.interval import Interval, Level
    from rssbound.bounds.scenario.parameters import Quantities

__all__ = ("DESIGN",)


def mode(q: Quantities) -> Design:
    """Give the design that the counters are in."""
    return shared.DESIGN if q.threads == 1 else percpu.DESIGN


def levels(q: Quantities, counters: tuple[str, ...]) -> tuple[Level, ...]:
    """State the levels of the mode."""
    return mode(q).levels(q, counters)


def machine(q: Quantities) -> Machine:
    """Make the counter in its mode."""
    return mode(q).machine(q)


def witness(q: Quantities, side: str) -> tuple[Update, ...]:
    """Give the mode's witness."""
    return mode(q).witness(q, side)


def published(q: Quantities) -> Interval | None:
    """Give what is published for the mode."""
    return mode(q).published(q)


def memory_bytes(q: Quantities) -> Quantity:
    """Give the percpu_counter structs, and the per-CPU part once there is one."""
    return len(COUNTERS) * 40 if q.threads == 1 else percpu.DESIGN.memory_bytes(q)


def cost(q: Quantities) -> Cost:
    """Cost what the mode costs."""
    return mode(q).cost(q)


def propagation(q: Quantities) -> Propagation:
    """Propagate as the mode does."""
    return mode(q).propagation(q)


DESIGN = Design(
    id="dual-mode",
    title="exact until the second thread, then percpu",
    kernels=Kernels("RFC; vendors", merged=False),
    source="ZhangPeng, RFC v2, 2024-04-18; openEuler, deepin",
    levels=levels,
    published=published,
    memory_bytes=memory_bytes,
    cost=cost,
    propagation=propagation,
    machine=machine,
    witness=witness,
    knob=percpu.KNOB,
    law=signed,
)
