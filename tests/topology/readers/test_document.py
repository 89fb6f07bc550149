"""The project's own JSON: what it describes and what is refused."""

from __future__ import annotations

import json

import pytest

from rssbound.errors import InputError
from rssbound.topology.readers import document
from rssbound.topology.sources import Source


def read(text):
    data = text if isinstance(text, bytes) else text.encode()
    return document.read(Source("host.json", "host", data=data))


def refusal(value):
    with pytest.raises(InputError) as caught:
        read(value if isinstance(value, str | bytes) else json.dumps(value))

    assert all("\n" not in fault for fault in caught.value.faults)
    return caught.value.faults


def groups(host, level):
    return {group: str(cpus) for group, cpus in host.groups(level).items()}


def core(cpus):
    return {"type": "core", "cpus": cpus}


# -- what a document describes


def test_missing_sets_are_the_described_cpus():
    host = read('{"synthetic": "core:4"}')

    assert str(host.possible) == str(host.present) == str(host.online) == "0-3"
    assert (host.name, host.source, host.kernel, host.page_size) == (
        "host",
        "host.json",
        None,
        None,
    )


@pytest.mark.parametrize("inner", [False, True])
def test_sets_can_be_at_the_top_or_in_cpus(inner):
    sets = {"possible": "0-127", "present": "0-7", "online": "0-3:1/2"}
    host = read(json.dumps({"synthetic": "core:4", **({"cpus": sets} if inner else sets)}))

    assert (str(host.possible), str(host.present), str(host.online)) == ("0-127", "0-7", "0,2")
    assert host.nr_cpu_ids == 128


def test_a_tree_gives_each_object_the_cpus_of_its_children():
    tree = {
        "type": "Socket",
        "id": 1,
        "children": [{"type": "numa", "children": [core("0,4")]}, core("1")],
    }
    host = read(json.dumps({"tree": tree}))

    assert groups(host, "package") == {1: "0-1,4"}
    assert groups(host, "core") == {0: "0,4", 1: "1"}
    assert groups(host, "node") == {0: "0,4"}
    assert str(host.possible) == "0-1,4"


def test_cpus_can_be_at_any_level_of_a_tree():
    tree = {"type": "machine", "cpus": "0-7", "children": [{"type": "package", "cpus": "0-3"}]}
    host = read(json.dumps({"tree": tree}))

    assert str(host.possible) == "0-7"
    assert groups(host, "package") == {0: "0-3"}


def test_a_tree_may_end_in_single_cpus_and_have_nodes_without_any():
    cpus = [{"type": "pu", "id": 3}, {"type": "cpu", "id": 5}]
    host = read(
        json.dumps({"tree": [{"type": "core", "children": cpus}, {"type": "numa", "id": 9}]})
    )

    assert groups(host, "core") == {0: "3,5"}
    assert [(node.id, str(node.cpus)) for node in host.nodes] == [(9, "")]


def test_in_rows_the_ids_of_cores_may_repeat_between_packages():
    rows = [{"cpu": cpu, "core": cpu % 2, "package": cpu // 2, "node": 4} for cpu in range(4)]
    host = read(json.dumps({"rows": rows}))

    assert groups(host, "core") == {0: "0", 1: "1", 2: "2", 3: "3"}
    assert groups(host, "node") == {4: "0-3"}


def test_nodes_can_be_named_separately():
    host = read('{"synthetic": "core:4", "nodes": {"10": "2-3", "2": "0-1", "33": ""}}')

    assert [(node.id, str(node.cpus)) for node in host.nodes] == [(2, "0-1"), (10, "2-3"), (33, "")]
    assert host.columns.node == (2, 2, 10, 10)


@pytest.mark.parametrize(
    ("nodes", "count", "listed"), [({}, 4, []), ({"0": "0-1"}, 3, [0]), ({"0": "0-3"}, 1, [0])]
)
def test_the_number_of_nodes_may_be_all_that_is_known(nodes, count, listed):
    host = read(json.dumps({"synthetic": "core:4", "nodes": nodes, "numa_nodes": count}))

    assert (host.numa_nodes, host.node_count) == (count, count)
    assert [node.id for node in host.nodes] == listed


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"numa_nodes": 0}, "$.numa_nodes: 0; give how many, 1 or more"),
        ({"numa_nodes": "2"}, "$.numa_nodes: a string; a whole number is expected"),
        (
            {"nodes": {"0": "0-1", "1": "2-3"}, "numa_nodes": 1},
            "$.numa_nodes: 1; 2 NUMA nodes with CPUs are listed; give how many, 1 or more",
        ),
    ],
)
def test_a_number_of_nodes_that_cannot_be_is_refused(document, fault):
    assert refusal({"synthetic": "core:4", **document}) == (fault,)


