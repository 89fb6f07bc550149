"""The carry of the tree, for all values, masks and widths; wrong carries refuted."""

from itertools import product

import pytest
from oracle import kernel_carry
from prover import (
    WIDTHS,
    carry_of,
    floor,
    floors,
    power_of_two,
    prove,
    reach,
    truncated,
    within,
    word,
    z3,
)


@WIDTHS
def test_the_carry_is_a_difference_of_floors(width):
    """For every old value, increment and power of two, modulo 2^width where sums overflow."""
    old, pages = z3.BitVecs("old pages", width)
    unit, is_power = power_of_two("unit", width, most=width - 2)

    prove(carry_of(old, pages, unit) == floors(old, pages, unit), given=[is_power])


@WIDTHS
def test_without_overflow_the_carry_is_that_of_the_integers(width):
    """If neither old + pages nor |pages| rounded up overflows, no result has wrapped."""
    old, pages = z3.BitVecs("old pages", width)
    unit, is_power = power_of_two("unit", width)
    wide_old, wide_pages, wide_unit = (z3.SignExt(2, term) for term in (old, pages, unit))
    no_overflow = [
        z3.SignExt(2, old + pages) == wide_old + wide_pages,
        within(wide_pages, (1 << (width - 1)) - wide_unit),
    ]
    carry = z3.SignExt(2, carry_of(old, pages, unit))

    prove(carry == floors(wide_old, wide_pages, wide_unit), given=[is_power, *no_overflow])


@WIDTHS
def test_the_largest_increments_overflow_the_carry(width):
    """The limit on |pages| is needed: from -1, the largest increment carries 2^(width - 1)."""
    old, pages, unit = word(-1, width), word((1 << (width - 1)) - 1, width), word(32, width)

    prove(carry_of(old, pages, unit) == word(-1 << (width - 1), width))


@WIDTHS
def test_an_aligned_carry_passes_unchanged(width):
    """If inc & (M - 1) is 0 the level can be skipped: the rule would pass inc on unchanged."""
    old, pages = z3.BitVecs("old pages", width)
    unit, is_power = power_of_two("unit", width)

    prove(carry_of(old, pages, unit) == pages, given=[is_power, pages & (unit - 1) == 0])


@WIDTHS
def test_the_kernels_alignment_test_holds_for_absolute_values(width):
    """abs(inc) and inc have the same low bits clear."""
    pages = z3.BitVec("pages", width)
    unit, is_power = power_of_two("unit", width)
    absolute = z3.If(pages >= 0, pages, -pages)

    prove((absolute & (unit - 1) == 0) == (pages & (unit - 1) == 0), given=[is_power])


@pytest.mark.parametrize("unit", [2, 32, 2048, 1 << 21])
def test_the_proved_carry_equals_the_stepped_carry(unit):
    """The proved carry and the one of tests/support/oracle.py give the same numbers."""
    olds = (-4097, -33, -32, -1, 0, 31, 32, 2047)
    for old, pages in product(olds, (-70000, -2048, -33, -1, 0, 1, 32, 4095)):
        proved = z3.simplify(carry_of(word(old, 64), word(pages, 64), word(unit, 64)))

        assert proved.as_signed_long() == kernel_carry(old, old + pages, pages, unit)


def uncorrected(_, pages, unit):
    return truncated(pages, unit)


def corrected_by_the_bit_of_the_increment(old, pages, unit):
    differs = (pages ^ old ^ (old + pages)) & unit != 0
    return truncated(pages, unit) + z3.If(differs, z3.If(pages >= 0, unit, -unit), unit ^ unit)


def corrected_upwards_only(old, pages, unit):
    carry = truncated(pages, unit)
    return z3.If((carry ^ old ^ (old + pages)) & unit != 0, carry + unit, carry)


def rounded_down(old, pages, unit):
    carry = floor(pages, unit)
    differs = (carry ^ old ^ (old + pages)) & unit != 0
    return z3.If(differs, carry + z3.If(pages >= 0, unit, -unit), carry)


def skipped_by_half_the_mask(old, pages, unit):
    return z3.If(pages & (unit / 2 - 1) == 0, pages, carry_of(old, pages, unit))


@WIDTHS
@pytest.mark.parametrize(
    "wrong",
    [
        uncorrected,
        corrected_by_the_bit_of_the_increment,
        corrected_upwards_only,
        rounded_down,
        skipped_by_half_the_mask,
    ],
)
def test_a_wrong_carry_is_refuted(wrong, width):
    """A carry that is nearly right has a counterexample, and plain integers confirm it."""
    old, pages = z3.BitVecs("old pages", width)
    unit = word(32, width)
    small = [within(old, word(1000, width)), within(pages, word(1000, width))]
    model = reach(*small, wrong(old, pages, unit) != floors(old, pages, unit))
    before, added = (model.eval(term, True).as_signed_long() for term in (old, pages))
    given = z3.simplify(wrong(word(before, width), word(added, width), unit)).as_signed_long()

    assert given != (before + added) // 32 * 32 - before // 32 * 32


