"""Nodes as Slurm describes them."""

from __future__ import annotations

import contextlib
import os
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import cpu_seconds

from rssbound.errors import InputError
from rssbound.topology.readers import slurm
from rssbound.topology.sources import Source

CORPUS = os.environ.get("RSSBOUND_CORPUS")

PRINTED = """NodeName=node1 CPUs=8 Boards=1 SocketsPerBoard=2 CoresPerSocket=2 ThreadsPerCore=2 \
RealMemory=31848
UpTime=12-03:04:05
"""

SHOWN = """NodeName=c1 Arch=x86_64 CoresPerSocket=2
   CPUAlloc=0 CPUTot=8 CPULoad=0.01
   Sockets=2 Boards=1
   State=IDLE ThreadsPerCore=2 TmpDisk=0

"""


def source(text):
    return Source("test.txt", "test", data=text.encode())


def read(text):
    return slurm.read(source(text))


def counts(text):
    """Give the numbers of packages, cores and CPUs."""
    node = read(text)
    return node.count("package"), node.count("core"), len(node.possible)


def faults(text):
    with pytest.raises(InputError) as error:
        read(text)
    return error.value.faults


@pytest.mark.parametrize("text", [PRINTED, SHOWN])
def test_all_first_threads_come_before_all_second_ones(text):
    node = read(text)
    assert node.columns.core == (0, 1, 2, 3, 0, 1, 2, 3)
    assert node.columns.package == (0, 0, 1, 1, 0, 0, 1, 1)
    assert node.threads_per_core == 2
    assert node.possible == node.online


def test_the_assumed_numbering_is_a_warning():
    assert "first threads before all second ones" in read(PRINTED).warnings[0]
    assert "first threads" not in read("NodeName=a Sockets=2 CoresPerSocket=4").warnings[0]


@pytest.mark.parametrize("values", ["CPUs=16", "CPUs=9 Sockets=1 CoresPerSocket=4"])
def test_no_numbering_is_assumed_where_cores_are_unknown(values):
    assert not [line for line in read(f"NodeName=a {values}").warnings if "no CPU ids" in line]


def test_one_socket_of_single_threads_has_only_one_numbering():
    assert read("NodeName=a Sockets=1 CoresPerSocket=4").warnings == (
        "Slurm gives neither offline nor only possible CPUs, and no NUMA nodes",
    )


def test_a_node_keeps_its_name():
    assert read(PRINTED).name == "node1"
    assert read("NodeName=n[01-64] CPUs=2").name == "n[01-64]"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # worked out by hand from slurm.conf(5); packages, cores, CPUs
        ("Sockets=2 CoresPerSocket=64 ThreadsPerCore=2", (2, 128, 256)),
        ("Boards=2 SocketsPerBoard=2 CoresPerSocket=4", (4, 16, 16)),
        ("Boards=2 Sockets=4 CoresPerSocket=4", (4, 16, 16)),
        ("CPUs=16 CoresPerSocket=4 ThreadsPerCore=2", (2, 8, 16)),
        ("Boards=2 CoresPerSocket=4", (2, 8, 8)),
        ("Sockets=1 CoresPerSocket=8 ThreadsPerCore=2 CPUs=8", (1, 8, 16)),
        ("Procs=16 Sockets=2 CoresPerSocket=8", (2, 16, 16)),
        ("CPUs=16", (0, 0, 16)),
        ("CPUs=20 Sockets=1 CoresPerSocket=14 ThreadsPerCore=2", (1, 0, 20)),
        ("CPUs=20 Sockets=2 CoresPerSocket=14 ThreadsPerCore=2", (0, 0, 20)),
    ],
)
def test_missing_and_contradicting_counts(values, expected):
    assert counts(f"NodeName=a {values}") == expected


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ("CPUs=16", "line 1: neither sockets nor cores are given"),
        ("CPUs=8 Sockets=1 CoresPerSocket=8 ThreadsPerCore=2", "line 1: CPUs=8 does not count"),
        ("CPUs=20 Sockets=1 CoresPerSocket=14 ThreadsPerCore=2", "line 1: CPUs=20 is not 1 sock"),
    ],
)
def test_assumptions_are_warnings(values, warning):
    assert read(f"NodeName=a {values}").warnings[0].startswith(warning)


