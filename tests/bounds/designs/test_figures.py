"""Figures for whole machines, calculated by hand or published."""

from dataclasses import replace

import pytest

import rssbound
from rssbound import Interval, Scenario
from rssbound.errors import ScenarioError

FIGURES = [
    # host, design, scenario, error of one counter, published
    ("core:384 pu:1", "tree", {}, (40_576, 0), (49_152, 47_616)),
    ("core:256 pu:1", "tree", {}, (22_272, 0), (24_576, 23_808)),
    ("core:250 pu:1", "tree", {}, (22_086, 0), (24_576, 23_808)),
    ("core:192 pu:1", "tree", {}, (20_288, 0), (24_576, 23_808)),
    ("core:1536 pu:1", "tree", {}, (219_648, 0), (262_144, 253_952)),
    ("core:1048576 pu:1", "tree", {}, (158_334_976, 0), (167_772_160, 162_529_280)),
    ("core:8 pu:1", "tree", {}, (504, 0), (768, 744)),
    ("core:8 pu:1", "tree-binary", {}, (504, 0), (768, 768)),
    ("core:1 pu:1", "tree", {}, (0, 0), (0, 0)),
    ("core:1 pu:1", "tree-binary", {}, (0, 0), (0, 0)),
    ("core:384 pu:1", "percpu", {}, (294_528, 294_528), (147_456, 147_456)),
    ("core:250 pu:1", "percpu", {}, (124_750, 124_750), (62_500, 62_500)),
    ("core:16 pu:1", "percpu", {}, (496, 496), (256, 256)),
    ("core:64 pu:1", "percpu", {}, (8_128, 8_128), (4_096, 4_096)),
    ("core:128 pu:1", "percpu", {}, (32_640, 32_640), (16_384, 16_384)),
    ("core:384 pu:1", "tree-centred", {}, (20_288, 20_288), None),
    ("core:384 pu:1", "shared", {}, (0, 0), (0, 0)),
    ("core:384 pu:1", "dual-mode", {}, (0, 0), (0, 0)),
    ("core:384 pu:1", "dual-mode", {"threads": 2}, (294_528, 294_528), (147_456, 147_456)),
    ("core:384 pu:1", "lazy", {}, (0, 0), (0, 0)),
    ("core:384 pu:1", "lazy", {"threads": 2}, (294_528, 294_528), (147_456, 147_456)),
    # 384 x 31 + 64 x 224 + 8 x 1,792, either way
    ("core:384 pu:1", "tree-symmetric", {}, (40_576, 40_576), (40_576, 40_576)),
    # flat: 8 x 31
    ("core:8 pu:1", "tree-symmetric", {}, (248, 248), (248, 248)),
    # 16 x 31, and 4 items of 128 that keep up to 96
    ("core:16 pu:1", "tree-symmetric", {"arity": (16,)}, (496, 496), (496, 496)),
    ("core:16 pu:1", "tree-symmetric", {"arity": (4, 4)}, (880, 880), (880, 880)),
    # 250 x 31 + 16 items of 512 that keep up to 480; published for all 250 ids
    ("core:250 pu:1", "tree-symmetric", {"arity": (16, 16)}, (15_430, 15_430), (15_430, 15_430)),
    ("core:1 pu:1", "tree-symmetric", {}, (0, 0), (0, 0)),
    ("core:384 pu:1", "lazy-tree", {}, (0, 0), (40_576, 40_576)),
    ("core:384 pu:1", "lazy-tree", {"threads": 2}, (40_576, 40_576), (40_576, 40_576)),
    ("core:16 pu:1", "lazy-tree", {"threads": 9, "arity": (4, 4)}, (880, 880), (880, 880)),
    ("package:2 numa:4 core:24 pu:2", "per-node", {}, (248, 248), (256, 256)),
]


@pytest.mark.parametrize(("host", "design", "scenario", "error", "published"), FIGURES)
def test_worked_figure(host, design, scenario, error, published):
    (result,) = rssbound.analyze(rssbound.read(host), Scenario(**scenario), [design])

    assert result.counters["anon"] == Interval(*error)
    assert result.published == (None if published is None else Interval(*published))


def test_split_counting_of_five_threads():
    """Each counter has its own sides; a sum has one budget of faults."""
    (result,) = rssbound.analyze(
        rssbound.read("core:384 pu:1"), Scenario(threads=5), ["per-thread"]
    )

    assert result.counters == {
        "file": Interval(5_280, 330),
        "anon": Interval(330, 0),
        "swap": Interval(0, 330),
        "shmem": Interval(5_280, 330),
    }
    assert result.rss == result.oom == Interval(5_280, 330)
    assert result.published == Interval(320, 320)


