"""Searches of all states: joined states, and all numbers of threads and thresholds."""

from dataclasses import replace

import pytest

import rssbound
from rssbound.bounds.counter.interval import Interval
from rssbound.bounds.designs import DESIGNS, per_thread, percpu
from rssbound.bounds.proof.search import extreme_errors
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve


def without_symmetry(model, amounts):
    """Search without joining equivalent states."""

    class Plain(type(model)):
        def canonical(self, state):
            return state

    model.__class__ = Plain
    return extreme_errors(model, amounts)


@pytest.mark.parametrize(
    ("make", "amounts"),
    [
        (lambda: percpu.PercpuCounter(3, range(3)), (1, -1, 4)),
        (lambda: percpu.PercpuCounter(2, range(5)), (1, -1, 3, -5)),
        (lambda: per_thread.SplitCounting(2, events_thresh=1), (2, 0, -1)),
        (lambda: per_thread.SplitCounting(3, events_thresh=0), (3, 0, -1)),
        (lambda: DESIGNS["per-node"].model(small("numa:2 core:1", nodes_shift=2)), (40, -1, 1)),
    ],
)
def test_joining_equivalent_slots_does_not_change_the_result(make, amounts):
    assert extreme_errors(make(), amounts) == without_symmetry(make(), amounts)


def small(source, **scenario):
    topology = rssbound.read(source)
    return parameters_of(topology, resolve(rssbound.Scenario(**scenario), topology))


@pytest.mark.parametrize(
    ("threads", "thresh"),
    [
        *((1, 0), (1, 1), (1, 7), (2, 0), (2, 2), (3, 1), (4, 0), (5, 0)),
        *(pytest.param(threads, 0, marks=pytest.mark.long) for threads in (6, 7, 8)),
    ],
)
@pytest.mark.parametrize("fault_pages", [1, 2, 3])
def test_split_counting_with_up_to_eight_threads(threads, thresh, fault_pages):
    """thresh + 2 faults a thread, of `fault_pages` or, with copies on write, minus one page."""
    model = per_thread.SplitCounting(threads, thresh)
    held = (thresh + 2) * threads

    assert extreme_errors(model, (fault_pages, 0, -1)) == Interval(held * fault_pages, held)


@pytest.mark.parametrize(
    "threads", [*range(1, 7), *(pytest.param(most, marks=pytest.mark.long) for most in (7, 8))]
)
def test_the_design_gives_the_same_bound(threads):
    p = replace(small("core:1", threads=threads), events_thresh=0, fault_pages=2)
    found = extreme_errors(DESIGNS["per-thread"].model(p), (2, 0, -1))

    assert DESIGNS["per-thread"].error(p, ("file",)) == found


@pytest.mark.parametrize("cpus", range(2, 9))
@pytest.mark.parametrize("batch", [2, 3, 4])
def test_percpu_with_up_to_eight_cpus(cpus, batch):
    found = extreme_errors(percpu.PercpuCounter(batch, range(cpus)), (1, -1, 3, -5))

    assert found == Interval((batch - 1) * cpus, (batch - 1) * cpus)


@pytest.mark.parametrize("design", DESIGNS)
def test_models_of_equal_structure_have_equal_extremes(design):
    """CPUs 0, 1, 2, 3 and CPUs 4, 5, 6, 7 share items of a tree in the same way."""
    p = small("core:8", batch=2, percpu_batch=2, threads=2)
    p = replace(p, events_thresh=0, fault_pages=2)
    low, high = (
        replace(p, ids=rssbound.CpuSet.parse(ids), online_ids=rssbound.CpuSet.parse(ids))
        for ids in ("0-3", "4-7")
    )
    one, other = (DESIGNS[design].model(parameters) for parameters in (low, high))

    assert one.structure() == other.structure()
    assert extreme_errors(one, (1, -1, 3)) == extreme_errors(other, (1, -1, 3))


def test_trees_whose_cpus_share_other_items_differ_in_structure():
    p = small("core:8", batch=2)
    models = [
        DESIGNS["tree"].model(replace(p, ids=rssbound.CpuSet.parse(ids)))
        for ids in ("0,4", "0,1", "0,2")
    ]

    assert len({model.structure() for model in models}) == 3
