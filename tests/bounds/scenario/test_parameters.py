"""The numbers of a machine: NUMA nodes with a CPU that updates."""

import dataclasses

import pytest

import rssbound
from rssbound.bounds import DESIGNS
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import OWN, Scenario, resolve
from rssbound.topology.model import NumaNode

HOST = rssbound.read("core:64")
SUMMARY = """\
Architecture:        x86_64
CPU(s):              64
On-line CPU(s) list: 0-63
Thread(s) per core:  1
Core(s) per socket:  32
Socket(s):           2
NUMA node(s):        8
"""


def parameters(host, **scenario):
    return parameters_of(host, resolve(Scenario(**scenario), host))


@pytest.mark.parametrize(
    ("cpus", "nodes_shift", "nodes"),
    [
        ("0-63", 10, 8),  # all of them
        ("5,9,60", 10, 3),  # three CPUs are in three nodes at most
        ("0-63", 2, 4),  # nodes share four slots
    ],
)
def test_a_number_of_nodes_without_cpu_lists_is_used(tmp_path, cpus, nodes_shift, nodes):
    path = tmp_path / "lscpu.txt"
    path.write_text(SUMMARY)
    scenario = {"cpus": rssbound.CpuSet.parse(cpus), "updaters": OWN, "nodes_shift": nodes_shift}
    p = parameters(rssbound.read(str(path)), **scenario)
    design = DESIGNS["per-node"]

    assert p.nodes(1 << nodes_shift) == nodes
    assert len({p.node_of(cpu) % (1 << nodes_shift) for cpu in p.ids}) == nodes
    reached = sum(pages for _, pages in design.witness(p, "under"))
    assert reached == design.error(p, ("anon",)).under > 0


def test_nodes_with_cpu_lists_keep_their_cpus():
    column = (3, 3, *[None] * 62)
    host = dataclasses.replace(
        HOST,
        columns=dataclasses.replace(HOST.columns, node=column),
        nodes=(NumaNode(3, rssbound.CpuSet.parse("0-1")),),
        node_count=3,
    )
    own = parameters(host, cpus=rssbound.CpuSet.parse("0-1"), updaters=OWN)
    p = parameters(host)

    assert [own.node_of(cpu) for cpu in (0, 1)] == [3, 3]
    assert own.nodes(1024) == 1
    assert [p.node_of(cpu) for cpu in range(6)] == [3, 3, 0, 1, 3, 0]
    assert p.nodes(1024) == 3