# -- the tree: what an item keeps


@WIDTHS
def test_what_a_cpu_keeps_is_its_value_modulo_the_batch(width):
    """value - floor(value) is the low bits, from 0 to M - 1, for negative values too."""
    value = z3.BitVec("value", width)
    unit, is_power = power_of_two("unit", width)
    kept = value - floor(value, unit)

    prove(kept == value & (unit - 1), kept >= 0, kept < unit, given=[is_power])
    for end in (0, unit - 1):
        reach(is_power, unit == 32, value < 0, kept == end)


@WIDTHS
def test_an_item_keeps_its_value_modulo_m_after_every_update(width):
    """received - passed = value mod M is inductive, whatever carries skip the item."""
    value, received, passed, pages = z3.BitVecs("value received passed pages", width)
    unit, is_power = power_of_two("unit", width)
    skip = z3.Bool("skip")
    low = unit - 1
    after = z3.If(skip, value, value + pages)
    passed_after = passed + z3.If(skip, pages, carry_of(value, pages, unit))
    given = [is_power, received - passed == value & low]

    prove(received + pages - passed_after == after & low, given=given)
    prove(word(0, width) == word(0, width) & low)  # a new item


def levels(width):
    """Symbolic units of two levels, the lower dividing the upper, with their constraints."""
    (lower, is_lower), (upper, is_upper) = (power_of_two(name, width) for name in ("lower", "unit"))
    return lower, upper, z3.And(is_lower, is_upper, lower < upper)


@WIDTHS
def test_an_item_receives_and_holds_multiples_of_the_unit_below(width):
    """Carries, also aligned ones that skip a level, are multiples; so is every value above."""
    old, pages, value = z3.BitVecs("old pages value", width)
    unit, is_power = power_of_two("unit", width)
    low, skip = unit - 1, z3.Bool("skip")
    given = [is_power, value & low == 0, z3.Implies(skip, pages & low == 0)]
    passed = z3.If(skip, pages, carry_of(old, pages, unit))

    prove(passed & low == 0, (value + passed) & low == 0, given=given)
    reach(is_power, pages & low != 0)  # a carry that is not aligned must not skip


@WIDTHS
def test_an_item_keeps_at_most_the_difference_of_the_units(width):
    """A multiple of M_(k-1) modulo M_k is one of 0, M_(k-1), ..., M_k - M_(k-1)."""
    value = z3.BitVec("value", width)
    lower, upper, nested = levels(width)
    given = [nested, value & (lower - 1) == 0]
    kept = value & (upper - 1)

    prove(kept & (lower - 1) == 0, kept >= 0, kept <= upper - lower, given=given)
    for end in (0, upper - lower):
        reach(*given, lower == 32, upper == 256, kept == end)


@WIDTHS
def test_without_the_lattice_an_item_could_keep_more(width):
    """Items must receive only multiples: any other value could leave M_k - 1."""
    value = z3.BitVec("value", width)
    lower, upper, nested = levels(width)

    reach(nested, value & (upper - 1) > upper - lower)


# -- the tree: carries in flight


def rounded_up(pages, unit):
    return (pages + unit - 1) & -unit


@WIDTHS
def test_the_first_carry_is_at_most_the_increment_rounded_up(width):
    """|inc| <= i gives |carry| <= i rounded up to a multiple of the batch; both are reached."""
    old, pages, most = z3.BitVecs("old pages most", width)
    unit, is_power = power_of_two("unit", width)
    sane = [is_power, most >= 0, most <= 1 << (width - 2), within(pages, most)]
    carry = carry_of(old, pages, unit)

    prove(within(carry, rounded_up(most, unit)), given=sane)
    for sign in (1, -1):
        reach(*sane, unit == 32, most == 33, carry == 64 * sign)


@WIDTHS
def test_a_carry_held_at_any_level_is_at_most_the_increment_rounded_up(width):
    """If it was at most i rounded up to M_(k-1), the next is at most i rounded up to M_k."""
    old, pages, most = z3.BitVecs("old pages most", width)
    lower, upper, nested = levels(width)
    sane = [nested, most >= 0, most <= 1 << (width - 2)]
    held = [within(pages, rounded_up(most, lower)), pages & (lower - 1) == 0]
    carry = carry_of(old, pages, upper)

    prove(within(carry, rounded_up(most, upper)), given=[*sane, *held])
    for sign in (1, -1):
        reach(*sane, *held, lower == 32, upper == 2048, most == 1, carry == 2048 * sign)


@WIDTHS
def test_a_carry_may_be_larger_than_the_increment(width):
    """Without the rounding the bound in flight is refuted."""
    old, pages = z3.BitVecs("old pages", width)

    reach(within(pages, word(40, width)), carry_of(old, pages, word(32, width)) > 40)
