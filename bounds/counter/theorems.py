"""Theorems behind bounds, proved for all values by the SMT solver z3, where it is installed.

A theorem is a function that gives True if z3 refutes the negation and False if it finds a
counterexample. A theorem that several designs need is here; the others are in the modules of their
designs. The tests have the full set of proofs, with 64-bit values and all moduli.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("can_prove", "proved", "refuted", "solver", "threshold_is_inductive")


def can_prove() -> bool:
    """Return whether z3 is installed."""
    from importlib.util import find_spec  # noqa: PLC0415 (only proofs need it)

    return find_spec("z3") is not None


def proved(theorem: Callable[[], bool] | None) -> bool | None:
    """Prove a theorem; None if there is none, or no z3."""
    return _proved(theorem) if theorem is not None and can_prove() else None


@cache
def _proved(theorem: Callable[[], bool]) -> bool:
    return theorem()


def solver() -> Any:
    """Load z3, whose types are incomplete."""
    return importlib.import_module("z3")


def refuted(*claims: object) -> bool:
    """Return whether no values make all claims true; RuntimeError if z3 gives up."""
    z3 = solver()
    tried = z3.Solver()
    tried.add(*claims)
    answer = tried.check()
    if answer == z3.unknown:
        raise RuntimeError(f"z3 gave up: {tried.reason_unknown()}")
    return bool(answer == z3.unsat)


def threshold_is_inductive() -> bool:
    """Prove that a slot that flushes at b or beyond, on either side, holds at most b - 1."""
    z3 = solver()
    held, pages, batch = z3.Ints("held pages batch")
    after = held + pages
    kept = z3.If(z3.Or(after >= batch, after <= -batch), 0, after)
    inside = z3.And(held < batch, held > -batch)
    return refuted(batch >= 1, inside, z3.Not(z3.And(kept < batch, kept > -batch)))
