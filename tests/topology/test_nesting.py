"""Nesting of domains: NUMA oddities of sysfs trees, and the tree of a machine."""

from __future__ import annotations

import tracemalloc

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rssbound.errors import InputError
from rssbound.topology import Columns, CpuSet, NumaNode, Topology, read
from rssbound.topology.nesting import nest


def without(files, *parts):
    return {path: text for path, text in files.items() if not any(part in path for part in parts)}


def nodes(host):
    return {node.id: str(node.cpus) for node in host.nodes}


def parent(tree, key):
    return next(tree.predecessors(key))


# -- NUMA nodes


def test_no_node_folder_means_no_nodes(machine, capture):
    host = read(capture(without(machine(), "node/")))

    assert (host.nodes, host.columns.node, host.numa_nodes) == ((), (), 0)


def test_node_ids_may_have_holes_and_nodes_may_have_memory_only(machine, capture):
    files = without(machine(), "node/") | {"node/node0/cpulist": "0-3", "node/node8/cpulist": "4-7"}
    files |= {f"node/node{node}/cpulist": "\n" for node in (250, 255)}
    host = read(capture(files))

    assert nodes(host) == {0: "0-3", 8: "4-7", 250: "", 255: ""}
    assert host.numa_nodes == host.count("node") == 2
    assert parent(host.tree(), "memory:250") == "machine"


def test_a_cpu_that_all_nodes_claim_is_in_the_first(machine, capture):
    host = read(capture(machine() | {f"node/node{node}/cpulist": "0-7" for node in (0, 1)}))

    assert nodes(host) == {0: "0-7", 1: "0-7"}
    assert set(host.columns.node) == {0}
    assert host.warnings == (
        "node: CPUs 0-7 are claimed by several nodes; each is counted in the smallest",
    )
    assert nx.is_arborescence(host.tree())


def test_a_cpu_on_no_node_has_none(machine, capture):
    host = read(capture(machine() | {"node/node1/cpulist": "4-6"}))

    assert host.columns.node == (0, 0, 0, 0, 1, 1, 1, None)


def test_a_node_folder_may_name_its_cpus_by_links_only(machine, capture):
    folder = capture(without(machine(), "node1/cpulist") | {"node/node1/meminfo": ""})
    for cpu in range(4, 8):
        link = folder / f"sys/devices/system/node/node1/cpu{cpu}"
        link.symlink_to(f"../../cpu/cpu{cpu}")

    assert nodes(read(folder)) == {0: "0-3", 1: "4-7"}


def test_a_node_may_have_a_mask_only(machine, capture):
    files = without(machine(), "node/") | {"node/node0/cpumap": "00000000,000000ff\n"}

    assert nodes(read(capture(files))) == {0: "0-7"}


def test_a_node_has_only_cpus_that_are_possible(machine, capture):
    assert nodes(read(capture(machine() | {"node/node1/cpulist": "4-63"})))[1] == "4-7"


# -- the tree


def test_the_tree_goes_from_the_machine_to_the_cpus():
    tree = read("package:2 numa:2 core:2 pu:2").tree()

    assert nx.is_arborescence(tree)
    assert tree.nodes["machine"] == {"type": "machine", "id": 0, "cpus": CpuSet.parse("0-15")}
    assert nx.shortest_path(tree, "machine", "cpu:9") == [
        *("machine", "package:1", "node:2", "core:4", "cpu:9")
    ]
    assert tree.nodes["core:4"]["cpus"] == CpuSet.parse("8-9")


def test_several_packages_may_stand_in_one_node():
    host = read("numa:1 package:2 core:2")

    assert nx.shortest_path(host.tree(), "machine", "cpu:3")[1:3] == ["node:0", "package:1"]


def test_of_equal_domains_the_inner_level_is_below():
    tree = read("package:1 numa:1 core:1 pu:1").tree()

    assert nx.shortest_path(tree, "machine", "cpu:0") == [
        *("machine", "package:0", "node:0", "core:0", "cpu:0")
    ]


def test_cpus_of_unknown_groups_hang_below_the_machine():
    host = Topology(*[CpuSet.first(3)] * 3, columns=Columns(core=(0, 0, None)))

    assert parent(host.tree(), "cpu:2") == "machine"
    assert parent(host.tree(), "cpu:1") == "core:0"


def test_a_domain_that_overlaps_finer_ones_is_left_out_and_named():
    host = Topology(
        *[CpuSet.first(4)] * 3,
        columns=Columns(core=(0, 1, 1, 2), node=(0, 0, 1, 1)),
        nodes=(NumaNode(0, CpuSet.parse("0-1")), NumaNode(1, CpuSet.parse("2-3"))),
    )
    tree = host.tree()

    assert "node:0" not in tree
    assert tree.graph["warnings"] == (
        "node:0 (CPUs 0-1) overlaps core:1 (CPUs 1-2); node:0 is left out of the tree",
        "node:1 (CPUs 2-3) overlaps core:1 (CPUs 1-2); node:1 is left out of the tree",
    )


def test_a_machine_too_large_to_draw_is_refused():
    with pytest.raises(InputError) as caught:
        read("core:65537").tree()

    assert str(caught.value) == "a tree of 65537 CPUs is too large to write out; at most 65536"


def test_the_sets_of_all_domains_are_not_held_at_once():
    host = read("core:32768 pu:2")
    tracemalloc.start()
    nesting = nest(host)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(nesting.domains) == 3 * 32768
    assert peak < 500 * 65536  # the sets of the cores alone would take 4 KiB a CPU on average


@st.composite
def machines(draw):
    """Draw a machine with random groups, most of which do not nest."""
    size = draw(st.integers(1, 12))
    column = st.tuples(*[st.none() | st.integers(0, 3)] * size)
    cpus = CpuSet.first(size)
    return Topology(
        cpus, cpus, cpus, Columns(core=draw(column), llc=draw(column), package=draw(column))
    )


@given(machines())
def test_any_groups_at_all_give_an_arborescence_with_the_cpus_as_leaves(host):
    tree = host.tree()

    assert nx.is_arborescence(tree)
    leaves = {key for key, degree in tree.out_degree() if not degree}
    assert leaves == {f"cpu:{cpu}" for cpu in host.possible}
    for above, below in tree.edges:
        assert tree.nodes[below]["cpus"] <= tree.nodes[above]["cpus"]
