"""The bound of a design as a formula, from the levels that the design states. Loads sympy.

Without a machine the formula is for CPUs 0 .. N-1, all possible and online, with nr_cpu_ids = N.
The levels of a tree depend on its order, so its formula has one piece for each range of N up to
2^20. Equal pieces are joined; all other designs have one formula for every N.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import sympy

from rssbound.bounds.counter.arithmetic import minimum
from rssbound.bounds.counter.counters import COUNTER
from rssbound.bounds.scenario.parameters import MOST_ORDER, Parameters
from rssbound.bounds.scenario.scenario import MOST_NODES_SHIFT
from rssbound.errors import ScenarioError
from rssbound.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.counter.interval import Interval

__all__ = (
    "EVERY_MEANING",
    "MEANINGS",
    "Formula",
    "Piece",
    "formula_of",
    "general",
    "of_host",
    "symbol",
)

Expression = Any

MEANINGS = {
    "N": ("cpus", "CPUs 0 .. N-1, all online; nr_cpu_ids"),
    "B": ("batch", "RSS_STAT_BATCH_SIZE, pages; a power of two"),
    "b": ("percpu_batch", "percpu_counter_batch, pages"),
    "T": ("threads", "threads of the process"),
    "F": ("fault_pages", "pages that one file fault maps: fault_around_bytes / PAGE_SIZE"),
    "M": ("numa_nodes", "NUMA nodes with CPUs"),
    "S": ("nodes_shift", "CONFIG_NODES_SHIFT"),
}
"""Symbol -> its name in code, and its meaning."""

BESIDE = {
    "A": ("charge_batch", "MEMCG_CHARGE_BATCH, pages: 64, and 32 before 6.1"),
    "G": ("cgroups", "memory cgroups of the subtree that is read"),
    "t": ("zone_threshold", "threshold of a zone, the largest, pages"),
    "Z": ("zone_thresholds", "thresholds of all zones added up, pages"),
    "n": ("node_threshold", "threshold of a node, the largest, pages"),
    "D": ("node_thresholds", "thresholds of all nodes added up, pages"),
    "R": ("mem_pcpu_rsv", "net.core.mem_pcpu_rsv, pages"),
}
"""The same for counters other than RSS."""

EVERY_MEANING = {**MEANINGS, **BESIDE}
"""The same for all counters, in the order in which they appear in code."""


def symbol(name: str) -> Any:
    """Give the symbol of a name of MEANINGS: a positive integer; S can also be 0."""
    positive = name != "S"
    return sympy.Symbol(name, integer=True, **{"positive" if positive else "nonnegative": True})


@dataclass(frozen=True)
class Piece:
    """The formula, in pages, for N from `first` to `last`; None: no last N, or no bound."""

    first: int
    last: int | None
    pages: Expression | None


@dataclass(frozen=True)
class Formula:
    """One side of one metric of a design; `published` is the authors' bound of one counter."""

    design: str
    metric: str
    side: str
    pieces: tuple[Piece, ...]
    published: tuple[Piece, ...] | None

    @property
    def symbols(self) -> list[str]:
        """Names of its symbols in the order of MEANINGS, with N if pieces differ."""
        found = {str(name) for piece in self.pieces for name in _symbols(piece.pages)}
        if len(self.pieces) > 1:
            found.add("N")
        return [name for name in EVERY_MEANING if name in found]


def general(order: int) -> Parameters:
    """Give symbols for a machine with CPUs 0 .. N-1, N in 2^(order-1)+1 .. 2^order."""
    n, nodes = symbol("N"), symbol("M")
    return Parameters(
        cpus=n,
        online_cpus=n,
        # since N > 2^(order - 1), the ids take every value modulo a smaller power of two
        residues=lambda modulus: modulus if modulus <= 1 << max(order - 1, 0) else n,
        nr_cpu_ids=1 << order,
        possible_cpus=n,
        host_online=n,
        host_nodes=nodes,
        nodes=lambda slots: minimum(nodes, slots),
        threads=symbol("T"),
        batch=symbol("B"),
        percpu_batch=symbol("b"),
        fault_pages=symbol("F"),
        nodes_shift=symbol("S"),
        in_flight=0,
        max_increment=0,
        **_beside(),
    )


def _beside() -> dict[str, Any]:
    """Give the symbols of counters other than RSS."""
    return {name: symbol(letter) for letter, (name, _) in BESIDE.items()}


def of_host(parameters: Parameters) -> Parameters:
    """Keep a machine's own counts, with symbols for the choices of the kernel and the process."""
    return replace(
        parameters,
        nodes=lambda slots: _slots_used(parameters, slots),
        threads=symbol("T"),
        batch=symbol("B"),
        percpu_batch=symbol("b"),
        fault_pages=symbol("F"),
        nodes_shift=symbol("S"),
        in_flight=0,
        **_beside(),
    )


