"""Which hardware domains the CPUs of one item of a tree's level span, by real CPU ids."""

import pytest

import rssbound
from rssbound import Scenario
from rssbound.bounds.hardware.locality import spans_of

EPYC = "package:2 numa:4 l3:3 core:8 pu:2(indexes=2*192:1*2)"


def spans(host, design, **scenario):
    machine = rssbound.read(host)
    (result,) = rssbound.analyze(machine, Scenario(**scenario), [design])
    cpus = scenario.get("cpus", machine.online)
    return {level.name: spans_of(level.item_of, machine, cpus) for level in result.levels}


def by_hand(host, modulus):
    """Group CPUs by id modulo the number of items, and read their domains row by row."""
    groups = {}
    for row in rssbound.read(host).rows():
        groups.setdefault(row.id % modulus, []).append(row)
    found = {}
    for domain in ("package", "node", "llc"):
        counts = [len({getattr(row, domain) for row in rows}) for rows in groups.values()]
        found[domain] = (min(counts), max(counts))
    return found


@pytest.mark.parametrize(("level", "modulus", "cpus"), [("level 1", 64, 6), ("level 2", 8, 48)])
def test_the_kernels_grouping_crosses_sockets_on_a_two_pass_numbered_epyc(level, modulus, cpus):
    span = spans(EPYC, "tree")[level]

    assert span.cpus == (cpus, cpus)
    assert span.domains["package"] == (2, 2)
    assert span.domains == by_hand(EPYC, modulus)


def test_an_item_of_the_aligned_tree_stays_within_its_domain():
    found = spans(EPYC, "tree-aligned")

    assert found["core"].cpus == (2, 2)
    assert found["llc"].domains == {"package": (1, 1), "node": (1, 1), "llc": (1, 1)}
    assert found["node"].domains == {"package": (1, 1), "node": (1, 1), "llc": (3, 3)}
    assert found["package"].domains == {"package": (1, 1), "node": (4, 4), "llc": (12, 12)}


def test_round_robin_numbering_is_local():
    """Nodes are cpu mod 4: 16 CPUs, level 1 has 4 items, and each is one node."""
    host = "numa:4 core:4 pu:1(indexes=4*4:1*4)"

    assert spans(host, "tree")["level 1"].domains["node"] == (1, 1)


def test_power_without_smt_has_one_item():
    """All ids are multiples of 8, so up to 8 items only one is used."""
    ids = rssbound.CpuSet.of(range(0, 128, 8))
    machine = rssbound.Topology(rssbound.CpuSet.first(128), rssbound.CpuSet.first(128), ids)
    (result,) = rssbound.analyze(machine, None, ["tree"])

    last = result.levels[-1]
    assert (last.name, last.items) == ("level 2", 1)
    assert spans_of(last.item_of, machine, ids).cpus == (16, 16)


def test_domains_that_the_machine_does_not_state_are_unknown():
    assert spans("core:8 pu:1", "tree")["level 1"].domains == {
        "package": None,
        "node": None,
        "llc": None,
    }


def test_a_level_that_does_not_divide_the_cpus_has_no_span():
    found = spans("core:8 pu:1", "tree-centred")

    assert found["bias"] is None


def test_only_the_cpus_of_the_process_count():
    cpus = rssbound.CpuSet.parse("0-7,192-199")

    assert spans(EPYC, "tree", cpus=cpus)["level 1"].domains["package"] == (1, 1)


def test_items_of_different_sizes_give_a_range():
    span = spans("package:2 core:3 pu:1", "tree")["level 1"]

    assert span.cpus == (1, 2)
    assert span.domains["package"] == (1, 2)
