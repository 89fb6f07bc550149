"""The lemmas of docs/theory.md, proved for all values by z3: each negation is unsatisfiable."""

import pytest

z3 = pytest.importorskip("z3", reason="z3-solver has no wheel for this machine")


def refuted(*claims):
    solver = z3.Solver()
    solver.add(*claims)
    return solver.check() == z3.unsat


def carry_of(old, pages, unit, width):
    """The kernel's carry on two's-complement words: truncate, then correct by one bit."""
    low = unit - 1
    truncated = z3.If(pages >= 0, pages & ~low, -(-pages & ~low))
    differs = (truncated ^ old ^ (old + pages)) & unit != 0
    zero = z3.BitVecVal(0, width)
    return truncated + z3.If(differs, z3.If(pages >= 0, unit, -unit), zero)


@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("order", range(1, 22))
def test_the_carry_is_a_difference_of_floors(width, order):
    """For all values; overflow wraps on both sides alike."""
    old, pages = z3.BitVecs("old pages", width)
    unit = z3.BitVecVal(1 << order, width)
    floor = ((old + pages) & -unit) - (old & -unit)

    assert refuted(carry_of(old, pages, unit, width) != floor)


@pytest.mark.parametrize("width", [32, 64])
def test_an_aligned_carry_may_skip_a_level(width):
    """It comes out as it went in, for every unit that is a power of two."""
    old, pages, shift = z3.BitVecs("old pages shift", width)
    unit = z3.BitVecVal(1, width) << shift
    sane = z3.And(z3.ULE(shift, 21), z3.UGE(shift, 1), pages & (unit - 1) == 0)
    passed = ((old + pages) & -unit) - (old & -unit)

    assert refuted(sane, passed != pages)


def test_what_an_item_keeps_is_a_multiple_of_the_modulus_below():
    """value = k * lower, modulus = fan-in * lower: value mod modulus <= modulus - lower."""
    k, lower, fan_in, quotient, kept = z3.Ints("k lower fan_in quotient kept")
    divided = z3.And(kept == k * lower - quotient * fan_in * lower, kept >= 0)
    below = kept < fan_in * lower
    multiple = (k - quotient * fan_in) * lower

    assert refuted(lower >= 1, fan_in >= 2, divided, below, kept != multiple)
    steps = z3.Int("steps")  # kept = steps * lower, so steps < fan_in
    assert refuted(lower >= 1, fan_in >= 2, steps < fan_in, steps * lower > (fan_in - 1) * lower)


def test_the_last_step_of_the_sum():
    """If n caches add up to at most n * high, one more makes at most (n + 1) * high; low alike."""
    total, one, n, low, high = z3.Ints("total one n low high")
    inside = z3.And(n * low <= total, total <= n * high, low <= one, one <= high)
    after = total + one

    assert refuted(n >= 0, inside, after > (n + 1) * high)
    assert refuted(n >= 0, inside, after < (n + 1) * low)


def test_a_cache_that_flushes_at_b_holds_at_most_b_minus_1():
    held, pages, batch = z3.Ints("held pages batch")
    after = held + pages
    kept = z3.If(z3.Or(after >= batch, after <= -batch), 0, after)
    inside = z3.And(-batch < held, held < batch)

    assert refuted(batch >= 1, inside, z3.Or(kept >= batch, kept <= -batch))


@pytest.mark.parametrize("sign", [1, -1])
def test_both_ends_of_a_cache_are_reached(sign):
    pages, batch = z3.Ints("pages batch")
    kept = z3.If(z3.Or(pages >= batch, pages <= -batch), 0, pages)

    assert not refuted(batch == 768, kept == sign * (batch - 1))


def test_half_the_range_centres_the_interval():
    kept, most, bias = z3.Ints("kept most bias")
    off = bias - kept  # approximate - precise
    known = z3.And(kept >= 0, kept <= most, z3.Or(2 * bias == most, 2 * bias == most - 1))

    assert refuted(known, off > bias)
    assert refuted(known, -off > most - bias)


def test_no_other_bias_has_a_smaller_worst_case():
    """A bias is off by itself on an empty tree and by the rest of the range on a full one."""
    most, bias, half = z3.Ints("most bias half")
    centred = z3.Or(2 * half == most, 2 * half == most - 1)
    worst = z3.If(bias > most - bias, bias, most - bias)

    assert refuted(most >= 0, centred, worst < most - half)


@pytest.mark.parametrize("order", [5, 8, 11])
def test_a_stopped_updater_holds_at_most_its_increment_rounded_up(order):
    old, pages, most = z3.Ints("old pages most")
    unit = 1 << order
    carry = (old + pages) / unit * unit - old / unit * unit
    rounded = (most + unit - 1) / unit * unit

    assert refuted(
        most >= 1, pages <= most, pages >= -most, z3.Or(carry > rounded, carry < -rounded)
    )


def test_a_thread_holds_the_pages_of_at_most_66_faults():
    events, held = z3.Ints("events held")
    inside = z3.And(events >= 0, events <= 65, held >= 0, held <= events + 1)
    flush = events > 64
    after_events, after_held = z3.If(flush, 0, events + 1), z3.If(flush, 1, held + 1)
    kept = z3.And(after_events >= 0, after_events <= 65, after_held <= after_events + 1)

    assert refuted(inside, z3.Not(z3.And(kept, after_held <= 66)))
    assert not refuted(inside, after_held == 66)


def test_one_stopped_updater_breaks_the_bound_of_a_node():
    """It takes away the batch it saw from a slot that is elsewhere by then."""
    slot, seen, batch = z3.Ints("slot seen batch")
    inside = z3.And(-batch < slot, slot < batch, seen >= batch)

    assert not refuted(batch == 32, inside, slot - seen < -batch)


def test_a_wrong_carry_is_refuted_so_the_proofs_can_fail():
    old, pages = z3.BitVecs("old pages", 32)
    unit = z3.BitVecVal(32, 32)
    floor = ((old + pages) & -unit) - (old & -unit)

    assert not refuted((pages & -unit) != floor)
