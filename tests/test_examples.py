"""Every host in examples/ can be read, matches its name, and is valid by the schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import rssbound
from rssbound.topology.readers import document
from rssbound.topology.sources import Source

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((ROOT / "topology" / "topology-1.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


class Host(NamedTuple):
    """The facts of a machine by data sheets and by the kernel's numbering."""

    possible: str
    present: str
    online: str
    cores: int
    threads: int  # of a core, online
    llcs: int
    packages: int
    nodes: int  # with CPUs
    memory_only: int
    page_size: int
    clusters: int = 0
    books: int = 0
    drawers: int = 0


def whole(cpus, *counts, **levels):
    """Give a host with all possible CPUs online."""
    return Host(cpus, cpus, cpus, *counts, **levels)


HOSTS = {
    "altra-q80-2p-64k": whole("0-159", 160, 1, 0, 2, 2, 0, 65536, clusters=80),
    "ampereone-a192-1p": whole("0-191", 192, 1, 0, 1, 1, 0, 4096),
    "celeron-n3350-2c": whole("0-1", 2, 1, 1, 1, 1, 0, 4096),
    "cloud-vm-250": whole("0-249", 125, 2, 0, 1, 1, 0, 4096),
    "core-i7-13700h-6p8e": whole("0-19", 14, 2, 1, 1, 1, 0, 4096, clusters=8),
    "epyc-9654-2p": whole("0-383", 192, 2, 24, 2, 8, 0, 4096),
    "epyc-9965-2p": whole("0-767", 384, 2, 24, 2, 2, 0, 4096),
    "power10-e1080-16p": whole("0-1919", 240, 8, 0, 16, 16, 0, 65536),
    "power9-ac922-2p-gpus": whole("0-175", 44, 4, 22, 2, 2, 6, 65536),
    "power9-s924-2p-smt-off": Host(
        "0-191",
        "0-191",
        "0,8,16,24,32,40,48,56,64,72,80,88,96,104,112,120,128,136,144,152,160,168,176,184",
        *(24, 1, 0, 2, 2, 0, 65536),
    ),
    "raspberry-pi-5-4c": whole("0-3", 4, 1, 1, 1, 0, 0, 16384),
    "sun-fire-v490-4p-holes": whole("0-3,16-19", 8, 1, 0, 4, 0, 0, 8192),
    "uv-2000-256p": whole("0-4095", 2048, 2, 256, 256, 256, 0, 4096),
    "vmware-8-of-128-possible": Host("0-127", "0-7", "0-5", 8, 1, 0, 8, 0, 0, 4096),
    "xeon-6230-2p-smt-off": Host("0-79", "0-79", "0-39", 40, 1, 2, 2, 2, 0, 4096),
    "xeon-max-9480-2p-snc4-hbm": whole("0-223", 112, 2, 2, 2, 8, 8, 4096),
    "z13-lpar-2drawers": Host("0-63", "0-51", "0-47", 24, 2, 0, 12, 0, 0, 4096, books=4, drawers=2),
}


def example(name):
    return ROOT / "examples" / f"{name}.json"


def groups(host, level):
    return [str(cpus) for cpus in host.groups(level).values()]


def test_every_example_is_in_the_table():
    assert {path.stem for path in (ROOT / "examples").glob("*.json")} == HOSTS.keys()


@pytest.mark.parametrize("name", HOSTS)
def test_an_example_is_valid_by_the_schema(name):
    VALIDATOR.validate(json.loads(example(name).read_text()))


@pytest.mark.parametrize("name", HOSTS)
def test_an_example_has_a_name_a_kernel_and_no_warnings(name):
    host = rssbound.read(example(name))

    assert host.warnings == ()
    assert host.name != name  # the machine's usual name differs from that of its file
    assert host.kernel
    assert host.tree().graph["warnings"] == ()


@pytest.mark.parametrize(("name", "expected"), HOSTS.items())
def test_an_example_is_the_machine_it_is_named_after(name, expected):
    host = rssbound.read(example(name))

    assert expected == Host(
        possible=str(host.possible),
        present=str(host.present),
        online=str(host.online),
        cores=host.count("core"),
        threads=host.threads_per_core,
        llcs=host.count("llc"),
        packages=host.count("package"),
        nodes=host.numa_nodes,
        memory_only=len(host.nodes) - host.numa_nodes,
        page_size=host.page_size,
        clusters=host.count("cluster"),
        books=host.count("book"),
        drawers=host.count("drawer"),
    )


def test_epyc_9654_numbers_second_threads_192_above_the_first():
    host = rssbound.read(example("epyc-9654-2p"))

    assert groups(host, "core")[:2] == ["0,192", "1,193"]
    assert groups(host, "llc")[:2] == ["0-7,192-199", "8-15,200-207"]
    assert groups(host, "node")[4] == "96-119,288-311"
    assert groups(host, "package") == ["0-95,192-287", "96-191,288-383"]


