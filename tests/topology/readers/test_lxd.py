"""Hosts as LXD and Incus describe them."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rssbound.errors import InputError
from rssbound.topology.readers import lxd
from rssbound.topology.sources import Source

CORPUS = os.environ.get("RSSBOUND_CORPUS")


def thread(cpu, node, **more):
    return {"id": cpu, "numa_node": node, "online": True, "isolated": False, "thread": 0, **more}


HOST = {
    "cpu": {
        "architecture": "x86_64",
        "total": 6,
        "sockets": [
            {
                "socket": 36,
                "cache": [{"level": 3, "type": "Unified", "size": 1}],
                "cores": [
                    {"core": 0, "die": 0, "threads": [thread(0, 0), thread(4, 0, isolated=True)]},
                    {"core": 0, "die": 1, "threads": [thread(1, 1)]},
                ],
            },
            {
                "socket": 8442,
                "cores": [
                    {"core": 0, "die": 0, "threads": [thread(2, 2), thread(6, 2, online=False)]},
                    {"core": 9, "die": 0, "threads": [thread(3, 2)]},
                ],
            },
        ],
    },
    "memory": {"nodes": [{"numa_node": n, "total": 1} for n in (0, 1, 2, 8)], "total": 4},
    "gpu": {"cards": []},
}


def source(document):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Source("test.json", "test", data=data)


def read(document):
    return lxd.read(source(document))


def changed(path, value):
    """Give the host with the value at a path replaced."""
    document = copy.deepcopy(HOST)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return document


def faults(document):
    with pytest.raises(InputError) as error:
        read(document)
    return error.value.faults


def test_a_host_has_the_ids_it_lists():
    host = read(HOST)
    assert host.columns.package == (36, 36, 8442, 8442, 36, None, 8442)
    assert host.columns.node == (0, 1, 2, 2, 0, None, 2)


def test_core_ids_repeat_between_sockets_and_dies():
    host = read(HOST)
    assert host.columns.core == (0, 1, 2, 3, 0, None, 2)
    assert host.columns.die == (0, 1, 2, 2, 0, None, 2)


def test_an_isolated_cpu_is_online_and_an_offline_one_is_possible():
    host = read(HOST)
    assert (str(host.possible), str(host.online)) == ("0-4,6", "0-4")


def test_nodes_without_cpus_are_kept():
    assert [(n.id, str(n.cpus)) for n in read(HOST).nodes] == [
        (0, "0,4"),
        (1, "1"),
        (2, "2-3,6"),
        (8, ""),
    ]


def test_who_shares_a_cache_is_unknown():
    assert read(HOST).columns.llc == ()


def test_clusters_are_read_where_they_are_given():
    host = read(changed(["cpu", "sockets", 0, "cores", 1, "cluster"], 4))
    assert host.columns.cluster == (None, 0, None, None, None, None, None)


def test_a_response_with_metadata_is_the_same():
    assert read({"type": "sync", "status": "Success", "metadata": HOST}) == read(HOST)


@pytest.mark.parametrize("memory", [None, {}, {"nodes": None}, {"nodes": [{"total": 1}]}])
def test_memory_may_be_unknown(memory):
    bare = {"cpu": HOST["cpu"], "memory": memory}
    assert [node.id for node in read(bare).nodes] == [0, 1, 2]


@pytest.mark.parametrize("unknown", [-1, 2**32 - 1, 2**64 - 1])
def test_minus_1_from_the_kernel_is_not_a_package(unknown):
    host = read(changed(["cpu", "sockets", 0, "socket"], unknown))
    assert host.columns.package == (None, None, 8442, 8442, None, None, 8442)
    assert host.columns.core == (0, 1, 2, 3, 0, None, 2)


SOCKETS = "$.cpu.sockets"
FIRST = ["cpu", "sockets", 0, "cores", 0, "threads", 0]


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (["cpu", "sockets"], [], "no CPU in it; a machine has at least one"),
        (["cpu", "sockets"], 3, f"{SOCKETS}: a number; a list is expected"),
        (["cpu", "sockets", 0], "x", f"{SOCKETS}[0]: a string; an object is expected"),
        (
            ["cpu", "sockets", 0, "socket"],
            "x",
            f'{SOCKETS}[0].socket: "x"; a whole number is expect',
        ),
        (["cpu", "sockets", 0, "socket"], 2**40, f"{SOCKETS}[0].socket: 1099511627776 is out of"),
        (["cpu", "sockets", 0, "cores"], {}, f"{SOCKETS}[0].cores: an object; a list is expected"),
        ([*FIRST, "id"], -1, f"{SOCKETS}[0].cores[0].threads[0].id: -1; a CPU id from 0"),
        ([*FIRST, "id"], True, f"{SOCKETS}[0].cores[0].threads[0].id: true; a CPU id from 0"),
        ([*FIRST, "id"], 1 << 22, f"{SOCKETS}[0].cores[0].threads[0].id: 4194304; a CPU id from"),
        ([*FIRST, "online"], "no", f"{SOCKETS}[0].cores[0].threads[0].online: a string; a boolean"),
        ([*FIRST, "id"], 4, f"{SOCKETS}[0].cores[0].threads[1].id: CPU 4 is also in an earlier"),
        (["memory"], [1], "$.memory: a list; an object is expected"),
        (["memory", "nodes"], "0", "$.memory.nodes: a string; a list is expected"),
    ],
)
def test_a_broken_host_is_refused_with_the_path(path, value, fault):
    assert faults(changed(path, value))[0].startswith(fault)


def test_faults_are_reported_together():
    document = changed([*FIRST, "id"], None)
    document["cpu"]["sockets"][1]["cores"][0]["threads"] = "all"
    assert len(faults(document)) == 2


def test_a_truncated_document_says_where_it_ends():
    assert "not JSON" in faults(json.dumps(HOST).encode()[:200])[0]


@pytest.mark.parametrize("document", [{}, [], {"cpu": {}}, {"cpu": []}, {"metadata": []}, 3])
def test_documents_without_a_host_are_refused(document):
    assert "no cpu.sockets" in faults(document)[0]
    assert not lxd.accepts(source(document))


@pytest.mark.parametrize(
    "data",
    [b"", b"<x/>", b'{"cpu": {"sockets": [', b'{"kind": "rssbound.topology", "a": "sockets"}'],
)
def test_other_content_is_not_accepted(data):
    assert not lxd.accepts(source(data))


def test_a_host_is_accepted():
    assert lxd.accepts(source(HOST))
    assert lxd.accepts(source({"metadata": HOST}))


def test_a_folder_is_not_json():
    assert not lxd.accepts(Source("x", "x", trees={}))
    with pytest.raises(InputError, match="folder"):
        lxd.read(Source("x", "x", trees={}))


@given(st.data())
def test_a_damaged_document_gives_a_machine_or_an_input_error(data):
    text = json.dumps(HOST)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 30, len(text))))
    middle = data.draw(st.sampled_from(["", "-1", "null", '"', "{}", "[]", "99999999999", "1e3"]))
    with contextlib.suppress(InputError):
        assert read((text[:start] + middle + text[end:]).encode()).possible


@pytest.mark.skipif(not CORPUS, reason="RSSBOUND_CORPUS is not set")
@pytest.mark.parametrize(
    ("name", "counts", "packages"),
    [
        # cpus, core, node, nodes, threads in a core: counted by hand in the files
        ("lxd-resources.128arm.json", (128, 128, 4, 4, 1), {36, 8442}),
        ("lxd-resources.hybrid-20.json", (20, 14, 1, 1, 2), {0}),
    ],
)
def test_samples_have_the_counts_found_by_hand(name, counts, packages):
    path = pathlib.Path(CORPUS) / "samples" / name
    sample = Source(name, name, data=path.read_bytes())
    assert lxd.accepts(sample)
    host = lxd.read(sample)
    found = (len(host.online), host.count("core"), host.count("node"), len(host.nodes))
    assert (*found, host.threads_per_core) == counts
    assert set(host.columns.package) == packages


def test_a_warning_says_that_only_possible_cpus_are_not_listed():
    host = lxd.read(Source("host.json", "host", data=json.dumps(HOST).encode()))

    assert host.warnings == (
        "LXD does not list CPUs that are only possible; more CPUs may be possible",
    )
