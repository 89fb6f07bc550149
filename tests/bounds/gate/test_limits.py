"""Limits and allowances."""

import pytest

from rssbound.bounds.counter.interval import Interval
from rssbound.bounds.gate.limits import allowance_of, limit_of, measured
from rssbound.bounds.gate.record import Key, Machine, Record, Target
from rssbound.errors import ScenarioError

HOSTS = {
    "d1": Machine("small pages", {"page_size": 4096}, {}),
    "d2": Machine("large pages", {"page_size": 65536}, {}),
}
RECORD = Record(
    HOSTS,
    {
        Key("d1", "tree", "rss"): Interval(16384, 0),
        Key("d2", "tree", "rss"): Interval(16384, 0),
        Key("d1", "per-node", "rss"): Interval(None, None),
    },
)


def test_a_limit_is_exact_to_the_page_on_each_machine():
    found = measured([limit_of("tree.rss.under <= 64MiB")], RECORD)

    assert [(row.host, row.pages, row.most, row.holds) for row in found] == [
        ("small pages", 16384, 16384, True),
        ("large pages", 16384, 1024, False),
    ]


def test_no_bound_exceeds_every_limit():
    (found,) = measured([limit_of("per-node.rss.over <= 100% of 1TiB")], RECORD)

    assert not found.holds


def test_a_limit_of_0_holds_if_the_bound_is_0():
    found = measured([limit_of("tree.rss.over<=0")], RECORD)

    assert [row.holds for row in found] == [True, True]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("tree.rss.under", "is not a limit such as"),
        ("tree.rss.under < 64MiB", "is not a limit such as"),
        ("tree.rss <= 64MiB", "is not DESIGN.COUNTER.SIDE"),
        ("three.rss.under <= 64MiB", "unknown design 'three'; known: shared, per-thread"),
        ("tree.vss.under <= 64MiB", "unknown counter 'vss'; known: file, anon"),
        ("tree.rss.upper <= 64MiB", "unknown side 'upper'; known: under, over"),
        ("memory.stats.under <= 64MiB", "or a counter: memory.current, memory.stat,"),
        ("memory.stat.upper <= 64MiB", "unknown side 'upper'; known: under, over"),
        ("tree.rss.under <= 64 parsecs", "is not an amount such as"),
        ("tree.rss.under <= 5%", "5% needs a whole"),
    ],
)
def test_invalid_limits(text, fault):
    with pytest.raises(ScenarioError, match=fault.replace("?", r"\?")):
        limit_of(text)


def test_an_allowance_names_one_bound():
    found = allowance_of(" per-thread.anon.under : 4MiB ")

    assert found.target == Target("per-thread", "anon", "under")
    assert found.amount.in_pages(4096) == 1024


def test_invalid_allowances():
    with pytest.raises(ScenarioError, match="is not an allowance such as"):
        allowance_of("tree.rss.under 5%")