def test_xeon_6230_numbers_its_packages_alternately():
    host = rssbound.read(example("xeon-6230-2p-smt-off"))

    assert groups(host, "core")[:3] == ["0,40", "1,41", "2,42"]
    assert host.columns.package[:4] == (0, 1, 0, 1)


def test_ac922_has_node_ids_with_a_hole_and_nodes_of_gpu_memory():
    host = rssbound.read(example("power9-ac922-2p-gpus"))

    assert [node.id for node in host.nodes] == [0, 8, 250, 251, 252, 253, 254, 255]
    assert str(host.nodes[1].cpus) == "88-175"


def test_a_core_of_the_v490_is_not_shared_between_packages():
    host = rssbound.read(example("sun-fire-v490-4p-holes"))

    assert host.nr_cpu_ids == 20
    assert groups(host, "package")[0] == "0,16"
    assert set(groups(host, "core")) == {"0", "1", "2", "3", "16", "17", "18", "19"}


# -- the schema and the reader agree, apart from what the schema's description leaves to the reader


def accepted(value):
    try:
        document.read(Source("host.json", "host", data=json.dumps(value).encode()))
    except rssbound.InputError:
        return False
    return True


VALID = [
    {"kind": "rssbound.topology", "format_version": "1.7", "synthetic": "core:4"},
    {"format_version": "1", "name": None, "kernel": None, "page_size": None, "rows": [{"cpu": 0}]},
    {"possible": " 0-3 , 8 ", "cpus": {"online": "0"}, "tree": {"type": "core", "cpus": "0-3:1/2"}},
    {"tree": [{"type": "L3Cache", "cpus": "", "children": [{"type": "PU", "id": 0}]}]},
    {"rows": [{"cpu": 40000, "core": None, "node": 2147483647}], "nodes": None},
    {"synthetic": "core:2", "nodes": {"0": "0-1", "255": ""}, "page_size": 65536},
    {"rows": [{"cpu": 0}, {"cpu": 1}], "numa_nodes": 2},
]

WRONG_VALUES = {
    "kind": ["x", None],
    "format_version": ["2.0", 1, None, "10"],
    "name": [1, []],
    "kernel": [6.12],
    "page_size": ["4096", 512, 4097, True, 1 << 31, -4096],
    "possible": [None, 3, "0-", "a", "0-3,", "1-2-3"],
    "cpus": [None, [], {"offline": "0"}],
    "nodes": [[], {"a": ""}, {"0": None}, {"12345678": ""}, {"-1": ""}],
    "rows": [[], {}, None, [0], [{}]],
    "numa_nodes": [0, -1, 1.5, "2", 1 << 31],
}
WRONG_ROWS = [
    *({"cpu": "0"}, {"cpu": 1 << 22}, {"cpu": True}, {"cpu": 0, "core": -1}),
    *({"cpu": 0, "l3": 0}, {"cpu": 0, "die": 1.5}, {"core": 0}),
]
WRONG_TREES = [
    *(None, [], "core", {}, {"cpus": "0"}, {"type": 3, "cpus": "0"}, {"type": "tile", "cpus": "0"}),
    *({"type": "core", "cpus": None}, {"type": "core", "x": 0}, {"type": "pu"}),
    *({"type": "cpu", "id": None}, {"type": "core", "cpus": "0", "children": None}),
]
WRONG = [
    *({"synthetic": "core:4", key: wrong} for key in WRONG_VALUES for wrong in WRONG_VALUES[key]),
    *({"rows": rows} for rows in [*WRONG_VALUES["rows"], *([row] for row in WRONG_ROWS)]),
    *({"tree": tree} for tree in WRONG_TREES),
    *({"synthetic": value} for value in (None, 4, "", [])),
    *({}, {"x": 1}, [], None, "core:4"),
]


def test_the_schema_is_valid():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("value", VALID, ids=json.dumps)
def test_schema_and_reader_accept_the_same_documents(value):
    assert VALIDATOR.is_valid(value)
    assert accepted(value)


@pytest.mark.parametrize("value", WRONG, ids=json.dumps)
def test_schema_and_reader_refuse_the_same_documents(value):
    assert not VALIDATOR.is_valid(value)
    assert not accepted(value)


scalars = st.sampled_from([None, True, 0, 1, -1, 4096, 1.5, "", "0", "0-3", " 1 ", "core", "pu"])
keys = st.sampled_from([*SCHEMA["properties"], "type", "id", "children", "cpu", "core", "0", "x"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(VALID), st.dictionaries(keys, values, max_size=2))
def test_documents_that_the_schema_refuses_are_refused_by_the_reader(base, changes):
    value = base | changes

    assert VALIDATOR.is_valid(value) or not accepted(value)
