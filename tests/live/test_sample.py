"""Conclusions from successive readings of two files; verdicts on thresholds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rssbound.bounds.counter.interval import Interval
from rssbound.live.sample import (
    ABOVE,
    BELOW,
    UNDECIDED,
    Bracket,
    Compared,
    Sample,
    compared,
    is_outside,
    share_of_bound,
    verdict_on,
)

BOUND = Interval(100, 50)
PAGES = st.integers(0, 10_000)


def sample(difference, under=100, over=50, precise=1000):
    cheap = precise if difference is None else precise - difference
    return Sample(
        *(1.0, 7, "a", 1, "0", cheap, precise, difference, under, over),
        *(4096, "percpu", "6.18.1", None),
    )


def test_an_unchanged_process_has_the_difference_of_its_two_files():
    assert compared([Bracket(900, 980, 900)], BOUND) == Compared(900, 980, 80)


def test_growth_between_two_reads_is_not_an_error():
    """Cheap 900 before and 1200 after, precise 1150 between: growth explains all but 50."""
    assert compared([Bracket(900, 1150, 1200)], BOUND) == Compared(1200, 1150, -50)


def test_the_reading_that_moved_least_is_used():
    moved, still = Bracket(900, 1000, 990), Bracket(990, 1030, 990)

    assert compared([moved, still], BOUND) == Compared(990, 1030, 40)


def test_one_reading_beyond_the_bound_is_not_enough():
    assert compared([Bracket(900, 1900, 900)], BOUND).difference is None


def test_an_unchanged_process_beyond_its_bound_is_reported():
    stands = [Bracket(900, 1001, 900)] * 4

    assert compared(stands, BOUND) == Compared(900, 1001, 101)
    assert compared([Bracket(1051, 1000, 1051)] * 4, BOUND) == Compared(1051, 1000, -51)


def test_growing_and_shrinking_between_reads_is_not_a_contradiction():
    """All precise values are beyond all cheap ones, but by less than both changed meanwhile."""
    swings = [Bracket(100, 2000, 110), Bracket(110, 1200, 950)]

    assert compared(swings, BOUND).difference is None


@given(
    st.lists(st.tuples(PAGES, PAGES, PAGES), min_size=1, max_size=4),
    st.integers(0, 300),
    st.integers(0, 300),
)
def test_a_difference_beyond_the_bound_needs_every_pair_of_values_beyond_it(readings, under, over):
    brackets = [Bracket(*values) for values in readings]
    bound = Interval(under, over)
    difference = compared(brackets, bound).difference
    pairs = [
        bracket.precise - cheap
        for bracket in brackets
        for other in brackets
        for cheap in (other.before, other.after)
    ]

    swings = [*(max(values) - min(values) for values in zip(*readings, strict=True)), 0]

    if difference is not None and not -over <= difference <= under:
        assert min(abs(pair) for pair in pairs) > max(swings)
        assert len(brackets) > 1
        assert all(pair > under for pair in pairs) or all(-pair > over for pair in pairs)


@given(PAGES, st.integers(0, 100), st.integers(0, 50), st.booleans(), PAGES)
def test_no_verdict_is_wrong_for_any_true_value(cheap, low, high, up, threshold):
    truth = cheap + low if up else cheap - high
    verdict = verdict_on(cheap, BOUND, threshold)

    assert verdict != ABOVE or truth > threshold
    assert verdict != BELOW or truth <= threshold


def test_verdicts_change_at_the_ends_of_the_bound():
    assert [verdict_on(cheap, BOUND, 1000) for cheap in (900, 901, 1050, 1051)] == [
        *(BELOW, UNDECIDED),
        *(UNDECIDED, ABOVE),
    ]
    assert verdict_on(5, Interval(None, None), 1000) == UNDECIDED


@pytest.mark.parametrize(
    ("difference", "outside", "share"),
    [(100, False, 1.0), (101, True, 1.01), (-50, False, 1.0), (-51, True, 1.02), (0, False, 0.0)],
)
def test_both_sides_have_their_own_bound(difference, outside, share):
    assert is_outside(sample(difference)) is outside
    assert share_of_bound(sample(difference)) == pytest.approx(share)


def test_unknown_values_are_never_outside():
    assert not is_outside(sample(None))
    assert share_of_bound(sample(None)) is None
    assert share_of_bound(sample(5, under=None)) is None
    assert share_of_bound(sample(5, under=0)) == float("inf")
