"""Bounds on record, and what counts as worse."""

import pytest

import rssbound
from rssbound.bounds.amounts import amount_of
from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.baseline import Host, Key, Record, Target, changes_of, record_of
from rssbound.bounds.interval import Interval

ROW = Key("d1", "tree", "rss")


def record(*rows, scenario=None, levels=(), page_size=4096):
    values = {"page_size": page_size, **(scenario or {})}
    hosts = {
        key.topology: Host(f"host {key.topology}", values, {"tree": levels}) for key, _ in rows
    }
    return Record(hosts, {key: Interval(*sides) for key, sides in rows})


def verdicts(before, now, allow=None):
    allowances = {Target("tree", "rss", "under"): amount_of(allow)} if allow else {}
    changes = changes_of(record((ROW, before)), record((ROW, now)), allowances)
    return [change.verdict for change in changes]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ((100, 0), (100, 0), ["same", "same"]),
        ((100, 0), (101, 0), ["worse", "same"]),
        ((100, 5), (99, 6), ["better", "worse"]),
        ((None, None), (None, 7), ["same", "better"]),
        ((0, 0), (None, 0), ["worse", "same"]),
    ],
)
def test_one_page_more_is_worse_and_no_bound_is_the_worst(before, now, expected):
    assert verdicts(before, now) == expected


@pytest.mark.parametrize(
    ("allow", "now", "expected"),
    [
        ("5%", 1050, "same"),
        ("5%", 1051, "worse"),
        ("4MiB", 2024, "same"),
        ("4MiB", 2025, "worse"),
        ("10 pages", 1010, "same"),
        ("10", 1011, "worse"),
        ("5%", 999, "better"),
        ("100%", None, "worse"),
    ],
)
def test_what_is_allowed_is_no_page_more(allow, now, expected):
    assert verdicts((1000, 0), (now, 0), allow)[0] == expected


def test_an_allowance_is_for_its_own_side_only():
    assert verdicts((1000, 1000), (1010, 1010), "5%") == ["same", "worse"]


def test_a_row_on_one_side_only():
    both = record((ROW, (1, 0)), (Key("d1", "tree", "oom"), (1, 0)))
    one = record((ROW, (1, 0)))

    (gone,) = [change for change in changes_of(both, one) if not change.side]
    (come,) = [change for change in changes_of(one, both) if not change.side]
    assert (gone.key, gone.verdict) == (Key("d1", "tree", "oom"), "missing")
    assert (come.key, come.verdict) == (Key("d1", "tree", "oom"), "new")


def test_a_machine_or_design_that_is_gone_is_one_change():
    before = record(
        (ROW, (1, 0)),
        (Key("d1", "percpu", "rss"), (1, 1)),
        (Key("d1", "percpu", "oom"), (1, 1)),
        (Key("d2", "tree", "rss"), (1, 0)),
        (Key("d2", "percpu", "rss"), (1, 0)),
    )

    gone = [change for change in changes_of(before, record((ROW, (1, 0)))) if not change.side]
    assert [change.key for change in gone] == [Key("d1", "percpu", "*"), Key("d2", "*", "*")]


def test_the_scenario_says_why():
    (change, _) = changes_of(
        record((ROW, (100, 0)), scenario={"batch": 32}),
        record((ROW, (200, 0)), scenario={"batch": 64, "threads": 2}),
    )

    assert change.why == "batch 32 -> 64, threads not on record -> 2"


def test_the_levels_say_why_where_the_scenario_is_the_same():
    (change, _) = changes_of(
        record((ROW, (100, 0)), levels=("cpu: 4 x 0..31", "level 1: 2 x 0..32")),
        record((ROW, (200, 0)), levels=("cpu: 4 x 0..31", "level 1: 1 x 0..96")),
    )

    assert change.why == "levels level 1: 2 x 0..32 -> level 1: 1 x 0..96"


def test_a_record_holds_what_analyze_says():
    host = rssbound.read("package:2 core:4 pu:1")
    found = record_of([analysis_of(host, rssbound.Scenario(), ["tree", "percpu"])])

    ((digest, own),) = found.hosts.items()
    assert own.scenario["batch"] == 32
    assert own.scenario["cpus"] == "0-7"
    assert own.levels["tree"] == ("cpu: 8 x 0..31", "level 1: 4 x 0..32", "level 2: 2 x 0..64")
    assert found.rows[Key(digest, "tree", "anon")] == Interval(504, 0)
    assert found.rows[Key(digest, "tree", "rss")] == Interval(1512, 0)
    assert found.rows[Key(digest, "percpu", "oom")] == Interval(4 * 248, 4 * 248)
    assert len(found.rows) == 12


def test_machines_that_differ_in_name_only_are_one():
    import dataclasses

    host = rssbound.read("core:4")
    twins = [dataclasses.replace(host, name=name) for name in ("beta", "alpha")]
    found = record_of(analysis_of(twin) for twin in twins)

    assert [own.name for own in found.hosts.values()] == ["alpha"]
