"""The theorems behind the bounds, proved by z3 for all values, and wrong ones refuted.

A theorem is proved when its negation is unsatisfiable *and* its assumptions are satisfiable, so
that no contradiction among them can prove anything. "Unknown" is never an answer. Kernel words
are bit vectors of 32 or 64 bits; counters that the kernel cannot overflow are integers.
"""

from itertools import product

import pytest
from oracle import kernel_carry

z3 = pytest.importorskip("z3", reason="z3-solver is not installed: it has no wheel for every CPU")

WIDTHS = pytest.mark.parametrize("width", [32, 64])
SECONDS = 100  # a proof takes about one; a solver that needs this long has lost its way


def solve(*claims):
    """Give a model of all claims, or None where there is none."""
    solver = z3.Solver()
    solver.set("timeout", SECONDS * 1000)
    solver.add(*claims)
    answer = solver.check()
    if answer == z3.unknown:
        pytest.fail(f"z3 gave up: {solver.reason_unknown()}")
    return solver.model() if answer == z3.sat else None


def prove(*claims, given=()):
    """Fail with a counterexample unless all claims follow from what is given."""
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
    """Give a symbolic power of two from 2^1 to 2^most, and what makes it one."""
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


# -- the tree: carries


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
def test_an_aligned_carry_comes_out_as_it_went_in(width):
    """If inc & (M - 1) is 0 the level can be skipped: the rule would pass inc on unchanged."""
    old, pages = z3.BitVecs("old pages", width)
    unit, is_power = power_of_two("unit", width)

    prove(carry_of(old, pages, unit) == pages, given=[is_power, pages & (unit - 1) == 0])


@WIDTHS
def test_the_kernels_test_of_alignment_may_look_at_the_absolute_value(width):
    """abs(inc) and inc have the same low bits clear."""
    pages = z3.BitVec("pages", width)
    unit, is_power = power_of_two("unit", width)
    absolute = z3.If(pages >= 0, pages, -pages)

    prove((absolute & (unit - 1) == 0) == (pages & (unit - 1) == 0), given=[is_power])


@pytest.mark.parametrize("unit", [2, 32, 2048, 1 << 21])
def test_the_carry_proved_is_the_carry_stepped(unit):
    """What is proved here and what tests/support/oracle.py steps give the same numbers."""
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
    """Two levels' symbolic units, the lower dividing the upper, and what makes them so."""
    (lower, is_lower), (upper, is_upper) = (power_of_two(name, width) for name in ("lower", "unit"))
    return lower, upper, z3.And(is_lower, is_upper, lower < upper)


@WIDTHS
def test_an_item_receives_and_holds_multiples_of_the_unit_below(width):
    """What is passed up, aligned carries unchanged, is a multiple; so is every value above."""
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
    """That items receive multiples only is needed: any value could leave M_k - 1."""
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


# -- percpu


def flushed_by_what_was_read(held, _, pages, batch):
    """Nothing intervenes: the value read decides and is what is taken away.

    Gives the residual, what moves to the shared count, and whether that was a flush.
    """
    after = held + pages
    flush = outside(after, batch - 1)
    return z3.If(flush, held - (after - pages), after), z3.If(flush, after, 0), flush


def flushed_by_reading_again(held, seen, pages, batch):
    """A compare-and-exchange adds, or fails and is tried again; a flush moves what it then reads.

    `seen` is what the updater read first, on this CPU or, before it migrated, on another.
    """
    flush = outside(seen + pages, batch - 1)
    added = z3.If(seen == held, held + pages, held)
    return z3.If(flush, held - held, added), z3.If(flush, held + pages, 0), flush


SLOW_PATHS = pytest.mark.parametrize(
    "add", [flushed_by_what_was_read, flushed_by_reading_again], ids=["read", "again"]
)


@SLOW_PATHS
def test_a_cpu_never_holds_more_than_the_batch_less_one(add):
    """|residual| <= b - 1 is inductive for updates of any size and any b >= 1."""
    held, seen, pages, batch = z3.Ints("held seen pages batch")
    given = [batch >= 1, within(held, batch - 1), within(seen, batch - 1)]
    residual, _, _ = add(held, seen, pages, batch)

    prove(within(residual, batch - 1), given=given)
    prove(within(0, batch - 1), given=[batch >= 1])


