"""The functions of a tree that update counters other than RSS, each driven as the kernel does.

memory.current  consume_stock, refill_stock, drain_stock and the page counter; the part of
                try_charge_memcg far from any limit is copied here
memory.stat     memcg_rstat_updated and the reader's check whether a flush is due; the flush is
                assumed to empty everything; before 5.13 __mod_memcg_state
vmstat          mod_zone_state, which uses cmpxchg; __mod_, __inc_ and __dec_zone_page_state
sockets         sk_memory_allocated_add and sk_memory_allocated_sub

The data of these functions differ by release: zones before 5.14 and protocols before 6.0 have other
members.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rssbound.errors import InputError, Location
from rssbound.kernel.execution.choices import CHOICES
from rssbound.kernel.execution.machine import MOST_STEPS, Machine
from rssbound.kernel.execution.primitives import is_primitive
from rssbound.kernel.execution.process import explained
from rssbound.kernel.execution.program import Program
from rssbound.kernel.execution.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from pathlib import Path

__all__ = ("KINDS", "CounterRun", "kinds_of", "open_beside")

MEMCG, VMSTAT, SOCKET = "mm/memcontrol.c", "mm/vmstat.c", "include/net/sock.h"
SOCKETS = ("include/net/proto_memory.h", SOCKET)
"""Files with the functions of sockets, newest first."""

FILES = (
    *("include/linux/mm_types.h", "include/linux/mmzone.h", "include/linux/vmstat.h", VMSTAT),
    *("include/linux/memcontrol.h", MEMCG, "mm/memcontrol-v1.h", "include/linux/cgroup-defs.h"),
    *("include/linux/page_counter.h", "mm/page_counter.c", "include/linux/vm_event_item.h"),
    *(*SOCKETS, "include/net/hotdata.h", "net/core/hotdata.c", "net/core/sock.c"),
    *("include/asm-generic/param.h", "include/uapi/asm-generic/param.h"),
)

BUILD = {**CHOICES, "CONFIG_MEMCG": "y", "CONFIG_NET": "y", "CONFIG_INET": "y"}
"""The settings for a tree without a .config."""

CHARGE = """void charge(struct mem_cgroup *memcg, unsigned int nr_pages) {
    unsigned int batch = max(MEMCG_CHARGE_BATCH, nr_pages);
    if (consume_stock(memcg, nr_pages)) return;
    page_counter_charge(&memcg->memory, batch);
    if (batch > nr_pages) refill_stock(memcg, batch - nr_pages); }"""


def open_beside(folder: Path, overrides: dict[str, int] | None = None) -> Program:
    """Open a tree for these counters, with other values for some macros."""
    values = {"HZ": 250, **(overrides or {})}
    return Program(Tree(folder, is_primitive, values, FILES, BUILD))


@dataclass
class CounterRun:
    """One counter of a tree on a machine: updated and read by the tree's code; pages.

    `limit` is set at run time: a threshold or a reserve. InputError, with file and line, for code
    that is not understood.
    """

    program: Program
    cpus: Sequence[int]
    limit: int = 0
    machine: Machine = field(init=False)
    total: int = 0
    at: dict[str, int] = field(default_factory=dict)
    made: dict[str, Callable[..., Any]] = field(default_factory=dict)

    path = ""
    function = ""

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Return whether a tree has the file of the functions."""
        return (folder / cls.path).is_file()

    def __post_init__(self) -> None:
        self.machine = Machine(tuple(self.cpus), list(self.cpus))
        self.set_up()

    # -- defined by each counter

    def set_up(self) -> None:
        """Create the data of the functions."""
        raise NotImplementedError

    def change(self, pages: int) -> None:
        """Run an update on the CPU that is set."""
        raise NotImplementedError

    def approximate(self) -> int:
        """Read the value that the kernel shows, before it is clamped."""
        raise NotImplementedError

    def held(self) -> Hashable:
        """Read the pages that the CPUs hold, to recognise equal states."""
        raise NotImplementedError

    # -- common to all

    def update(self, cpu: int, pages: int) -> None:
        """Run an update on a CPU."""
        self.machine.context.cpu = cpu
        self.change(pages)
        self.total += pages

    @property
    def error(self) -> int:
        """Precise minus approximate: above 0 if the value reads too low."""
        return self.total - self.approximate()

    def state(self) -> Hashable:
        """Give the state, independent of the total."""
        return (self.error, self.held())

    def snapshot(self) -> tuple[dict[int, int], int]:
        """Copy the state."""
        return self.machine.snapshot(), self.total

    def restore(self, kept: tuple[dict[int, int], int]) -> None:
        """Restore a state."""
        memory, self.total = kept
        self.machine.restore(memory)

    def location(self) -> Location:
        """Give the location of the function that updates."""
        found = self.program.function(self.function, self.path)
        if found is None:
            raise InputError(f"{self.path}: {self.function} is missing")
        return found.token.location

    def call(self, text: str, *arguments: int) -> int:
        """Run a short function of C, as if it were in the counter's file."""
        try:
            if text not in self.made:
                self.made[text] = self.program.made(self.program.snippet(text, self.path))
            if self.machine.ready < len(self.program.starts):
                self.program.prepare(self.machine)
            self.machine.left = MOST_STEPS
            return self.made[text](self.machine, *arguments) or 0
        except Exception as error:
            raise explained(self.program, error) from error

    def new(self, struct: str) -> int:
        """Give zeroed memory of a struct."""
        layouts = self.program.layouts
        return self.machine.allocate(layouts.size(layouts.struct(struct)), zeroed=True)

    def percpu(self, struct: str) -> int:
        """Give a per-CPU pointer to zeroed memory of a struct."""
        layouts = self.program.layouts
        return self.machine.allocate_percpu(layouts.size(layouts.struct(struct)))

    def has_member(self, struct: str, member: str) -> bool:
        """Return whether a struct of the tree has a member."""
        layouts = self.program.layouts
        return member in layouts.complete(layouts.struct(struct)).fields


