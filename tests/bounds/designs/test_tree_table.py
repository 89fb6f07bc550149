"""The tree's table of orders 0 to 20 against the figures of the kernel's own table."""

import pytest

import rssbound
from rssbound.bounds.designs.carry_tree import items_of
from rssbound.bounds.designs.tree import ARITIES

# order: nr_items, multiplier m, exact under of 2^order CPUs at batch 32
KERNEL = {
    0: (0, 0, 0),
    1: (1, 2, 62),
    2: (3, 8, 188),
    3: (7, 24, 504),
    4: (7, 48, 1136),
    5: (11, 96, 2528),
    6: (21, 192, 5056),
    7: (21, 384, 10624),
    8: (37, 768, 22272),
    9: (73, 1536, 44544),
    10: (149, 4096, 113664),
    11: (293, 8192, 235520),
    12: (585, 16384, 471040),
    13: (1173, 40960, 1138688),
    14: (2341, 81920, 2342912),
    15: (4681, 163840, 4685824),
    16: (4681, 327680, 9502720),
    17: (8777, 655360, 19267584),
    18: (17481, 1310720, 39059456),
    19: (34953, 2621440, 79167488),
    20: (69905, 5242880, 158334976),
}


def test_every_order_has_a_row_of_fan_ins():
    assert [sum(arities) for arities in ARITIES] == list(range(21))


@pytest.mark.parametrize("order", KERNEL)
def test_order(order):
    items, multiplier, under = KERNEL[order]
    host = rssbound.read(f"core:{1 << order} pu:1")
    (result,) = rssbound.analyze(host, None, ["tree"])

    assert items_of(ARITIES[order]) == items
    assert result.published == rssbound.Interval(32 * multiplier, 31 * multiplier)
    assert result.counters["anon"] == rssbound.Interval(under, 0)


@pytest.mark.parametrize("order", range(1, 21))
def test_the_order_is_that_of_the_highest_id(order):
    """One CPU id more than a power of two takes the next order."""
    cpus = rssbound.CpuSet.of([0, 1 << (order - 1)])
    (result,) = rssbound.analyze(rssbound.Topology(cpus, cpus, cpus), None, ["tree"])

    assert result.published.under == 32 * KERNEL[order][1]


def test_trees_refuse_more_than_2_to_the_20_cpu_ids():
    host = rssbound.read(f"core:{(1 << 20) + 1} pu:1")

    with pytest.raises(rssbound.ScenarioError, match="at most 1048576 CPU ids"):
        rssbound.analyze(host, None, ["tree"])

    (result,) = rssbound.analyze(host, None, ["percpu"])
    assert result.counters["anon"].under == (2 * ((1 << 20) + 1) - 1) * ((1 << 20) + 1)