def test_a_configuration_file_is_read_around_its_node():
    text = (
        "ClusterName=x\nSlurmctldHost=h\n# NodeName=old CPUs=1\n"
        "NodeName=DEFAULT Sockets=2 CoresPerSocket=2\n"
        "nodename=a \\\n  ThreadsPerCore=2 # Sockets=9\nPartitionName=p Nodes=ALL\n"
    )
    assert slurm.accepts(source(text))
    assert counts(text) == (2, 4, 8)
    assert read(text).name == "a"


def test_several_nodes_are_too_many():
    assert faults("NodeName=a CPUs=1\nNodeName=b[1-2] CPUs=2\n") == (
        "2 NodeName entries (a in line 1, b[1-2] in line 2); give one",
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("NodeName=a Sockets=999999999", "line 1: sockets=999999999; a number from 1 to 4194304"),
        ("NodeName=a CPUs=9999999999999999", "line 1: cpus=9999999999999999; a number"),
        ("NodeName=a Sockets=4000000 CoresPerSocket=4000000", "line 1: 16000000000000 CPUs; at"),
        ("NodeName=a Boards=4000000 SocketsPerBoard=4000000", "line 1: 16000000000000 CPUs; at"),
        ("NodeName=a CPUs=-4", "line 1: cpus=-4; a number"),
        ("NodeName=a CPUs=0", "line 1: cpus=0; a number"),
        ("NodeName=a CPUs=", "line 1: cpus=; a number"),
        ("NodeName=a CPUs=many", "line 1: cpus=many; a number"),
        ("NodeName=a CPUs=4 Procs=4", "line 1: cpus given twice"),
        ("\nNodeName=a State=UNKNOWN", "line 2: no CPUs, Sockets or CoresPerSocket in it"),
        ("ClusterName=x", "no node in it"),
        ("NodeName=DEFAULT CPUs=4", "no node in it"),
        ("", "no node in it"),
    ],
)
def test_a_broken_node_is_refused_at_once(text, fault):
    with cpu_seconds(1):
        assert faults(text)[0].startswith(fault)


def test_faults_are_reported_together():
    assert len(faults("NodeName=a CPUs=x Sockets=0 CoresPerSocket=-1")) == 3


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        (PRINTED, True),
        (SHOWN, True),
        ("\n# x\n nodename=a cpus=4", True),
        ("NodeName=a State=UNKNOWN", False),
        ("# NodeName=a CPUs=4", False),
        ("Sockets=2 CPUs=4", False),
        ('{"NodeName": "a"}', False),
        ("package:2 pu:2", False),
        ("", False),
    ],
)
def test_accepts_a_node_with_counts(text, accepted):
    assert slurm.accepts(source(text)) is accepted


def test_a_folder_is_not_text():
    assert not slurm.accepts(Source("x", "x", trees={}))
    with pytest.raises(InputError, match="folder"):
        slurm.read(Source("x", "x", trees={}))


@given(st.data())
def test_a_damaged_text_gives_a_machine_or_an_input_error(data):
    text = data.draw(st.sampled_from([PRINTED, SHOWN]))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 20, len(text))))
    middle = data.draw(st.sampled_from(["", "-1", "=", "\\", "#", "\n", "99999999999", '"']))
    with contextlib.suppress(InputError):
        assert read(text[:start] + middle + text[end:]).possible


@pytest.mark.skipif(not CORPUS, reason="RSSBOUND_CORPUS is not set")
def test_each_node_of_the_sample_has_the_counts_found_by_hand():
    path = pathlib.Path(CORPUS) / "samples" / "slurm.txt"
    lines = [line for line in path.read_text().splitlines() if line.startswith("NodeName")]
    assert [counts(line) for line in lines] == [(1, 8, 16), (2, 128, 256)]
    assert "2 NodeName entries" in faults(path.read_text())[0]
