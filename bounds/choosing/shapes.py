"""Every shape of tree that fits a machine, each with the largest batch that fits a budget.

A shape is the fan-ins of the levels and the grouping of CPUs: by `cpu mod 2^k` as in the kernel, by
`cpu >> k`, or by the hardware's own groups. Its bound is that of designs/carry_tree.py.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import accumulate, combinations, pairwise
from math import prod
from typing import TYPE_CHECKING

from rssbound.bounds.choosing.batch import MOST_BATCH, SIDES_OF
from rssbound.bounds.choosing.pareto import dominates, front_of
from rssbound.bounds.counter.arithmetic import ceil_log2
from rssbound.bounds.counter.counters import COUNTERS, sums_of
from rssbound.bounds.counter.interval import error_of, times
from rssbound.bounds.designs.carry_tree import (
    KNOB,
    Items,
    carry_levels,
    items_of,
    modulo_items,
    order_of,
)
from rssbound.bounds.designs.tree import CACHE_LINE, arities_of
from rssbound.bounds.hardware.locality import spans_on
from rssbound.records import dataclass, replace
from rssbound.topology.arity import arity_text

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from rssbound.bounds.choosing.batch import Goal
    from rssbound.bounds.hardware.groups import CpuGroups
    from rssbound.bounds.hardware.locality import Span
    from rssbound.bounds.scenario.parameters import Parameters
    from rssbound.topology.cpuset import CpuSet
    from rssbound.topology.model import Topology


__all__ = ("GROUPINGS", "Fitted", "Shape", "Shapes", "compositions", "shapes_of")

MODULO, CONSECUTIVE, HARDWARE = "modulo", "consecutive", "hardware"
GROUPINGS = {MODULO: "cpu mod 2^k", CONSECUTIVE: "cpu >> k", HARDWARE: "the hardware's groups"}

MOST_LEVELS = 5
MOST_FAN_IN_ORDER = 6


@dataclass(frozen=True)
class Shape:
    """A tree: fan-ins from the CPUs up, the last one into the root, and the items of each level.

    `lines` is its number of cache lines. `sharers` is the largest number of items or CPUs below one
    item, or below the root, on the process's CPUs: the fan-in if the ids have no gaps, else less.
    """

    grouping: str
    fan_ins: tuple[int, ...]
    items: tuple[Items, ...]
    lines: int
    sharers: int
    kernel: bool = False

    @property
    def boot_parameter(self) -> str | None:
        """The boot parameter that gives a kernel this shape; None if the kernel cannot group so."""
        if self.grouping != MODULO:
            return None
        return f"percpu_counter_tree.arity={arity_text(self.fan_ins)}"


@dataclass(frozen=True)
class Fitted:
    """A shape with the largest batch that fits; `bound_pages` for the requested metric and side.

    `root_rate` is updates of the root per page in steady growth, `memory_bytes` is for one process,
    `spans` is what the items of each level span, for shapes that are shown in detail.
    """

    shape: Shape
    batch: int
    bound_pages: int
    root_rate: Fraction
    memory_bytes: int
    spans: tuple[Span | None, ...] = ()

    @property
    def sharers(self) -> int:
        """The largest number of items or CPUs that contend for one cache line."""
        return self.shape.sharers

    @property
    def figures(self) -> tuple[int, Fraction, int, int]:
        """The figures that the front compares; smaller is better."""
        return (self.bound_pages, self.root_rate, self.sharers, self.memory_bytes)


@dataclass(frozen=True)
class Shapes:
    """All shapes that fit, the front, the kernel's own shape and one of the front that beats it.

    `kernel` is None if no batch fits the kernel's shape; `better` is None if it is on the front.
    """

    fitted: tuple[Fitted, ...]
    front: tuple[Fitted, ...]
    kernel: Fitted | None
    better: Fitted | None

    @property
    def recommended(self) -> Fitted | None:
        """The shape to set at boot: one of the front that the kernel supports.

        The first that beats the kernel's own shape, else that shape, else the first of the front.
        """
        able = [fits for fits in self.front if fits.shape.boot_parameter]
        kernel = self.kernel
        if kernel is None:
            return next(iter(able), None)
        return next((fits for fits in able if dominates(fits.figures, kernel.figures)), kernel)


def shapes_of(goal: Goal, parameters: Parameters, topology: Topology, page_size: int) -> Shapes:
    """Fit every shape to a budget; ScenarioError beyond 2^20 CPU ids.

    There are no shapes for one CPU id, and none if every shape is exact on the requested side.
    """
    budget = goal.budget_bytes // page_size
    every = _shapes(parameters, topology) if order_of(parameters) else iter(())
    found = (_fitted(shape, goal, parameters, budget) for shape in every)
    fitted = tuple(shape for shape in found if shape is not None)
    if not any(shape.bound_pages for shape in fitted):
        return Shapes((), (), None, None)
    front = front_of(fitted, lambda fits: fits.figures)
    on_front = set(map(id, front))
    span_of = cache(spans_on(topology, parameters.ids))
    spanned = {
        id(fits): replace(fits, spans=tuple(span_of(items.item_of) for items in fits.shape.items))
        for fits in fitted
        if id(fits) in on_front or fits.shape.kernel
    }
    fitted = tuple(spanned.get(id(fits), fits) for fits in fitted)
    best = tuple(spanned[id(fits)] for fits in front)
    kernel = next((fits for fits in fitted if fits.shape.kernel), None)
    better = kernel and next(
        (fits for fits in best if dominates(fits.figures, kernel.figures)), None
    )
    return Shapes(fitted, best, kernel, better)


def compositions(order: int, most_levels: int = MOST_LEVELS) -> Iterator[tuple[int, ...]]:
    """Yield all ways to write an order as a sum of up to 5 fan-in orders of 1 to 6."""
    if order == 0:
        yield ()
    if not most_levels:
        return
    for first in range(1, min(order, MOST_FAN_IN_ORDER) + 1):
        for rest in compositions(order - first, most_levels - 1):
            yield (first, *rest)


def _shapes(p: Parameters, topology: Topology) -> Iterator[Shape]:
    order = order_of(p)
    blocks = cache(p.ids.blocks)
    counted = replace(p, residues=cache(p.residues))
    in_residue, in_block = cache(p.ids.residues_alike), cache(p.ids.blocks_alike)
    for arities in compositions(order):
        fan_ins = tuple(1 << arity for arity in arities)
        lines = items_of(arities) + 1  # one for the struct
        kernel = arities == arities_of(p)
        modulo = tuple(modulo_items(counted, arities))
        bits = list(accumulate(arities, initial=0))
        sharers = max(in_residue(1 << order - a, 1 << order - b) for a, b in pairwise(bits))
        yield Shape(MODULO, fan_ins, modulo, lines, sharers, kernel)
        if len(arities) > 1:  # with one level there are no items to group CPUs in
            sharers = max(in_block(a, b) for a, b in pairwise(bits))
            yield Shape(CONSECUTIVE, fan_ins, _consecutive(arities, blocks), lines, sharers)
    yield from _hardware(p, topology)


def _consecutive(arities: Sequence[int], blocks: Callable[[int], int]) -> tuple[Items, ...]:
    """Group consecutive CPU ids: the item of level k is cpu >> (a_0 + .. + a_(k-1))."""
    items: list[Items] = []
    bits = 0
    for level, arity in enumerate(arities[:-1], start=1):
        bits += arity
        items.append(Items(f"level {level}", 1 << arity, blocks(bits), _block_of(bits)))
    return tuple(items)


@cache
def _block_of(bits: int) -> Callable[[int], Hashable]:
    return lambda cpu: cpu >> bits


def _hardware(p: Parameters, topology: Topology) -> Iterator[Shape]:
    """Yield a shape for each selection of the machine's own levels.

    A fan-in is the largest number of parts of one group, rounded up to a power of two for the carry
    rule.
    """
    chain = p.hardware

    @cache
    def parts_of(below: CpuGroups | None, above: CpuGroups, cpus: CpuSet) -> int:
        return _most_parts(below, above, cpus)

    for size in range(1, len(chain) + 1):
        for chosen in combinations(chain, size):
            pairs = list(pairwise((None, *chosen)))
            parts = [parts_of(below, above, topology.possible) for below, above in pairs]
            busy = [parts_of(below, above, p.ids) for below, above in pairs]
            fan_ins = [1 << ceil_log2(part) for part in (*parts, chosen[-1].items)]
            items = tuple(
                Items(groups.name, fan_in, groups.used, groups.item_of)
                for groups, fan_in in zip(chosen, fan_ins, strict=False)
            )
            lines = sum(groups.items for groups in chosen) + 2
            sharers = max(*busy, chosen[-1].used)
            yield Shape(HARDWARE, tuple(fan_ins), items, lines, sharers)


def _most_parts(below: CpuGroups | None, above: CpuGroups, cpus: CpuSet) -> int:
    """Give the largest number of groups of one level, or of CPUs, in one group of a level above."""
    parts: dict[Hashable, set[Hashable]] = {}
    for cpu in cpus:
        part = cpu if below is None else below.item_of(cpu)
        parts.setdefault(above.item_of(cpu), set()).add(part)
    return max(map(len, parts.values()), default=0)


def _fitted(shape: Shape, goal: Goal, p: Parameters, budget: int) -> Fitted | None:
    """Take the largest power of two that fits; None if even 2 does not."""
    batch, bound = 0, 0
    trial = KNOB.least
    while trial <= MOST_BATCH and (pages := _bound(shape, goal, p, trial)) <= budget:
        batch, bound = trial, pages
        trial *= 2
    if not batch:
        return None
    last = batch * prod(shape.fan_ins[:-1])
    memory = len(COUNTERS) * (8 * p.possible_cpus + CACHE_LINE * shape.lines)
    return Fitted(shape, batch, bound, Fraction(1, last), memory)


def _bound(shape: Shape, goal: Goal, p: Parameters, batch: int) -> int:
    (counters, *_) = sums_of(goal.metric)  # all counters of a tree have the same bound
    levels = times(carry_levels(p.having(batch=batch), shape.items), len(counters))
    error = error_of(levels)
    pages: int = max(getattr(error, side) for side in SIDES_OF[goal.side])
    return pages
