"""What all hierarchical counters share: each item keeps back its value modulo its size.

    residual of an item of level k = value mod M_k - value mod M_(k-1), a multiple of M_(k-1)
    0 <= residual <= M_k - M_(k-1)   (level 0: 0 <= residual <= batch - 1)
    U(S) = |S| * (batch - 1) + sum over k of n_k(S) * (M_k - M_(k-1)),   error in [-U(S), 0]

with M_0 = batch, M_k = M_(k-1) * fan-in of level k, and n_k(S) the items of level k that the CPUs
in S use. Assumes the carry rule of percpu_counter_tree_add: an update passes up floor(new / M) * M
- floor(old / M) * M from an item, for every path and order of carries; batch is a power of two
above 1. The residuals of all items are independent. S counts every CPU that ever updated the
counter, because nothing is folded when a CPU goes offline.

In flight: an updater stopped between two levels holds a carry of at most |increment| rounded up to
a multiple of the last modulus, on either side.

Source: Mathieu Desnoyers, "lib: Introduce hierarchical per-cpu counters", RFC v1 of 2025-04 to v17
of 2026-02; lib/percpu_counter_tree.c there. Derivation in docs/theory.md.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from rssbound.bounds.counter.arithmetic import Quantity, ceil_log2, round_up
from rssbound.bounds.counter.design import (
    Cost,
    Design,
    Knob,
    Place,
    Rates,
    each_batch,
    each_counter,
)
from rssbound.bounds.counter.executable import AlikeUpdates
from rssbound.bounds.counter.interval import Level
from rssbound.bounds.counter.rests import (
    CONSTANT,
    FUNCTION,
    MM,
    MM_INIT,
    MM_TYPES,
    OF_EVERY_DESIGN,
    STRUCT,
    TABLE,
    USERS,
    WRITERS,
    Rest,
)
from rssbound.bounds.counter.theorems import refuted, solver
from rssbound.bounds.laws.residuals import lattice
from rssbound.bounds.laws.slots import Item, Slot, Slots
from rssbound.bounds.scenario.parameters import MOST_ORDER
from rssbound.errors import ScenarioError
from rssbound.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from rssbound.bounds.counter.executable import Update
    from rssbound.bounds.laws.slots import Node
    from rssbound.bounds.scenario.parameters import Parameters
    from rssbound.topology.cpuset import CpuSet

__all__ = (
    "KNOB",
    "CarryTree",
    "CounterTree",
    "Items",
    "carry_levels",
    "design_of",
    "items_of",
    "modulo_items",
    "order_of",
)

HYSTERESIS = (
    "A tree has no hysteresis: a CPU whose value alternates around a multiple of the batch carries "
    "on every update."
)

FILES = ("lib/percpu_counter_tree.c", "include/linux/percpu_counter_tree.h")

RESTS = (
    Rest(
        "percpu_counter_tree_add",
        FUNCTION,
        FILES,
        "A CPU keeps its value modulo the batch and passes the rest up.",
    ),
    Rest(
        "percpu_counter_tree_carry",
        FUNCTION,
        FILES,
        "The carry is a multiple of the modulus, rounded towards minus infinity.",
    ),
    Rest(
        "percpu_counter_tree_add_slowpath",
        FUNCTION,
        FILES,
        "Each level keeps its value modulo its modulus.",
    ),
    Rest(
        "*percpu_counter_tree_init*",
        FUNCTION,
        FILES,
        "The mask of level 0 is the batch; all levels start at 0.",
    ),
    Rest(
        "percpu_counter_tree_subsystem_init",
        FUNCTION,
        FILES,
        "The order and the row of the table follow nr_cpu_ids.",
    ),
    Rest("*approximate_sum*", FUNCTION, FILES, "The cheap read is the root plus the bias."),
    Rest("*precise_sum*", FUNCTION, FILES, "The precise read adds up the counts of all CPUs."),
    Rest("percpu_counter_tree*", STRUCT, FILES, "What a level holds, and in which type."),
    Rest("counter_config", STRUCT, FILES, "The types that hold the table's numbers."),
    Rest("per_nr_cpu_order_config", TABLE, FILES, "The fan-ins, from which the bound is computed."),
    Rest("MAX_NR_LEVELS", CONSTANT, FILES, "The largest number of levels in a row of the table."),
    Rest("per_nr_cpu_order_config", USERS, FILES, "The order selects the row."),
    Rest("counter_config", WRITERS, FILES, "The selected row never changes."),
    Rest("nr_cpus_order", WRITERS, FILES, "The order is that of nr_cpu_ids and never changes."),
    Rest("bias", WRITERS, FILES, "The cheap read is off by the bias, if it has one."),
    Rest("level0_bit_mask", WRITERS, (), "The mask of level 0 is the batch and never changes."),
    Rest("get_rss_stat_items", FUNCTION, (*MM_TYPES, *MM), "No item is shared by two uses."),
    Rest("level0", USERS, (), "Only the counter's functions change a CPU's slot."),
    Rest("RSS_STAT_BATCH_SIZE", CONSTANT, (), "The batch, from which the bound is computed."),
    Rest("RSS_STAT_BATCH_SIZE", USERS, (), "A process's counters are initialized with this batch."),
    Rest("*", FUNCTION, FILES, "All other functions of the counter."),
    MM_INIT,
    *OF_EVERY_DESIGN,
)
"""The code that the bound of every tree rests on."""

KNOB = Knob("RSS_STAT_BATCH_SIZE", "batch", least=2, powers_of_two=True)


class Items(NamedTuple):
    """A level above the CPUs: fan-in of the level below (a power of two), items in use."""

    name: str
    fan_in: int
    used: Quantity
    item_of: Callable[[int], Hashable]


def order_of(p: Parameters) -> int:
    """Give the order of the tree, ceil(log2(nr_cpu_ids)); ScenarioError beyond MOST_ORDER."""
    order: int = ceil_log2(p.nr_cpu_ids)
    if order > MOST_ORDER:
        raise ScenarioError(
            f"the tree designs count at most {1 << MOST_ORDER} CPU ids and this machine has "
            f"{p.nr_cpu_ids}; choose other designs"
        )
    return order


def modulo_items(p: Parameters, arities: Iterable[int]) -> list[Items]:
    """Give the levels of the kernel's own grouping, `cpu mod 2^k`.

    `arities` are the orders of the fan-ins, level 0 first, as in the kernel's table; the last one
    leads to the root, which is the approximate value itself and keeps nothing back.
    """
    arities = list(arities)
    left = sum(arities)
    items: list[Items] = []
    for level, arity in enumerate(arities[:-1], start=1):
        left -= arity
        items.append(
            Items(f"level {level}", 1 << arity, p.residues(1 << left), _residue_of(1 << left))
        )
    return items


def items_of(arities: Sequence[int]) -> int:
    """Count the items above the CPUs, root included, of a tree with given fan-in orders."""
    left, items = sum(arities), 0
    for arity in arities:
        left -= arity
        items += 1 << left
    return items


@cache
def _residue_of(modulus: int) -> Callable[[int], Hashable]:
    return lambda cpu: cpu % modulus


def carry_levels(p: Parameters, items: Iterable[Items]) -> tuple[Level, ...]:
    """State the levels of a tree: CPUs, the items above them, and updaters in flight."""
    modulus = p.batch
    levels = [Level("cpu", p.cpus, low=0, high=modulus - 1, item_of=int)]
    for name, fan_in, used, item_of in items:
        high = modulus * fan_in - modulus
        levels.append(Level(name, used, low=0, high=high, step=modulus, item_of=item_of))
        modulus *= fan_in
    if p.in_flight != 0:
        carry = round_up(p.max_increment, modulus)
        levels.append(Level("in flight", p.in_flight, low=-carry, high=carry, shared=True))
    return tuple(levels)


def carry_slots(batch: int, items: Iterable[Items], cpus: CpuSet) -> Slots:
    """State how pages reach the root: the kinds of items and the number of each.

    One CPU represents all CPUs of an item: CPUs that share an item share all items above it.
    """
    nodes: list[Node] = [Slot(batch)]
    kind_of: dict[Hashable, int] = dict.fromkeys(cpus, 0)
    cpu_of: dict[Hashable, int] = {cpu: cpu for cpu in cpus}
    modulus = batch
    for _, fan_in, _, item_of in items:
        modulus *= fan_in
        below: dict[Hashable, list[int]] = {}
        first_cpu_of: dict[Hashable, int] = {}
        for part, kind in kind_of.items():
            item = item_of(cpu_of[part])
            below.setdefault(item, []).append(kind)
            first_cpu_of.setdefault(item, cpu_of[part])
        kinds: dict[tuple[int, ...], int] = {}
        kind_of = {
            item: kinds.setdefault(tuple(sorted(each)), len(kinds)) for item, each in below.items()
        }
        cpu_of = first_cpu_of
        nodes = [
            Item(modulus, tuple((copies, nodes[kind]) for kind, copies in Counter(each).items()))
            for each in kinds
        ]
    copies_of = Counter(kind_of.values())
    return Slots(tuple((copies, nodes[kind]) for kind, copies in sorted(copies_of.items())))


# -- the model


class CounterTree(AlikeUpdates):
    """percpu_counter_tree: a value for each CPU, items above them, the approximate sum on top.

    An update adds to the CPU's value and passes completed multiples of `batch` to the item of the
    next level. That item passes up multiples of its own modulus, and so on. A carry that already
    is a multiple of a level's modulus skips that level.
    """

    def __init__(
        self, batch: int, items: Iterable[Items], cpus: Iterable[int], bias: int = 0
    ) -> None:
        self.batch = batch
        self.bias = bias
        self.root = 0
        self.slots = dict.fromkeys(cpus, 0)
        self.levels: list[tuple[int, Callable[[int], Hashable], dict[Hashable, int]]] = []
        modulus = batch
        for _, fan_in, _, item_of in items:
            modulus *= fan_in
            self.levels.append((modulus, item_of, dict.fromkeys(map(item_of, self.slots), 0)))

    @property
    def places(self) -> list[int]:
        """List the CPUs."""
        return list(self.slots)

    @property
    def approximate(self) -> int:
        """The root plus the bias; percpu_counter_tree_approximate_sum."""
        return self.root + self.bias

    @property
    def precise(self) -> int:
        """The sum of the CPUs' values."""
        return sum(self.slots.values())

    def update(self, cpu: int, pages: int) -> None:
        """Run one update to its end."""
        self.replay(((cpu, pages),))

    def work(
        self,
        updates: Iterable[Update],
        *,
        by_munmap: bool = False,  # noqa: ARG002 (has no effect)
        huge: bool = False,  # noqa: ARG002 (see by_munmap)
    ) -> None:
        """Run updates of a workload."""
        self.replay(updates)

    def replay(self, updates: Iterable[Update]) -> None:
        """Run updates to their ends, fast: most of them pass nothing up."""
        slots, mask = self.slots, -self.batch
        for cpu, pages in updates:
            old = slots[cpu]
            slots[cpu] = new = old + pages
            carry = (new & mask) - (old & mask)
            if carry:
                for carry_above in self._above(cpu, carry):
                    carry = carry_above
                self.root += carry

    def steps(self, cpu: int, pages: int) -> Iterator[int]:
        """Run one update; stop with its carry before each level and before the root."""
        old = self.slots[cpu]
        self.slots[cpu] = new = old + pages
        carry = (new & -self.batch) - (old & -self.batch)
        yield carry
        for carry_above in self._above(cpu, carry):
            carry = carry_above
            yield carry
        self.root += carry

    def _above(self, cpu: int, carry: int) -> Iterator[int]:
        """Pass a carry through the levels above the CPUs; yield what is left after each."""
        for modulus, item_of, values in self.levels:
            if carry & (modulus - 1):
                item = item_of(cpu)
                old = values[item]
                values[item] = new = old + carry
                carry = (new & -modulus) - (old & -modulus)
            yield carry

    def structure(self) -> Hashable:
        """Batch, bias, number of CPUs, and which of them share the items of each level."""
        levels = []
        for modulus, item_of, values in self.levels:
            number = {item: place for place, item in enumerate(values)}
            levels.append((modulus, tuple(number[item_of(cpu)] for cpu in self.slots)))
        return ("tree", self.batch, self.bias, len(self.slots), tuple(levels))

    def state(self) -> Hashable:
        """Give the residues of all items, the state of the counter."""
        return (
            tuple(value % self.batch for value in self.slots.values()),
            tuple(
                tuple(value % modulus for value in values.values())
                for modulus, _, values in self.levels
            ),
        )

    def canonical(self, state: Any) -> Hashable:
        """Give the state itself: CPUs differ in the items they use."""
        return (state[0], state[1])

    def enter(self, state: Any) -> None:
        """Set the residues of all items."""
        self.root = -self.bias
        self.slots = dict(zip(self.slots, state[0], strict=True))
        for (_, _, values), residues in zip(self.levels, state[1], strict=True):
            values.update(zip(values, residues, strict=True))


