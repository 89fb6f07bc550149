"""percpu_counter: each CPU keeps back up to a batch, on either side.

    |residual of a CPU| <= b - 1,  so  under = over = (b - 1) * C,  b = max(32, 2 * max online)

Assumes the kernel's rule: an update that brings a CPU's slot to b or beyond, on either side, moves
all of it to the shared count under the counter's raw spinlock. No updater is ever stopped half-way,
so no race exceeds b - 1. C counts online CPUs: percpu_counter_cpu_dead folds the slot of a CPU that
goes offline. The batch follows the number of online CPUs, but slots that were filled under a larger
batch keep their content, so the largest number ever online sets b.

Source: commit f1a7941243c1 ("mm: convert mm's rss stats into percpu_counter") (in v6.2);
lib/percpu_counter.c, percpu_counter_add_batch and compute_batch_value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.counter.arithmetic import round_up
from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.counter.design import (
    Cost,
    Design,
    Kernels,
    Knob,
    Place,
    each_counter,
    slot_cost,
)
from rssbound.bounds.counter.executable import CachesOfCpus
from rssbound.bounds.counter.interval import Interval, Level
from rssbound.bounds.counter.rests import (
    CALLERS,
    FORMULA,
    FUNCTION,
    MACRO,
    MM_INIT,
    OF_EVERY_DESIGN,
    STRUCT,
    WRITERS,
    Rest,
)
from rssbound.bounds.counter.theorems import threshold_is_inductive
from rssbound.bounds.laws.residuals import signed
from rssbound.bounds.laws.slots import Slot, Slots
from rssbound.bounds.scenario.scenario import percpu_counter_batch

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.executable import Update
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGN", "SEARCH_AMOUNTS")

SEARCH_AMOUNTS = (1, -1, 3, -5)
"""Single pages reach every residual; larger updates skip some and flush more at a time."""

KNOB = Knob("percpu_counter_batch", "percpu_batch", least=1)


def levels(p: Parameters) -> tuple[Level, ...]:
    """One level: a signed slot for each online CPU."""
    most = p.percpu_batch - 1
    return (Level("cpu", p.online_cpus, low=-most, high=most, item_of=int),)


def slots(p: Parameters) -> Slots:
    """State that one slot for each online CPU passes pages to the shared count."""
    return Slots(((p.online_cpus, Slot(p.percpu_batch)),) if p.online_cpus else ())


class PercpuCounter(CachesOfCpus):
    """percpu_counter: a shared count and a signed slot on each CPU, with CPU hotplug."""

    def __init__(self, batch: int, cpus: Iterable[int]) -> None:
        super().__init__(cpus)
        self.batch = batch

    def update(self, cpu: int, pages: int) -> None:
        """Run percpu_counter_add_batch."""
        held = self.slots[cpu] + pages
        if abs(held) >= self.batch:
            self.count += held
            held = 0
        self.slots[cpu] = held

    def unplug(self, cpu: int) -> None:
        """Take a CPU offline: its slot is folded into the count and the batch is computed anew."""
        self.count += self.slots.pop(cpu)
        self.batch = percpu_counter_batch(len(self.slots))

    def structure(self) -> Hashable:
        """Batch and number of CPUs: all CPUs are equivalent."""
        return ("percpu", self.batch, len(self.slots))


def model(p: Parameters) -> PercpuCounter:
    """Make the counter, with the online CPUs of the process."""
    return PercpuCounter(p.percpu_batch, p.online_ids)


def witness(p: Parameters, side: str) -> tuple[Update, ...]:
    """Fill every slot. For a value that is too high the process first adds what it later removes.

    That is a multiple of the batch, so all of it reaches the shared count, even a page at a time.
    """
    most = p.percpu_batch - 1
    if side == "under" or not (most and p.online_ids):
        return tuple((cpu, most) for cpu in p.online_ids) if most else ()
    start = round_up(most * len(p.online_ids), p.percpu_batch)
    return ((p.online_ids.lowest, start), *((cpu, -most) for cpu in p.online_ids))


def published(p: Parameters) -> Interval:
    """Give "approximately (nr_cpus ^ 2)", the commit message; half of the exact value."""
    return Interval(p.host_online**2, p.host_online**2)


def memory_bytes(p: Parameters) -> Quantity:
    """Give a 40-byte percpu_counter and an s32 on each possible CPU, four times."""
    return len(COUNTERS) * (40 + 4 * p.possible_cpus)


def cost(p: Parameters) -> Cost:
    """An addition on this CPU; a batch's worth goes to the shared count under a lock."""
    return slot_cost(
        p.percpu_batch,
        fast_path="one addition to the CPU's own slot",
        slow_path="one addition to the shared count under its raw spinlock, interrupts off",
        why="After a slow path the slot is empty, so the worst case is the steady case.",
        shared_atomics=0,
        locks=1,
    )


