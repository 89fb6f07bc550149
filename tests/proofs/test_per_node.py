"""Slots of per-NUMA-node atomics: bounded alone, without bound when updates overlap."""

import pytest
from prover import outside, prove, reach, within, z3


def add_whole(slot, pages, batch):
    """Give the slot after an update that is not interrupted."""
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
    """|slot| <= b - 1 is not inductive: one whole update in between violates it."""
    slot, pages, other = z3.Ints("slot pages other")
    settled = interrupted(slot, pages, [other], 32)

    reach(within(slot, 31), within(pages, 1), outside(settled, 31))


def test_an_interrupted_updater_without_others_keeps_the_invariant():
    """The overlap breaks the invariant, not the two steps."""
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