@dataclass(frozen=True)
class CarryTree:
    """A tree with a given grouping, from which levels, model and witness follow."""

    items: Callable[[Parameters], list[Items]]

    def levels(self, p: Parameters) -> tuple[Level, ...]:
        """State the levels for the machine's order; with a single CPU id there are none."""
        return carry_levels(p, self.items(p)) if order_of(p) else ()

    def slots(self, p: Parameters, bias: int = 0) -> Slots:
        """State how pages reach the root; without levels all do at once."""
        if not order_of(p):
            return Slots(bias=bias)
        return replace(carry_slots(p.batch, self.items(p), p.ids), bias=bias)

    def cost(self, p: Parameters, word: str) -> Cost:
        """Cost a per-CPU addition to a `word`, and one atomic for each level that a carry reaches.

        There is no hysteresis: a CPU that alternates between -1 and 0 carries every update
        through all levels to the root. With a single CPU id there is only the root.
        """
        items = self.items(p) if order_of(p) else []
        rates, why = (
            each_batch(1),
            "There is no level below the root, so every page is the worst case.",
        )
        if order_of(p):
            last, every = p.batch * prod(fan_in for _, fan_in, _, _ in items), Fraction(1)
            rates, why = Rates(Fraction(1, p.batch), Fraction(1, last), every, every), HYSTERESIS
        levels = len(items) + 1
        return Cost(
            fast_path=f"this_cpu_add_return on the CPU's own {word}",
            slow_path="one atomic addition on each level that a carry reaches, and on the root",
            shared_atomics=levels,
            locks=0,
            lines=levels,
            rates=rates,
            slow=rates.first,
            why=why,
        )

    def model(self, p: Parameters, bias: int = 0) -> CounterTree:
        """Make the counter tree of the process's CPUs; without levels, only the root."""
        batch = p.batch if order_of(p) else 1
        return CounterTree(batch, self.items(p) if order_of(p) else (), p.ids, bias)

    def witness(self, p: Parameters, side: str) -> tuple[Update, ...]:
        """Fill every item that the CPUs use, with one update of each CPU; never reads too high.

        The lowest CPU of an item fills the item and all items below it on its own path: modulus - 1
        pages leave the highest residue at each level. Every CPU must hold something, so fewer
        updates are not enough.
        """
        if side == "over" or not order_of(p):
            return ()
        modulus: int = p.batch
        pages: dict[int, int] = dict.fromkeys(p.ids, modulus - 1)
        for _, fan_in, _, item_of in self.items(p):
            modulus *= fan_in
            lowest: dict[Hashable, int] = {}
            for cpu in pages:
                lowest.setdefault(item_of(cpu), cpu)
            pages |= dict.fromkeys(lowest.values(), modulus - 1)
        return tuple(pages.items())


