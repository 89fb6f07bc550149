"""Which bound of one record is compared with which of the other."""

from rssbound.bounds.counter.interval import Interval
from rssbound.bounds.gate.comparison import pairs_of
from rssbound.bounds.gate.record import Key, Machine, Record


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
