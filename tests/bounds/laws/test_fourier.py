"""Sums of very many draws: the Fourier sum against exact counting, and against a wider window."""

from fractions import Fraction
from itertools import accumulate
from math import erfc, exp, floor, pi, sqrt

import pytest
from limits import cpu_seconds

from rssbound.bounds.laws import distribution
from rssbound.bounds.laws.distribution import Distribution, Part


def counts_of(idle, points, copies):
    """Expand (idle + 1 + x + .. + x^(points - 1))^copies exactly, as one power of one integer."""
    total = (idle + points) ** copies
    bits = total.bit_length() + 1
    power = (idle + sum(1 << (bits * value) for value in range(points))) ** copies
    mask = (1 << bits) - 1
    counts = [(power >> (bits * value)) & mask for value in range(copies * (points - 1) + 1)]
    assert sum(counts) == total
    return counts


@pytest.mark.parametrize(("copies", "points"), [(25, 2), (40, 12), (200, 4), (500, 3)])
@pytest.mark.parametrize("idle", [0, 1, 3])
def test_probabilities_and_quantiles_equal_those_by_counting(copies, points, idle):
    counts = counts_of(idle, points, copies)
    law = Distribution((Part(copies, points, busy=Fraction(points, points + idle)),))

    below = list(accumulate(counts))
    total = below[-1]
    for at in range(0, len(counts), 7):
        assert law.cdf(at) == pytest.approx(below[at] / total, abs=2e-14)
    for share in (Fraction(1, 1000), Fraction(1, 2), Fraction(99, 100)):
        expected = next(at for at, so_far in enumerate(below) if so_far >= share * total)
        assert law.quantile(float(share)) == expected


@pytest.mark.parametrize(
    "law",
    [
        Distribution((Part(384, 768),)),
        Distribution((Part(768, 768),), -384 * 767),
        Distribution((Part(384, 768, busy=Fraction(1, 2)),)),
        Distribution((Part(384, 32), Part(64, 8, step=32), Part(8, 8, step=256))),
    ],
    ids=["percpu growth", "percpu churn", "percpu hop", "tree"],
)
def test_the_window_around_the_mean_holds_all_but_rounding(law, monkeypatch):
    """384 CPUs: over the whole range the sum takes some hundred times longer and gives the same."""
    spread = round(law.stddev)
    places = [round(law.mean) + steps * spread for steps in (-8, -3, -1, 0, 1, 3, 8)]
    windowed = [law.cdf(at) for at in places]

    monkeypatch.setattr(distribution, "_window", whole_range)
    distribution._distribution_function.cache_clear()
    try:
        assert windowed == pytest.approx([law.cdf(at) for at in places], abs=1e-13)
    finally:
        distribution._distribution_function.cache_clear()


def whole_range(parts):
    return 0, sum(part.copies * part.top for part in parts) + 1 | 1


@pytest.mark.parametrize("far", [-3, -1, 0.3, 2.3])
def test_a_million_slots_approach_the_normal_law(far):
    """Edgeworth's expansion with the fourth cumulant is right to 1 / draws^2, here 1e-12.

    A million factors near 1, each rounded to 1e-16, would be off by 1e-11.
    """
    draws = 1 << 20
    law = Distribution((Part(draws, 1 << 21),))
    at = floor(float(law.mean) + far * law.stddev)
    z = (at + 0.5 - float(law.mean)) / law.stddev
    fourth = -6 / 5 / draws  # of a uniform draw, in units of the square of its variance

    normal = erfc(-z / sqrt(2)) / 2
    density = exp(-z * z / 2) / sqrt(2 * pi)
    expected = normal - density * fourth / 24 * (z**3 - 3 * z)
    assert law.cdf(at) == pytest.approx(expected, abs=2e-13)


def test_a_law_of_a_million_slots_takes_milliseconds():
    with cpu_seconds(0.5):
        law = Distribution((Part(1 << 20, 1 << 21),))
        median, most = law.size_quantile(0.5), law.size_quantile(0.99)

        assert median == (1 << 20) * ((1 << 21) - 1) // 2
        # the normal law's 99th percentile; a million draws leave a relative difference of 1e-7
        assert most == pytest.approx(float(law.mean) + 2.3263478740408408 * law.stddev, rel=1e-8)