def carry_is_a_difference_of_floors() -> bool:
    """Prove that the increment, truncated and corrected, is floor(new/M)M - floor(old/M)M.

    For all 32-bit values, with M = 32 (the kernel's batch) and M = 2048 (a level above it).
    """
    z3 = solver()
    old, pages = z3.BitVecs("old pages", 32)
    new = old + pages
    for unit in (32, 2048):
        mask = z3.BitVecVal(-unit, 32)
        truncated = z3.If(pages >= 0, pages & mask, -(-pages & mask))
        bit = (truncated ^ old ^ new) & unit
        unit_carried = z3.If(pages >= 0, z3.BitVecVal(unit, 32), mask)
        carry = truncated + z3.If(bit != 0, unit_carried, z3.BitVecVal(0, 32))
        if not refuted(carry != (new & mask) - (old & mask)):
            return False
    return True


def design_of(tree: CarryTree, word: str, **stated: Any) -> Design:
    """Make the design of a tree whose CPUs count in a `word`; `stated` are its other fields."""
    of_tree: dict[str, Any] = {
        "levels": each_counter(tree.levels),
        "law": lattice,
        "slots": tree.slots,
        "cost": lambda p: tree.cost(p, word),
        "batch": lambda p: p.batch,
        "place": Place.CPU,
        "model": tree.model,
        "witness": tree.witness,
        "search_amounts": lambda _: (1, -1, 3, -5),
        "theorem": carry_is_a_difference_of_floors,
        "knob": KNOB,
        "rests": RESTS,
    }
    return Design(**of_tree, **stated)