class StockRun(CounterRun):
    """memory.current of one cgroup, or of the parent of several."""

    path, function = MEMCG, "refill_stock"
    groups = 1

    def set_up(self) -> None:
        """Make the cgroups."""
        self.at["parent"] = self.new("mem_cgroup")
        for number in range(self.groups):
            self.at[f"group {number}"] = self.new("mem_cgroup")
            text = (
                "void parent(struct mem_cgroup *memcg, struct mem_cgroup *parent) "
                "{ memcg->memory.parent = &parent->memory; }"
            )
            self.call(text, self.at[f"group {number}"], self.at["parent"])

    def change(self, pages: int) -> None:
        """Charge pages, or free kernel pages, of the first cgroup."""
        self.change_of(0, pages)

    def change_of(self, group: int, pages: int) -> None:
        """Charge pages, or free kernel pages, of a cgroup."""
        refill = "void refill(struct mem_cgroup *memcg, int v) { refill_stock(memcg, v); }"
        memcg = self.at[f"group {group}"]
        if pages > 0:
            self.call(CHARGE, memcg, pages)
        elif pages < 0:
            self.call(refill, memcg, -pages)

    def approximate(self) -> int:
        """Read the parent's page counter."""
        text = "long usage(struct mem_cgroup *memcg) { return page_counter_read(&memcg->memory); }"
        return self.call(text, self.at["parent"])

    def held(self) -> Hashable:
        """Read the stock of each CPU: the first slot, as there is one cgroup."""
        slot = "nr_pages[0]" if "NR_MEMCG_STOCK" in self.program.tree.unit(MEMCG).macros else ""
        text = f"int held(int cpu) {{ return per_cpu(memcg_stock, cpu).{slot or 'nr_pages'}; }}"
        return tuple(self.call(text, cpu) for cpu in self.cpus)

    def batch(self) -> int:
        """Give MEMCG_CHARGE_BATCH."""
        return self.call("int batch(void) { return MEMCG_CHARGE_BATCH; }")


