"""Hosts as cAdvisor describes them."""

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
from rssbound.topology.readers import cadvisor
from rssbound.topology.sources import Source

CORPUS = os.environ.get("RSSBOUND_CORPUS")


def cache(level, number=0, kind="Unified"):
    return {"id": number, "size": 1, "type": kind, "level": level}


def core(number, cpus, socket, uncore=None, **more):
    caches = [cache(1, number, "Data"), cache(2, number)]
    ids = {"core_id": number, "thread_ids": cpus, "socket_id": socket}
    return {**ids, "caches": caches, "uncore_caches": uncore, **more}


# One socket of two L3 in node 0, one of a single L3 in node 1, memory alone in node 2.
HOST = {
    "num_cores": 8,
    "kernel_version": "6.12.9",
    "machine_id": "0123",
    "topology": [
        {
            "node_id": 0,
            "memory": 1,
            "distances": [10, 20, 30],
            "caches": None,
            "cores": [
                core(0, [0, 4], 0, [cache(3, 0)]),
                core(1, [1, 5], 0, [cache(3, 1)]),
            ],
        },
        {
            "node_id": 1,
            "memory": 1,
            "distances": [20, 10, 30],
            "caches": [cache(3, 0)],
            "cores": [core(0, [2, 6], 7), core(1, [3, 7], 7)],
        },
        {"node_id": 2, "memory": 1, "distances": [30, 30, 10], "caches": None, "cores": None},
    ],
}


def source(document):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Source("test.json", "test", data=data)


def read(document):
    return cadvisor.read(source(document))


def changed(*changes):
    """Give the host with the values at some paths replaced."""
    document = copy.deepcopy(HOST)
    for path, value in changes:
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
    assert host.columns.package == (0, 0, 7, 7, 0, 0, 7, 7)
    assert host.columns.node == (0, 0, 1, 1, 0, 0, 1, 1)
    assert [(n.id, str(n.cpus)) for n in host.nodes] == [(0, "0-1,4-5"), (1, "2-3,6-7"), (2, "")]
    assert host.kernel == "6.12.9"


def test_an_instruction_cache_is_not_a_last_level_cache():
    caches = ("topology", 0, "caches")
    shared = changed((caches, [cache(9, 0, "Instruction")]))
    assert read(shared).columns.llc == read(HOST).columns.llc
    assert read(changed((caches, [cache(9, 0)]))).columns.llc != read(HOST).columns.llc


def test_core_ids_repeat_between_sockets():
    assert read(HOST).columns.core == (0, 1, 2, 3, 0, 1, 2, 3)


def test_the_last_level_cache_is_an_uncore_cache_or_one_of_the_whole_node():
    assert read(HOST).columns.llc == (0, 1, 2, 2, 0, 1, 2, 2)


def test_a_core_without_an_outer_cache_has_its_own_as_the_last():
    document = changed((["topology", 1, "caches"], None))
    assert read(document).columns.llc == (0, 1, 2, 3, 0, 1, 2, 3)


def test_an_older_cadvisor_does_not_say_who_shares_a_cache():
    document = copy.deepcopy(HOST)
    for each in (each for node in document["topology"] for each in node["cores"] or []):
        del each["uncore_caches"]
    host = read(document)
    assert host.columns.llc == ()
    assert any("older cAdvisor" in line for line in host.warnings)


def test_a_warning_says_that_only_online_cpus_are_listed():
    host = read(HOST)
    assert host.possible == host.online
    assert "only online CPUs" in host.warnings[0]