@SLOW_PATHS
def test_after_a_flush_a_cpu_holds_nothing(add):
    """A flush leaves a residual of 0, and moves nothing but what was there and the update."""
    held, seen, pages, batch = z3.Ints("held seen pages batch")
    residual, moved, flush = add(held, seen, pages, batch)

    prove(residual == 0, moved == held + pages, given=[batch >= 1, flush])


@SLOW_PATHS
def test_an_update_of_percpu_loses_nothing(add):
    """Residual and shared count together change by the update, or it is tried again."""
    held, seen, pages, batch = z3.Ints("held seen pages batch")
    residual, moved, _ = add(held, seen, pages, batch)
    change = residual + moved - held
    refused = z3.And(seen != held, residual == held, moved == 0)

    prove(z3.Or(change == pages, refused), given=[batch >= 1])
    prove(change == pages, given=[batch >= 1, seen == held])


@SLOW_PATHS
@pytest.mark.parametrize("sign", [1, -1])
def test_a_cpu_reaches_both_ends(add, sign):
    """Single pages of one sign climb to b - 1 for every b, and the next one flushes."""
    held, batch = z3.Ints("held batch")
    climbed, _, _ = add(sign * held, sign * held, sign, batch)
    given = [batch >= 1, held >= 0]

    prove(climbed == sign * (held + 1), given=[*given, held < batch - 1])
    prove(climbed == 0, given=[*given, held == batch - 1])
    reach(batch == 768, climbed == sign * 767)


def test_a_flush_beyond_the_batch_only_is_refuted():
    """With > for >= a CPU can hold a whole batch."""
    held, pages, batch = z3.Ints("held pages batch")
    after = held + pages
    kept = z3.If(outside(after, batch), 0, after)

    model = reach(batch >= 1, within(held, batch - 1), outside(kept, batch - 1))

    assert abs(model.eval(after, True).as_long()) == model.eval(batch, True).as_long()


# -- sums


def test_residuals_add_up_to_at_most_their_number_times_the_ends():
    """N in [low, high] sum within [N low, N high], by induction for symbolic N, low and high."""
    total, one, number, low, high = z3.Ints("total one number low high")
    given = [number >= 0, low <= one, one <= high, number * low <= total, total <= number * high]
    after = total + one

    prove(0 * low == 0, 0 * high == 0)  # no residuals
    prove((number + 1) * low <= after, after <= (number + 1) * high, given=given)


def test_a_sum_of_residuals_reaches_both_ends():
    """If the first N are all at one end, and the next is, so is the sum of all."""
    total, one, number, end = z3.Ints("total one number end")
    given = [number >= 0, one == end, total == number * end]

    prove(total + one == (number + 1) * end, given=given)


def test_levels_add_up():
    """Two sums within their intervals are together within the sum of the intervals."""
    names = "below low high above least most"
    below, low, high, above, least, most = z3.Ints(names)
    given = [low <= below, below <= high, least <= above, above <= most]

    prove(low + least <= below + above, below + above <= high + most, given=given)


def test_residuals_of_percpu_add_up_for_every_number_of_cpus_and_every_batch():
    """|sum| <= (b - 1) N, by induction on N with b symbolic (non-linear)."""
    total, one, cpus, batch = z3.Ints("total one cpus batch")
    given = [batch >= 1, cpus >= 0, within(total, cpus * (batch - 1)), within(one, batch - 1)]

    prove(within(total + one, (cpus + 1) * (batch - 1)), given=given)


def test_the_closed_forms_of_percpu():
    """b = max(32, 2 N) makes (b - 1) N = 31 N up to 16 CPUs and (2 N - 1) N from 16 on."""
    cpus, online = z3.Ints("cpus online")
    batch = z3.If(2 * online > 32, 2 * online, 32)
    bound = (batch - 1) * cpus
    given = [cpus >= 1, cpus == online]

    prove(bound == 31 * cpus, given=[*given, cpus <= 16])
    prove(bound == (2 * cpus - 1) * cpus, given=[*given, cpus >= 16])
    reach(*given, cpus == 384, bound == 294_528)


# -- the centred tree


def test_half_the_range_centres_the_interval():
    """0 <= r <= U and bias = floor(U/2): approximate - precise in [-ceil(U/2), floor(U/2)]."""
    kept, most = z3.Ints("kept most")
    off = most / 2 - kept

    prove(-((most + 1) / 2) <= off, off <= most / 2, given=[kept >= 0, kept <= most])


