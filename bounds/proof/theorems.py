"""The theorem behind each bound, proved for all values by the SMT solver z3, if it is installed.

Each function gives True if z3 refutes the negation, False if it finds a counterexample. The full
set of proofs, 64-bit values and all moduli among them, is with the tests.
"""

from __future__ import annotations

import importlib
from functools import cache
from importlib.util import find_spec
from typing import Any

__all__ = ("proved",)


def proved(design_id: str) -> bool | None:
    """Prove the theorem of a design; None where z3 is not installed."""
    if find_spec("z3") is None:
        return None
    theorem = _THEOREMS.get(design_id)
    return True if theorem is None else theorem()


@cache
def carry_is_a_difference_of_floors() -> bool:
    """Trees: the truncated increment, corrected by a bit, is floor(new/M)M - floor(old/M)M.

    For all 32-bit values, with M = 32 as the kernel's batch is and M = 2048 as a level above.
    """
    z3 = _solver()
    old, pages = z3.BitVecs("old pages", 32)
    new = old + pages
    for unit in (32, 2048):
        mask = z3.BitVecVal(-unit, 32)
        truncated = z3.If(pages >= 0, pages & mask, -(-pages & mask))
        bit = (truncated ^ old ^ new) & unit
        one = z3.If(pages >= 0, z3.BitVecVal(unit, 32), mask)
        carry = truncated + z3.If(bit != 0, one, z3.BitVecVal(0, 32))
        if not _refuted(carry != (new & mask) - (old & mask)):
            return False
    return True


@cache
def threshold_is_inductive() -> bool:
    """percpu, per-node: a cache that flushes at b or beyond never holds more than b - 1."""
    z3 = _solver()
    held, pages, batch = z3.Ints("held pages batch")
    after = held + pages
    kept = z3.If(z3.Or(after >= batch, after <= -batch), 0, after)
    inside = z3.And(held < batch, held > -batch)
    return _refuted(batch >= 1, inside, z3.Not(z3.And(kept < batch, kept > -batch)))


@cache
def events_are_counted() -> bool:
    """per-thread: with a post-increment compared with > E, at most E + 2 faults are unseen.

    `events` are those since the last hand-over and `held` the faults in the cache, one more if
    that hand-over was inside a fault.
    """
    z3 = _solver()
    events, held, most = z3.Ints("events held most")
    inside = z3.And(events >= 0, events <= most + 1, held >= 0, held <= events + 1)
    flush = events > most
    after_events = z3.If(flush, 0, events + 1)
    after_held = z3.If(flush, 1, held + 1)
    kept = z3.And(after_events <= most + 1, after_held <= after_events + 1)
    return _refuted(most >= 0, inside, z3.Not(z3.And(kept, after_held <= most + 2)))


def _solver() -> Any:
    """Load z3, which has no complete types."""
    return importlib.import_module("z3")


def _refuted(*claims: object) -> bool:
    z3 = _solver()
    solver = z3.Solver()
    solver.add(*claims)
    answer = solver.check()
    if answer == z3.unknown:
        raise RuntimeError(f"z3 gave up: {solver.reason_unknown()}")
    return bool(answer == z3.unsat)


_THEOREMS = {
    "per-thread": events_are_counted,
    "percpu": threshold_is_inductive,
    "per-node": threshold_is_inductive,
    "dual-mode": threshold_is_inductive,
    "tree": carry_is_a_difference_of_floors,
    "tree-binary": carry_is_a_difference_of_floors,
    "tree-centred": carry_is_a_difference_of_floors,
    "tree-aligned": carry_is_a_difference_of_floors,
}