class RstatRun(CounterRun):
    """An item of memory.stat of one cgroup, read after every update."""

    path, function = MEMCG, "memcg_rstat_updated"

    def set_up(self) -> None:
        """Make the cgroup and its counts."""
        self.at["memcg"] = self.new("mem_cgroup")
        vmstats, percpu = self.new("memcg_vmstats"), self.percpu("memcg_vmstats_percpu")
        inner = "per_cpu_ptr(p, cpu)->vmstats = v;" if self.is_own else ""
        text = (
            "void setup(struct mem_cgroup *m, struct memcg_vmstats *v, "
            "struct memcg_vmstats_percpu *p) { int cpu; m->vmstats = v; m->vmstats_percpu = p; "
            f"for_each_possible_cpu(cpu) {{ {inner} }} }}"
        )
        self.call(text, self.at["memcg"], vmstats, percpu)
        self.at["flushed"] = 0
        self.update(self.cpus[0], 0)
        self.due()
        self.clean = self.machine.snapshot()

    @property
    def is_own(self) -> bool:
        """Whether each cgroup has counts of its own, not the machine."""
        return self.has_member("memcg_vmstats_percpu", "vmstats")

    def change(self, pages: int) -> None:
        """Run memcg_rstat_updated; a reader flushes if a flush is due."""
        cpu = ", smp_processor_id()" if self._takes_cpu else ""
        text = f"void up(struct mem_cgroup *m, int v) {{ memcg_rstat_updated(m, v{cpu}); }}"
        if pages:
            self.call(text, self.at["memcg"], pages)
        if self.due():
            self.at["flushed"] = self.total + pages
            self.machine.restore(dict(self.clean))

    @property
    def _takes_cpu(self) -> bool:
        found = self.program.function(self.function, self.path)
        return found is not None and len(found.parameters) > 2  # (memcg, val, cpu)

    def due(self) -> int:
        """Run the reader's check."""
        if self.is_own:
            words = "memcg_vmstats_needs_flush(m->vmstats)"
        else:
            words = "atomic_read(&stats_flush_threshold) > num_online_cpus()"
        return self.call(f"int due(struct mem_cgroup *m) {{ return {words}; }}", self.at["memcg"])

    def approximate(self) -> int:
        """Give the flushed pages."""
        return self.at["flushed"]

    def snapshot(self) -> tuple[Any, ...]:
        """Copy the state."""
        return (*super().snapshot(), self.at["flushed"])

    def restore(self, kept: tuple[Any, ...]) -> None:
        """Restore a state."""
        *rest, self.at["flushed"] = kept
        super().restore((rest[0], rest[1]))

    def held(self) -> Hashable:
        """Read the counts, of each CPU and in total."""
        if self.is_own:
            mine = "per_cpu_ptr(m->vmstats_percpu, cpu)->stats_updates"
            whole = f"{self._reading()}(&m->vmstats->stats_updates)"
        else:
            mine, whole = "per_cpu(stats_updates, cpu)", "atomic_read(&stats_flush_threshold)"
        memcg = self.at["memcg"]
        text = f"long mine(struct mem_cgroup *m, int cpu) {{ return {mine}; }}"
        counts = tuple(self.call(text, memcg, cpu) for cpu in self.cpus)
        return (counts, self.call(f"long all(struct mem_cgroup *m) {{ return {whole}; }}", memcg))

    def _reading(self) -> str:
        """Give the name of the read of the cgroup's count in the tree's own check."""
        asked = self.program.tree.unit(MEMCG).functions["memcg_vmstats_needs_flush"][-1]
        words = {word.text for word in asked.tokens}
        return "atomic64_read" if "atomic64_read" in words else "atomic_long_read"

    def batch(self) -> int:
        """Give MEMCG_CHARGE_BATCH."""
        return self.call("int batch(void) { return MEMCG_CHARGE_BATCH; }")


class BatchRun(CounterRun):
    """An item of memory.stat of one cgroup, before rstat."""

    path, function = MEMCG, "__mod_memcg_state"

    def set_up(self) -> None:
        """Make the cgroup."""
        self.at["memcg"] = self.new("mem_cgroup")
        kept, local = (self.percpu("memcg_vmstats_percpu") for _ in range(2))
        text = (
            "void setup(struct mem_cgroup *m, struct memcg_vmstats_percpu *p, "
            "struct memcg_vmstats_percpu *l) { m->vmstats_percpu = p; m->vmstats_local = l; }"
        )
        self.call(text, self.at["memcg"], kept, local)

    def change(self, pages: int) -> None:
        """Run an update."""
        text = "void up(struct mem_cgroup *m, int v) { __mod_memcg_state(m, NR_ANON_MAPPED, v); }"
        self.call(text, self.at["memcg"], pages)

    def approximate(self) -> int:
        """Read the item, not clamped."""
        text = (
            "long shown(struct mem_cgroup *m) "
            "{ return atomic_long_read(&m->vmstats[NR_ANON_MAPPED]); }"
        )
        return self.call(text, self.at["memcg"])

    def held(self) -> Hashable:
        """Read what each CPU keeps."""
        text = (
            "long kept(struct mem_cgroup *m, int cpu) "
            "{ return per_cpu_ptr(m->vmstats_percpu, cpu)->stat[NR_ANON_MAPPED]; }"
        )
        return tuple(self.call(text, self.at["memcg"], cpu) for cpu in self.cpus)

    def batch(self) -> int:
        """Give MEMCG_CHARGE_BATCH."""
        return self.call("int batch(void) { return MEMCG_CHARGE_BATCH; }")


