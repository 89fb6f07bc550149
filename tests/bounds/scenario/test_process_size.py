"""A process of a known size: a reading lacks at most the size, and this bound is reached."""

from copy import deepcopy
from dataclasses import replace

import pytest

import rssbound
from rssbound import Interval, Scenario, ScenarioError
from rssbound.bounds.designs import DESIGNS
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.process_size import (
    ProcessSize,
    Resident,
    SizeRange,
    capped,
    grown_to,
    resident_of,
)
from rssbound.bounds.scenario.scenario import resolve

MIB = 1 << 20
BIG = "core:384 pu:1"


def sized(total=None, **counters):
    """Give sizes in bytes; a number is a range of one size."""

    def range_of(size):
        return SizeRange(size, size) if isinstance(size, int) else SizeRange(*size)

    return ProcessSize(
        None if total is None else range_of(total),
        {counter: range_of(size) for counter, size in counters.items()},
    )


def result(design, size, host=BIG, **scenario):
    return rssbound.analyze(rssbound.read(host), Scenario(rss=size, **scenario), [design])[0]


def test_without_a_size_bounds_are_unchanged():
    assert result("percpu", None).rss == Interval(3 * 384 * 767, 3 * 384 * 767)


def test_a_process_of_300_mib_lacks_at_most_300_mib():
    """384 CPUs: one counter can lack 1,150 MiB, but 300 MiB are 76,800 pages."""
    found = result("percpu", sized(300 * MIB))

    assert found.counters["anon"] == found.counters["file"] == Interval(76_800, 384 * 767)
    assert found.counters["swap"] == Interval(384 * 767, 384 * 767)  # no part of RSS
    assert found.rss == Interval(76_800, 3 * 384 * 767)
    assert found.oom == Interval(76_800 + 384 * 767, 4 * 384 * 767)
    assert found.concurrent.under == 384 * 767


def test_sizes_of_counters_limit_each_counter():
    """The tree of 384 CPUs keeps 40,576 pages a counter; 200 MiB are 51,200 and 80 MiB 20,480."""
    found = result("tree", sized(anon=200 * MIB, file=80 * MIB, shmem=0))

    assert [found.counters[name].under for name in ("anon", "file", "shmem")] == [40_576, 20_480, 0]
    assert found.rss.under == 40_576 + 20_480
    assert found.oom.under == 2 * 40_576 + 20_480


def test_the_upper_end_of_a_range_and_the_total_both_limit():
    found = result("tree", sized((0, 100 * MIB), anon=(MIB, 200 * MIB)))

    assert found.counters["anon"].under == found.rss.under == 25_600


def test_split_counting_shares_faults_for_all_sizes():
    """66 faults of 16 pages are 1,056 pages of any kind; a process of 10 pages lacks 10."""
    both = result("per-thread", sized(anon=MIB, file=8 * MIB), "core:2")
    small = result("per-thread", sized(40_960), "core:2")

    assert both.rss.under == 66 * 16
    assert small.rss == Interval(10, 66)


def test_the_size_limits_designs_without_a_bound():
    found = result("per-node", sized(MIB), "numa:2 core:4", in_flight=1)

    assert found.rss == Interval(256, None)
    assert found.concurrent == Interval(None, None)  # of swap, which can have any size


def test_sizes_are_rounded_up_to_pages():
    assert resident_of(sized((1, 4097)), 4096) == Resident(SizeRange(1, 2))


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (sized((2, 1)), "rss: 2 to 1 bytes of the process; give the lower first"),
        (sized(anon=(-1, 1)), "rss: -1 to 1 bytes of anon"),
        (sized(heap=1), "rss: unknown counter 'heap'; known: file, anon, swap, shmem"),
        (
            sized(9, anon=5, file=5),
            "rss: the counters have 10 bytes together, but the process has 9",
        ),
    ],
)
def test_impossible_sizes(size, text):
    with pytest.raises(ScenarioError) as refused:
        result("percpu", size)

    assert text in str(refused.value)


def test_swap_is_not_a_part_of_the_process():
    assert result("percpu", sized(4096, swap=MIB)).oom.under == 1 + 256


