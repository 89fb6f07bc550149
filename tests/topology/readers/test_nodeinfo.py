"""virsh nodeinfo, whose sockets are those of each NUMA cell."""

from __future__ import annotations

import pytest

import rssbound
from rssbound.errors import InputError
from rssbound.topology.readers import nodeinfo
from rssbound.topology.sources import Source

INFO = """CPU model:           x86_64
CPU(s):              {cpus}
CPU frequency:       2400 MHz
CPU socket(s):       {sockets}
Core(s) per socket:  {cores}
Thread(s) per core:  {threads}
NUMA cell(s):        {cells}
Memory size:         131072000 KiB
"""


def info(cpus, cells, sockets, cores, threads):
    return INFO.format(cpus=cpus, cells=cells, sockets=sockets, cores=cores, threads=threads)


def read(text):
    return nodeinfo.read(Source("info", "info", data=text.encode()))


@pytest.mark.parametrize(
    ("counts", "possible", "online", "nodes"),
    [
        ((64, 2, 1, 16, 2), 64, 64, 2),
        ((384, 8, 1, 24, 2), 384, 384, 8),
        ((128, 2, 2, 16, 2), 128, 128, 2),
        ((60, 2, 1, 16, 2), 64, 60, 2),
        ((8, 1, 1, 4, 2), 8, 8, 0),
        ((96, 1, 1, 24, 2), 96, 96, 0),
    ],
)
def test_sockets_are_counted_in_each_cell(counts, possible, online, nodes):
    host = read(info(*counts))

    assert (len(host.possible), len(host.online), host.numa_nodes) == (possible, online, nodes)
    assert (host.columns.package, host.columns.core, host.columns.node) == ((), (), ())
    assert "`virsh capabilities` gives more" in host.warnings[0]


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((60, 2, 1, 16, 2), "4 of 64 CPUs are offline; it does not say which"),
        ((96, 1, 1, 24, 2), "the counts make 48 CPUs, not 96; CPU(s) is used"),
        ((8, 1, 1, 4, 2), "one cell: the machine has one NUMA node, or nodes that libvirt"),
    ],
)
def test_facts_that_counts_do_not_give_are_warnings(counts, words):
    assert read(info(*counts)).warnings[1].startswith(words)


def test_it_is_not_taken_for_lscpu(on_disk):
    host = rssbound.read(on_disk(info(64, 2, 1, 16, 2)))

    assert (host.numa_nodes, host.count("package")) == (2, 0)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (info(64, 2, 1, 16, 2) * 2, "line 10: CPU(s) appears twice; give one machine"),
        (info("many", 2, 1, 16, 2), "line 2: CPU(s): 'many'; a number from 1 to"),
        (info(64, 0, 1, 16, 2), "line 7: NUMA cell(s): '0'; a number from 1 to"),
        ("CPU model: x86_64\nCPU socket(s): 1\n", "CPU(s): no such line; give all that"),
        (info(99999999, 2, 1, 16, 2), "line 2: CPU(s): '99999999'; a number from 1 to"),
        (info(1, 9999, 99, 16, 2), "31676832 CPUs; at most"),
    ],
)
def test_faults_are_reported_with_their_line(text, fault):
    with pytest.raises(InputError) as error:
        read(text)

    assert error.value.faults[0].startswith(fault)