@pytest.mark.parametrize(
    ("page_size", "window", "pages"),
    [
        (4096, 65536, 16),
        (16384, 65536, 4),
        (65536, 65536, 1),
        (4096, 0, 1),
        (4096, 2 << 20, 512),
        (4096, 100_000, 16),
    ],
)
def test_fault_around_is_a_power_of_two_of_whole_pages(page_size, window, pages):
    scenario = Scenario(page_size=page_size, fault_around_bytes=window)
    (result,) = rssbound.analyze(rssbound.read("core:4 pu:1"), scenario, ["per-thread"])

    assert result.counters["file"].under == 66 * pages


def test_errors_of_counters_with_their_own_slots_add_up():
    for result in rssbound.analyze(rssbound.read("core:64 pu:2"), Scenario(threads=3)):
        if result.id == "per-thread":
            continue
        one = result.counters["anon"]
        assert result.rss == Interval(3 * one.under, 3 * one.over)
        assert result.oom == Interval(4 * one.under, 4 * one.over)


def test_fewer_cpus_of_the_process_do_not_change_the_batch():
    """percpu's batch follows the machine, not the process: (2 * 384 - 1) pages on each CPU."""
    scenario = Scenario(cpus=rssbound.CpuSet.first(4), updaters="own")
    (result,) = rssbound.analyze(rssbound.read("core:384 pu:1"), scenario, ["percpu"])

    assert result.counters["anon"] == Interval(4 * 767, 4 * 767)


def test_percpu_keeps_residuals_of_a_larger_batch():
    """(2 * max_online_seen - 1) * online now."""
    scenario = Scenario(max_online=384)
    host = rssbound.Topology(*(rssbound.CpuSet.first(n) for n in (384, 384, 100)))
    (result,) = rssbound.analyze(host, scenario, ["percpu"])

    assert result.counters["anon"] == Interval(767 * 100, 767 * 100)


def test_only_percpu_folds_offline_cpus():
    host = rssbound.Topology(*(rssbound.CpuSet.first(n) for n in (8, 8, 4)))
    percpu, tree = rssbound.analyze(host, Scenario(cpus="possible"), ["percpu", "tree"])

    assert percpu.counters["anon"] == Interval(4 * 31, 4 * 31)
    assert tree.counters["anon"] == Interval(504, 0)


def test_in_flight_updaters_widen_the_tree_on_both_sides_once_for_all_counters():
    """384 CPUs: the last modulus is 32 * 8 * 8 = 2048 pages; each updater is in one counter."""
    scenario = Scenario(in_flight=3, max_increment=512)
    (tree,) = rssbound.analyze(rssbound.read("core:384 pu:1"), scenario, ["tree"])

    assert tree.counters["anon"] == Interval(40_576 + 3 * 2048, 3 * 2048)
    assert tree.rss == Interval(3 * 40_576 + 3 * 2048, 3 * 2048)
    assert tree.concurrent == Interval(40_576, 0)


def test_in_flight_increment_beyond_the_last_modulus_is_rounded_up():
    scenario = Scenario(in_flight=1, max_increment=2049)
    (tree,) = rssbound.analyze(rssbound.read("core:384 pu:1"), scenario, ["tree"])

    assert tree.counters["anon"].over == 4096


def test_the_largest_update_in_flight_is_the_arguments_of_an_exec():
    """12 CPUs: the last modulus is 32 * 4 = 128 pages, and 6 MiB are 12 of them, 1,536 pages."""
    host, scenario = rssbound.read("core:12 pu:1"), Scenario(in_flight=2)
    (tree,) = rssbound.analyze(host, scenario, ["tree"])
    (settled,) = rssbound.analyze(host, None, ["tree"])

    assert tree.counters["anon"].over == 2 * 1536 == 3072
    assert tree.counters["anon"].under == settled.counters["anon"].under + 3072
    assert settled.counters["anon"].over == 0


def test_in_flight_on_two_cpus_is_a_multiple_of_the_batch():
    scenario = Scenario(in_flight=1, max_increment=33)
    (tree,) = rssbound.analyze(rssbound.read("core:2 pu:1"), scenario, ["tree"])

    assert tree.counters["anon"] == Interval(62 + 64, 64)


def test_in_flight_updaters_widen_the_symmetric_tree_like_the_tree():
    """16 CPUs of 4 x 4: an updater holds 300 pages rounded up to a multiple of 128."""
    scenario = Scenario(in_flight=2, max_increment=300, arity=(4, 4))
    (found,) = rssbound.analyze(rssbound.read("core:16 pu:1"), scenario, ["tree-symmetric"])

    assert found.counters["anon"] == Interval(880 + 2 * 384, 880 + 2 * 384)
    assert found.concurrent == Interval(880, 880)


def test_the_machines_own_shape_is_the_default():
    host = replace(rssbound.read("core:16 pu:1"), tree_arity=(8, 2))
    bounds = [
        rssbound.analyze(host, scenario, ["tree-symmetric"])[0].counters["anon"].under
        for scenario in (Scenario(), Scenario(arity=(16,)))
    ]

    assert bounds == [16 * 31 + 2 * 224, 16 * 31]


