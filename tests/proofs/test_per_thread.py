"""A thread holds at most 66 faults under split counting."""

import pytest
from prover import prove, reach, z3

THRESHOLD = 64


def fault(events, held, contributes=1, threshold=THRESHOLD):
    """One fault: flush if events++ > threshold, then add; gives (events, held)."""
    flush = events > threshold
    return z3.If(flush, 0, events + 1), z3.If(flush, 0, held) + contributes


def counted(events, held, threshold=THRESHOLD):
    """The invariant: one contribution more than events, if the last flush was in a fault."""
    return z3.And(events >= 0, events <= threshold + 1, held >= 0, held <= events + 1)


def bit(number):
    """A variable for whether a fault contributes."""
    return z3.Or(number == 0, number == 1)


def test_a_thread_holds_the_contributions_of_at_most_66_faults():
    """The invariant holds at birth, is kept by faults and by flushes elsewhere, and implies 66."""
    events, held, contributes = z3.Ints("events held contributes")
    given = [counted(events, held), bit(contributes)]

    prove(counted(z3.IntVal(0), z3.IntVal(0)))  # birth, and a flush outside a fault
    prove(counted(*fault(events, held, contributes)), given=given)
    prove(held <= 66, given=given)


def test_66_alone_is_not_an_invariant():
    """The invariant needs the number of events: 66 held with no event would become 67."""
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
    """The flush in a fault comes at the earliest 66 faults after birth."""
    events, held, faults, contributes = z3.Ints("events held faults contributes")

    def reached(events, held, faults):
        after_a_flush = z3.And(held <= events + 1, faults >= 66 + events)
        return z3.And(counted(events, held), faults >= events, z3.Or(held <= events, after_a_flush))

    given = [reached(events, held, faults), bit(contributes)]

    prove(reached(z3.IntVal(0), z3.IntVal(0), faults), given=[faults >= 0])
    prove(reached(*fault(events, held, contributes), faults + 1), given=given)
    prove(faults >= 131, given=[*given, held == 66])


def test_what_a_thread_holds_is_within_66_times_one_fault():
    """If each fault adds from -low to high, the slot is in [-66 low, 66 high] (non-linear)."""
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