def test_books_and_drawers_are_read_from_strings():
    cores = [core(0, [n], 0, book_id=str(n // 2), drawer_id="3") for n in range(4)]
    host = read({"num_cores": 4, "topology": [{"node_id": 0, "memory": 1, "cores": cores[::2]}]})
    assert host.columns.book == (0, None, 1)
    assert host.columns.drawer == (3, None, 3)
    assert host.columns.core == (0, None, 1)


def test_sockets_with_the_same_id_in_two_books_are_two_packages():
    cores = [core(0, [n], 1, book_id=str(n), drawer_id="0") for n in range(2)]
    host = read({"num_cores": 2, "topology": [{"node_id": 0, "memory": 1, "cores": cores}]})
    assert host.columns.package == (0, 1)


def test_nodes_made_of_packages_are_not_numa_nodes():
    nodes = [
        {"node_id": n, "memory": 0, "distances": None, "caches": None, "cores": [core(0, [n], n)]}
        for n in range(2)
    ]
    host = read({"num_cores": 2, "topology": nodes})
    assert host.nodes == ()
    assert host.columns.package == (0, 1)
    assert any("without NUMA" in line for line in host.warnings)


def test_a_cpu_that_several_nodes_claim_counts_in_the_smallest():
    cores = HOST["topology"][0]["cores"] + HOST["topology"][1]["cores"]
    host = read(changed((["topology", 1, "cores"], cores)))
    assert host.columns.node == (0, 0, 1, 1, 0, 0, 1, 1)
    assert host.columns.core == (0, 1, 2, 3, 0, 1, 2, 3)
    assert any("claimed by several" in line for line in host.warnings)


def test_an_older_core_without_a_socket_is_identified_by_its_node():
    cores = ({"core_id": 0, "thread_ids": [n], "caches": None} for n in range(2))
    nodes = [{"node_id": n, "memory": 1, "cores": [each]} for n, each in enumerate(cores)]
    host = read({"num_cores": 2, "topology": nodes})
    assert host.columns.core == (0, 1)
    assert host.columns.package == ()


CORE = ["topology", 0, "cores", 0]


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (["topology"], [], "no CPU in it; a machine has at least one"),
        (["topology"], {}, "$.topology: an object; a list is expected"),
        (["topology", 0], 5, "$.topology[0]: a number; an object is expected"),
        (["topology", 0, "node_id"], 1, "$.topology[1].node_id: node 1 appears twice"),
        (["topology", 0, "node_id"], [], "$.topology[0].node_id: a list; a whole number"),
        (["topology", 0, "cores"], "x", "$.topology[0].cores: a string; a list is expected"),
        ([*CORE, "thread_ids"], 4, "$.topology[0].cores[0].thread_ids: a number; a list"),
        ([*CORE, "thread_ids"], [0, -4], "$.topology[0].cores[0].thread_ids[1]: -4; a CPU id"),
        ([*CORE, "thread_ids"], [0, 0], "$.topology[0].cores[0].thread_ids[1]: CPU 0 is also in"),
        ([*CORE, "thread_ids"], [0, 1], "$.topology[0].cores[1].thread_ids[0]: CPU 1 is also in"),
        ([*CORE, "thread_ids"], [1 << 40], "$.topology[0].cores[0].thread_ids[0]: 1099511627776;"),
        ([*CORE, "core_id"], "a", '$.topology[0].cores[0].core_id: "a"; a whole number'),
        ([*CORE, "caches"], [3], "$.topology[0].cores[0].caches[0]: a number; an object"),
        (["kernel_version"], 6, "$.kernel_version: a number; a string is expected"),
    ],
)
def test_a_broken_host_is_refused_with_the_path(path, value, fault):
    assert faults(changed((path, value)))[0].startswith(fault)


def test_faults_are_reported_together():
    assert len(faults(changed(([*CORE, "thread_ids"], 4), (["topology", 1, "cores"], 1)))) == 2


def test_a_truncated_document_says_where_it_ends():
    assert "not JSON" in faults(json.dumps(HOST).encode()[:200])[0]


@pytest.mark.parametrize("document", [{}, [], {"num_cores": 3}, "num_cores"])
def test_documents_without_a_host_are_refused(document):
    assert "no topology" in faults(document)[0]
    assert not cadvisor.accepts(source(document))


@pytest.mark.parametrize(
    "data", [b"", b'{"num_cores": 1, "topology": [', b'{"num_cores": 1, "topology": {}}']
)
def test_other_content_is_not_accepted(data):
    assert not cadvisor.accepts(source(data))


def test_a_host_is_accepted():
    assert cadvisor.accepts(source(HOST))


def test_a_folder_is_not_json():
    assert not cadvisor.accepts(Source("x", "x", trees={}))
    with pytest.raises(InputError, match="folder"):
        cadvisor.read(Source("x", "x", trees={}))


@given(st.data())
def test_a_damaged_document_gives_a_machine_or_an_input_error(data):
    text = json.dumps(HOST)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 30, len(text))))
    middle = data.draw(st.sampled_from(["", "-1", "null", '"', "{}", "[]", "99999999999", "1e3"]))
    with contextlib.suppress(InputError):
        assert read((text[:start] + middle + text[end:]).encode()).possible


@pytest.mark.skipif(not CORPUS, reason="RSSBOUND_CORPUS is not set")
def test_the_sample_has_the_counts_found_by_hand():
    path = pathlib.Path(CORPUS) / "samples" / "cadvisor-machine.json"
    sample = Source("sample", "sample", data=path.read_bytes())
    assert cadvisor.accepts(sample)
    host = cadvisor.read(sample)
    assert host.columns.core == (0, 0, 1, 1)
    assert host.columns.package == host.columns.node == host.columns.llc == (0, 0, 1, 1)