def test_the_centred_interval_reaches_both_ends():
    """A full tree is ceil(U/2) too low, an empty one floor(U/2) too high, for every U."""
    most = z3.Int("most")

    prove(most / 2 - most == -((most + 1) / 2), most / 2 - 0 == most / 2, given=[most >= 0])


def test_no_constant_bias_has_a_smaller_worst_case():
    """Any bias is off by ceil(U/2) or more on an empty tree or on a full one."""
    most, bias = z3.Ints("most bias")
    half = (most + 1) / 2
    worst = [z3.Or(off >= half, -off >= half) for off in (bias, bias - most)]

    prove(z3.Or(*worst), given=[most >= 0])


def test_a_smaller_bias_is_worse_than_half():
    """The optimum is not any constant: with no bias the worst case exceeds ceil(U/2)."""
    most, kept = z3.Ints("most kept")

    reach(most == 40_576, kept >= 0, kept <= most, kept > (most + 1) / 2)


# -- per-thread

THRESHOLD = 64


def fault(events, held, contributes=1, threshold=THRESHOLD):
    """One fault: flush if events++ > threshold, then add; gives (events, held)."""
    flush = events > threshold
    return z3.If(flush, 0, events + 1), z3.If(flush, 0, held) + contributes


def counted(events, held, threshold=THRESHOLD):
    """The invariant: one contribution more than events, if the last flush was in a fault."""
    return z3.And(events >= 0, events <= threshold + 1, held >= 0, held <= events + 1)


def bit(number):
    """Say that a fault may contribute or not."""
    return z3.Or(number == 0, number == 1)


def test_a_thread_holds_the_contributions_of_at_most_66_faults():
    """The invariant holds at birth, is kept by faults and by flushes elsewhere, and implies 66."""
    events, held, contributes = z3.Ints("events held contributes")
    given = [counted(events, held), bit(contributes)]

    prove(counted(z3.IntVal(0), z3.IntVal(0)))  # birth, and a flush outside a fault
    prove(counted(*fault(events, held, contributes)), given=given)
    prove(held <= 66, given=given)


def test_66_alone_is_no_invariant():
    """The number of events has to be part of it: 66 held with no event would become 67."""
    events, held = z3.Ints("events held")

    reach(events == 0, held <= 66, fault(events, held)[1] > 66)


def test_66_contributions_are_reached_by_131_faults():
    """65 faults, the 66th flushes and contributes, and 65 more."""
    events, held = z3.IntVal(0), z3.IntVal(0)
    seen = []
    for _ in range(131):
        events, held = (z3.simplify(term) for term in fault(events, held))
        seen.append(held.as_long())

    assert (seen[64], seen[65], seen[130]) == (65, 1, 66)
    assert max(seen) == 66


def test_fewer_faults_do_not_reach_66():
    """The flush in a fault comes 66 faults after birth at the earliest, whatever happens."""
    events, held, faults, contributes = z3.Ints("events held faults contributes")

    def reached(events, held, faults):
        after_a_flush = z3.And(held <= events + 1, faults >= 66 + events)
        return z3.And(counted(events, held), faults >= events, z3.Or(held <= events, after_a_flush))

    given = [reached(events, held, faults), bit(contributes)]

    prove(reached(z3.IntVal(0), z3.IntVal(0), faults), given=[faults >= 0])
    prove(reached(*fault(events, held, contributes), faults + 1), given=given)
    prove(faults >= 131, given=[*given, held == 66])


def test_what_a_thread_holds_is_within_66_times_one_fault():
    """If each fault adds from -low to high, the cache is in [-66 low, 66 high] (non-linear)."""
    events, held, pages, low, high = z3.Ints("events held pages low high")

    def inside(events, held):
        ends = z3.And(-low * (events + 1) <= held, held <= high * (events + 1))
        return z3.And(events >= 0, events <= THRESHOLD + 1, ends)

    given = [low >= 0, high >= 0, -low <= pages, pages <= high, inside(events, held)]

    prove(inside(z3.IntVal(0), z3.IntVal(0)), given=[low >= 0, high >= 0])
    prove(inside(*fault(events, held, pages)), given=given)
    prove(-66 * low <= held, held <= 66 * high, given=given)


