"""Nodes from `numactl --hardware`."""

import pytest

import rssbound
from rssbound.errors import InputError
from rssbound.topology.readers import numactl
from rssbound.topology.sources import Source

PRINTED = """available: 3 nodes (0,8,252)
node 0 cpus: 0 1 2 3 8
node 0 size: 261788 MB
node 0 free: 250000 MB
node 8 cpus: 4 5 6 7
node 8 size: 261788 MB
node 252 cpus:
node 252 size: 16384 MB
node distances:
node   0   8  252
  0:  10  40  80
  8:  40  10  80
 252:  80  80  10
"""


def read(text):
    return numactl.read(Source("test.txt", "test", data=text.encode()))


def faults(text):
    with pytest.raises(InputError) as error:
        read(text)
    return error.value.faults


def test_nodes_and_their_cpus():
    host = read(PRINTED)

    assert host.columns.node == (0, 0, 0, 0, 8, 8, 8, 8, 0)
    assert [(node.id, str(node.cpus)) for node in host.nodes] == [
        *((0, "0-3,8"), (8, "4-7"), (252, "")),
    ]
    assert (str(host.possible), host.columns.core) == ("0-8", ())
    assert "are unknown" in host.warnings[0]


def test_the_format_is_recognised(tmp_path):
    file = tmp_path / "nodes.txt"
    file.write_text(PRINTED)

    assert rssbound.read(str(file)) == rssbound.read(str(file), form="numactl")
    assert not numactl.accepts(
        Source("x", "x", data=b"No NUMA support available on this system.\n")
    )


def test_a_machine_without_numa_is_one_node():
    host = read("available: 1 nodes (0)\nnode 0 cpus: 0 1\nnode 0 size: 100 MB\n")

    assert (host.numa_nodes, str(host.online)) == (1, "0-1")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("node 0 cpus: 0 x 2\n", "line 2: x; a CPU id from 0 to"),
        ("node 0 cpus: 99999999\n", "line 2: 99999999; a CPU id from 0 to"),
        ("node 0 cpus: 0\nnode 0 cpus: 1\n", "line 3: node 0 appears twice; give one machine"),
        ("node 0 cpus:\nnode 0 size: 5 MB\n", "no CPU in it"),
        (
            "node 0 size: 5 MB\n",
            "1 nodes are announced, but the CPUs of 0 follow; the text was cut",
        ),
        ("node 0 cpus: 0 1\nnode 0 size: 5 MB\nnode 1 cpus: 2", "ends in 'node 1 cpus: 2'; the"),
        ("node 0 cpus: 0 1\nnode 0 size: 5 MB\nnode 1 cpus:", "ends in 'node 1 cpus:'; the text"),
        ("node 0 cpus: 0 1\nnode 1 cpus:", "ends in 'node 1 cpus:'; the text was cut"),
    ],
)
def test_faults_are_reported_with_their_line(text, fault):
    assert faults("available: 1 nodes (0)\n" + text)[0].startswith(fault)


def test_nodes_that_share_a_cpu_are_a_warning():
    host = read("available: 2 nodes (0-1)\nnode 0 cpus: 0 1\nnode 1 cpus: 1\n")

    assert any("claimed by several NUMA nodes" in warning for warning in host.warnings)


@pytest.mark.parametrize(
    ("sample", "nodes", "cpus"),
    [("128arm", 4, 128), ("48amd64-sparse", 8, 48), ("hybrid-20", 1, 20)],
)
def test_samples(corpus, sample, nodes, cpus):
    host = rssbound.read(str(corpus / "samples" / f"numactl-H.{sample}.txt"))

    assert (host.numa_nodes, len(host.possible)) == (nodes, cpus)


def test_nodes_are_those_of_the_captured_machine(corpus):
    """One machine with both a capture and this output; its node ids have gaps."""
    listed = rssbound.read(str(corpus / "samples" / "numactl-H.48amd64-sparse.txt"))
    captured = rssbound.read(str(corpus / "sysfs" / "hwloc--48amd64-4pa2n6c-sparse.tar.xz"))
    per_node = [
        rssbound.analyze(host, rssbound.Scenario(), ["per-node"])[0].rss
        for host in (listed, captured)
    ]

    assert listed.columns.node == captured.columns.node
    assert per_node[0] == per_node[1]


def test_a_list_that_a_mail_has_folded_is_whole():
    text = "available: 2 nodes (0-1)\nnode 0 cpus: 0 1 2\n3 4\n5\nnode 0 size: 9 MB\n"
    host = read(f"{text}node 1 cpus: 6\n 7\nnode 1 size: 9 MB\nnode distances:\nnode   0   1\n")

    assert [str(node.cpus) for node in host.nodes] == ["0-5", "6-7"]
