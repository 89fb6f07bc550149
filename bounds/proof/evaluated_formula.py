"""Parameters as symbols, which turn a design's levels into a formula. Loads sympy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy

from rssbound.bounds.counter.interval import Interval, worst_of
from rssbound.records import replace

if TYPE_CHECKING:
    from rssbound.bounds.counter.design import Design
    from rssbound.bounds.scenario.parameters import Parameters

__all__ = ("SYMBOLS", "evaluated", "in_symbols")

SYMBOLS = {
    "cpus": "N",
    "online_cpus": "C",
    "possible_cpus": "P",
    "host_online": "O",
    "host_nodes": "H",
    "batch": "B",
    "percpu_batch": "b",
    "fault_pages": "F",
    "nodes_shift": "S",
    "in_flight": "j",
    "max_increment": "i",
    "events_thresh": "E",
    "charge_batch": "A",
    "cgroups": "G",
    "zone_threshold": "t",
    "zone_thresholds": "Z",
    "node_threshold": "n",
    "node_thresholds": "D",
    "mem_pcpu_rsv": "R",
}
"""Quantity -> its symbol. Threads are T, or 1 for a single thread: dual-mode depends on that."""


def in_symbols(parameters: Parameters) -> tuple[Parameters, dict[Any, int]]:
    """Replace numbers by positive integer symbols; gives these parameters and the symbols' values.

    Values that decide the form of a formula stay numbers: nr_cpu_ids, the items that CPU ids use,
    the levels of the hardware, and zeros.
    """
    fields = {**SYMBOLS, **({"threads": "T"} if parameters.threads > 1 else {})}
    named = {
        field: sympy.Symbol(name, integer=True, positive=True)
        for field, name in fields.items()
        if getattr(parameters, field) != 0
    }
    known = {symbol: getattr(parameters, field) for field, symbol in named.items()}
    return replace(parameters, **named), known


def evaluated(design: Design, parameters: Parameters, metric: str) -> Interval:
    """Give the bound of a metric by its formula: levels added in symbols, then numbers substituted.

    The worst of several counters is chosen after the substitution.
    """
    symbolic, known = in_symbols(parameters)
    errors = [design.error(symbolic, counters) for counters in design.sums_of(metric)]
    return worst_of(
        Interval(_number(error.under, known), _number(error.over, known)) for error in errors
    )


def _number(formula: Any, known: dict[Any, int]) -> int | None:
    if formula is None or isinstance(formula, int):
        return formula
    return int(formula.subs(known))
