"""Every bound against the stepped counters: it is reached and never exceeded."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import (
    Percpu,
    PerNode,
    Split,
    Symmetric,
    Tree,
    extreme_errors,
    fill,
    kernel_carry,
    modulo_levels,
)

import rssbound
from rssbound import CpuSet, Interval, Scenario, Topology
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.designs.tree import ARITIES
from rssbound.bounds.proof.search import extreme_errors as states_of
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve


def kernel_levels(design, nr_cpu_ids):
    order = (nr_cpu_ids - 1).bit_length()
    return modulo_levels(ARITIES[order] if design == "tree" else (1,) * order)


TREES = ["tree", "tree-binary"]


def bound(design, ids, possible=None, **scenario):
    possible = CpuSet.of(ids) if possible is None else possible
    host = Topology(possible, possible, possible)
    (result,) = rssbound.analyze(
        host, Scenario(cpus=CpuSet.of(ids), updaters="own", **scenario), [design]
    )
    return result


@st.composite
def cpu_sets(draw, most=300):
    """Some of the CPU ids of a machine with any number of ids: holes, offline, restricted."""
    nr_cpu_ids = draw(st.integers(2, most))
    ids = draw(st.sets(st.integers(0, nr_cpu_ids - 1), min_size=1, max_size=40))
    return nr_cpu_ids, sorted(ids)


@given(st.integers(-(10**6), 10**6), st.integers(-5000, 5000), st.integers(1, 12))
def test_the_kernels_carry_equals_a_difference_of_floors(old, pages, order):
    unit = 1 << order

    assert kernel_carry(old, old + pages, pages, unit) == (
        (old + pages) // unit * unit - old // unit * unit
    )


@pytest.mark.parametrize("design", TREES)
@given(cpu_sets(), st.integers(1, 9))
def test_filling_every_item_reaches_the_bound(design, machine, batch_order):
    nr_cpu_ids, ids = machine
    tree = fill(Tree(kernel_levels(design, nr_cpu_ids), 1 << batch_order), ids)
    error = bound(design, ids, CpuSet.first(nr_cpu_ids), batch=1 << batch_order).counters["anon"]

    assert tree.error == error.under


@pytest.mark.parametrize("design", TREES)
@settings(max_examples=60)
@given(
    cpu_sets(),
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(0, 39), st.integers(-3000, 3000)), max_size=200),
)
def test_every_history_stays_within_the_interval(design, machine, batch_order, updates):
    nr_cpu_ids, ids = machine
    tree = Tree(kernel_levels(design, nr_cpu_ids), 1 << batch_order)
    error = bound(design, ids, CpuSet.first(nr_cpu_ids), batch=1 << batch_order).counters["anon"]

    for place, pages in updates:
        tree.add(ids[place % len(ids)], pages)
        assert -error.over <= tree.error <= error.under


SMALL = [
    (nr_cpu_ids, batch, ids)
    for nr_cpu_ids, batch in [(2, 2), (2, 4), (3, 2), (3, 4), (4, 2)]
    for size in range(1, nr_cpu_ids + 1)
    for ids in combinations(range(nr_cpu_ids), size)
] + [(8, 2, ids) for ids in [(0,), (0, 4), (1, 3), (0, 1, 2), (3, 5, 7)]]


@pytest.mark.parametrize("design", TREES)
@pytest.mark.parametrize(("nr_cpu_ids", "batch", "ids"), SMALL)
def test_all_states_of_a_small_tree_fill_the_interval(design, nr_cpu_ids, batch, ids):
    error = bound(design, ids, CpuSet.first(nr_cpu_ids), batch=batch).counters["anon"]
    levels = kernel_levels(design, nr_cpu_ids)

    assert extreme_errors(levels, batch, ids, (1, -1, 3, -5)) == (error.under, error.over)


def test_a_bias_of_half_the_range_centres_the_search_space():
    """Odd and even ranges: the bias is added to the approximate value."""
    for ids in [(0, 1, 2, 3), (0, 1, 2), (0, 2)]:
        low, high = extreme_errors(kernel_levels("tree", 4), 4, ids, (1, -1, 3))
        error = bound("tree-centred", ids, CpuSet.first(4), batch=4).counters["anon"]
        bias = error.over

        assert (low - bias, high + bias) == (error.under, error.over)
        assert 0 <= error.under - error.over <= 1


ALIGNED = [
    # host, orders of the fan-ins from the inside out, CPU -> item of each level
    ("package:2 core:2 pu:2", [1, 1], [lambda cpu: cpu // 2, lambda cpu: cpu // 4]),
    ("package:2 core:3 pu:1", [2], [lambda cpu: cpu // 3]),
    ("package:3 l3:2 core:1 pu:2", [1, 1], [lambda cpu: cpu // 2, lambda cpu: cpu // 4]),
    ("core:4 pu:2(indexes=2*4:1*2)", [1], [lambda cpu: cpu % 4]),
]


@pytest.mark.parametrize(("host", "orders", "groups"), ALIGNED)
def test_the_aligned_tree_is_stepped_with_the_machines_groups(host, orders, groups):
    machine = rssbound.read(host)
    (result,) = rssbound.analyze(machine, Scenario(batch=4), ["tree-aligned"])
    levels = list(zip(orders, groups, strict=True))
    tree = fill(Tree(levels, 4), list(machine.possible))

    assert tree.error == result.counters["anon"].under
    for cpu in machine.possible:
        tree.add(cpu, -37 * (cpu + 1))
        assert 0 <= tree.error <= result.counters["anon"].under


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("nr_cpu_ids", "pages"), [(8, 1), (8, 300), (384, 1), (384, 5000)])
def test_a_stopped_updater_widens_the_tree_by_one_carry(nr_cpu_ids, pages, sign):
    """Update a full (or empty) tree, stop before the root, and undo the update by another."""
    tree = Tree(kernel_levels("tree", nr_cpu_ids), 32)
    ids = range(nr_cpu_ids)
    if sign > 0:
        fill(tree, ids)
    stopped = tree.steps(0, sign * pages)
    for _ in range(len(tree.items) + 1):
        next(stopped)
    tree.add(0, -sign * pages)
    error = bound("tree", ids, in_flight=1, max_increment=pages).counters["anon"]

    assert tree.error == (error.under if sign > 0 else -error.over)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 11), st.integers(-99, 99)), max_size=60)
)
def test_three_overlapping_updaters_stay_within_the_bounds(moves):
    """Each move steps one of three updaters, which begins its next update after it finishes one."""
    tree = Tree(kernel_levels("tree", 12), 4)
    flying = {}
    wide = bound("tree", range(12), batch=4, in_flight=3, max_increment=99).counters["anon"]
    narrow = bound("tree", range(12), batch=4).counters["anon"]
    for updater, cpu, pages in moves:
        updates = flying.setdefault(updater, tree.steps(cpu, pages))
        if next(updates, None) is None:
            del flying[updater]
        assert -wide.over <= tree.error <= wide.under
    for updates in flying.values():
        for _ in updates:
            pass

    assert 0 <= tree.error <= narrow.under


SHAPES = [(4, (2, 2)), (8, (8,)), (8, (4, 2)), (16, (4, 4)), (12, (8, 2)), (30, (4, 4, 2))]


def shaped(nr_cpu_ids, arity, batch):
    """The stepped tree of a shape, and its stated bound."""
    levels = modulo_levels([fan_out.bit_length() - 1 for fan_out in arity])
    result = bound("tree-symmetric", range(nr_cpu_ids), batch=batch, arity=arity)
    return Symmetric(levels, batch), result.counters["anon"]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("batch", [2, 32])
@pytest.mark.parametrize(("nr_cpu_ids", "arity"), SHAPES)
def test_saturating_a_symmetric_tree_reaches_its_bound(nr_cpu_ids, arity, batch, sign):
    """From the level below the root down, each item is filled to its maximum."""
    counter, error = shaped(nr_cpu_ids, arity, batch)
    for level in reversed(range(len(counter.units))):
        below = counter.units[level - 1] if level else 1
        for cpu in {counter.group_of[level](cpu): cpu for cpu in range(nr_cpu_ids)}.values():
            counter.add(cpu, sign * (counter.units[level] - below))

    assert sign * counter.error == error.under == error.over


@pytest.mark.parametrize(("nr_cpu_ids", "arity"), SHAPES)
@settings(max_examples=30)
@given(data=st.data(), batch_order=st.integers(1, 6))
def test_every_history_stays_within_the_symmetric_interval(nr_cpu_ids, arity, batch_order, data):
    counter, error = shaped(nr_cpu_ids, arity, 1 << batch_order)
    updates = st.tuples(st.integers(0, nr_cpu_ids - 1), st.integers(-900, 900))
    for cpu, pages in data.draw(st.lists(updates, max_size=120)):
        counter.add(cpu, pages)
        assert abs(counter.error) <= error.under == error.over


@pytest.mark.parametrize(
    ("nr_cpu_ids", "arity", "batch"), [(4, (2, 2), 2), (4, (2, 2), 4), (3, (2, 2), 4), (8, (8,), 2)]
)
def test_all_states_of_a_small_symmetric_tree_fill_the_interval(nr_cpu_ids, arity, batch):
    host = rssbound.read(f"core:{nr_cpu_ids}")
    p = parameters_of(host, resolve(Scenario(arity=arity, batch=batch), host))
    design = DESIGNS["tree-symmetric"]
    error = design.error(p, ("anon",))

    assert states_of(design.model(p), (1, -1, 3, -5)) == error
    assert error.under == error.over > 0


@given(st.integers(1, 200), st.data())
def test_the_bound_of_percpu_is_reached_and_not_exceeded(cpus, data):
    error = bound("percpu", range(cpus)).counters["anon"]
    batch = max(32, 2 * cpus)
    for sign in (1, -1):
        counter = Percpu(batch)
        for cpu in range(cpus):
            counter.add(cpu, sign * (batch - 1))
        assert sign * (counter.precise - counter.count) == error.under == error.over

    counter = Percpu(batch)
    for _ in range(50):
        counter.add(data.draw(st.integers(0, cpus - 1)), data.draw(st.integers(-600, 600)))
        assert abs(counter.precise - counter.count) <= error.under


def test_slots_of_percpu_stay_full_after_unplugging():
    counter = Percpu(2 * 64)
    for cpu in range(64):
        counter.add(cpu, 127)
    for cpu in range(16, 64):
        counter.unplug(cpu, max(32, 2 * 16))

    possible, online = CpuSet.first(64), CpuSet.first(16)
    host = Topology(possible, possible, online)
    (result,) = rssbound.analyze(host, Scenario(max_online=64), ["percpu"])
    assert counter.precise - counter.count == result.counters["anon"].under == 127 * 16


@pytest.mark.parametrize("sign", [1, -1])
def test_per_node_is_reached_by_updates_that_do_not_overlap(sign):
    host = rssbound.read("numa:6 core:2 pu:1")
    (result,) = rssbound.analyze(host, None, ["per-node"])
    counter = PerNode(32, 32)
    for node in range(6):
        counter.add(node, sign * 31)

    assert sign * (counter.precise - counter.total) == result.counters["anon"].under
    assert result.counters["anon"] == Interval(6 * 31, 6 * 31)


def test_successive_interrupted_updaters_exceed_every_bound_of_per_node():
    """The settled slot goes 31, -63, 95, -127, ..: another batch each round."""
    counter = PerNode(32, 32)
    counter.add(0, 31)
    settled = []
    for round_ in range(6):
        sign = 1 if round_ % 2 == 0 else -1
        start = counter.held[0]
        stopped = counter.begin(0, sign * 32 - start)
        for _ in range(63):
            counter.finish(*counter.begin(0, -sign))
        counter.finish(*stopped)
        settled.append(abs(counter.held[0]))

    assert settled == sorted(settled)
    assert settled[-1] > 31


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize(
    ("counter", "fault"), [("anon", {"anon": 1}), ("file", {"file": 16}), ("shmem", {"shmem": 16})]
)
def test_66_faults_of_each_thread_are_not_read(threads, counter, fault):
    process = Split(threads)
    for thread in range(threads):
        for _ in range(66):
            process.fault(thread, **fault)
        before = process.mm[counter]
        for _ in range(65):
            process.fault(thread, **fault)
        assert process.mm[counter] == before
    result = bound("per-thread", [0], threads=threads)

    assert process.precise([counter]) - process.read([counter]) == result.counters[counter].under
    rss = ("file", "anon", "shmem")
    assert process.precise(rss) - process.read(rss) <= result.rss.under


def test_counters_of_a_thread_share_the_event_budget():
    """For any mix of faults, RSS is too low by at most the bound of the worst kind of fault."""
    process = Split(1)
    kinds = [{"anon": 1}, {"file": 16}, {"shmem": 16}, {"file": -1, "anon": 1}]
    result = bound("per-thread", [0])
    rss = ("file", "anon", "shmem")
    worst = 0
    process.direct(file=10_000)
    for number in range(1000):
        process.fault(0, **kinds[number * 7 % 4])
        worst = max(worst, process.precise(rss) - process.read(rss))

    assert 0 < worst <= result.rss.under == 66 * 16


@pytest.mark.parametrize("metric", ["rss", "oom"])
@pytest.mark.parametrize(("taken", "sum_over"), [("file", 66), ("swap", 66)])
def test_a_clamped_counter_makes_a_sum_too_high(metric, taken, sum_over):
    """Copy-on-write or swap-in moves pages between counters in the slot; the other reads as 0."""
    process = Split(1)
    process.direct(**{taken: 1000})
    for _ in range(66):
        process.fault(0, anon=1)
    process.direct(anon=-66)  # another thread unmaps pages that are still in this thread's slot
    for _ in range(65):
        process.fault(0, **{taken: -1, "anon": 1})
    counters = {"rss": ("file", "anon", "shmem"), "oom": ("file", "anon", "shmem", "swap")}[metric]
    over = process.read(counters) - process.precise(counters)
    result = bound("per-thread", [0])

    assert result.counters[taken].over == sum_over
    assert over <= getattr(result, metric).over == 66
