"""Typical errors: the laws of the long run against the executable models' own chains."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest

import rssbound
from rssbound.bounds.counter.counters import METRICS
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.laws.workloads import (
    CHURN,
    GROWTH,
    HOP,
    HUGE,
    LOCKSTEP,
    SCATTERED,
    WORKLOADS,
)
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.bounds.typical.error import summary_of, typical_of

TREES = ("tree", "tree-binary", "tree-aligned", "tree-centred")


def parameters(host, **scenario):
    topology = rssbound.read(host)
    return parameters_of(topology, resolve(rssbound.Scenario(**scenario), topology))


def residual(model):
    return model.precise - model.approximate


def stationary(model, moves):
    """Find the states that a model reaches and their stationary law, in exact fractions.

    `moves` are (probability, action). The law is found by elimination (Grassmann, Taksar and
    Heyman), without any use of the expected law. Gives the law of the model's error.
    """
    states = {model.state(): 0}
    errors = {model.state(): residual(model)}
    steps = []
    for state in (order := [model.state()]):
        row = Counter()
        for chance, act in moves:
            model.enter(state)
            start = model.approximate - model.precise
            act(model)
            after = model.state()
            if after not in states:
                states[after] = len(states)
                order.append(after)
                errors[after] = errors[state] + residual(model) + start
            row[states[after]] += chance
        steps.append(row)
    size = len(order)
    rates = [[row.get(column, Fraction(0)) for column in range(size)] for row in steps]
    for last in range(size - 1, 0, -1):
        leaving = sum(rates[last][:last])
        for row in range(last):
            if rates[row][last]:
                rates[row][last] /= leaving
                for column in range(last):
                    rates[row][column] += rates[row][last] * rates[last][column]
    weights = [Fraction(1)]
    for column in range(1, size):
        weights.append(sum(weights[row] * rates[row][column] for row in range(column)))
    law = Counter()
    for state, weight in zip(order, weights, strict=True):
        law[errors[state]] += weight / sum(weights)
    return law


def faults(place, pages):
    def act(model):
        for _ in range(pages):
            model.update(place, 1)

    return act


def unmap(place, pages):
    return lambda model: model.work([(place, -pages)], by_munmap=True)


def reclaim(place):
    return lambda model: model.work([(place, -1)], by_munmap=False)


def huge(place, pages):
    return lambda model: model.work([(place, pages)], huge=True)


def moves_of(workload, places, period):
    """List the moves of a workload, as docs/theory.md states it, with their probabilities."""
    if workload == HUGE:
        return [(Fraction(1, len(places)), huge(place, period)) for place in places]
    if workload == GROWTH:
        return [(Fraction(1, len(places)), faults(place, 1)) for place in places]
    if workload == CHURN:
        chance = Fraction(1, 2 * len(places))
        acts = [act for place in places for act in (faults(place, 1), reclaim(place))]
        return [(chance, act) for act in acts]
    chance = Fraction(1, 2 * len(places) * period)
    return [
        (chance, act)
        for place, size in product(places, range(period, 2 * period))
        for act in (faults(place, size), unmap(place, size))
    ]


def same(law, found):
    assert sum(found.values()) == 1
    assert law.mean == sum(error * share for error, share in found.items())
    mean = law.mean
    assert law.variance == sum((error - mean) ** 2 * share for error, share in found.items())
    total = Fraction(0)
    for error in sorted(found):
        total += found[error]
        assert law.cdf(error) == pytest.approx(float(total), abs=1e-12)


@pytest.mark.parametrize("workload", SCATTERED)
@pytest.mark.parametrize("design", TREES)
@pytest.mark.parametrize("host", ["core:2", "core:3", "package:2 core:2"])
def test_trees_have_the_same_law_under_every_workload(host, design, workload):
    """All states are equally likely under any updates of single pages."""
    p = parameters(host, batch=2)
    model = DESIGNS[design].model(p)
    found = stationary(model, moves_of(workload, model.places, 8))

    same(typical_of(DESIGNS[design], p, workload=workload), found)


@pytest.mark.parametrize("huge_pages", [1, 2, 4, 8])
@pytest.mark.parametrize("design", TREES)
@pytest.mark.parametrize("host", ["core:3", "package:2 core:2"])
def test_huge_pages_reach_only_their_multiples(host, design, huge_pages):
    """Only some states are reached: 4 of the last level, 2 with a bias of half the range."""
    p = replace(parameters(host, batch=2), huge_pages=huge_pages)
    model = DESIGNS[design].model(p)
    found = stationary(model, moves_of(HUGE, model.places, huge_pages))

    same(typical_of(DESIGNS[design], p, workload=HUGE), found)


@pytest.mark.parametrize(("batch", "huge_pages"), [(5, 2), (4, 2), (7, 3), (3, 4), (3, 3)])
def test_huge_pages_flush_before_they_hold_a_batch(batch, huge_pages):
    p = replace(parameters("core:2", percpu_batch=batch), huge_pages=huge_pages)
    model = DESIGNS["percpu"].model(p)
    found = stationary(model, moves_of(HUGE, model.places, huge_pages))

    same(typical_of(DESIGNS["percpu"], p, workload=HUGE), found)


def test_huge_pages_bypass_split_counting():
    p = parameters("core:1", threads=2)
    model = DESIGNS["per-thread"].model(p)
    model.work([(0, 512), (1, 512), (0, 512)], huge=True)

    assert (model.approximate, model.precise) == (1536, 1536)
    assert typical_of(DESIGNS["per-thread"], p, workload=HUGE).high == 0


@pytest.mark.parametrize("host", ["core:1", "core:3", "package:2 numa:2 core:2", "core:6"])
@pytest.mark.parametrize("design", DESIGNS)
def test_in_lockstep_every_phase_of_the_sawtooth_is_equally_likely(design, host):
    """Run the model, a page at each place in turn, over four periods after the first."""
    p = parameters(host, batch=2, percpu_batch=5, threads=2)
    model = DESIGNS[design].model(p)
    rounds = 4 * DESIGNS[design].slots(p).period
    seen = Counter()
    for number in range(rounds + rounds // 4):
        model.work([(place, 1) for place in model.places])
        if number >= rounds // 4:
            seen[residual(model)] += Fraction(1, rounds)
    if design == "per-thread":  # the model counts file, a fault of which maps 16 pages; anon 1
        assert typical_of(DESIGNS[design], p, ("file",), LOCKSTEP).high == 2 * 16 * 66

    same(typical_of(DESIGNS[design], p, workload=LOCKSTEP), seen)


def test_lockstep_without_holes_in_the_ids_has_the_law_of_the_cpu_level():
    """All 8 CPUs complete a batch together, so all items above pass it up at once."""
    p = parameters("core:8", batch=4)
    law = typical_of(DESIGNS["tree"], p, workload=LOCKSTEP)

    assert [law.cdf(pages) for pages in (-1, 0, 8, 16, 24)] == [0, 0.25, 0.5, 0.75, 1]


def test_lockstep_often_exceeds_the_99_percent_value_of_growth():
    """384 CPUs, percpu: above the 99% of growth for 358 of 768 phases."""
    p = parameters("core:384")
    printed = summary_of(DESIGNS["percpu"], p).p99
    law = typical_of(DESIGNS["percpu"], p, workload=LOCKSTEP)

    # 384 * 410 = 157,440 is the first multiple above it; phases 410 .. 767
    assert 384 * 409 < printed < 384 * 410
    assert 1 - law.cdf(printed) == pytest.approx(358 / 768)


@pytest.mark.parametrize("workload", SCATTERED)
@pytest.mark.parametrize(
    ("host", "batch"), [("core:1", 7), ("core:2", 2), ("core:2", 5), ("core:3", 3)]
)
def test_percpu_depends_on_the_workload(host, batch, workload):
    """Slots of several CPUs are independent in the long run: the whole chain is solved."""
    p = parameters(host, percpu_batch=batch)
    model = DESIGNS["percpu"].model(p)
    found = stationary(model, moves_of(workload, model.places, 2 * batch))

    same(typical_of(DESIGNS["percpu"], p, workload=workload), found)


@pytest.mark.parametrize("workload", SCATTERED)
@pytest.mark.parametrize(("threads", "thresh"), [(1, 5), (2, 2)])
def test_split_counting(threads, thresh, workload):
    """A thread holds 1 to thresh + 2 faults, or none after it has unmapped something itself."""
    p = replace(parameters("core:1", threads=threads), events_thresh=thresh)
    model = DESIGNS["per-thread"].model(p)
    for thread in model.places:  # without an unmap the first window never recurs
        faults(thread, 2 * (thresh + 2))(model)
    found = stationary(model, moves_of(workload, model.places, 2 * (thresh + 2)))

    same(typical_of(DESIGNS["per-thread"], p, workload=workload), found)


def test_churn_in_one_slot_is_triangular():
    """Batch 4: residuals -3 .. 3 in proportions 1 2 3 4 3 2 1, derived by hand."""
    law = typical_of(DESIGNS["percpu"], parameters("core:1", percpu_batch=4), workload=CHURN)

    assert [round(16 * (law.cdf(at) - law.cdf(at - 1)), 9) for at in range(-3, 4)] == [
        *(1, 2, 3, 4, 3, 2, 1),
    ]


def test_hop_leaves_a_slot_empty_half_of_the_time():
    law = typical_of(DESIGNS["percpu"], parameters("core:1", percpu_batch=4), workload=HOP)

    assert [8 * (law.cdf(at) - law.cdf(at - 1)) for at in range(4)] == [5, 1, 1, 1]


def test_the_published_measurement():
    """384 CPUs: 79 MiB, give or take 7; the author of the tree measured 80MB."""
    law = typical_of(DESIGNS["tree"], parameters("package:2 numa:4 l3:3 core:8 pu:2"))

    assert law.mean == Fraction(40576, 2)
    # 384 * (32^2 - 1) / 12 + 64 * 32^2 * (8^2 - 1) / 12 + 8 * 256^2 * (8^2 - 1) / 12
    assert law.variance == 32736 + 344064 + 2752512
    assert (round(law.mean * 4096 / 2**20), round(law.stddev * 4096 / 2**20)) == (79, 7)


def test_a_fault_counts_all_pages_that_it_maps():
    p = parameters("core:1", threads=3)
    design = DESIGNS["per-thread"]

    assert typical_of(design, p, ("anon",)).high == 3 * 66
    assert typical_of(design, p, ("file",)).mean == 3 * 16 * Fraction(67, 2)
    assert typical_of(design, p, ("swap",)).high == 0


@pytest.mark.parametrize(
    ("design", "workload"),
    [
        (design.id, workload)
        for design in DESIGNS.values()
        for workload in WORKLOADS
        if workload not in design.no_law
    ],
)
@pytest.mark.parametrize("host", ["core:1", "core:2", "package:2 numa:2 core:9 pu:2"])
def test_laws_stay_within_the_bound(design, host, workload):
    p = parameters(host, threads=3, in_flight=0)
    for counters in (("anon",), *METRICS.values()):
        law = typical_of(DESIGNS[design], p, counters, workload)
        bound = DESIGNS[design].error(p, counters)

        assert -bound.over <= law.low <= law.high <= bound.under


def test_updates_in_flight_are_left_out():
    host = rssbound.read("core:16")
    settled, flying = (
        rssbound.analyze(host, rssbound.Scenario(in_flight=number), ["tree"])[0].typical
        for number in (0, 3)
    )

    assert settled == flying


def test_the_summary_of_two_cpus():
    """Two residuals uniform on 0 .. 31: P(S <= 58) = 1 - 6/1024, P(S <= 57) = 1 - 10/1024."""
    found = summary_of(DESIGNS["tree"], parameters("core:2"))

    assert (found.mean, found.median, found.p99, found.workload) == (31, 31, 58, "growth")
