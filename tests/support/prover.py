"""Claims that z3 proves or refutes for all values.

A theorem is proved when its negation is unsatisfiable *and* its assumptions are satisfiable, so
that no contradiction among them can prove anything. "Unknown" is never an answer. Kernel words
are bit vectors of 32 or 64 bits; counters that the kernel cannot overflow are integers.
"""

import pytest
from limits import PATIENCE_SECONDS

z3 = pytest.importorskip("z3", reason="z3-solver is not installed: it has no wheel for every CPU")

WIDTHS = pytest.mark.parametrize("width", [32, 64])


def solve(*claims):
    """Give a model of all claims, or None if there is none."""
    solver = z3.Solver()
    solver.set("timeout", PATIENCE_SECONDS * 1000)  # a proof takes about a second
    solver.add(*claims)
    answer = solver.check()
    if answer == z3.unknown:
        pytest.fail(f"z3 gave up: {solver.reason_unknown()}")
    return solver.model() if answer == z3.sat else None


def prove(*claims, given=()):
    """Fail with a counterexample unless all claims follow from the assumptions."""
    assert solve(*given) is not None, "the assumptions contradict each other"
    counterexample = solve(*given, z3.Not(z3.And(*claims)))
    assert counterexample is None, f"refuted by {counterexample}"


def reach(*claims):
    """Give a model of all claims; fail if there is none."""
    model = solve(*claims)
    assert model is not None, "not reachable"
    return model


def word(number, width):
    return z3.BitVecVal(number, width)


def power_of_two(name, width, most=21):
    """Give a symbolic power of two from 2^1 to 2^most, and its constraint."""
    unit = z3.BitVec(name, width)
    return unit, z3.And(unit >= 2, unit <= 1 << most, unit & (unit - 1) == 0)


def floor(value, unit):
    """Round down to a multiple of a power of two, below zero too (two's complement)."""
    return value & -unit


def truncated(pages, unit):
    """Round towards zero, as the kernel treats the increment."""
    return z3.If(pages >= 0, pages & -unit, -(-pages & -unit))


def carry_of(old, pages, unit):
    """The kernel's carry: the truncated increment, one unit more if that bit of the sum differs."""
    carry = truncated(pages, unit)
    differs = (carry ^ old ^ (old + pages)) & unit != 0
    return z3.If(differs, carry + z3.If(pages >= 0, unit, -unit), carry)


def floors(old, pages, unit):
    return floor(old + pages, unit) - floor(old, unit)


def within(value, most):
    return z3.And(-most <= value, value <= most)


def outside(value, most):
    return z3.Or(value < -most, value > most)
