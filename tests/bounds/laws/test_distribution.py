"""Sums of independent draws: moments, probabilities and quantiles against counting by hand."""

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limits import cpu_seconds

from rssbound.bounds.laws.distribution import Distribution, Part

HALF = Fraction(1, 2)


def masses_of(law):
    """Convolve draw by draw, in exact fractions."""
    masses = {law.shift: Fraction(1)}
    for part in law.parts:
        values = [part.first + part.step * number for number in range(part.points)]
        for _ in range(part.copies):
            after = dict.fromkeys(masses, Fraction(0))
            for at, mass in masses.items():
                after[at] += mass * (1 - part.busy)
                for value in values:
                    after[at + value] = after.get(at + value, 0) + mass * part.busy / part.points
            masses = after
    return {at: mass for at, mass in sorted(masses.items()) if mass}


LAWS = {
    "nothing": Distribution((), 4),
    "a constant": Distribution((Part(3, 1, first=-5),), 1),
    "one die": Distribution((Part(1, 6, first=1),)),
    "two dice": Distribution((Part(2, 6, first=1),)),
    "few": Distribution((Part(3, 5),), -2),
    "many": Distribution((Part(50, 8),), -175),
    "a lattice": Distribution((Part(4, 6, step=3, first=3),), 2),
    "a small tree": Distribution((Part(8, 4), Part(4, 2, step=4), Part(2, 2, step=8)), -7),
    "a larger tree": Distribution((Part(26, 3), Part(13, 2, step=3))),
    "a tree that does not telescope": Distribution((Part(26, 3), Part(9, 4, step=2))),
    "idle draws": Distribution((Part(5, 6, first=1, busy=HALF),)),
    "many idle draws": Distribution((Part(40, 6, step=2, first=2, busy=HALF),), -9),
    "idle or one": Distribution((Part(30, 1, first=1, busy=HALF), Part(2, 4))),
    "steps that divide the frequencies": Distribution((Part(1, 4, 3), Part(1, 5), Part(2, 5, 3))),
    "two kinds of idle draws": Distribution((Part(2, 4, busy=HALF), Part(3, 3, step=2))),
}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_probabilities_and_quantiles_equal_those_by_counting(law):
    masses = masses_of(law)
    mean = sum(at * mass for at, mass in masses.items())

    assert law.mean == mean
    assert law.variance == sum((at - mean) ** 2 * mass for at, mass in masses.items())
    assert (law.low, law.high) == (min(masses), max(masses))
    below = dict(zip(masses, accumulate(masses.values()), strict=True))
    for at, share in below.items():
        assert law.cdf(at) == pytest.approx(float(share), abs=1e-13)
        assert law.cdf(at - 1) == pytest.approx(float(share - masses[at]), abs=1e-13)
    for share in (HALF, Fraction(99, 100), Fraction(1, 1000)):
        assert law.quantile(float(share)) == next(at for at in below if below[at] >= share)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_quantiles_of_the_size(law):
    masses = masses_of(law)
    for share in (HALF, Fraction(99, 100)):
        size = 0
        while sum(mass for at, mass in masses.items() if abs(at) <= size) < share:
            size += 1

        assert law.size_quantile(float(share)) == size


@settings(max_examples=60)
@given(
    st.lists(
        st.builds(Part, st.integers(1, 6), st.integers(1, 6), st.integers(1, 3)),
        min_size=1,
        max_size=3,
    ),
    st.integers(-20, 20),
    st.sampled_from([0.01, 0.5, 0.9, 0.99]),
)
def test_any_sum_of_uniform_draws(parts, shift, share):
    law = Distribution(tuple(parts), shift)
    masses = masses_of(law)
    below = dict(zip(masses, accumulate(masses.values()), strict=True))

    # 1e-12: a share that is reached exactly must not depend on how it is rounded
    expected = next(at for at in below if below[at] >= Fraction(share) - Fraction(1, 10**12))
    assert law.quantile(share) == expected


def test_a_median_that_is_reached_exactly():
    """An odd number of pages at most: P(S <= 46) is 1/2 to the last digit."""
    assert Distribution((Part(3, 32),)).quantile(0.5) == 46
    assert Distribution((Part(101, 32),)).quantile(0.5) == (101 * 31 - 1) // 2


def test_the_joined_form_has_the_law_of_the_levels():
    """Uniform below 32 and uniform on 0, 32, .., 224 together are uniform below 256."""
    levels = Distribution((Part(30, 32), Part(30, 8, step=32)))
    joined = Distribution((Part(30, 256),))

    assert levels.mean == joined.mean
    assert [levels.cdf(at) for at in range(3000, 5000, 97)] == pytest.approx(
        [joined.cdf(at) for at in range(3000, 5000, 97)], abs=1e-13
    )


def test_bins_hold_everything_and_agree_with_probabilities():
    law = LAWS["many"]
    bins = law.masses(20)
    masses = masses_of(law)

    assert sum(share for *_, share in bins) == pytest.approx(1, abs=2e-6)
    for first, last, share in bins:
        counted = sum(mass for at, mass in masses.items() if first <= at <= last)
        assert share == pytest.approx(float(counted), abs=1e-12)


def test_a_million_slots_are_summed_quickly():
    with cpu_seconds(5):
        law = Distribution((Part(1 << 20, 32), Part(1 << 16, 16, step=32)))

        # 2^20 * 31 / 2 + 2^16 * 480 / 2, and the normal law's 2.326 standard deviations
        assert law.size_quantile(0.5) == 16_252_928 + 15_728_640
        assert law.size_quantile(0.99) == pytest.approx(
            float(law.mean) + 2.3263 * law.stddev, abs=60
        )