def _slots_used(parameters: Parameters, slots: Expression) -> Expression:
    """Give the number of slots that a machine's nodes use, an expression in S."""
    shift = symbol("S")
    counts = [int(slots.subs(shift, bits)) for bits in range(MOST_NODES_SHIFT + 1)]
    used = [parameters.nodes(count) for count in counts]
    most = used[-1]
    if used == [min(1 << bits, most) for bits in range(len(used))]:
        return sympy.Min(most, 2**shift)
    cases = [(count, sympy.Eq(shift, bits)) for bits, count in enumerate(used)]
    return sympy.Piecewise(*cases[: used.index(most)], (most, True))


def formula_of(design: Design, metric: str, side: str, host: Parameters | None = None) -> Formula:
    """Give the formula of one side of a metric: `counter`, a counter or a sum of the design.

    With the parameters of a host, the formula is for its CPUs. ScenarioError for an unknown metric,
    and without a host for a design whose levels follow the hardware.
    """
    known = (COUNTER, *design.counters, *design.sums)
    if metric not in known:
        raise ScenarioError(f"metric: {metric} is none of {design.id}; give {', '.join(known)}")
    if host is not None:
        pages = getattr(_error(design, of_host(host), metric), side)
        published = _published(design, side, [(1, None, of_host(host))])
        return Formula(design.id, metric, side, (Piece(1, None, _simple(pages)),), published)
    if design.follows_hardware:
        raise ScenarioError(
            f"topology: {design.id} follows the hardware; its formula needs a machine"
        )
    ranges = [
        (1 if not order else (1 << (order - 1)) + 1, 1 << order, general(order))
        for order in range(MOST_ORDER + 1)
    ]
    pieces = [
        Piece(first, last, _simple(getattr(_error(design, p, metric), side)))
        for first, last, p in ranges
    ]
    return Formula(design.id, metric, side, _merged(pieces), _published(design, side, ranges))


def _error(design: Design, p: Parameters, metric: str) -> Interval:
    """Give the error of a metric; for `counter`, the worst of all counters on each side."""
    errors = [_of_threads(design, p, counters) for counters in design.sums_of(metric)]
    return replace(
        errors[0],
        under=sympy.Max(*(error.under for error in errors)),
        over=sympy.Max(*(error.over for error in errors)),
    )


def _of_threads(design: Design, p: Parameters, counters: tuple[str, ...]) -> Interval:
    """Give the error of some counters; a symbol in place of T means several threads."""
    many = design.error(p, counters)
    one = design.error(replace(p, threads=1), counters)
    sides = {}
    for side in ("under", "over"):
        of_many, of_one = sympy.sympify(getattr(many, side)), sympy.sympify(getattr(one, side))
        if sympy.expand(of_many.subs(symbol("T"), 1) - of_one) != 0:
            of_many = sympy.Piecewise((of_one, sympy.Eq(symbol("T"), 1)), (of_many, True))
        sides[side] = of_many
    return replace(many, **sides)


def _published(
    design: Design, side: str, ranges: Iterable[tuple[int, int | None, Parameters]]
) -> tuple[Piece, ...] | None:
    stated = [(first, last, design.published(p)) for first, last, p in ranges]
    if stated[0][2] is None:
        return None
    return _merged(
        [Piece(first, last, _simple(getattr(error, side))) for first, last, error in stated]
    )


def _merged(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Join neighbours whose formulas are equal; a formula that holds for every N has no last N."""
    merged = [pieces[0]]
    for piece in pieces[1:]:
        if piece.pages == merged[-1].pages:
            merged[-1] = replace(merged[-1], last=piece.last)
        else:
            merged.append(piece)
    if len(merged) == 1:
        merged = [replace(merged[0], last=None)]
    return tuple(merged)


@cache
def _simple(pages: Any) -> Expression | None:
    """Give the shortest form of a formula: by powers of N, factored, or expanded."""
    if pages is None:
        return None
    pages = sympy.piecewise_fold(sympy.sympify(pages))
    if isinstance(pages, sympy.Piecewise):
        cases: Any = pages.args
        return sympy.Piecewise(*((_simple(value), when) for value, when in cases))
    expanded = sympy.expand(pages)
    wholes = (expanded, sympy.expand(expanded.replace(sympy.floor, _rest_of_half)))
    forms = [
        form
        for whole in wholes
        for form in (sympy.collect(whole, symbol("N")), sympy.factor(whole), whole)
    ]
    shortest = min(forms, key=sympy.count_ops)
    return shortest.replace(
        lambda rounded: isinstance(rounded, (sympy.floor, sympy.ceiling)),
        lambda rounded: rounded.func(sympy.factor(rounded.args[0])),
    )


def _rest_of_half(half: Any) -> Any:
    """Write floor(x) as 2 x - ceiling(x) if 2 x is an integer."""
    whole = sympy.expand(2 * half)
    return whole - sympy.ceiling(half) if whole.is_integer else sympy.floor(half)


def _symbols(pages: Expression | None) -> set[Any]:
    return set() if pages is None else set(pages.free_symbols)