class ThresholdRun(CounterRun):
    """An item of one zone; single pages go through inc_ and dec_, as the kernel's do."""

    path, function = VMSTAT, "mod_zone_state"
    several = "mod_zone_page_state(z, NR_FREE_PAGES, v)"

    @property
    def names(self) -> tuple[str, str]:
        """The struct of one CPU's differences, and the member of a zone that points to it."""
        if self.has_member("zone", "pageset"):
            return "per_cpu_pageset", "pageset"
        return "per_cpu_zonestat", "per_cpu_zonestats"

    def set_up(self) -> None:
        """Make the zone and the differences of each CPU."""
        struct, member = self.names
        self.at["zone"], percpu = self.new("zone"), self.percpu(struct)
        text = (
            f"void setup(struct zone *z, struct {struct} *p, int t) {{ int cpu; z->{member} = p; "
            "for_each_possible_cpu(cpu) per_cpu_ptr(p, cpu)->stat_threshold = t; }"
        )
        self.call(text, self.at["zone"], percpu, self.limit)

    def change(self, pages: int) -> None:
        """Run an update of one or more pages."""
        call = self.single(pages) if abs(pages) == 1 else self.several
        self.call(f"void change(struct zone *z, long v) {{ {call}; }}", self.at["zone"], pages)

    def single(self, pages: int) -> str:
        """Name the update of one page, 1 or -1: that of inc_ and dec_zone_page_state."""
        return f"mod_zone_state(z, NR_FREE_PAGES, {pages}, {pages})"

    def approximate(self) -> int:
        """Read the zone's counter, not clamped."""
        text = "long shown(struct zone *z) { return atomic_long_read(&z->vm_stat[NR_FREE_PAGES]); }"
        return self.call(text, self.at["zone"])

    def held(self) -> Hashable:
        """Read the difference of each CPU."""
        text = (
            "int held(struct zone *z, int cpu) "
            f"{{ return per_cpu_ptr(z->{self.names[1]}, cpu)->vm_stat_diff[NR_FREE_PAGES]; }}"
        )
        return tuple(self.call(text, self.at["zone"], cpu) for cpu in self.cpus)


class PlainThresholdRun(ThresholdRun):
    """The same for callers that have interrupts off."""

    function = "__mod_zone_page_state"
    several = "__mod_zone_page_state(z, NR_FREE_PAGES, v)"

    def single(self, pages: int) -> str:
        """Name the update of one page, 1 or -1."""
        return f"__{'inc' if pages > 0 else 'dec'}_zone_state(z, NR_FREE_PAGES)"


class ReserveRun(CounterRun):
    """The memory of one protocol's sockets."""

    path, function = SOCKET, "sk_memory_allocated_add"

    def set_up(self) -> None:
        """Make a protocol and a socket of it."""
        tree = self.program.tree
        self.path = next((path for path in SOCKETS if tree.text(path) is not None), SOCKET)
        self.at |= {"sk": self.new("sock"), "proto": self.new("proto")}
        count, percpu = self.machine.allocate(8, zeroed=True), self.machine.allocate_percpu(4)
        if not self.has_reserves:
            text = (
                "void setup(struct sock *sk, struct proto *p, atomic_long_t *a) "
                "{ sk->sk_prot = p; p->memory_allocated = a; }"
            )
            self.call(text, self.at["sk"], self.at["proto"], count)
            return
        hot = tree.text(SOCKETS[0]) is not None
        limit = "net_hotdata.sysctl_mem_pcpu_rsv" if hot else "sysctl_mem_pcpu_rsv"
        text = (
            "void setup(struct sock *sk, struct proto *p, atomic_long_t *a, int *f, int rsv) { "
            f"sk->sk_prot = p; p->memory_allocated = a; p->per_cpu_fw_alloc = f; {limit} = rsv; }}"
        )
        self.call(text, self.at["sk"], self.at["proto"], count, percpu, self.limit)

    @property
    def has_reserves(self) -> bool:
        """Whether each CPU has a reserve."""
        return self.has_member("proto", "per_cpu_fw_alloc")

    def change(self, pages: int) -> None:
        """Run an addition or a subtraction."""
        word, sign = ("add", "") if pages > 0 else ("sub", "-")
        text = f"void {word}(struct sock *sk, int v) {{ sk_memory_allocated_{word}(sk, {sign}v); }}"
        if pages:
            self.call(text, self.at["sk"], pages)

    def approximate(self) -> int:
        """Read the protocol's counter, not clamped."""
        text = "long shown(struct proto *p) { return atomic_long_read(p->memory_allocated); }"
        return self.call(text, self.at["proto"])

    def held(self) -> Hashable:
        """Read the reserve of each CPU."""
        if not self.has_reserves:
            return ()
        text = (
            "int held(struct proto *p, int cpu) { return *per_cpu_ptr(p->per_cpu_fw_alloc, cpu); }"
        )
        return tuple(self.call(text, self.at["proto"], cpu) for cpu in self.cpus)


KINDS = (StockRun, RstatRun, ThresholdRun, PlainThresholdRun, ReserveRun)
"""The counters that are run, in the order of results."""


def kinds_of(folder: Path) -> tuple[type[CounterRun], ...]:
    """Give the counters that are run in a tree: before rstat memory.stat has batches."""
    header = folder / "include/linux/memcontrol.h"
    is_old = header.is_file() and "vmstats_local" in header.read_text("utf-8", "replace")
    return tuple(BatchRun if is_old and kind is RstatRun else kind for kind in KINDS)