FILES = ("lib/percpu_counter.c", "include/linux/percpu_counter.h")

RESTS = (
    *(
        Rest(name, FUNCTION, FILES, "It passes percpu_counter_batch and the amount on unchanged.")
        for name in ("percpu_counter_add", "percpu_counter_sub")
    ),
    *(
        Rest(name, FUNCTION, FILES, "It is an update of one page.")
        for name in ("percpu_counter_inc", "percpu_counter_dec")
    ),
    Rest(
        "*percpu_counter_add_batch",
        FUNCTION,
        FILES,
        "A CPU holds at most batch - 1 pages, of either sign.",
    ),
    Rest(
        "percpu_counter_add_local*",
        FUNCTION,
        FILES,
        "A CPU holds at most the given batch - 1 pages.",
    ),
    Rest("percpu_counter_sync", FUNCTION, FILES, "It moves a CPU's slot to the counter."),
    Rest("percpu_counter_set", FUNCTION, FILES, "It empties the slots of all CPUs."),
    Rest("percpu_counter", STRUCT, FILES, "What a CPU holds, and in which type."),
    Rest("compute_batch_value", FORMULA, FILES, "The batch, from the number of online CPUs."),
    Rest("percpu_counter_batch", WRITERS, (), "Only compute_batch_value sets the batch."),
    Rest(
        "percpu_counter_cpu_dead",
        FUNCTION,
        FILES,
        "A CPU that goes offline leaves nothing behind.",
    ),
    Rest("percpu_counter_hotcpu_callback", FUNCTION, FILES, "As percpu_counter_cpu_dead."),
    Rest("percpu_counter_startup", FUNCTION, FILES, "The batch follows the online CPUs."),
    Rest(
        "percpu_counter_startup", CALLERS, FILES, "It must run at boot, or nothing sets the batch."
    ),
    Rest("percpu_counter_init*", MACRO, FILES, "Counters start with empty slots."),
    Rest("*percpu_counter_init*", FUNCTION, FILES, "Counters start with empty slots."),
    Rest("percpu_counter_destroy*", FUNCTION, FILES, "No counter is emptied after it is freed."),
    Rest("*percpu_counter_read*", FUNCTION, FILES, "The cheap read lacks only the slots."),
    Rest("*percpu_counter_sum*", FUNCTION, FILES, "The precise read adds all slots."),
    Rest("percpu_counter_add_batch", CALLERS, (), "A caller may pass a batch of its own."),
    Rest("percpu_counter_sync", CALLERS, (), "Other flushes."),
    MM_INIT,
    *OF_EVERY_DESIGN,
)
"""The code that its bound rests on."""

DESIGN = Design(
    id="percpu",
    title="percpu_counter, one slot per CPU",
    kernels=Kernels("6.2-", first=(6, 2, 0)),
    source="commit f1a7941243c1 (v6.2), lib/percpu_counter.c",
    levels=each_counter(levels),
    law=signed,
    slots=slots,
    published=published,
    memory_bytes=memory_bytes,
    cost=cost,
    batch=lambda p: p.percpu_batch,
    place=Place.CPU,
    model=model,
    witness=witness,
    search_amounts=lambda _: SEARCH_AMOUNTS,
    theorem=threshold_is_inductive,
    knob=KNOB,
    rests=RESTS,
)
