"""The machine on which a tree's code runs: memory, CPUs, hotplug, and the current task.

Addresses are plain numbers; memory holds one value at each address that was written. Each kind of
memory has its own region, so that a stray address is detected. A per-CPU pointer is not an address
until the offset of a CPU is added, as in the kernel.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rssbound.kernel.execution.tokens import NotUnderstood

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rssbound.topology.model import Column

__all__ = ("CPU_STRIDE", "GLOBALS", "PERCPU", "STACK", "Context", "Machine", "Memory", "Stuck")

GLOBALS = 1 << 16
HEAP = 1 << 28
STACK = 1 << 34
PERCPU = 1 << 38
STATIC_PERCPU_BYTES = 1 << 20
CPU_STRIDE = 1 << 40
"""A variable of CPU c is at its per-CPU address + (c + 1) * CPU_STRIDE."""

MOST_STEPS = 2_000_000


class Stuck(NotUnderstood):
    """The code that is run does not end."""


class Memory(dict[int, int]):
    """Address -> value. Zeroed allocations read as 0 before they are written."""

    def __init__(self, machine: Machine, values: dict[int, int] | None = None) -> None:
        super().__init__(values or {})
        self._machine = machine

    def __missing__(self, address: int) -> int:
        self._machine.check_readable(address)
        self[address] = 0
        return 0


@dataclass
class Context:
    """Who runs: the CPU, the task that is `current` there, and the depth of disabled migration."""

    cpu: int = 0
    task: int = 0
    stack: int = STACK
    pinned: int = 0

    @property
    def offset(self) -> int:
        """The offset from a per-CPU pointer to an address on this CPU."""
        return (self.cpu + 1) * CPU_STRIDE


@dataclass
class Machine:
    """The state of one machine while it runs the code of a tree."""

    possible: tuple[int, ...]
    online: list[int]
    node_of: Callable[[int], int] = int
    column: Callable[[str], Column] = field(default=lambda _: ())
    memory: Memory = field(init=False)
    context: Context = field(default_factory=Context)
    left: int = MOST_STEPS
    lists: dict[int, list[int]] = field(default_factory=dict)
    held: dict[int, Context] = field(default_factory=dict)
    shown: list[tuple[str, int]] = field(default_factory=list)
    hotplug: list[tuple[int, int]] = field(default_factory=list)
    percpu_end: int = PERCPU + STATIC_PERCPU_BYTES
    _starts: list[int] = field(default_factory=list)
    _ends: list[tuple[int, bool]] = field(default_factory=list)
    _heap: int = HEAP
    ready: int = 0

    def __post_init__(self) -> None:
        self.memory = Memory(self)
        self._possible = frozenset(self.possible)
        self._note(PERCPU, PERCPU + STATIC_PERCPU_BYTES, zeroed=True)

    # -- memory

    def check_readable(self, address: int) -> None:
        """Raise NotUnderstood for an address that holds nothing."""
        if GLOBALS <= address < HEAP:
            return
        if address >= CPU_STRIDE:
            place = PERCPU + (address - PERCPU) % CPU_STRIDE
            cpu = (address - PERCPU) // CPU_STRIDE - 1
            if cpu in self._possible:
                self._check_allocated(place, address)
                return
            raise NotUnderstood(f"reads the data of CPU {cpu}, which is not a possible CPU")
        if address >= PERCPU:
            raise NotUnderstood("reads through a per-CPU pointer without a CPU")
        if address < GLOBALS:
            raise NotUnderstood(f"reads through a pointer to nothing (address {address})")
        self._check_allocated(address, address)

    def _check_allocated(self, place: int, address: int) -> None:
        last = bisect_right(self._starts, place)
        if any(place < end and zeroed for end, zeroed in reversed(self._ends[:last])):
            return
        if STACK <= address < self.context.stack:
            raise NotUnderstood("reads a local variable that was never set")
        raise NotUnderstood(f"reads memory that was never set (address {address})")

    def allocate(self, size: int, *, zeroed: bool) -> int:
        """Give the address of new memory."""
        start = self._heap
        self._heap += -(-max(size, 1) // 64) * 64
        self._note(start, self._heap, zeroed=zeroed)
        return start

    def allocate_percpu(self, size: int) -> int:
        """Give the per-CPU pointer of new zeroed memory on every CPU."""
        start = self.percpu_end
        self.percpu_end += -(-max(size, 1) // 64) * 64
        self._note(start, self.percpu_end, zeroed=True)
        return start

    def _note(self, start: int, end: int, *, zeroed: bool) -> None:
        number = bisect_right(self._starts, start)
        self._starts.insert(number, start)
        self._ends.insert(number, (end, zeroed))

    def push(self, size: int) -> int:
        """Allocate local variables that have an address."""
        start = self.context.stack
        self.context.stack += size
        return start

    def pop(self, start: int) -> None:
        """Free local variables."""
        self.context.stack = start

    def fill(self, address: int, value: int, size: int) -> int:
        """Set bytes, as memset does; only to 0."""
        if value:
            raise NotUnderstood(f"memset to {value}, only 0 is supported")
        memory = self.memory
        for place in [place for place in memory if address <= place < address + size]:
            memory[place] = 0
        self._note(address, address + size, zeroed=True)
        return address

    def copy(self, target: int, source: int, size: int) -> int:
        """Copy bytes, as memcpy does."""
        memory = self.memory
        values = {
            place - source: value
            for place, value in memory.items()
            if source <= place < source + size
        }
        self.fill(target, 0, size)
        for offset, value in values.items():
            memory[target + offset] = value
        return target

    def snapshot(self) -> dict[int, int]:
        """Copy what memory holds."""
        return dict(self.memory)

    def restore(self, values: dict[int, int]) -> None:
        """Restore memory."""
        self.memory = Memory(self, values)

    # -- limits

    def tick(self) -> None:
        """Count a step of a loop; Stuck after too many."""
        self.left -= 1
        if self.left < 0:
            raise Stuck(f"a loop that does not end within {MOST_STEPS:,} steps")

    # -- locks

    def lock(self, address: int) -> None:
        """Take a lock."""
        if address in self.held:
            raise NotUnderstood("takes a lock that it already holds")
        self.held[address] = self.context

    def unlock(self, address: int) -> None:
        """Release a lock."""
        self.held.pop(address, None)

    # -- lists

    def list_init(self, head: int) -> None:
        """Empty a list."""
        self.lists[head] = []

    def list_add(self, entry: int, head: int) -> None:
        """Add an entry at the front of a list."""
        self.lists.setdefault(head, []).insert(0, entry)

    def list_add_tail(self, entry: int, head: int) -> None:
        """Add an entry at the end of a list."""
        self.lists.setdefault(head, []).append(entry)

    def list_del(self, entry: int) -> None:
        """Remove an entry from its list."""
        for entries in self.lists.values():
            if entry in entries:
                entries.remove(entry)

    def list_entries(self, head: int) -> list[int]:
        """List the entries of a list."""
        return list(self.lists.get(head, ()))

    # -- CPUs

    def cpus(self, which: str) -> Iterable[int]:
        """List the CPUs of one of the kernel's masks."""
        return self.possible if which in {"possible", "present"} else list(self.online)

    def node(self, cpu: int) -> int:
        """Give the NUMA node of a CPU."""
        return self.node_of(cpu)

    def group(self, level: str, cpu: int) -> int:
        """Give the group of a CPU at a level such as package; 0 if the topology does not say."""
        column = self.column(level)
        return (column[cpu] if cpu < len(column) else None) or 0

    # -- output

    def show(self, label: str, value: int) -> None:
        """Record a number that a reader prints."""
        self.shown.append((label, value))