def test_sizes_of_the_law_of_a_process():
    def pages(size, counters=("anon",)):
        return grown_to(resident_of(size, 4096), counters)

    assert grown_to(None, ("anon",)) is None
    assert pages(sized((MIB, 2 * MIB))) == {"anon": 512}
    assert pages(sized(2 * MIB, file=MIB)) == {"anon": 256}
    assert pages(sized(anon=MIB, file=MIB), ("file", "anon", "shmem")) == {"anon": 256, "file": 256}
    assert pages(sized(file=MIB)) is None


# -- reached: all states of small models


def reachable(model, amounts, most):
    """Visit all states with 0 to `most` pages; gives (precise, missing pages) of each."""
    seen, left = set(), [model]
    while left:
        at = left.pop()
        key = at.state(), at.approximate, at.precise
        if key in seen or not 0 <= at.precise <= most or abs(at.approximate) > most:
            continue
        seen.add(key)
        for place in at.places:
            for pages in amounts:
                then = deepcopy(at)
                then.work([(place, pages)], by_munmap=False)
                left.append(then)
    return {(precise, precise - max(0, approximate)) for _, approximate, precise in seen}


def worst_by_size(model, amounts, most):
    found = reachable(model, amounts, 2 * most)
    return [max(lacking for size, lacking in found if size == pages) for pages in range(most)]


def parameters(host, **scenario):
    topology = rssbound.read(host)
    return parameters_of(topology, resolve(Scenario(**scenario), topology))


def bound_by_size(design, p, counter, most):
    bounds = {counter: design.error(p, (counter,))}
    return [
        capped(
            bounds[counter],
            (counter,),
            bounds,
            Resident(counters={counter: SizeRange(pages, pages)}),
        ).under
        for pages in range(most)
    ]


@pytest.mark.parametrize("design", ["percpu", "per-node", "dual-mode"])
def test_bounds_of_a_size_are_reached_by_updates_of_several_pages(design):
    p = parameters("numa:2 core:1", percpu_batch=3, threads=2, nodes_shift=0)
    p = replace(p, possible_cpus=2)
    model = DESIGNS["percpu"].model(p) if design != "per-node" else small_nodes()
    bounds = [min(pages, 4) for pages in range(9)]

    assert worst_by_size(model, (1, -1, 2, -2, 3, -3, 4, -4), 9) == bounds
    if design != "per-node":  # its batch is at least 32
        assert bound_by_size(DESIGNS[design], p, "anon", 9) == bounds


def small_nodes():
    from rssbound.bounds.designs.per_node import NodeAtomics

    return NodeAtomics(3, {0: 0, 1: 1})


@pytest.mark.parametrize(("host", "batch"), [("core:2", 4), ("core:3", 2)])
def test_a_tree_reaches_the_bound_of_a_size_once_in_every_period(host, batch):
    """The approximate value is a multiple of the last modulus, so the size determines the rest."""
    p = parameters(host, batch=batch)
    design = DESIGNS["tree"]
    bound = design.error(p, ("anon",)).under
    modulus = batch if host == "core:2" else 2 * batch
    worst = worst_by_size(design.model(p), (1, -1, 2, 3, -5), 2 * bound + modulus)

    assert worst == [
        pages if pages <= bound else bound - (bound - pages) % modulus
        for pages in range(len(worst))
    ]
    limits = bound_by_size(design, p, "anon", len(worst))
    assert all(found <= limit < found + modulus for found, limit in zip(worst, limits, strict=True))


def test_split_counting_reaches_the_bound_of_a_size():
    """A fault can map fewer pages than the most, and others unmap synced pages."""
    p = replace(parameters("core:1", fault_around_bytes=8192), events_thresh=1)
    design = DESIGNS["per-thread"]  # 3 faults of 2 pages

    assert worst_by_size(design.model(p), (1, 2, -1), 9) == [0, 1, 2, 3, 4, 5, 6, 6, 6]
    assert bound_by_size(design, p, "file", 9) == [0, 1, 2, 3, 4, 5, 6, 6, 6]
