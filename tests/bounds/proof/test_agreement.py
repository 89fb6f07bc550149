"""The five ways agree on small machines, and a wrong bound is detected."""

from dataclasses import replace

import pytest

import rssbound
from rssbound.bounds import DESIGNS, Level
from rssbound.bounds.counter.design import each_counter
from rssbound.bounds.designs import percpu, tree
from rssbound.bounds.proof.agreement import (
    SMALL_HOSTS,
    Agreement,
    agreements_of,
    cases_of_host,
    small_cases,
)
from rssbound.bounds.proof.search import extreme_errors


def test_all_ways_agree_on_small_machines():
    """`rssbound verify --small` does the same on all of them."""
    cases = list(small_cases(map(rssbound.read, SMALL_HOSTS[:5])))
    wrong = [each for case in cases[::7] for each in agreements_of(case) if not each.holds]

    assert wrong == []
    assert {case.design.id for case in cases[::7]} == set(DESIGNS)


def test_a_bound_that_is_one_page_too_small_is_detected():
    def short(p):
        return (
            tuple(replace(level, high=level.high - 1) for level in tree.TREE.levels(p)[:1])
            + (tree.TREE.levels(p)[1:])
        )

    case = next(case for case in small_cases([rssbound.read("core:3")]) if case.design.id == "tree")
    broken = replace(case, design=replace(case.design, levels=each_counter(short)))
    under, _ = agreements_of(broken)

    assert not under.holds
    assert under.searched == under.witness == under.number + len(case.parameters.ids)


def test_a_bound_that_is_too_large_is_detected():
    def wide(p):
        return (*percpu.levels(p), Level("imagined", 1, low=-1, high=0))

    case = next(c for c in small_cases([rssbound.read("core:2")]) if c.design.id == "percpu")
    _, over = agreements_of(replace(case, design=replace(case.design, levels=each_counter(wide))))

    assert not over.holds


def test_offline_cpus_hold_nothing_of_a_percpu_counter():
    possible, online = rssbound.CpuSet.first(4), rssbound.CpuSet.first(2)
    host = rssbound.Topology(possible, possible, online)
    cases = cases_of_host(host, rssbound.Scenario(cpus="possible", batch=2, percpu_batch=3))

    assert all(each.holds for case in cases for each in agreements_of(case))


def test_a_search_with_too_many_states_is_not_run():
    model = percpu.PercpuCounter(100, range(3))

    assert extreme_errors(model, (1, -1), most_states=1000) is None


def test_a_model_whose_error_is_not_a_function_of_its_state_is_refused():
    class Forgetful(percpu.PercpuCounter):
        def state(self):
            return 0

        def canonical(self, state):
            return state

        def enter(self, _):
            pass

    with pytest.raises(AssertionError, match="state 0 is off by 0 and by 1"):
        extreme_errors(Forgetful(4, range(2)), (1,))


def test_updates_in_flight_are_not_verified():
    with pytest.raises(rssbound.ScenarioError, match="in_flight"):
        cases_of_host(rssbound.read("core:2"), rssbound.Scenario(in_flight=1))


AGREED = Agreement("host", "tree", "under", 7, 7, 7, 7, theorem=True)


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        ({}, True),
        ({"searched": None}, True),
        ({"theorem": None}, True),
        ({"number": 8}, False),
        ({"formula": 8}, False),
        ({"witness": 8}, False),
        ({"searched": 8}, False),
        ({"searched": 0}, False),
        ({"theorem": False}, False),
        ({"executed": 7}, True),
        ({"executed": 8}, False),
        ({"executed": 0}, False),
    ],
)
def test_a_difference_in_any_way_is_detected(found, holds):
    assert replace(AGREED, **found).holds is holds


def test_a_witness_below_zero_is_rejected():
    """Without the pages that the process must have first, percpu still reads too high."""

    def from_nothing(p, side):
        return percpu.witness(p, side)[side == "over" :]

    case = next(
        case for case in small_cases([rssbound.read("core:3")]) if case.design.id == "percpu"
    )
    broken = replace(case, design=replace(case.design, witness=from_nothing))
    under, over = agreements_of(broken)

    assert under.holds
    assert (over.witness, over.holds) == (-1, False)
