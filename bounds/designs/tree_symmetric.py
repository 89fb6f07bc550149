"""Hierarchical counter as posted after v17: a range of both signs, and a shape given at boot.

    |residual of an item of level k| <= M_k - M_(k-1), a multiple of M_(k-1)   (level 0: batch - 1)
    error in [-R(S), +R(S)],  R(S) = U(S) as in carry_tree.py with the fan-ins of the shape

Only a part of the series could be read. It says:

* An item keeps a residual of either sign until it is propagated.
* The tests drive every item to its largest residual of each sign. The distance from the precise sum
  is then "exactly the accuracy range, the same in both directions".
* The batch of a level is the batch of the level below times its fan-out.
* CPU c uses item c & (n - 1).
* percpu_counter_tree.arity= gives the fan-outs at boot, from the CPUs to the root. They are powers
  of two, and their product is nr_cpu_ids rounded up to a power of two.

The carry rule was not in this part. Assumed here: an item that reaches its modulus, on either side,
passes up the whole multiples of it and keeps the rest, with the same sign. Every rule that passes
up whole multiples and keeps less than one stays in this range, and the published tests reach both
ends of it. `rssbound measure` runs the functions of a source tree that has them. Of the default
shapes, only that of 8 CPUs was in this part: it is flat. It is assumed to be flat for fewer CPUs
too; for more, the fan-ins of v17 are assumed. Pass the shape that the kernel prints at boot by
--arity.

Source: Mathieu Desnoyers, series after v17 (autumn 2026) on linux-trace-kernel, messages 31767 to
31790 of its archive: commit messages and the beginnings of patches.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from rssbound.bounds.counter.arithmetic import round_up
from rssbound.bounds.counter.counters import COUNTERS
from rssbound.bounds.counter.design import Cost, Kernels, Rates, each_counter
from rssbound.bounds.counter.executable import AlikeUpdates
from rssbound.bounds.counter.interval import EXACT, Interval
from rssbound.bounds.counter.theorems import refuted, solver
from rssbound.bounds.designs import tree
from rssbound.bounds.designs.carry_tree import CarryTree, Items, items_of, modulo_items, order_of
from rssbound.bounds.laws.distribution import Distribution, Part
from rssbound.bounds.laws.residuals import lattice
from rssbound.bounds.laws.workloads import CHURN, HOP
from rssbound.errors import ScenarioError
from rssbound.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from rssbound.bounds.counter.arithmetic import Quantity
    from rssbound.bounds.counter.executable import Update
    from rssbound.bounds.counter.interval import Level
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("DESIGN", "SymmetricTree", "arities_of", "capacity", "model")

FLAT_ORDER = 3
"""The largest order whose default shape is known to be flat, that of 8 CPUs."""


def arities_of(p: Parameters) -> tuple[int, ...]:
    """Give the orders of the fan-outs, level 0 first; ScenarioError if the shape does not fit."""
    order = order_of(p)
    if p.arity is None:
        return (order,) if 0 < order <= FLAT_ORDER else tree.ARITIES[order]
    if sum(p.arity) != order:
        fan_outs = ",".join(str(1 << arity) for arity in p.arity)
        raise ScenarioError(
            f"arity: {fan_outs} is the shape for {1 << sum(p.arity)} CPU ids, not for {1 << order}"
        )
    return p.arity


def items(p: Parameters) -> list[Items]:
    """Give the levels above the CPUs."""
    return modulo_items(p, arities_of(p))


TREE = CarryTree(items)


def levels(p: Parameters) -> tuple[Level, ...]:
    """State the levels of the tree, whose residuals have both signs."""
    return tuple(
        level if level.shared else replace(level, low=-level.high) for level in TREE.levels(p)
    )


# -- the model


class SymmetricTree(AlikeUpdates):
    """A value for each CPU and item, less than its modulus and of either sign."""

    def __init__(self, batch: int, items: Iterable[Items], cpus: Iterable[int]) -> None:
        self.cpus = list(cpus)
        self.root = self.total = 0
        self.levels: list[tuple[int, Callable[[int], Hashable], dict[Hashable, int]]] = []
        modulus = batch
        for _, fan_in, _, item_of in (Items("cpu", 1, len(self.cpus), int), *items):
            modulus *= fan_in
            self.levels.append((modulus, item_of, dict.fromkeys(map(item_of, self.cpus), 0)))

    @property
    def places(self) -> list[int]:
        """List the CPUs."""
        return self.cpus

    @property
    def approximate(self) -> int:
        """The root."""
        return self.root

    @property
    def precise(self) -> int:
        """All pages that were added."""
        return self.total

    def update(self, cpu: int, pages: int) -> None:
        """Run one update to its end: each level passes up the whole multiples of its modulus."""
        self.total += pages
        carry = pages
        for modulus, item_of, held in self.levels:
            item = item_of(cpu)
            after = held[item] + carry
            whole = abs(after) // modulus * modulus
            carry = whole if after >= 0 else -whole
            held[item] = after - carry
            if not carry:
                return
        self.root += carry

    def structure(self) -> Hashable:
        """Moduli, and which CPUs share the items of each level."""
        shared = []
        for modulus, item_of, held in self.levels:
            number = {item: place for place, item in enumerate(held)}
            shared.append((modulus, tuple(number[item_of(cpu)] for cpu in self.cpus)))
        return ("symmetric tree", tuple(shared))

    def state(self) -> Hashable:
        """Give what all items hold."""
        return tuple(tuple(held.values()) for _, _, held in self.levels)

    def canonical(self, state: Any) -> Hashable:
        """Sort the CPUs of a flat tree; in other trees they differ in the items they use."""
        return (tuple(sorted(state[0])),) if len(state) == 1 else state

    def enter(self, state: Any) -> None:
        """Fill the items, and set both values to 0."""
        self.total = sum(map(sum, state))
        self.root = 0
        for (_, _, held), values in zip(self.levels, state, strict=True):
            held.update(zip(held, values, strict=True))


def model(p: Parameters) -> SymmetricTree:
    """Make the counter tree of the process's CPUs; with a single CPU id, only the root."""
    return SymmetricTree(p.batch, items(p), p.ids) if order_of(p) else SymmetricTree(1, (), p.ids)


