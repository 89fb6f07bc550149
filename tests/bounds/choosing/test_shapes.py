"""Shapes of trees: all of them, their bounds, and the front."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rssbound
from rssbound.bounds.choosing.batch import Goal
from rssbound.bounds.choosing.pareto import front_of
from rssbound.bounds.choosing.shapes import compositions, shapes_of
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.designs.carry_tree import CounterTree
from rssbound.bounds.designs.tree import ARITIES
from rssbound.bounds.proof.search import extreme_errors
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve

EPYC = "package:2 numa:4 l3:3 core:8 pu:2"


def shapes(source, budget=1 << 40, metric="counter", **scenario):
    topology = rssbound.read(source)
    resolved = resolve(rssbound.Scenario(**{"updaters": "own", **scenario}), topology)
    goal = Goal(DESIGNS["tree"], metric, "both", budget)
    return shapes_of(goal, parameters_of(topology, resolved), topology, resolved.page_size)


@pytest.mark.parametrize("order", range(11))
def test_all_compositions_are_listed(order):
    every = {
        parts
        for levels in range(6)
        for parts in product(range(1, 7), repeat=levels)
        if sum(parts) == order
    }
    found = list(compositions(order))

    assert set(found) == every
    assert len(found) == len(every)


def test_the_kernels_own_table_is_among_them():
    for order, arities in enumerate(ARITIES):
        assert arities in set(compositions(order))


@given(st.lists(st.tuples(*[st.integers(0, 6)] * 4), max_size=60))
def test_the_front_satisfies_its_definition(items):
    """By definition, in quadratic time: no other is as good in all figures and better in one."""
    by_definition = [
        one
        for one in items
        if not any(
            all(a <= b for a, b in zip(other, one, strict=True)) and other != one for other in items
        )
    ]

    assert front_of(items, lambda item: item) == sorted(by_definition)


def named(fitted):
    """The fields that identify a shape on a machine."""
    return (
        fitted.shape.grouping,
        fitted.shape.fan_ins,
        tuple(items.name for items in fitted.shape.items),
    )


@pytest.mark.parametrize("source", ["core:8", "package:2 core:2 pu:2", "package:3 core:2"])
def test_bounds_of_shapes_equal_those_of_a_search_of_all_states(source):
    """The executable tree of each shape with batch 2: the largest error that is found just fits."""
    topology = rssbound.read(source)
    small = [fitted for fitted in shapes(source).fitted if len(fitted.shape.items) < 2]
    for fitted in small:
        machine = CounterTree(2, fitted.shape.items, topology.possible)
        most = extreme_errors(machine, (1, -1)).under
        just = {named(other): other for other in shapes(source, budget=4096 * most).fitted}
        short = {named(other) for other in shapes(source, budget=4096 * most - 1).fitted}

        assert (just[named(fitted)].batch, just[named(fitted)].bound_pages) == (2, most)
        assert named(fitted) not in short
    assert len(small) >= 4


def test_the_kernels_shape_has_the_bound_that_analyze_prints():
    """384 CPUs, batch 8: 384 * 7 + 64 * 56 + 8 * 448 = 9,856 pages, 38.5 MiB."""
    found = shapes(EPYC, budget=64 << 20)

    assert found.kernel.shape.fan_ins == (8, 8, 8)
    assert (found.kernel.batch, found.kernel.bound_pages) == (8, 9856)
    assert found.kernel.memory_bytes == 31232
    assert (found.kernel.sharers, str(found.kernel.root_rate)) == (8, "1/512")


def test_the_recommended_shape_can_be_set_at_boot():
    """On 384 CPUs 8 x 8 x 8 by cpu >> k beats the kernel's, but none by cpu mod 2^k does."""
    found = shapes(EPYC, budget=64 << 20)

    assert found.recommended is found.kernel
    assert found.recommended.shape.boot_parameter == "percpu_counter_tree.arity=8,8,8"
    assert found.better.shape.boot_parameter is None


def test_a_shape_that_beats_the_kernels_own_is_recommended():
    """CPUs 0, 8, 16, 24 of 32: 16 x 2 has the bound of 4 x 4 x 2 with half of the items."""
    cpus = rssbound.CpuSet.parse("0,8,16,24")
    found = shapes("core:32", budget=1 << 20, cpus=cpus)

    assert found.kernel.shape.fan_ins == (4, 4, 2)
    assert found.recommended.shape.boot_parameter == "percpu_counter_tree.arity=16,2"
    assert (found.recommended.bound_pages, found.kernel.bound_pages) == (148, 148)


def test_the_first_of_the_front_is_recommended_if_the_kernels_own_does_not_fit():
    found = shapes("core:8", budget=64 << 10)

    assert found.kernel is None
    assert found.recommended.shape.boot_parameter == "percpu_counter_tree.arity=8"


def test_boot_parameters_are_shapes_that_the_design_accepts():
    for fitted in shapes("core:16", budget=64 << 20).fitted:
        text = fitted.shape.boot_parameter
        if text is None:
            continue
        arity = tuple(map(int, text.removeprefix("percpu_counter_tree.arity=").split(",")))
        scenario = rssbound.Scenario(arity=arity, batch=fitted.batch)
        (found,) = rssbound.analyze(rssbound.read("core:16"), scenario, ["tree-symmetric"])

        assert found.counters["anon"].under == fitted.bound_pages


