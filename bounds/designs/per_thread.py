"""Split counting: each thread keeps the pages of its page faults in a slot (SPLIT_RSS_COUNTING).

    one counter: under = 66 * T * max(0, most pages one fault adds to it)
                 over  = 66 * T * max(0, most pages one fault takes from it)
    a sum:       the same with what one fault adds to the sum, because each fault is spent once

Assumes that pages enter the slot through page faults only. vm_insert_page and vm_insert_pages
(TCP zero-copy receive, packet rings) add pages without an event and have no bound.

Why 66: check_sync_rss_stat runs at the start of a fault and syncs when events++ > 64, which is the
66th call after a sync. A thread whose last sync was inside a fault holds that fault's pages and
those of 65 more. All four counters of a thread share the one event counter.

Why over: a sum of clamped counters is too high if a thread's slot moves pages from one counter to
another and the first counter reads as 0. So each fault can make a sum too high by what it takes, at
most 1.

Source: commit 34e55232e59f ("mm: avoid false sharing of mm_counter") (in v2.6.34), gone with commit
f1a7941243c1 (in v6.2); TASK_RSS_EVENTS_THRESH in mm/memory.c.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.arithmetic import maximum
from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.counter.design import Cost, Design, Kernels, Knob, Place, Rates
from rssbound.bounds.counter.executable import AnyUpdate, Replayed
from rssbound.bounds.counter.interval import Interval, Level
from rssbound.bounds.counter.rests import (
    CALLERS,
    CONSTANT,
    FUNCTION,
    MACRO,
    MEMORY,
    MM,
    MM_TYPES,
    OF_EVERY_DESIGN,
    PATH,
    STRUCT,
    WRITERS,
    Rest,
)
from rssbound.bounds.counter.theorems import refuted, solver
from rssbound.bounds.laws.residuals import held
from rssbound.bounds.laws.slots import Slot, Slots
from rssbound.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.executable import Update
    from rssbound.bounds.laws.distribution import Distribution
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGN",)


def faults_held(p: Parameters) -> Quantity:
    """Give the most faults whose pages a thread can hold: 66."""
    return p.events_thresh + 2


@dataclass(frozen=True)
class Fault:
    """What one page fault does to its thread's slot: pages added to and taken from counters."""

    adds: dict[str, Quantity]
    takes: dict[str, int]


def faults(p: Parameters) -> tuple[Fault, ...]:
    """List the kinds of faults that count differently; v6.1, mm/memory.c."""
    return (
        Fault({"anon": 1}, {}),  # do_anonymous_page; a write fault on a private mapping
        Fault({"file": p.fault_pages}, {}),  # filemap_map_pages: fault-around
        Fault({"shmem": p.fault_pages}, {}),
        Fault({"anon": 1}, {"file": 1}),  # wp_page_copy of a page of the page cache
        Fault({"anon": 1}, {"shmem": 1}),
        Fault({"anon": 1}, {"swap": 1}),  # do_swap_page
    )


def levels(p: Parameters, counters: tuple[str, ...]) -> tuple[Level, ...]:
    """One slot for each thread, for every sum; see the first lines of the module."""
    most_added: Quantity = 0
    most_taken = 0
    for fault in faults(p):
        added = sum(fault.adds.get(counter, 0) for counter in counters)
        taken = sum(fault.takes.get(counter, 0) for counter in counters)
        most_added = maximum(most_added, added - taken)
        most_taken = max(most_taken, taken)
    low, high = -faults_held(p) * most_taken, faults_held(p) * most_added
    return (Level("thread", p.threads, low, high),)


def slots(p: Parameters) -> Slots:
    """One slot for each thread, which counts faults; the fault that syncs stays in it.

    The first sync has no such fault before it, so it is one smaller than later ones.
    """
    most: dict[str, int] = dict.fromkeys(COUNTERS, 0)
    for fault in faults(p):
        for counter, pages in fault.adds.items():
            most[counter] = max(most[counter], pages)
    return Slots(((p.threads, Slot(faults_held(p), lag=1)),), fault_pages=most)