# -- what is refused


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"synthetic": "core:4"', "line 1 column 23: not JSON: Expecting ',' delimiter"),
        ('{\n"synthetic": "core', "line 2 column 14: not JSON: Unterminated string starting at"),
        ('{"synthetic": "core:4"} x', "line 1 column 25: not JSON: Extra data"),
        ("[1]", "$: a list; a topology is an object"),
        ("null", "$: null; a topology is an object"),
        ('{"name": "a", "name": "b"}', 'key "name" appears twice in one object; keep one'),
        ('{"page_size": NaN}', "NaN is not a JSON number"),
        ('{"page_size": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"name": "caf\xe9"}', "byte 13 is not UTF-8; save it as UTF-8"),
        ('{"a":' * 100_000, "nested too deeply for a machine"),
        ('{"tree": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply for a machine"),
    ],
)
def test_text_that_is_not_strict_json_is_refused(text, fault):
    assert refusal(text) == (fault,)


def test_a_number_of_5000_digits_is_refused():
    (fault,) = refusal('{"synthetic": "core:4", "page_size": ' + "9" * 5000 + "}")

    assert "digits" in fault
    assert len(fault) < 300


def test_a_tree_as_deep_as_json_allows_is_read():
    text = '{"type": "group", "children": [' * 150 + '{"type": "core", "cpus": "0-1"}' + "]}" * 150

    assert groups(read('{"tree": ' + text + "}"), "core") == {0: "0-1"}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({}, "$: none of synthetic, tree, rows; describe the machine in only one way"),
        (
            {"synthetic": "core:4", "rows": [{"cpu": 0}]},
            "$: both synthetic and rows; describe the machine in only one way",
        ),
        (
            {"kind": "x"},
            '$.kind: "x" is not rssbound.topology; this is a different kind of document',
        ),
        ({"format_version": "2.0"}, '$.format_version: "2.0"; versions 1.x are read'),
        ({"format_version": 1}, "$.format_version: 1; versions 1.x are read"),
        ({"name": 5}, "$.name: a number; a string is expected"),
        ({"page_size": "4096"}, "$.page_size: a string; a whole number is expected"),
        ({"page_size": True}, "$.page_size: a boolean; a whole number is expected"),
        ({"page_size": 4096.5}, "$.page_size: a number; a whole number is expected"),
        (
            {"page_size": 5000},
            "$.page_size: 5000 is not a page size; give bytes, such as 4096 or 65536",
        ),
        ({"page_size": -4096}, "$.page_size: -4096 is out of range"),
        (
            {"possible": "0-99999999"},
            "$.possible: CPU 99999999 is above 4194303, the largest supported id",
        ),
        ({"possible": "7-0"}, "$.possible: '7-0' runs backwards; write 0-7"),
        ({"online": [0, 1]}, '$.online: a list; a CPU list such as "0-3,8" is expected'),
        ({"online": "0", "cpus": {"online": "0"}}, "$.online: given in $.cpus as well; keep one"),
        ({"cpus": "0-3"}, "$.cpus: a string; an object with possible, present, online"),
        ({"nodes": ["0-3"]}, '$.nodes: a list; an object such as {"0": "0-3", "1": ""}'),
        ({"nodes": {"n0": "0-3"}}, '$.nodes: "n0" is not a node id'),
        ({"nodes": {"0": 3}}, '$.nodes.0: a number; a CPU list such as "0-3,8" is expected'),
        ({"synthetic": ["core:4"]}, "$.synthetic: a list; a string is expected"),
        (
            {"synthetic": "core:x"},
            (
                "$.synthetic: the count of core is 'x'; "
                "give a whole number from 1 to 4194304, as in core:2"
            ),
        ),
        ({"rows": []}, '$.rows: a list of objects such as {"cpu": 0, "core": 0} is expected'),
        ({"rows": [0]}, "$.rows[0]: a number; an object is expected"),
        ({"rows": [{"core": 0}]}, "$.rows[0].cpu: null; a CPU id from 0 to 4194303"),
        (
            {"rows": [{"cpu": 1}, {"cpu": 1}]},
            "$.rows[1].cpu: CPU 1 is also in an earlier row; keep one",
        ),
        (
            {"rows": [{"cpu": 0, "core": "0"}]},
            "$.rows[0].core: a string; a whole number is expected",
        ),
        ({"tree": {"type": "core"}}, "$.tree: no CPUs in it; give cpus or children"),
        (
            {"tree": []},
            '$.tree: no CPUs in it; its last child must be such as {"type": "core", "cpus": "0-1"}',
        ),
        ({"tree": [3]}, '$.tree[0]: a number; an object such as {"type": "core"} is expected'),
        (
            {"tree": {"type": "core", "cpus": "0", "children": [core("0")]}},
            "$.tree.children[0].type: a core inside a core",
        ),
        (
            {"tree": [core("0-1"), core("1-2")]},
            "$.tree[0]: CPUs 1 are also in another object; keep one",
        ),
        (
            {"tree": {"type": "package", "cpus": "0", "children": [core("0-1")]}},
            "$.tree.children[0]: CPUs 1 are not among the cpus of the object around it",
        ),
        (
            {"tree": {"type": "core", "cpus": "0", "children": {}}},
            "$.tree.children: an object; a list is expected",
        ),
        (
            {"synthetic": "core:4", "possible": "0-2"},
            "$: CPUs 3 are described but not possible; add them to possible",
        ),
        ({"synthetic": "core:4", "nodes": {"0": "0-7"}}, "$.nodes.0: CPUs 4-7 are not possible"),
        (
            {"synthetic": "numa:1 pu:1", "nodes": {"1": "0"}},
            "$.nodes: node 0 does not name its CPU 0",
        ),
        (
            {"synthetic": "core:4", "online": "0-3", "present": "0-2"},
            "CPUs 3 are online but not present",
        ),
    ],
)
def test_a_fault_has_its_json_path(value, fault):
    described = {"synthetic", "tree", "rows"} & value.keys()
    complete = value if described or not value else {"synthetic": "core:4", **value}

    assert refusal(complete) == (fault,)


def test_an_unknown_key_is_named_with_those_that_are_known():
    (fault,) = refusal({"synthetic": "core:4", "pagesize": 4096})

    assert fault.startswith('$: unknown key "pagesize"; known are kind, format_version, name, page')


def test_unknown_keys_are_named_in_their_order():
    keys = [f"x{number}" for number in range(9)]
    faults = refusal({"synthetic": "core:4", **dict.fromkeys(keys)})

    assert [fault.split('"')[1] for fault in faults] == keys


def test_a_node_named_in_two_ways_is_one_too_many():
    refusal({"synthetic": "core:4", "nodes": {"0": "0-1", "00": "2-3"}})


def test_all_faults_are_reported_together_and_very_many_are_counted():
    rows = [{"cpu": -1} for _ in range(50)]

    assert refusal({"name": 5, "rows": rows})[-1] == "and 31 more faults"