@pytest.mark.parametrize(
    ("arity", "fault"),
    [
        ((3, 5), "arity: 3,5; must be powers of two whose product is 16, such as 16 or 8,2"),
        ((4, 4, 4), "arity: 4,4,4; must be powers of two whose product is 16, such as 16 or 8,2"),
        ((16, 1), "arity: 16,1; must be powers of two whose product is 16, such as 16 or 8,2"),
    ],
)
def test_a_shape_that_does_not_fit_is_a_one_line_error(arity, fault):
    with pytest.raises(ScenarioError) as raised:
        rssbound.analyze(rssbound.read("core:9 pu:1"), Scenario(arity=arity))

    assert str(raised.value) == fault


def test_a_machine_of_one_cpu_id_has_no_shape():
    with pytest.raises(ScenarioError, match="arity: 2; a machine with one CPU id has no tree"):
        rssbound.analyze(rssbound.read("core:1 pu:1"), Scenario(arity=(2,)))


def test_per_node_has_no_bound_once_updates_overlap():
    host = rssbound.read("numa:4 core:4 pu:2")
    (settled,) = rssbound.analyze(host, None, ["per-node"])
    (flying,) = rssbound.analyze(host, Scenario(in_flight=1), ["per-node"])

    assert settled.counters["anon"] == Interval(4 * 31, 4 * 31)
    assert settled.concurrent == Interval(None, None)
    assert flying.counters["anon"] == flying.rss == flying.oom == Interval(None, None)


def test_per_node_batch_follows_nodes_shift():
    """NODES_SHIFT = 0 and 256 possible CPUs: a batch of 512, in one slot."""
    (result,) = rssbound.analyze(
        rssbound.read("numa:4 core:64 pu:1"), Scenario(nodes_shift=0), ["per-node"]
    )

    assert result.counters["anon"] == Interval(511, 511)


def test_node_ids_that_differ_by_32_share_a_slot():
    host = rssbound.read("numa:3(indexes=1,33,2) core:2 pu:1")
    (result,) = rssbound.analyze(host, None, ["per-node"])

    assert result.counters["anon"] == Interval(2 * 31, 2 * 31)


def test_aligned_tree_follows_the_hardware():
    """2 x (4 x (3 x (8 x 2))): derived level by level in docs/theory.md."""
    (result,) = rssbound.analyze(
        rssbound.read("package:2 numa:4 l3:3 core:8 pu:2"), None, ["tree-aligned"]
    )

    assert [(level.name, level.items, level.high) for level in result.levels] == [
        ("cpu", 384, 31),
        ("core", 192, 32),
        ("llc", 24, 448),
        ("node", 8, 1536),
        ("package", 2, 6144),
    ]
    assert result.counters["anon"] == Interval(53_376, 0)


def test_aligned_tree_leaves_out_levels_that_add_nothing():
    """A single package is the machine; a node equal to a package adds no level."""
    (result,) = rssbound.analyze(
        rssbound.read("package:1 numa:1 l3:2 core:4 pu:1"), None, ["tree-aligned"]
    )

    assert [level.name for level in result.levels] == ["cpu", "llc"]


def test_memory_of_256_cpus():
    """8 KiB of CPU slots, 9.25 KiB of items, four structs; percpu 4 KiB and 160 bytes."""
    host = rssbound.read("core:256 pu:1")
    percpu, tree = rssbound.analyze(host, None, ["percpu", "tree"])

    assert percpu.memory_bytes == 4096 + 160
    assert tree.memory_bytes == 8192 + 9472 + 256


def test_concurrent_has_the_worst_counter_of_each_side():
    (result,) = rssbound.analyze(rssbound.read("core:4 pu:1"), None, ["per-thread"])

    assert result.concurrent == Interval(66 * 16, 66)


@pytest.mark.parametrize(
    ("levels", "chain"),
    [
        # nodes that are parts of a cache, as with sub-NUMA clustering
        ({"llc": (0,) * 4 + (1,) * 4, "node": (0, 0, 1, 1, 2, 2, 3, 3)}, ["node", "llc"]),
        # packages that share a node
        ({"node": (0,) * 4 + (1,) * 4, "package": (0, 0, 1, 1, 2, 2, 3, 3)}, ["package", "node"]),
        # if the largest groups are equal, the level with more groups is inside
        ({"llc": (0,) * 4 + (1,) * 4, "node": (0, 0, 1, 1, 2, 2, 2, 2)}, ["node", "llc"]),
        # a level known for half of the CPUs does not displace one known for all
        ({"core": (0, 0, 1, 1, 2, 2, 3, 3), "node": (None,) * 3 + (0,) * 5}, ["core"]),
    ],
)
def test_smaller_levels_are_inside_larger_ones(levels, chain):
    columns = rssbound.topology.Columns(**levels)
    host = rssbound.Topology(*[rssbound.CpuSet.first(8)] * 3, columns=columns)
    (aligned,) = rssbound.analyze(host, None, ["tree-aligned"])

    assert [level.name for level in aligned.levels] == ["cpu", *chain]
