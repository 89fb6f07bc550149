"""Machines written in one line."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rssbound.errors import InputError
from rssbound.topology import read
from rssbound.topology.readers.synthetic import topology_of

LEVELS = ("drawer", "book", "package", "numa", "die", "llc", "cluster", "core")


def groups(text, level):
    return [str(cpus) for cpus in topology_of(text).groups(level).values()]


def counts(text):
    """Give the number of groups of each level that exists."""
    host = topology_of(text)
    levels = ("core", "cluster", "llc", "die", "node", "package", "book", "drawer")
    return {level: host.count(level) for level in levels if host.count(level)}


@given(
    st.lists(
        st.tuples(st.sampled_from(LEVELS), st.integers(1, 4)),
        max_size=5,
        unique_by=lambda level: level[0],
    ),
    st.integers(1, 4),
)
def test_there_are_as_many_cpus_as_the_product_of_all_counts(levels, threads):
    text = " ".join(f"{name}:{count}" for name, count in [*levels, ("pu", threads)])
    host = topology_of(text)
    size = prod(count for _, count in levels) * threads

    assert str(host.possible) == (f"0-{size - 1}" if size > 1 else "0")
    assert host.possible == host.present == host.online
    total = 1
    for name, count in levels:
        total *= count
        parts = host.groups("node" if name == "numa" else name).values()
        assert [len(part) for part in parts] == [size // total] * total
        assert [cpu for part in parts for cpu in part] == list(range(size))


@given(st.permutations(range(12)))
def test_indexes_put_each_cpu_in_the_core_of_its_place(ids):
    text = f"core:4 pu:3(indexes={','.join(map(str, ids))})"
    cores = {frozenset(cpus) for cpus in topology_of(text).groups("core").values()}

    assert cores == {frozenset(ids[place : place + 3]) for place in (0, 3, 6, 9)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("package:2 numa:4 core:24 pu:2", {"package": 2, "node": 8, "core": 192}),
        ("core:384 pu:1", {"core": 384}),
        ("pu:8", {}),
        ("socket:2 core:4", {"package": 2, "core": 8}),
        ("Package:2 L3Cache:2 L2:2 Core:1 PU:2", {"package": 2, "llc": 4, "core": 8}),
        ("pack:2 nu:2 l3:1 co:3 thread:2", {"package": 2, "node": 4, "llc": 4, "core": 12}),
        (
            "drawer:2 book:2 socket:3 core:2 pu:2",
            {"drawer": 2, "book": 4, "package": 12, "core": 24},
        ),
        ("group:2 die:2 cluster:3 core:4", {"die": 4, "cluster": 12, "core": 48}),
        ("machine:1 package:2 core:2", {"package": 2, "core": 4}),
        ("package:2 l2:4 l1i:1 core:1", {"package": 2, "llc": 8, "core": 8}),
        ("2 3", {"node": 2}),
        ("2 3 4", {"package": 2, "node": 6}),
        ("2 3 4 5", {"package": 2, "node": 6, "core": 24}),
    ],
)
def test_levels_by_any_of_their_names(text, expected):
    assert counts(text) == expected


@pytest.mark.parametrize(
    ("indexes", "cores"),
    [
        ("0,4,1,5,2,6,3,7", ["0,4", "1,5", "2,6", "3,7"]),
        ("2*4:1*2", ["0,4", "1,5", "2,6", "3,7"]),
        ("core:pu", ["0,4", "1,5", "2,6", "3,7"]),
        ("package:core:pu", ["0,4", "2,6", "1,5", "3,7"]),
        ("4*2:2*2:1*2", ["0,4", "2,6", "1,5", "3,7"]),
        ("core", ["0,4", "1,5", "2,6", "3,7"]),
        ("2*4", ["0,4", "1,5", "2,6", "3,7"]),
        ("1*8", ["0-1", "2-3", "4-5", "6-7"]),
        ("0,8,16,24,32,40,48,56", ["0,8", "16,24", "32,40", "48,56"]),
    ],
)
def test_indexes_number_the_cpus(indexes, cores):
    found = groups(f"package:2 core:2 pu:2(indexes={indexes})", "core")

    assert sorted(found) == sorted(cores)


def test_nodes_may_have_their_own_ids():
    host = topology_of("numa:2(indexes=0,8) core:2")

    assert {node.id: str(node.cpus) for node in host.nodes} == {0: "0-1", 8: "2-3"}
    assert host.columns.node == (0, 0, 8, 8)


def test_a_node_beside_a_level_has_its_cpus_and_a_second_one_has_memory_only():
    host = topology_of("package:2 [NUMANode(memory=16GB)] [numa] core:2 pu:1")

    assert {node.id: str(node.cpus) for node in host.nodes} == {0: "0-1", 1: "2-3", 2: "", 3: ""}


def test_attributes_that_say_nothing_about_cpus_are_read_over():
    text = "(memory=1GB) package:2(name=x) l3:1(size=32MB) core:2(a=1 b=2) pu:1(indexes=3,2,1,0)"

    assert groups(text, "package") == ["0-1", "2-3"]


def test_the_line_is_the_name_of_the_machine_and_its_source():
    host = read("core:4")

    assert (host.name, host.source, host.kernel, host.page_size) == ("core:4", "core:4", None, None)


def test_a_million_cpus_share_their_columns_by_place():
    host = topology_of("package:16 core:32768 pu:2(indexes=core:pu)")

    assert len(host.possible) == 1 << 20
    assert host.columns.core[0] == host.columns.core[1 << 19]


WHOLE = "give a whole number from 1 to 4194304, as in core:2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no level in it; write for example 'package:2 core:24 pu:2'"),
        ("(memory=1GB)", "no level in it; write for example 'package:2 core:24 pu:2'"),
        ("[numa]", "no level in it; write for example 'package:2 core:24 pu:2'"),
        ("core", "'core' is not a level and its count, such as core:24 or pu:2"),
        ("core:", f"core has no count; {WHOLE}"),
        ("core:x", f"the count of core is 'x'; {WHOLE}"),
        ("core:-1", f"the count of core is '-1'; {WHOLE}"),
        ("core:1.5", f"the count of core is '1.5'; {WHOLE}"),
        ("core:4,pu:2", "'core:4,pu:2': separate levels with spaces, as in 'core:4 pu:2'"),
        (
            "core:4 pu:2(indexes=0",
            "'pu:2(indexes=0' is not a level and its count, such as core:24 or pu:2",
        ),
        ("core:" + "9" * 5000, f"the count of core is '{'9' * 35}...'; {WHOLE}"),
        ("core:\u0664", f"the count of core is '\u0664'; {WHOLE}"),
        ("core:0", "core:0 makes 0 objects; must be 1 to 4194304"),
        (
            "core:99999999999",
            "core:99999999999 makes 99999999999 objects; must be 1 to 4194304",
        ),
        ("core:9999 pu:9999", "pu:9999 makes 99980001 objects; must be 1 to 4194304"),
        ("core:2 core:2", "core:2 is the second core level; each level may appear only once"),
        ("pkg:2 socket:2", "socket:2 is the second package level; each level may appear only once"),
        ("pu:2 core:2", "core:2 is below the CPUs; pu must be the last level"),
        ("core:2 2", "either every level has a name or none has, as in 2 2 4 2"),
        ("[core] pu:2", "[core] is not a NUMA node; write [numa]"),
        (
            "tile:2",
            (
                "'tile' is not a level; use drawer, book, package, node, die, llc, cluster, core, "
                "l1 to l5 or pu"
            ),
        ),
        (
            "core:2 pu:2(indexes=0,1,2)",
            "indexes=0,1,2 gives 3 different ids for 4 pu; give one for each",
        ),
        (
            "core:2 pu:2(indexes=0,1,2,2)",
            "indexes=0,1,2,2 gives 3 different ids for 4 pu; give one for each",
        ),
        (
            "core:2 pu:2(indexes=0*4)",
            "indexes=0*4: '0*4' is neither step*count nor a level",
        ),
        (
            "core:2 pu:2(indexes=die:pu)",
            "indexes=die:pu: 'die' is neither step*count nor a level",
        ),
        (
            "core:1 pu:2(indexes=0,4194304)",
            "CPU 4194304 is above 4194303, the largest supported id",
        ),
        ("numa:2(indexes=1,0) [numa(indexes=1,2)] pu:2", "two NUMA nodes have the same index"),
    ],
)
def test_an_invalid_line_names_the_wrong_word(text, message):
    with pytest.raises(InputError) as caught:
        topology_of(text)

    assert str(caught.value) == message


def test_an_id_that_is_too_long_is_not_cut():
    with pytest.raises(InputError):
        topology_of("numa:1(indexes=1234567890123) pu:2")


words = st.sampled_from(
    [
        "core:2",
        "pu:2",
        "[numa]",
        "(a)",
        "2",
        "numa:2(indexes=core)",
        "pu:4(indexes=2*2:1*2)",
        "l3:2",
        "package:3",
        "pu:2(indexes=pu:core)",
        "group:2(indexes=1*1)",
        "[numa(indexes=0,5)]",
        "x:1",
    ]
)


@given(st.lists(words, max_size=6).map(" ".join))
def test_any_words_read_or_are_refused(text):
    try:
        host = topology_of(text)
    except InputError:
        return
    for level in ("core", "node", "package", "llc"):
        parts = list(host.groups(level).values())
        assert all(not left & right for left, right in pairwise(parts))
