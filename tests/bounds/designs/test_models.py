"""The executable models against the stepped counters of the tests, which are independent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Percpu, PerNode, Split, Symmetric, Tree, TwoWords, modulo_levels

import rssbound
from rssbound import CpuSet, Scenario, Topology
from rssbound.bounds import DESIGNS
from rssbound.bounds.counter.executable import replay, single_pages
from rssbound.bounds.designs import per_node, per_thread, percpu, tree
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve

UPDATES = st.lists(st.tuples(st.integers(0, 11), st.integers(-5000, 5000)), max_size=80)


def parameters(host="core:12", **scenario):
    topology = rssbound.read(host) if isinstance(host, str) else host
    return parameters_of(topology, resolve(Scenario(**scenario), topology))


@pytest.mark.parametrize("design", ["tree", "tree-binary"])
@given(UPDATES, st.integers(1, 9))
def test_tree(design, updates, batch_order):
    arities = tree.ARITIES[4] if design == "tree" else (1, 1, 1, 1)
    model = DESIGNS[design].model(parameters(batch=1 << batch_order))
    oracle = Tree(modulo_levels(arities), 1 << batch_order)
    for cpu, pages in updates:
        model.update(cpu, pages)
        oracle.add(cpu, pages)
        assert (model.approximate, model.precise) == (oracle.approximate, oracle.precise)


@given(UPDATES)
def test_an_update_of_the_tree_can_stop_between_levels(updates):
    model, oracle = tree.TREE.model(parameters()), Tree(modulo_levels(tree.ARITIES[4]), 32)
    for cpu, pages in updates:
        ours, theirs = model.steps(cpu, pages), oracle.steps(cpu, pages)
        assert next(ours) == next(theirs, 0)
        assert model.precise == oracle.precise
        for steps in (ours, theirs):
            for _ in steps:
                pass
    assert model.approximate == oracle.approximate


def test_a_carry_that_is_a_multiple_of_the_modulus_skips_the_item():
    """16 ids: 4 x 2 x 2, so batch 32, then items of 128 and 256."""
    model = tree.TREE.model(parameters(batch=32))

    def held():
        return [sum(values.values()) for _, _, values in model.levels]

    for pages, expected in ((128, [0, 128]), (256, [0, 128]), (32, [32, 128]), (96, [128, 256])):
        model.update(0, pages)
        assert held() == expected
    assert model.approximate == model.precise == 512


@given(UPDATES, st.integers(1, 100))
def test_percpu(updates, batch):
    model, oracle = percpu.model(parameters(percpu_batch=batch)), Percpu(batch)
    for cpu, pages in updates:
        model.update(cpu, pages)
        oracle.add(cpu, pages)
        assert (model.approximate, model.precise) == (oracle.count, oracle.precise)


def test_unplugging_folds_a_cpu_and_shrinks_the_batch():
    model = percpu.PercpuCounter(2 * 24, range(24))
    for cpu in range(24):
        model.update(cpu, 47)
    for cpu in range(16, 24):
        model.unplug(cpu)

    assert model.batch == 32
    assert model.approximate == 8 * 47
    assert model.precise - model.approximate == 16 * 47


@pytest.mark.parametrize("arity", [(16,), (4, 4), (2, 2, 4)])
@given(UPDATES, st.integers(1, 9))
def test_symmetric_tree(arity, updates, batch_order):
    p = parameters(batch=1 << batch_order, arity=arity)
    model = DESIGNS["tree-symmetric"].model(p)
    orders = [fan_out.bit_length() - 1 for fan_out in arity]
    oracle = Symmetric(modulo_levels(orders), 1 << batch_order)
    for cpu, pages in updates:
        model.update(cpu, pages)
        oracle.add(cpu, pages)
        assert (model.approximate, model.precise) == (oracle.root, oracle.precise)


@pytest.mark.parametrize("design", ["lazy", "lazy-tree"])
@given(UPDATES)
def test_two_words_are_exact_for_every_updater(design, updates):
    """Remote updates before the second thread, from other CPUs than the first, are exact too."""
    model, oracle, total = DESIGNS[design].model(parameters()), TwoWords(), 0
    for cpu, pages in updates:
        model.update(cpu, pages)
        oracle.add(cpu == 0, pages)
        total += pages
        assert model.approximate == model.precise == oracle.read == total


@pytest.mark.parametrize("side", ["under", "over"])
@pytest.mark.parametrize("design", ["tree-symmetric", "lazy-tree"])
def test_the_witness_of_a_shape_with_levels(design, side):
    """2 x 2 x 4 of 12 CPUs: replayed, never below zero, and at the bound."""
    p = parameters(batch=8, arity=(2, 2, 4), threads=2)
    chosen = DESIGNS[design]
    model = chosen.model(p)
    lowest = replay(model, chosen.witness(p, side))
    error = chosen.error(p, ("anon",))

    assert lowest == 0
    assert abs(model.precise - model.approximate) == getattr(error, side)
    assert (model.precise > model.approximate) is (side == "under")
    assert error.under == 12 * 7 + 8 * 8 + 4 * 16


@given(UPDATES)
def test_per_node(updates):
    model = per_node.model(parameters("numa:3 core:4"))
    oracle = PerNode(32, 32)
    for cpu, pages in updates:
        model.update(cpu, pages)
        oracle.add(cpu // 4, pages)
        assert (model.approximate, model.precise) == (oracle.total, oracle.precise)


FAULTS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(
            [{"anon": 1}, {"file": 16}, {"file": -1, "anon": 1}, {"swap": -1, "anon": 1}]
        ),
    ),
    max_size=400,
)


@settings(max_examples=40)
@given(FAULTS)
def test_split_counting(faults):
    model, oracle = per_thread.SplitCounting(3), Split(3)
    for thread, pages in faults:
        model.fault(thread, pages)
        oracle.fault(thread, **pages)
        for counters in (("anon",), ("file",), ("file", "anon", "shmem")):
            assert model.read(counters) == oracle.read(counters)
            assert model.precise_sum(counters) == oracle.precise(counters)


def test_the_66th_fault_syncs():
    model = per_thread.SplitCounting(1)
    for _ in range(65):
        model.update(0, 1)
    assert model.approximate == 0
    model.update(0, 1)
    assert (model.approximate, model.precise) == (65, 66)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_model_set_to_a_state_continues_like_one_that_reached_it(design):
    p = parameters("numa:2 core:2", threads=4)
    reached, entered = DESIGNS[design].model(p), DESIGNS[design].model(p)
    for number in range(150):
        reached.update(number % 4, 37 * number % 101 - 40)
    entered.enter(reached.state())
    offset = reached.approximate - entered.approximate
    for number in range(150):
        for model in (reached, entered):
            model.update(number % 3, 53 * number % 97 - 45)

    assert reached.state() == entered.state()
    assert reached.approximate - entered.approximate == offset


def test_single_pages_lead_to_the_same_values():
    p = parameters("core:12", batch=8)
    one, other = tree.TREE.model(p), tree.TREE.model(p)
    updates = ((0, 300), (5, -17), (11, 64))
    replay(one, updates)
    replay(other, single_pages(updates))

    assert (one.approximate, one.precise) == (other.approximate, other.precise)


def test_replay_returns_the_lowest_precise_value():
    model = percpu.PercpuCounter(32, range(2))

    assert replay(model, ((0, 5), (1, -9), (0, 10))) == -4


def test_hole_in_the_ids():
    cpus = CpuSet.parse("6-7,10-11,14-15")
    p = parameters(Topology(cpus, cpus, cpus))
    model = tree.TREE.model(p)
    replay(model, tree.TREE.witness(p, "under"))

    assert model.precise - model.approximate == tree.DESIGN.error(p, ("anon",)).under