class SplitCounting:
    """The counters of a process and the slots of its threads."""

    def __init__(self, threads: int, events_thresh: int = 64, counter: str = "file") -> None:
        self.events_thresh = events_thresh
        self.counter = counter
        self.mm = dict.fromkeys(COUNTERS, 0)
        self.slots = [dict.fromkeys(COUNTERS, 0) for _ in range(threads)]
        self.events = [0] * threads

    @property
    def places(self) -> list[int]:
        """List the threads."""
        return list(range(len(self.slots)))

    @property
    def approximate(self) -> int:
        """The process's own value of the model's counter, not clamped."""
        return self.mm[self.counter]

    @property
    def precise(self) -> int:
        """The same and what the threads hold."""
        return self.precise_sum((self.counter,))

    def read(self, counters: Iterable[str]) -> int:
        """Sum counters as a reader does, each clamped at 0."""
        return sum(max(0, self.mm[counter]) for counter in counters)

    def precise_sum(self, counters: Iterable[str]) -> int:
        """Sum counters and what the threads hold."""
        counters = tuple(counters)
        return sum(holder[counter] for holder in (self.mm, *self.slots) for counter in counters)

    def update(self, thread: int, pages: int) -> None:
        """Run one fault that adds pages to the model's counter or takes them from it."""
        self.fault(thread, {self.counter: pages})

    def fault(self, thread: int, pages: Mapping[str, int]) -> None:
        """Run one page fault: first check_sync_rss_stat, then what the fault maps."""
        events = self.events[thread]
        self.events[thread] += 1
        if events > self.events_thresh:
            self.sync(thread)
        for counter, amount in pages.items():
            self.slots[thread][counter] += amount

    def sync(self, thread: int) -> None:
        """Move a thread's slot to the process's counters; sync_mm_rss."""
        for counter, amount in self.slots[thread].items():
            self.mm[counter] += amount
        self.slots[thread] = dict.fromkeys(COUNTERS, 0)
        self.events[thread] = 0

    def preload(self, pages: int) -> None:
        """Give the process pages at the start, in no thread's slot."""
        self.direct({self.counter: pages})

    def work(
        self, updates: Iterable[Update], *, by_munmap: bool = False, huge: bool = False
    ) -> None:
        """Run updates of a workload: added pages are faults, removed pages are counted at once.

        A thread that unmaps its own pages syncs its slot first. A huge page is counted at once
        too, after the event check with which every fault begins.
        """
        for thread, pages in updates:
            if huge:
                self.fault(thread, {})
            elif pages >= 0:
                self.update(thread, pages)
                continue
            if by_munmap:
                self.sync(thread)
            self.direct({self.counter: pages})

    def direct(self, pages: Mapping[str, int]) -> None:
        """Change the process's counters directly, as unmapping and reclaim do."""
        for counter, amount in pages.items():
            self.mm[counter] += amount

    def structure(self) -> Hashable:
        """Threshold and number of threads: all threads are equivalent."""
        return ("per-thread", self.events_thresh, len(self.slots))

    def state(self) -> Hashable:
        """Give the slots and event counts."""
        slots = (tuple(slot.values()) for slot in self.slots)
        return tuple(zip(slots, self.events, strict=True))

    def canonical(self, state: Any) -> Hashable:
        """Put the threads in order."""
        return tuple(sorted(state))

    def enter(self, state: Any) -> None:
        """Fill the slots."""
        self.mm = dict.fromkeys(COUNTERS, 0)
        self.slots = [dict(zip(COUNTERS, slot, strict=True)) for slot, _ in state]
        self.events = [events for _, events in state]


def model(p: Parameters) -> SplitCounting:
    """Make the counters; the model's own is `file`, the worst one on both sides."""
    return SplitCounting(p.threads, p.events_thresh)


def witness(p: Parameters, side: str) -> tuple[Update, ...]:
    """Bring each thread to a sync inside a fault, then let it make 65 more faults.

    A thread syncs in its 66th fault; that fault and the 65 after it stay in the slot. For a value
    that is too high these 66 are copies on write, each of which takes a page that was mapped
    before.
    """
    held = faults_held(p)
    last = p.fault_pages if side == "under" else -1
    first = held - 1
    if side == "over" and first * p.fault_pages < held:  # too few pages to take from
        first += held
    of_one = [p.fault_pages] * first + [last] * held
    return tuple((thread, pages) for thread in range(p.threads) for pages in of_one)


