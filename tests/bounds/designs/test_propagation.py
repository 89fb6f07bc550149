"""The share of updates that reach shared cache lines, against counts on the executable models."""

from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest

import rssbound
from rssbound.bounds.designs import DESIGNS, design_of
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve

TREES = ("tree", "tree-binary", "tree-aligned", "tree-centred")


def parameters(source, **scenario):
    topology = rssbound.read(source)
    return parameters_of(topology, resolve(rssbound.Scenario(**scenario), topology))


def rates_of_growth(model, places, updates):
    """Count updates that left their slot and updates that changed the root, for each page."""
    first = root = 0
    for number in range(updates):
        place = places[number % len(places)]
        before = model.approximate
        carried = list(model.steps(place, 1))
        first += bool(carried[0])
        root += model.approximate != before
    return Fraction(first, updates), Fraction(root, updates)


@pytest.mark.parametrize("design", TREES)
@pytest.mark.parametrize("batch", [2, 4])
@pytest.mark.parametrize("host", ["core:2", "core:8", "package:2 core:4 pu:1"])
def test_a_tree_that_grows(host, batch, design):
    """Over whole periods of every CPU the counts are exact."""
    p = parameters(host, batch=batch)
    stated = DESIGNS[design].cost(p).rates
    model = DESIGNS[design].model(p)
    whole = len(model.places) * int(1 / stated.root) * batch

    assert rates_of_growth(model, model.places, whole) == (stated.first, stated.root)


@pytest.mark.parametrize("design", TREES)
def test_a_tree_in_the_worst_case_takes_every_update_to_the_root(design):
    p = parameters("package:2 core:4 pu:1")
    model = DESIGNS[design].model(p)
    reached = []
    for pages in (-1, 1) * 10:
        before = model.approximate
        carried = list(model.steps(0, pages))
        reached.append((bool(carried[0]), model.approximate != before))
    stated = DESIGNS[design].cost(p).rates

    assert reached == [(True, True)] * 20
    assert stated.worst_first == stated.worst_root == 1


@pytest.mark.parametrize("batch", [2, 3, 5])
def test_percpu_flushes_at_most_once_for_each_batch_of_pages(batch):
    """All sequences of single pages on one CPU, as long as three batches."""
    p = parameters("core:1", percpu_batch=batch)
    stated = DESIGNS["percpu"].cost(p).rates
    length = min(3 * batch, 12)
    most = 0
    for pages in product((1, -1), repeat=length):
        model = DESIGNS["percpu"].model(p)
        flushes = 0
        for page in pages:
            before = model.approximate
            model.update(0, page)
            flushes += model.approximate != before
        most = max(most, flushes)

    assert most == length // batch
    assert (
        stated.first == stated.root == stated.worst_first == stated.worst_root == Fraction(1, batch)
    )


def test_split_counting_syncs_once_in_66_faults():
    p = parameters("core:1")
    model = DESIGNS["per-thread"].model(p)
    before, changes = 0, 0
    for _ in range(660):
        model.update(0, 1)
        changes += model.approximate != before
        before = model.approximate

    assert changes == 10
    assert DESIGNS["per-thread"].cost(p).rates.root == Fraction(1, 66)


def test_split_counting_counts_unmapped_pages_at_once():
    p = parameters("core:1")
    model = DESIGNS["per-thread"].model(p)
    for _ in range(70):  # the slot holds more than one page, which the first unmapping syncs
        model.update(0, 1)
    reached = []
    for by_munmap in (True, False) * 10:
        before = model.approximate
        model.work([(0, -1)], by_munmap=by_munmap)
        reached.append(model.approximate != before)
    stated = DESIGNS["per-thread"].cost(p).rates

    assert reached == [True] * 20
    assert stated.worst_first == stated.worst_root == 1


def test_per_node_updates_its_slot_always_and_the_total_once_per_batch():
    p = parameters("numa:2 core:2")
    model = DESIGNS["per-node"].model(p)
    changes = 0
    for _ in range(320):
        before = model.approximate
        model.update(0, 1)
        changes += model.approximate != before
    stated = DESIGNS["per-node"].cost(p).rates

    assert changes == 10
    assert (stated.first, stated.root) == (1, Fraction(1, 32))


def test_a_tree_of_one_cpu_updates_only_the_root():
    stated = DESIGNS["tree"].cost(parameters("core:1"))

    assert (stated.rates.first, stated.rates.root, stated.lines) == (1, 1, 1)
    assert stated.pages_between == 1


@pytest.mark.parametrize(
    ("design", "lines"),
    [("shared", 1), ("per-thread", 1), ("percpu", 1), ("per-node", 2), ("tree", 3)],
)
def test_shared_lines_that_one_update_writes(design, lines):
    """The tree of 384 CPUs has two levels of items and the root."""
    assert DESIGNS[design].cost(parameters("core:384")).lines == lines


@pytest.mark.parametrize(
    ("design", "pages"),
    [("shared", 1), ("per-thread", 66), ("percpu", 768), ("per-node", 32), ("tree", 32)],
)
def test_pages_between_two_slow_paths(design, pages):
    """384 CPUs, calculated by hand: max(32, 2 * 384), the 66th fault, a batch of 32."""
    assert DESIGNS[design].cost(parameters("core:384")).pages_between == pages


def test_the_size_of_a_tree_of_eight_cpus_whose_shape_is_given():
    """Four counters: 8 longs, and a line for each of two items, the root and the struct."""
    stated = DESIGNS["tree-symmetric"].memory_bytes(parameters("core:8", arity=(4, 2)))

    assert stated == 4 * (8 * 8 + 64 * 4)


def updates_between(model, cpu, pages, flushes):
    """Count the updates to each flush; `pages` gives their sign by the number of flushes before."""
    counts = []
    for number in range(flushes):
        before, count = model.count, 0
        while model.count == before:
            model.update(cpu, pages(number))
            count += 1
        counts.append(count)
    return counts


def test_a_vmstat_counter_in_growth_and_in_the_worst_case():
    """A flush leaves half a threshold of the other sign, so a turn reaches the threshold sooner."""
    p = parameters("core:4")
    design = design_of("stat-threshold")
    stated = design.cost(p).rates
    growth = updates_between(design.model(p), 0, lambda _: 1, 4)[1:]
    turns = updates_between(design.model(p), 0, lambda number: (-1) ** number, 4)[1:]

    assert {Fraction(1, count) for count in growth} == {stated.first} == {stated.root}
    assert {Fraction(1, count) for count in turns} == {stated.worst_first} == {stated.worst_root}


def test_the_memory_of_other_counters_follows_possible_cpus():
    """On 6 possible CPUs, 4 of them online: two longs, or a byte and two counters."""
    p = replace(parameters("core:4"), possible_cpus=6)

    assert len(p.online_ids) == 4
    assert design_of("rstat").memory_bytes(p) == 6 * (8 + 8)
    assert design_of("stat-threshold").memory_bytes(p) == 6 + 2 * 8
