"""percpu_counter: each CPU caches up to a batch, both ways.

    |residual of a CPU| <= b - 1,  so  under = over = (b - 1) * C,  b = max(32, 2 * max online)

Assumes the kernel's rule: an update that brings a CPU's cache to b or beyond, either way, moves all
of it to the shared count under the counter's raw spinlock, so no updater is ever stopped half-way
and no race exceeds b - 1. C counts CPUs that are online: percpu_counter_cpu_dead folds the cache of
a CPU that goes offline. The batch follows the number of CPUs online, but caches filled under a
larger batch stay, so the largest number ever online sets b.

Source: commit f1a7941243c1 ("mm: convert mm's rss stats into percpu_counter") (in v6.2);
lib/percpu_counter.c, percpu_counter_add_batch and compute_batch_value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rssbound.bounds.consumers import COUNTERS
from rssbound.bounds.design import Design, Kernels, Update, each_counter
from rssbound.bounds.interval import Interval, Level

if TYPE_CHECKING:
    from rssbound.bounds.arithmetic import Quantity
    from rssbound.bounds.quantities import Quantities

__all__ = ("DESIGN",)


def levels(q: Quantities) -> tuple[Level, ...]:
    """One signed cache for each CPU that is online."""
    most = q.percpu_batch - 1
    return (Level("cpu", q.online_cpus, low=-most, high=most, item_of=int),)


def published(q: Quantities) -> Interval:
    """Give "approximately (nr_cpus ^ 2)", the commit message; half of the exact value."""
    return Interval(q.host_online**2, q.host_online**2)


def memory_bytes(q: Quantities) -> Quantity:
    """Give a 40-byte percpu_counter and an s32 on each possible CPU, four times."""
    return len(COUNTERS) * (40 + 4 * q.possible_cpus)


def update(q: Quantities) -> Update:
    """An addition on this CPU; a batch's worth goes to the shared count under a lock."""
    return Update(
        "one addition to the CPU's own cache",
        "addition to the shared count under the counter's raw spinlock, interrupts off",
        0,
        1,
        q.percpu_batch,
    )


DESIGN = Design(
    id="percpu",
    title="percpu_counter, a cache on each CPU",
    kernels=Kernels("6.2-", first=(6, 2, 0)),
    source="commit f1a7941243c1 (v6.2), lib/percpu_counter.c",
    levels=each_counter(levels),
    published=published,
    memory_bytes=memory_bytes,
    update=update,
)
