"""The table of CPUs."""

from __future__ import annotations

import dataclasses

import pytest

from rssbound.errors import InputError
from rssbound.topology import Columns, Cpu, CpuSet, NumaNode, Topology


def cpus(text):
    return CpuSet.parse(text)


HOST = Topology(
    possible=cpus("0-1,4-7"),
    present=cpus("0-1,4-6"),
    online=cpus("0-1,4-5"),
    columns=Columns(
        core=(0, 0, None, None, 1, 1, 2, 2),
        node=(0, 0, None, None, 8, 8, 8, None),
        package=(3, 3, None, None, 8442, 8442, 8442, 8442),
    ),
    nodes=(NumaNode(0, cpus("0-1")), NumaNode(8, cpus("4-6")), NumaNode(250, cpus(""))),
)


def test_nr_cpu_ids_is_the_highest_possible_id_plus_one():
    assert HOST.nr_cpu_ids == 8


def test_rows_are_the_possible_cpus_with_none_for_what_is_unknown():
    rows = list(HOST.rows())

    assert [row.id for row in rows] == [0, 1, 4, 5, 6, 7]
    assert rows[2] == Cpu(4, 1, None, None, None, 8, 8442, None, None)
    assert rows[-1].node is None


def test_groups_are_counted_among_the_possible_cpus_or_those_asked_for():
    assert HOST.count("core") == 3
    assert HOST.count("core", HOST.online) == 2
    assert HOST.count("package", cpus("6")) == 1
    assert HOST.count("die") == 0
    assert HOST.count("core", cpus("0,100")) == 1


def test_groups_are_given_by_id():
    assert {group: str(members) for group, members in HOST.groups("package").items()} == {
        3: "0-1",
        8442: "4-7",
    }
    assert HOST.groups("llc") == {}


def test_a_node_without_cpus_is_not_a_node_of_a_process():
    assert len(HOST.nodes) == 3
    assert HOST.numa_nodes == 2


def test_threads_per_core_counts_online_cpus_only():
    column = (0, 0, 0, 1)
    host = Topology(cpus("0-3"), cpus("0-3"), cpus("0-1,3"), Columns(core=column))

    assert host.threads_per_core == 2
    assert Topology(cpus("0"), cpus("0"), cpus("0")).threads_per_core == 0


def test_a_machine_without_online_cpus_can_be_described():
    assert Topology(cpus("0-3"), cpus("0-1"), cpus("")).threads_per_core == 0


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        HOST.name = "other"


def test_it_is_equal_to_another_with_the_same_facts():
    assert dataclasses.replace(HOST) == HOST
    assert dataclasses.replace(HOST, online=cpus("0")) != HOST


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (("", "", ""), "no possible CPU; a machine has at least one"),
        (("0-3", "0-4", "0"), "CPUs 4 are present but not possible"),
        (("0-3", "0-1", "0-3"), "CPUs 2-3 are online but not present"),
    ],
)
def test_each_set_is_within_the_one_before(sets, message):
    with pytest.raises(InputError) as caught:
        Topology(*map(cpus, sets))

    assert str(caught.value) == message


def test_a_column_has_an_entry_for_each_id():
    with pytest.raises(InputError) as caught:
        Topology(cpus("0-3"), cpus("0-3"), cpus("0-3"), Columns(core=(0, 1)))

    assert str(caught.value) == "column core must have 4 entries or none"


# -- NUMA nodes that are counted but not listed


def test_a_number_of_nodes_counts_where_their_lists_are_not_known():
    one = dataclasses.replace(HOST, columns=Columns(), nodes=(), node_count=4)

    assert (one.numa_nodes, one.count("node")) == (4, 0)


def test_a_number_of_nodes_can_exceed_the_listed_ones():
    assert dataclasses.replace(HOST, node_count=5).numa_nodes == 5


@pytest.mark.parametrize("count", [-1, 0, 1])
def test_a_number_of_nodes_is_not_below_the_listed_ones(count):
    with pytest.raises(InputError, match="NUMA nodes have CPUs, but 2 are listed"):
        dataclasses.replace(HOST, node_count=count)