def witness(p: Parameters, side: str) -> tuple[Update, ...]:
    """Fill every item as in a tree of one sign, up or down.

    For a value that is too high the process first adds what the items will lack, in whole multiples
    of the last modulus, which all reach the root.
    """
    filled = TREE.witness(p, "under")
    if side == "under" or not filled:
        return filled
    last = p.batch * prod(level.fan_in for level in items(p))
    start = round_up(sum(pages for _, pages in filled), last)
    return ((filled[0][0], start), *((cpu, -pages) for cpu, pages in filled))


# -- published range, size and cost


def capacity(p: Parameters) -> Quantity:
    """Add up what the items of all CPU ids can keep back, of one sign."""
    everywhere = p.having(cpus=p.nr_cpu_ids, residues=lambda modulus: modulus, in_flight=0)
    return sum(level.items * level.high for level in TREE.levels(everywhere))


def published(p: Parameters) -> Interval:
    """Give the accuracy range: the sum of all items' largest residuals, on both sides."""
    range_ = capacity(p)
    return Interval(range_, range_) if order_of(p) else EXACT


def memory_bytes(p: Parameters) -> Quantity:
    """Give a long on each possible CPU, a line for each item and the struct, as in v17."""
    lines = items_of(arities_of(p)) + 1
    return len(COUNTERS) * (8 * p.possible_cpus + tree.CACHE_LINE * lines)


def cost(p: Parameters) -> Cost:
    """Give the cost of the tree; an item is empty after a carry, so worst is steady."""
    of_tree = TREE.cost(p, "long")
    if not order_of(p):
        return of_tree
    steady = of_tree.rates
    rates = Rates(steady.first, steady.root, steady.first, steady.root)
    why = (
        "By the assumed rule an item is empty after a carry, so the worst case is the steady case."
    )
    return replace(of_tree, rates=rates, why=why)


def law(p: Parameters, level: Level, workload: str) -> Distribution:
    """Give the law of a level's residuals by the assumed rule; derived in docs/theory.md.

    While pages are only added it is the law of a tree of one sign; under churn, that of the
    difference of two such draws. Under hop all that a visitor passes up has one sign, so
    the levels are not independent.
    """
    if workload == CHURN:
        points = level.high // level.step + 1
        return Distribution((Part(2 * level.items, points, level.step),), -level.items * level.high)
    return lattice(p, replace(level, low=0), workload)


def rest_has_the_sign_of_its_sum() -> bool:
    """Prove that the rest after a carry stays on the lattice, with either sign.

    For the moduli of level 0 and of a level above it.
    """
    z3 = solver()
    held, added = z3.Ints("held added")
    for step, modulus in ((1, 32), (32, 2048)):
        most = modulus - step
        after = held + added
        rest = z3.If(after >= 0, after % modulus, -((-after) % modulus))
        lattice = z3.And(held % step == 0, added % step == 0, held <= most, held >= -most)
        whole = after - rest
        kept = z3.And(rest <= most, rest >= -most, rest % step == 0, whole % modulus == 0)
        if not refuted(lattice, z3.Not(kept)):
            return False
    return True


DESIGN = replace(
    tree.DESIGN,
    id="tree-symmetric",
    title="hierarchical counter, both signs, shape at boot",
    kernels=Kernels("after v17", merged=False),
    source="Mathieu Desnoyers, series after v17, autumn 2026; published in part",
    levels=each_counter(levels),
    law=law,
    slots=TREE.slots,
    published=published,
    memory_bytes=memory_bytes,
    cost=cost,
    model=model,
    witness=witness,
    no_law=(HOP,),
    theorem=rest_has_the_sign_of_its_sum,
    note="published in part; the carry rule is assumed",
    caveats=(
        "published in part; carry rule and default shape are assumed (--arity sets the shape)",
    ),
)