def clamped_witness(p: Parameters) -> tuple[AnyUpdate, ...]:
    """Make a sum too high: copies on write whose new pages another thread unmaps.

    The slot holds -1 of `file` and +1 of `anon` for each copy. When the new pages are unmapped the
    process's own `anon` goes below zero and reads as 0, while `file` reads too high.
    """
    held = faults_held(p)
    mapped = -(-held // p.fault_pages)
    of_one: list[dict[str, int]] = [{"file": p.fault_pages}] * max(mapped, held - 1)
    if mapped > held - 1:  # a sync comes between; start again after it
        of_one += [{"file": p.fault_pages}] * (2 * held - 1 - mapped)
    of_one += [{"file": -1, "anon": 1}] * held
    faults = tuple((thread, pages) for thread in range(p.threads) for pages in of_one)
    return (*faults, (None, {"anon": -held * p.threads}))


def replay_faults(model: SplitCounting, updates: Iterable[AnyUpdate]) -> int:
    """Run faults and, without a thread, direct changes; return the lowest precise counter."""
    lowest = 0
    precise = dict.fromkeys(COUNTERS, 0)
    for thread, pages in updates:
        effect = {model.counter: pages} if isinstance(pages, int) else pages
        if thread is None:
            model.direct(effect)
        else:
            model.fault(thread, effect)
        for counter, amount in effect.items():
            precise[counter] += amount
            lowest = min(lowest, precise[counter])
    return lowest


def sum_witness(p: Parameters, side: str, counters: tuple[str, ...]) -> Replayed:
    """Replay faults; a sum of counters is too high only if a reader's clamps hide a part."""
    plain: tuple[AnyUpdate, ...] = witness(p, side)
    updates = clamped_witness(p) if side == "over" else plain
    counting = model(p)
    lowest = replay_faults(counting, updates)
    return Replayed(updates, counting.read(counters), counting.precise_sum(counters), lowest)


def law(p: Parameters, level: Level, workload: str) -> Distribution:
    """Give the law of what the threads hold; each fault maps the most pages it can."""
    return held(level, workload, faults_held(p))


def published(p: Parameters) -> Interval:
    """64 pages a thread, "at worst" (Shakeel Butt, commit f1a7941243c1)."""
    return Interval(p.events_thresh * p.threads, p.events_thresh * p.threads)


def memory_bytes(p: Parameters) -> Quantity:
    """Give four atomic_long_t in mm_struct and a task_rss_stat of five ints in each thread."""
    return 8 * len(COUNTERS) + 20 * p.threads


def cost(p: Parameters) -> Cost:
    """A plain addition; every 66th fault of a thread syncs all four counters.

    Unmapped pages never go through a thread's slot.
    """
    steady, every = Fraction(1, faults_held(p)), Fraction(1)
    return Cost(
        fast_path="one addition to the thread's own slot",
        slow_path="sync_mm_rss: up to four atomic operations on the process's counters",
        shared_atomics=len(COUNTERS),
        locks=0,
        lines=1,
        rates=Rates(steady, steady, every, every),
        slow=steady,
        why="Unmapped pages are subtracted from the process's counters directly.",
    )


def events_are_counted() -> bool:
    """Prove that a post-increment compared with > E leaves at most E + 2 faults unseen.

    `events` counts since the last sync. `held` is the number of faults in the slot, one more if
    that sync was inside a fault.
    """
    z3 = solver()
    events, held, most = z3.Ints("events held most")
    inside = z3.And(events >= 0, events <= most + 1, held >= 0, held <= events + 1)
    flush = events > most
    after_events = z3.If(flush, 0, events + 1)
    after_held = z3.If(flush, 1, held + 1)
    kept = z3.And(after_events <= most + 1, after_held <= after_events + 1)
    return refuted(most >= 0, inside, z3.Not(z3.And(kept, after_held <= most + 2)))


FAULT_AROUND = (
    Rest(
        "fault_around_bytes",
        CONSTANT,
        MEMORY,
        "One fault maps at most the pages of a file in this window.",
    ),
    Rest("fault_around_bytes", WRITERS, MEMORY, "The window is at most what its writers allow."),
    Rest("fault_around_pages", WRITERS, MEMORY, "The window is at most what its writers allow."),
    Rest("fault_around_*_set", FUNCTION, MEMORY, "It limits the window to a page table."),
    Rest("do_fault_around", FUNCTION, MEMORY, "It limits what one fault maps to the window."),
    Rest("should_fault_around", FUNCTION, MEMORY, "It decides when a fault maps the window."),
    Rest("filemap_map_pages", PATH, ("mm/filemap.c",), "It maps each page of the window once."),
    Rest("filemap_map_*range", PATH, ("mm/filemap.c",), "It maps each page of the window once."),
    *(
        Rest(name, FUNCTION, ("mm/filemap.c",), "It gives no page beyond the end of the window.")
        for name in ("first_map_page", "next_map_page", "next_uptodate_*", "folio_more_pages")
    ),
)

FAULTS = (
    *("__handle_mm_fault", "handle_pte_fault", "do_fault", "do_read_fault", "do_cow_fault"),
    *("do_shared_fault", "do_anonymous_page", "do_wp_page", "wp_page_copy", "finish_fault"),
    "do_swap_page",
)
"""Functions of a fault, from its event to the page that it maps."""

LEAVING = (
    ("do_exit", "kernel/exit.c"),
    ("exit_mm", "kernel/exit.c"),
    ("exec_mmap", "fs/exec.c"),
    ("kthread_unuse_mm", "kernel/kthread.c"),
    ("unuse_mm", "mm/mmu_context.c"),
)
"""Functions in which a thread leaves a process, and their files."""

RESTS = (
    Rest(
        "add_mm_counter_fast",
        FUNCTION,
        MEMORY,
        "It keeps updates in the thread's slot, for the thread's own process only.",
    ),
    *(
        Rest(name, MACRO, MEMORY, "One call adds one page to the slot.")
        for name in ("inc_mm_counter_fast", "dec_mm_counter_fast")
    ),
    Rest(
        "check_sync_rss_stat",
        FUNCTION,
        MEMORY,
        "It syncs at the fault after TASK_RSS_EVENTS_THRESH + 1 others.",
    ),
    Rest("sync_mm_rss", FUNCTION, (*MEMORY, *MM), "It syncs all counters and resets the count."),
    Rest("__sync_task_rss_stat", FUNCTION, MEMORY, "What sync_mm_rss does before 3.4."),
    Rest(
        "TASK_RSS_EVENTS_THRESH",
        CONSTANT,
        MEMORY,
        "Faults between two syncs; the bound is a multiple of it.",
    ),
    Rest("SPLIT_RSS_COUNTING", MACRO, (), "Whether threads have slots at all."),
    Rest("task_rss_stat", STRUCT, MM_TYPES, "What a thread's slot holds, and in which type."),
    Rest("mm_rss_stat", STRUCT, MM_TYPES, "The counters are atomic, so none loses an update."),
    Rest(
        "handle_mm_fault",
        PATH,
        MEMORY,
        "Every fault counts as one event before it adds to the slot.",
    ),
    Rest("do_set_pte", PATH, MEMORY, "Mapping a page of a file adds one page to the slot."),
    Rest("alloc_set_pte", PATH, MEMORY, "Mapping a page of a file adds one page to the slot."),
    Rest("finish_fault", PATH, MEMORY, "A fault without fault-around maps one page."),
    *FAULT_AROUND,
    *(
        Rest(name, CALLERS, MEMORY, "One event is one fault, which gets here once at most.")
        for name in FAULTS
    ),
    *(
        Rest(name, CALLERS, (), "A fault adds at most the pages that its callers pass.")
        for name in (
            *("add_mm_counter_fast", "inc_mm_counter_fast", "dec_mm_counter_fast"),
            *("do_set_pte", "alloc_set_pte"),
        )
    ),
    Rest("check_sync_rss_stat", CALLERS, (), "Others that count an event move the sync."),
    Rest("sync_mm_rss", CALLERS, (), "A thread that leaves its process must sync first."),
    *(
        Rest(name, PATH, (file,), "A thread that leaves its process must sync first.")
        for name, file in LEAVING
    ),
    *OF_EVERY_DESIGN,
)
"""The code that its bound rests on."""

DESIGN = Design(
    id="per-thread",
    title="split counting, one slot per thread",
    kernels=Kernels("2.6.34-6.1", first=(2, 6, 34), last=(6, 1)),
    source="commit 34e55232e59f (v2.6.34) to v6.1, mm/memory.c",
    levels=levels,
    law=law,
    slots=slots,
    published=published,
    memory_bytes=memory_bytes,
    cost=cost,
    batch=lambda p: p.events_thresh,
    place=Place.THREAD,
    model=model,
    counter="file",
    witness=witness,
    sum_witness=sum_witness,
    search_amounts=lambda p: (p.fault_pages, 0, -1),
    theorem=events_are_counted,
    knob=Knob("TASK_RSS_EVENTS_THRESH", "events_thresh", least=0),
    note="no bound with vm_insert_page users",
    caveats=("no bound where a driver maps pages without a fault (vm_insert_page)",),
    rests=RESTS,
)
