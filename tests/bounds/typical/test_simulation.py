"""Workloads on the executable models agree with the predicted laws; a wrong law is detected."""

from bisect import bisect_right
from dataclasses import replace
from itertools import islice
from math import sqrt

import pytest

import rssbound
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.laws.workloads import CHURN, GROWTH, HOP, HUGE, LOCKSTEP, WORKLOADS
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.typical.error import typical_of
from rssbound.bounds.typical.simulation import Run, simulation_of
from rssbound.errors import ScenarioError

CRITICAL = 2.23
"""Kolmogorov: sqrt(n) D is larger with probability 1e-4 at most, for discrete laws less."""

HOST = "package:2 numa:1 core:3 pu:1"
THINNED = {GROWTH: 1, CHURN: 5, HOP: 60, HUGE: 1, LOCKSTEP: 1}
"""Samples that are skipped between two that are used, so that those are nearly independent."""


def parameters(host=HOST, **scenario):
    topology = rssbound.read(host)
    return parameters_of(topology, resolve(rssbound.Scenario(**scenario), topology))


def run(design, workload, looks=1000, seed=7, **scenario):
    """Take samples far apart from a long run with small batches."""
    p = parameters(**{"batch": 4, "percpu_batch": 5, "threads": 3, **scenario})
    p = replace(p, huge_pages=2)
    prepared = simulation_of(DESIGNS[design], p, workload, 10**9, seed)
    looked = (
        error
        for done, error in prepared.looks()
        if done > -prepared.warming + 50_000  # long after the empty start
    )
    return prepared, Run(
        tuple(sorted(islice(looked, 0, looks * THINNED[workload], THINNED[workload])))
    )


def distance(errors, law):
    """Kolmogorov's distance between the samples and a law, times sqrt(n)."""
    size = len(errors)
    far = max(
        abs(bisect_right(errors, at) / size - law.cdf(at))
        for at in range(errors[0] - 1, errors[-1] + 1)
    )
    return sqrt(size) * far


SAMPLED = ("percpu", "tree-binary")
"""The designs that are tested outside of make check, too."""


@pytest.mark.parametrize(
    ("design", "workload"),
    [
        pytest.param(design.id, workload, marks=() if design.id in SAMPLED else pytest.mark.long)
        for design in DESIGNS.values()
        for workload in WORKLOADS
        if design.id not in {"shared", "dual-mode"} and workload not in design.no_law
    ],
)
def test_simulations_agree_with_the_laws(design, workload):
    prepared, seen = run(design, workload)

    assert distance(seen.errors, prepared.law) < CRITICAL
    # mean within five standard errors: a false alarm once in two million
    assert abs(seen.mean - float(prepared.law.mean)) <= 5 * prepared.law.stddev / sqrt(1000)
    assert seen.within(prepared.bound)


@pytest.mark.parametrize("workload", [GROWTH, CHURN])
def test_a_symmetric_tree_with_levels(workload):
    """2 x 4 with 6 CPUs: the items of both levels have the derived laws and are independent."""
    prepared, seen = run("tree-symmetric", workload, arity=(2, 4))

    assert distance(seen.errors, prepared.law) < CRITICAL
    assert abs(seen.mean - float(prepared.law.mean)) < 5 * prepared.law.stddev / sqrt(1000)
    assert seen.within(prepared.bound)


def test_a_workload_without_a_law_is_refused():
    with pytest.raises(ScenarioError, match="its typical error under hop is not known"):
        simulation_of(DESIGNS["tree-symmetric"], parameters(), HOP, 1000, 1)


@pytest.mark.parametrize(
    ("workload", "wrong"), [(GROWTH, HOP), (GROWTH, CHURN), (CHURN, GROWTH), (HOP, GROWTH)]
)
def test_the_law_of_another_workload_is_rejected(workload, wrong):
    _, seen = run("percpu", workload)
    law = typical_of(DESIGNS["percpu"], parameters(percpu_batch=5), workload=wrong)

    assert distance(seen.errors, law) > CRITICAL


def test_the_law_of_another_batch_is_rejected():
    _, seen = run("tree", GROWTH)

    assert distance(seen.errors, typical_of(DESIGNS["tree"], parameters(batch=8))) > CRITICAL


def test_a_seed_determines_the_run():
    assert run("tree", HOP, 50)[1] == run("tree", HOP, 50)[1]
    assert run("tree", HOP, 50)[1] != run("tree", HOP, 50, seed=8)[1]


def test_a_run_ends_after_all_updates():
    prepared = simulation_of(DESIGNS["tree"], parameters(), GROWTH, 10_000, 1)
    done = [done for done, _ in prepared.looks()]

    assert done == sorted(done)
    assert 10_000 <= done[-1] < 12_000
    assert done[0] <= 2000 - prepared.warming


def test_warming_up_forgets_the_start_within_its_limit():
    p = parameters("core:384")
    long = simulation_of(DESIGNS["tree"], p, GROWTH, 10**6, 1)
    short = simulation_of(DESIGNS["tree"], p, GROWTH, 10**3, 1)

    # 8 items of modulus 2048: after t pages each is at t / 8, give or take sqrt(t / 8)
    assert long.warming == long.mixing == 8 * 2048**2 // 4
    assert short.warming == 20 * 10**3 < short.mixing


def test_figures_of_a_run():
    seen = Run((-4, -1, 0, 1, 1, 2, 2, 3, 3, 3))

    assert seen.mean == 1.0
    assert seen.stddev == pytest.approx(sqrt(4.4))
    assert [seen.size_quantile(share) for share in (0.1, 0.5, 0.9, 0.99)] == [0, 2, 3, 4]
    assert seen.share(1, 2) == 0.4
    assert seen.within(rssbound.Interval(3, 4))
    assert not seen.within(rssbound.Interval(3, 3))
    assert not seen.within(rssbound.Interval(2, 4))
    assert seen.within(rssbound.Interval(None, None))