def test_a_shape_of_the_front_beats_one_that_is_not_on_it():
    """By cpu >> k the 384 CPUs use 48 and 6 items of 64 and 8: 384 * 7 + 48 * 56 + 6 * 448."""
    found = shapes(EPYC, budget=64 << 20)

    assert found.kernel not in found.front
    assert found.better.shape.grouping == "consecutive"
    assert (found.better.shape.fan_ins, found.better.bound_pages) == ((8, 8, 8), 8064)


def test_the_largest_batch_that_fits_is_taken_for_each_shape():
    found = shapes("core:16", budget=1 << 20)
    wider = shapes("core:16", budget=(1 << 20) - 4096)

    for fitted in found.fitted:
        assert fitted.bound_pages <= 256
    assert sum(fitted.bound_pages for fitted in wider.fitted) <= sum(
        fitted.bound_pages for fitted in found.fitted
    )


def test_a_sum_of_counters_gets_a_smaller_batch():
    one = shapes("core:16", budget=4 << 20).kernel
    three = shapes("core:16", budget=4 << 20, metric="rss").kernel

    # 16 CPUs in 4 x 2 x 2: 16 (B - 1) + 4 * 3 B + 2 * 4 B = 36 B - 16
    assert (one.batch, one.bound_pages) == (16, 36 * 16 - 16)
    assert (three.batch, three.bound_pages) == (8, 3 * (36 * 8 - 16))


def test_hardware_shapes_are_all_selections_of_levels():
    found = shapes(EPYC)
    chosen = {
        tuple(items.name for items in fitted.shape.items)
        for fitted in found.fitted
        if fitted.shape.grouping == "hardware"
    }

    # every non-empty subset of core, llc, node, package
    assert len(chosen) == 15
    assert ("core", "llc", "node", "package") in chosen
    fan_ins = {
        tuple(items.name for items in fitted.shape.items): fitted.shape.fan_ins
        for fitted in found.fitted
    }
    # 16 CPUs in a cache, 3 caches in a node, 4 nodes in a package, 2 packages
    assert fan_ins["llc", "node", "package"] == (16, 4, 4, 2)
    assert fan_ins["llc", "package"] == (16, 16, 2)


def test_items_are_counted_by_existing_ids():
    topology = rssbound.read("core:16")
    cpus = rssbound.CpuSet.parse("0,1,5,12")
    resolved = resolve(rssbound.Scenario(cpus=cpus, updaters="own"), topology)
    goal = Goal(DESIGNS["tree"], "counter", "both", 1 << 40)
    found = shapes_of(goal, parameters_of(topology, resolved), topology, 4096)
    used = {
        (fitted.shape.grouping, fitted.shape.fan_ins): [items.used for items in fitted.shape.items]
        for fitted in found.fitted
    }

    assert used["consecutive", (4, 4)] == [3]  # 0 and 1; 5; 12
    assert used["modulo", (4, 4)] == [2]  # 0 and 12; 1 and 5


def most_children(shape, cpus):
    """Count the items or CPUs in use below each item and below the root, independently."""
    below = {cpu: cpu for cpu in cpus}  # the item of a CPU at the level before
    most = 0
    for items in (*shape.items, None):
        above = {cpu: "root" if items is None else items.item_of(cpu) for cpu in cpus}
        children = {}
        for cpu in cpus:
            children.setdefault(above[cpu], set()).add(below[cpu])
        most = max(most, *map(len, children.values()))
        below = above
    return most


@pytest.mark.parametrize(
    ("source", "cpus"),
    [
        ("package:2 core:5 pu:2", "0-19"),
        ("package:2 core:5 pu:2", "1-3,7,16-19"),
        ("core:40", "0-39:2/4"),
        ("core:3", "0-2"),
        ("package:3 numa:2 core:3 pu:2", "0-35"),
        ("core:64", "63"),
    ],
)
def test_sharers_are_the_existing_items_and_cpus(source, cpus):
    topology, chosen = rssbound.read(source), rssbound.CpuSet.parse(cpus)
    found = shapes(source, cpus=chosen)

    assert len(topology.possible) <= 64
    assert [fitted.sharers for fitted in found.fitted] == [
        most_children(fitted.shape, list(chosen)) for fitted in found.fitted
    ]
    assert {fitted.shape.grouping for fitted in found.fitted} >= {"modulo"}


def test_unused_ids_make_the_kernels_items_smaller():
    """40 of 80 CPUs: cpu mod 16 has 3 of them, or 2; above that there are 4 and 4."""
    found = shapes("package:2 core:20 pu:2", cpus=rssbound.CpuSet.first(40))

    assert (found.kernel.shape.fan_ins, found.kernel.sharers) == ((8, 4, 4), 4)


def test_a_tree_without_items_is_listed_once():
    found = shapes("core:4")

    assert [fitted.shape.fan_ins for fitted in found.fitted].count((4,)) == 1


def test_one_cpu_has_no_shapes():
    assert shapes("core:1").fitted == ()


def test_nothing_fits_a_budget_of_0():
    found = shapes("core:16", budget=0)

    assert (found.fitted, found.front, found.kernel, found.better) == ((), (), None, None)
