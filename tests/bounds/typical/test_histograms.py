"""The histograms of typical errors, against a count of all outcomes."""

from collections import Counter
from fractions import Fraction
from itertools import product

import pytest

import rssbound
from rssbound.bounds import DESIGNS
from rssbound.bounds.typical.histograms import laws_of

TWO = "core:2"
SMALL = rssbound.Scenario(percpu_batch=4, batch=4)


def law(design, workload, host=TWO, scenario=SMALL):
    (found,) = laws_of(rssbound.read(host), scenario, [design])
    return next(law for law in found.laws if workload in law.workloads)


def counted(*draws):
    """Count the sums of independent draws, each a list of equally likely values."""
    sums = Counter(map(sum, product(*draws)))
    return {value: Fraction(count, sum(sums.values())) for value, count in sums.items()}


@pytest.mark.parametrize(
    ("design", "workload", "expected"),
    [
        ("percpu", "growth", counted(range(4), range(4))),
        ("percpu", "churn", counted(range(4), range(4), *[range(-3, 1)] * 2)),
        ("percpu", "hop", counted(*[[0, 0, 0, 0, *range(4)]] * 2)),
        ("tree", "growth", counted(range(4), range(4))),  # order 1: two CPUs and the root
        ("tree-centred", "hop", counted(range(4), range(4), [-3])),
        ("per-thread", "churn", counted(range(1, 67))),
    ],
)
def test_histograms_equal_those_by_counting(design, workload, expected):
    bins = law(design, workload).bins

    assert sum(mass for _, _, mass in bins) == pytest.approx(1, abs=2e-6)
    for first, last, mass in bins:
        exact = sum(expected.get(value, 0) for value in range(first, last + 1))
        assert mass == pytest.approx(float(exact), abs=1e-9)


def test_workloads_with_the_same_law_are_joined():
    found = {
        typicals.design: [law.workloads for law in typicals.laws]
        for typicals in laws_of(rssbound.read(TWO), SMALL, DESIGNS)
    }

    assert found["shared"] == []
    assert found["tree"] == [("growth", "churn", "hop"), ("huge",), ("lockstep",)]
    assert found["per-thread"] == [("growth", "churn", "lockstep"), ("hop",), ("huge",)]
    assert found["percpu"] == [("growth",), ("churn",), ("hop",), ("huge",), ("lockstep",)]


@pytest.mark.parametrize("host", [TWO, "package:2 numa:4 l3:3 core:8 pu:2", "core:1"])
def test_histograms_stay_within_the_bound(host):
    for typicals in laws_of(rssbound.read(host), rssbound.Scenario(threads=3), DESIGNS):
        for each in typicals.laws:
            assert each.bins[0][0] >= -typicals.bound.over
            assert each.bins[-1][1] <= typicals.bound.under
            assert each.median <= each.p99 <= max(typicals.bound.under, typicals.bound.over)


def test_laws_are_settled_whatever_the_scenario():
    still, busy = (
        laws_of(rssbound.read(TWO), rssbound.Scenario(in_flight=updaters), DESIGNS)
        for updaters in (0, 3)
    )

    assert still == busy


def test_the_figure_of_the_document():
    """docs/theory.md: 20,288 pages on average for 384 CPUs and batch 32, 1,769 up or down."""
    tree = law("tree", "hop", "package:2 numa:4 l3:3 core:8 pu:2", rssbound.Scenario())

    assert (tree.mean, round(tree.stddev)) == (20_288, 1_769)
