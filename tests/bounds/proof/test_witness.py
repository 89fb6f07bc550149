"""Witnesses end with exactly the bound when replayed on independently written counters."""

from dataclasses import replace

import pytest
from oracle import Percpu, Split, Tree, modulo_levels

import rssbound
from rssbound import Scenario, ScenarioError
from rssbound.bounds import DESIGNS
from rssbound.bounds.designs import tree
from rssbound.bounds.proof.witness import witness_of

HOSTS = ["core:1", "core:2", "core:5", "package:2 numa:2 l3:2 core:3 pu:2", "core:384"]


@pytest.mark.parametrize("style", ["shortest", "pages"])
@pytest.mark.parametrize("metric", ["counter", "rss", "oom"])
@pytest.mark.parametrize("side", ["under", "over"])
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("host", HOSTS[:-1])
def test_a_witness_ends_with_exactly_the_bound(host, design, side, metric, style):
    topology = rssbound.read(host)
    scenario = Scenario(threads=2)
    (result,) = rssbound.analyze(topology, scenario, [design])
    found = witness_of(topology, design, side, scenario, metric=metric, style=style)
    error = result.worst_counter if metric == "counter" else getattr(result, metric)

    assert found.error == found.bound == getattr(error, side)
    assert found.precise >= 0


@pytest.mark.parametrize("style", ["shortest", "pages"])
def test_the_tree_by_the_kernels_own_carry(style):
    found = witness_of(rssbound.read("core:384"), "tree", "under", style=style)
    counter = Tree(modulo_levels(tree.ARITIES[9]), 32)
    for cpu, pages in found.updates:
        counter.add(cpu, pages)

    assert counter.error == found.bound == 40_576
    assert (counter.approximate, counter.precise) == (found.approximate, found.precise)


@pytest.mark.parametrize(("side", "sign"), [("under", 1), ("over", -1)])
@pytest.mark.parametrize("style", ["shortest", "pages"])
def test_percpu_by_the_kernels_own_rule(side, sign, style):
    found = witness_of(rssbound.read("core:384"), "percpu", side, style=style)
    counter = Percpu(768)
    for cpu, pages in found.updates:
        counter.add(cpu, pages)
        assert counter.precise >= 0

    assert sign * (counter.precise - counter.count) == found.bound == 294_528


@pytest.mark.parametrize("window", [0, 8192, 65536])
@pytest.mark.parametrize("metric", ["rss", "oom"])
def test_a_sum_of_split_counters_is_too_high_only_through_a_clamp(metric, window):
    topology = rssbound.read("core:2")
    scenario = Scenario(threads=3, fault_around_bytes=window)
    found = witness_of(topology, "per-thread", "over", scenario, metric=metric)
    process = Split(3)
    for thread, pages in found.updates:
        if thread is None:
            process.direct(**pages)
        else:
            process.fault(thread, **pages)

    assert process.read(found.counters) - process.precise(found.counters) == 3 * 66 == found.bound


@pytest.mark.parametrize("side", ["under", "over"])
@pytest.mark.parametrize("metric", ["counter", "rss", "oom"])
@pytest.mark.parametrize("design", DESIGNS)
def test_pinning_a_process_does_not_reduce_its_error(design, side, metric):
    topology = rssbound.read("numa:2 core:4")
    few = Scenario(cpus=rssbound.CpuSet.of([2, 5]), threads=2)
    found = witness_of(topology, design, side, few, metric=metric)

    assert found.own_cpus == few.cpus
    assert (
        found.bound
        == witness_of(topology, design, side, replace(few, cpus="online"), metric=metric).bound
    )


def test_other_tasks_update_on_cpus_where_the_process_never_runs():
    topology = rssbound.read("core:8")
    few = Scenario(cpus=rssbound.CpuSet.of([2, 5]))
    found = witness_of(topology, "percpu", "under", few)
    alone = witness_of(topology, "percpu", "under", replace(few, updaters="own"))

    assert str(found.foreign_cpus) == "0-1,3-4,6-7"
    assert (found.bound, alone.bound) == (8 * 31, 2 * 31)
    assert alone.own_cpus == found.own_cpus
    assert not alone.foreign_cpus


def test_with_per_thread_slots_only_the_process_updates():
    found = witness_of(rssbound.read("core:8"), "per-thread", "under", Scenario(threads=3))

    assert not found.foreign_cpus


def test_every_cpu_is_updated_once_if_each_must_hold_pages():
    assert len(witness_of(rssbound.read("core:384"), "tree", "under").updates) == 384
    assert len(witness_of(rssbound.read("core:384"), "percpu", "under").updates) == 384


def test_style_pages_uses_single_pages():
    found = witness_of(rssbound.read("core:6"), "percpu", "over", style="pages")

    assert {abs(pages) for _, pages in found.updates} == {1}


def test_without_a_bound_there_is_a_schedule_that_grows():
    scenario = Scenario(in_flight=1)
    found = witness_of(rssbound.read("numa:2 core:4"), "per-node", "over", scenario)
    sizes = [abs(round_.error) for round_ in found.schedule]

    assert found.bound is None
    assert sizes == [63, 95, 127, 159, 191, 223, 255, 287]
    assert found.schedule[-1].error == found.error == found.approximate - found.precise > 0


@pytest.mark.parametrize("side", ["under", "over"])
def test_the_schedule_ends_on_the_requested_side(side):
    scenario = Scenario(in_flight=1)
    found = witness_of(rssbound.read("numa:2 core:4"), "per-node", side, scenario)

    assert (found.schedule[-1].error > 0) == (side == "over")
    assert found.precise >= 0


def test_impossible_requests_are_refused():
    with pytest.raises(ScenarioError, match="in_flight: a witness ends with settled"):
        witness_of(rssbound.read("core:2"), "tree", "under", Scenario(in_flight=1))
    with pytest.raises(ScenarioError, match="unknown design oak"):
        witness_of(rssbound.read("core:2"), "oak", "under")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda updates: updates[1:], "goes down to"),  # too high without the pages to take
        (lambda updates: updates[:-1], "gives 93, not 124"),  # 4 CPUs, one not filled
    ],
)
def test_a_wrong_witness_is_never_returned(monkeypatch, spoil, words):
    design = DESIGNS["percpu"]
    wrong = replace(design, witness=lambda p, side: spoil(design.witness(p, side)))
    monkeypatch.setitem(DESIGNS, "percpu", wrong)

    with pytest.raises(RuntimeError, match=words):
        witness_of(rssbound.read("core:4"), "percpu", "over")