@pytest.mark.parametrize(("threshold", "most"), [(63, 65), (64, 66), (65, 67), (32, 34)])
def test_a_thread_holds_two_more_than_the_threshold(threshold, most):
    """Another threshold moves the bound with it, so the proof depends on the 64 in the kernel."""
    events, held = z3.Ints("events held")
    inside = counted(events, held, threshold)
    after = fault(events, held, threshold=threshold)

    prove(counted(*after, threshold), after[1] <= most, given=[inside])
    reach(inside, after[1] == most)


# -- per-node


def add_whole(slot, pages, batch):
    """An update that nothing interrupts: the slot after it."""
    value = slot + pages
    return z3.If(outside(value, batch - 1), 0, value)


def test_serial_updates_of_a_slot_stay_below_the_batch():
    """|slot| <= b - 1 is inductive while updates of one node never overlap."""
    slot, pages, batch = z3.Ints("slot pages batch")
    given = [batch >= 1, within(slot, batch - 1)]

    prove(within(add_whole(slot, pages, batch), batch - 1), given=given)
    prove(within(0, batch - 1), given=[batch >= 1])


def interrupted(slot, pages, others, batch):
    """An updater stopped between its two atomics while whole updates run; the slot at the end."""
    seen = slot + pages
    slot = seen
    for other in others:
        slot = add_whole(slot, other, batch)
    return z3.If(outside(seen, batch - 1), slot - seen, slot)


def test_one_interrupted_updater_breaks_the_invariant():
    """|slot| <= b - 1 is not inductive: one whole update in between takes the slot out of it."""
    slot, pages, other = z3.Ints("slot pages other")
    settled = interrupted(slot, pages, [other], 32)

    reach(within(slot, 31), within(pages, 1), outside(settled, 31))


def test_an_interrupted_updater_without_others_keeps_the_invariant():
    """It is the overlap that breaks it, not the two steps."""
    slot, pages, batch = z3.Ints("slot pages batch")
    settled = interrupted(slot, pages, [], batch)

    prove(within(settled, batch - 1), given=[batch >= 1, within(slot, batch - 1)])


def growing_round(slot, batch, sign):
    """Add one page and stop; the others take the slot to b - 1 of the other sign; go on."""
    after_one = add_whole(slot + sign, -sign, batch)  # flushes, unless this is the first round
    return interrupted(slot, sign, [-sign, -sign * (batch - 1) - after_one], batch)


@pytest.mark.parametrize("sign", [1, -1])
def test_each_round_of_overlap_adds_a_batch_to_the_error(sign):
    """From any slot of size s >= b - 1 a round ends at size s + b, so there is no bound."""
    size, batch = z3.Ints("size batch")

    prove(
        growing_round(sign * size, batch, sign) == -sign * (size + batch),
        given=[batch >= 1, size >= batch - 1],
    )


def test_the_growing_schedule_for_a_batch_of_32():
    """31, -63, 95, -127, 159, ...: 32 more each round, signs in turn."""
    slots = [31]
    for number in range(8):
        sign = 1 if number % 2 == 0 else -1
        after = z3.simplify(growing_round(z3.IntVal(slots[-1]), 32, sign))
        slots.append(after.as_long())

    assert slots == [31, -63, 95, -127, 159, -191, 223, -255, 287]


# -- the prover itself


def test_a_wrong_theorem_fails_with_its_counterexample():
    """A proof that could not fail would prove nothing."""
    number = z3.Int("number")

    with pytest.raises(AssertionError, match=r"refuted by \[number = 7\]"):
        prove(number != 7)


def test_contradicting_assumptions_prove_nothing():
    """Anything follows from them, so they are refused."""
    number = z3.Int("number")

    with pytest.raises(AssertionError, match="contradict"):
        prove(number == 0, given=[number > 1, number < 1])


def test_what_cannot_be_reached_fails():
    """A witness that is asked for has to exist."""
    with pytest.raises(AssertionError, match="not reachable"):
        reach(z3.BoolVal(False))


def test_an_unknown_answer_is_no_proof_and_no_counterexample(monkeypatch):
    """A solver that gives up fails the test, either way."""
    monkeypatch.setattr(z3.Solver, "check", lambda _: z3.unknown)

    for ask in (prove, reach):
        with pytest.raises(pytest.fail.Exception, match="z3 gave up"):
            ask(z3.BoolVal(True))
