"""Which bound of one record is compared with which of the other."""

from dataclasses import replace

import rssbound
from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.counter.interval import Interval
from rssbound.bounds.gate.comparison import kernel_of, pairs_of
from rssbound.bounds.gate.record import Kernel, Key, Machine, Record, record_of
from rssbound.bounds.scenario.kernel_constants import KernelConstants, ReaderFound
from rssbound.errors import Location


def record(rows, page_size=4096):
    hosts = {key[0]: Machine(f"host {key[0]}", {"page_size": page_size}, {}) for key in rows}
    return Record(hosts, {Key(*key): Interval(*sides) for key, sides in rows.items()})


def names(pairs):
    return [
        (pair.a.host, pair.a.design, pair.b.host, pair.b.design, pair.counter) for pair in pairs
    ]


def test_two_machines_are_compared_design_by_design_in_bytes():
    a = record({("x", "tree", "rss"): (10, 0), ("x", "percpu", "rss"): (5, 5)})
    b = record({("y", "tree", "rss"): (10, 0), ("y", "percpu", "rss"): (None, 5)}, 65536)

    pairs = pairs_of(a, b)
    assert names(pairs)[::2] == [
        ("host x", "tree", "host y", "tree", "rss"),
        ("host x", "percpu", "host y", "percpu", "rss"),
    ]
    assert [(pair.a.size_bytes, pair.b.size_bytes) for pair in pairs] == [
        (40960, 655360),
        (0, 0),
        (20480, None),
        (20480, 327680),
    ]


def test_two_designs_are_compared_counter_by_counter():
    a = record({("x", "tree", "rss"): (10, 0), ("x", "tree", "anon"): (3, 0)})
    b = record({("x", "percpu", "rss"): (5, 5)})

    assert names(pairs_of(a, b)) == [("host x", "tree", "host x", "percpu", "rss")] * 2


def test_each_of_several_machines_is_compared_with_its_counterpart():
    a = record({("x", "tree", "rss"): (1, 0), ("y", "tree", "rss"): (2, 0)})
    b = record({("y", "tree", "rss"): (3, 0), ("z", "tree", "rss"): (4, 0)})

    assert names(pairs_of(a, b)) == [("host y", "tree", "host y", "tree", "rss")] * 2


def test_records_without_anything_in_common_have_no_pairs():
    a = record({("x", "tree", "rss"): (1, 0), ("x", "percpu", "rss"): (1, 1)})

    assert pairs_of(a, record({("x", "shared", "rss"): (0, 0)})) == ()


def of_kernel(design, statm):
    """Record 8 CPUs with the kernel of a source tree and its reader of statm."""
    readers = {"statm": ReaderFound(statm, Location("fs/proc/array.c", 3))}
    scenario = rssbound.Scenario(constants=KernelConstants(design=design, readers=readers))
    return record_of([analysis_of(rssbound.read("core:8"), scenario, ["shared"])])


def test_kernels_that_differ_in_a_reader_are_compared_by_it():
    """8 CPUs, 31 pages on each, 3 counters: 744 pages."""
    pairs = pairs_of(of_kernel("percpu", "precise"), of_kernel("percpu", "approximate"))
    used = [pair for pair in pairs if pair.in_use]

    assert [(pair.counter, pair.side) for pair in used] == [("statm", "under"), ("statm", "over")]
    assert {(pair.a.reads, pair.b.reads) for pair in used} == {("precise", "approximate")}
    assert {(pair.a.size_bytes, pair.b.size_bytes) for pair in used} == {(0, 744 * 4096)}


def test_kernels_that_differ_in_design_are_compared_by_their_counters():
    pairs = pairs_of(of_kernel("percpu", "precise"), of_kernel("tree", "precise"))
    used = [pair for pair in pairs if pair.in_use]

    assert {(pair.a.design, pair.b.design) for pair in used} == {("percpu", "tree")}
    assert "statm" not in {pair.counter for pair in used}


def test_machines_without_a_common_digest_are_matched_by_name():
    """A saved analysis has no digest, so its machines are known by name alone."""
    first, second = (
        record({(f"{side}1", "tree", "rss"): (1, 0), (f"{side}2", "tree", "rss"): (2, 0)})
        for side in "ab"
    )
    machines = {key: replace(host, name=key[1]) for key, host in second.machines.items()}
    others = {key: replace(host, name=key[1]) for key, host in first.machines.items()}
    pairs = pairs_of(replace(first, machines=others), replace(second, machines=machines))

    assert names(pairs)[::2] == [
        ("1", "tree", "1", "tree", "rss"),
        ("2", "tree", "2", "tree", "rss"),
    ]


def test_the_kernel_of_a_record_is_that_of_all_its_machines():
    found = of_kernel("percpu", "precise")
    ((digest, host),) = found.machines.items()
    plain = replace(host, kernel=None)

    assert kernel_of(found) == Kernel("percpu", {"statm": "precise"})
    assert kernel_of(replace(found, machines={digest: plain})) is None
    assert kernel_of(replace(found, machines={digest: host, "other": plain})) is None
