"""How often updates reach what CPUs share, against counting it on the executable models."""

from fractions import Fraction
from itertools import product

import pytest

import rssbound
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.scenario.parameters import quantities_of
from rssbound.bounds.scenario.scenario import resolve

TREES = ("tree", "tree-binary", "tree-aligned", "tree-centred")


def quantities(source, **scenario):
    topology = rssbound.read(source)
    return quantities_of(topology, resolve(rssbound.Scenario(**scenario), topology))


def rates_of_growth(machine, places, updates):
    """Count updates that left their cache and updates that changed the root, for each page."""
    first = root = 0
    for number in range(updates):
        place = places[number % len(places)]
        before = machine.approximate
        carried = list(machine.steps(place, 1))
        first += bool(carried[0])
        root += machine.approximate != before
    return Fraction(first, updates), Fraction(root, updates)


@pytest.mark.parametrize("design", TREES)
@pytest.mark.parametrize("batch", [2, 4])
@pytest.mark.parametrize("host", ["core:2", "core:8", "package:2 core:4 pu:1"])
def test_a_tree_that_grows(host, batch, design):
    """Over whole periods of every CPU the counts are exact."""
    q = quantities(host, batch=batch)
    stated = DESIGNS[design].propagation(q)
    machine = DESIGNS[design].machine(q)
    whole = len(machine.places) * int(1 / stated.root) * batch

    assert rates_of_growth(machine, machine.places, whole) == (stated.first, stated.root)


@pytest.mark.parametrize("design", TREES)
def test_a_tree_in_the_worst_case_takes_every_update_to_the_root(design):
    q = quantities("package:2 core:4 pu:1")
    machine = DESIGNS[design].machine(q)
    reached = []
    for pages in (-1, 1) * 10:
        before = machine.approximate
        carried = list(machine.steps(0, pages))
        reached.append((bool(carried[0]), machine.approximate != before))
    stated = DESIGNS[design].propagation(q)

    assert reached == [(True, True)] * 20
    assert stated.worst_first == stated.worst_root == 1


@pytest.mark.parametrize("batch", [2, 3, 5])
def test_percpu_flushes_at_most_once_for_each_batch_of_pages(batch):
    """All sequences of single pages on one CPU, as long as three batches."""
    q = quantities("core:1", percpu_batch=batch)
    stated = DESIGNS["percpu"].propagation(q)
    length = min(3 * batch, 12)
    most = 0
    for pages in product((1, -1), repeat=length):
        machine = DESIGNS["percpu"].machine(q)
        flushes = 0
        for page in pages:
            before = machine.approximate
            machine.update(0, page)
            flushes += machine.approximate != before
        most = max(most, flushes)

    assert most == length // batch
    assert (
        stated.first == stated.root == stated.worst_first == stated.worst_root == Fraction(1, batch)
    )


def test_split_counting_hands_over_once_in_66_faults():
    q = quantities("core:1")
    machine = DESIGNS["per-thread"].machine(q)
    before, changes = 0, 0
    for _ in range(660):
        machine.update(0, 1)
        changes += machine.approximate != before
        before = machine.approximate

    assert changes == 10
    assert DESIGNS["per-thread"].propagation(q).root == Fraction(1, 66)


def test_split_counting_takes_every_unmapped_page_at_once():
    q = quantities("core:1")
    machine = DESIGNS["per-thread"].machine(q)
    for _ in range(70):  # the cache holds more than one page, which the first unmapping hands over
        machine.update(0, 1)
    reached = []
    for own in (True, False) * 10:
        before = machine.approximate
        machine.take(0, 1, own=own)
        reached.append(machine.approximate != before)
    stated = DESIGNS["per-thread"].propagation(q)

    assert reached == [True] * 20
    assert stated.worst_first == stated.worst_root == 1


def test_per_node_touches_its_slot_every_time_and_the_total_once_in_a_batch():
    q = quantities("numa:2 core:2")
    machine = DESIGNS["per-node"].machine(q)
    changes = 0
    for _ in range(320):
        before = machine.approximate
        machine.update(0, 1)
        changes += machine.approximate != before
    stated = DESIGNS["per-node"].propagation(q)

    assert changes == 10
    assert (stated.first, stated.root) == (1, Fraction(1, 32))


def test_a_single_cpu_of_a_tree_goes_straight_to_the_root():
    stated = DESIGNS["tree"].propagation(quantities("core:1"))

    assert (stated.first, stated.root, stated.lines) == (1, 1, 1)


@pytest.mark.parametrize(
    ("design", "lines"),
    [("shared", 1), ("per-thread", 1), ("percpu", 1), ("per-node", 2), ("tree", 3)],
)
def test_shared_lines_that_one_update_writes(design, lines):
    """The tree of 384 CPUs has two levels of items and the root."""
    assert DESIGNS[design].propagation(quantities("core:384")).lines == lines
