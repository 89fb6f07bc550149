"""Summaries of lscpu, which have counts and no ids: assumptions and refusals."""

from __future__ import annotations

import contextlib
import json

import lscpu_text
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lscpu_text import damaged, groups

from rssbound.errors import InputError
from rssbound.topology.readers import lscpu_summary


def read(text):
    return lscpu_text.read(text, lscpu_summary)


def faults(text):
    return lscpu_text.faults(text, lscpu_summary)


TEXT = """Architecture:          {architecture}
CPU(s):                8
On-line CPU(s) list:   0-7
Thread(s) per core:    2
Core(s) per socket:    2
Socket(s):             2
Model name:            Some CPU
NUMA node(s):          {count}
"""


def summary(*nodes, architecture="x86_64", start=TEXT):
    lines = [f"NUMA node{node} CPU(s): {cpus}\n" for node, cpus in enumerate(nodes)]
    return start.format(architecture=architecture, count=len(nodes)) + "".join(lines)


@pytest.mark.parametrize(
    ("text", "cores", "packages"),
    [
        (summary("0-1,4-5", "2-3,6-7"), "0,4 1,5 2,6 3,7", ("0-1,4-5", "2-3,6-7")),
        (summary("0-3", "4-7"), "0-1 2-3 4-5 6-7", ("0-3", "4-7")),
        (summary("0,2,4,6", "1,3,5,7"), "0,4 1,5 2,6 3,7", ("0,2,4,6", "1,3,5,7")),
        (summary("0,4", "1,5", "2,6", "3,7"), "0,4 1,5 2,6 3,7", ("0,2,4,6", "1,3,5,7")),
        (summary("0-7"), "0,4 1,5 2,6 3,7", ("0-1,4-5", "2-3,6-7")),
        (summary("0-7", architecture="ppc64le"), "0-1 2-3 4-5 6-7", ("0-3", "4-7")),
        (summary("0-3", "4-7", architecture="aarch64"), "0-1 2-3 4-5 6-7", ("0-3", "4-7")),
        (
            summary("0-1,4-5", "2-3,6-7", architecture="s390x"),
            "0-1 2-3 4-5 6-7",
            ("0-1,4-5", "2-3,6-7"),
        ),
    ],
)
def test_the_numbering_is_the_usual_one_that_fits_the_nodes(text, cores, packages):
    host = read(text)
    assert groups(host, "core") == set(cores.split())
    assert groups(host, "package") == set(packages)
    assert "lscpu gives no core ids; assumed: " in host.warnings[-1]


def test_a_summary_names_the_machine_and_keeps_nodes_without_cpus():
    host = read(summary("0-3", "4-7", ""))
    assert host.name == "Some CPU"
    assert [(node.id, str(node.cpus)) for node in host.nodes] == [(0, "0-3"), (1, "4-7"), (2, "")]


def test_the_assumption_is_a_warning():
    warning = read(summary("0-1,4-5", "2-3,6-7")).warnings[-1]
    assert warning.endswith(
        "assumed: the threads of a core are 4 positions apart in the list of CPUs, "
        "sockets follow the NUMA nodes"
    )


def test_cores_that_fit_no_numbering_are_unknown():
    host = read(summary("0-2,7", "3-6"))
    assert host.columns.core == ()
    assert "no usual numbering" in host.warnings[-1]


def test_offline_cpus_are_present_and_have_no_core():
    text = summary("0,2").replace("list:   0-7", "list: 0,2\nOff-line CPU(s) list: 1,3-7")
    host = read(text.replace("core:    2", "core: 1").replace("socket:    2", "socket: 1"))
    assert (str(host.possible), str(host.online)) == ("0-7", "0,2")
    assert groups(host, "core") == {"0", "2"}


def test_counts_that_do_not_multiply_leave_cores_unknown():
    host = read(summary("0-7").replace("socket:    2", "socket: 3"))
    assert (host.columns.core, host.columns.package) == ((), ())
    assert "2 threads x 3 cores x 2 sockets are not 8 CPUs" in host.warnings[-1]


def test_the_only_socket_is_known_where_the_cores_are_not():
    text = (
        summary("0-7").replace("socket:    2", "socket: 6").replace("(s):             2", "(s): 1")
    )
    host = read(text)
    assert (host.columns.core, groups(host, "package")) == ((), {"0-7"})


def test_books_and_drawers_are_numbered():
    text = (
        "Architecture: s390x\nCPU(s): 16\nOn-line CPU(s) list: 0-15\nThread(s) per core: 1\n"
        "Core(s) per socket: 2\nSocket(s) per book: 2\nBook(s) per drawer: 2\nDrawer(s): 2\n"
    )
    host = read(text)
    assert groups(host, "package") == {"0-1", "2-3", "4-5", "6-7", "8-9", "10-11", "12-13", "14-15"}
    assert groups(host, "book") == {"0-3", "4-7", "8-11", "12-15"}
    assert groups(host, "drawer") == {"0-7", "8-15"}


def test_clusters_without_sockets_are_clusters():
    text = (
        "Architecture: aarch64\nCPU(s): 8\nOn-line CPU(s) list: 0-7\nThread(s) per core: 1\n"
        "Core(s) per cluster: 4\nSocket(s): -\nCluster(s): 2\n"
    )
    host = read(text)
    assert (groups(host, "cluster"), host.columns.package) == ({"0-3", "4-7"}, ())


def test_several_types_of_cpu_have_cores_but_no_sockets():
    each = "Model name: {}\nThread(s) per core: 1\nCore(s) per socket: {}\nSocket(s): 1\n"
    text = "CPU(s): 6\nOn-line CPU(s) list: 0-5\n" + each.format("A", 4) + each.format("B", 2)
    host = read(text)
    assert (host.columns.core, host.columns.package) == ((0, 1, 2, 3, 4, 5), ())
    assert (host.name, "several types" in host.warnings[-1]) == ("A", True)


def test_several_types_of_cpu_with_threads_leave_cores_unknown():
    each = "Thread(s) per core: 2\nCore(s) per socket: 2\nSocket(s): 1\n"
    host = read("CPU(s): 8\nOn-line CPU(s) list: 0-7\n" + 2 * each)
    assert host.columns.core == ()


def test_masks_of_lscpu_x_have_no_prefix():
    text = summary("f", "f0").replace("list:   0-7", "mask:   ff")
    assert [str(node.cpus) for node in read(text).nodes] == ["0-3", "4-7"]
    wide = "CPU(s): 41\nOn-line CPU(s) mask: 0x1ffffffffff\n"
    assert str(read(wide).online) == "0-40"


def test_a_list_that_a_terminal_wrapped_is_whole():
    text = summary("0,1,\n                       4,5", "2-3,6-7")
    assert str(read(text).nodes[0].cpus) == "0-1,4-5"


def test_without_lists_the_cpus_are_numbered_from_0():
    host = read("Architecture: x86_64\nCPU(s): 4\n")
    assert str(host.online) == "0-3"
    assert "0-3 are assumed to be" in host.warnings[1]


def test_a_count_of_0_is_unknown_and_the_nodes_tell_the_cpus():
    host = read("Architecture: ia64\nCPU(s): 0\nNUMA node0 CPU(s): 0,2\n")
    assert (str(host.online), host.columns.node) == ("0,2", (0, None, 0))


def test_lists_take_precedence_over_the_count():
    host = read("CPU(s): 4\nOn-line CPU(s) list: 0-5\n")
    assert str(host.present) == "0-5"
    assert "CPU(s) is 4, but 6 are listed" in host.warnings[1]


def test_cpus_of_nodes_that_the_list_hides_are_online():
    """As an older lxcfs shows them: the present CPUs are hidden too."""
    host = read(summary("0-3", "4-9"))
    assert str(host.nodes[1].cpus) == "4-9"
    assert (str(host.online), str(host.present)) == ("0-9", "0-9")
    assert "nodes list CPUs 8-9, but the on-line list does not" in host.warnings[1]
    assert "batch follows 10 CPUs, not 8" in host.warnings[1]


CONTAINER = """Architecture:          x86_64
CPU(s):                32
On-line CPU(s) list:   8,9,24,25
Off-line CPU(s) list:  0-7,10-23,26-31
Thread(s) per core:    0
Core(s) per socket:    8
Socket(s):             2
NUMA node(s):          2
NUMA node0 CPU(s):     0-7,16-23
NUMA node1 CPU(s):     8-15,24-31
"""
"""A container of four CPUs on a machine of 32, whose `online` lxcfs made; the other files are the
machine's (lxcfs issue 433)."""


def test_a_containers_view_is_taken_for_the_machine():
    """lscpu lists as off-line the present CPUs that are not in the container's list."""
    host = read(CONTAINER)

    assert (len(host.online), len(host.present), host.numa_nodes) == (32, 32, 2)
    assert any("batch follows 32 CPUs, not 4" in line for line in host.warnings)
    assert not any("listed; the listed CPUs are used" in line for line in host.warnings)


def test_cpus_that_no_node_lists_stay_offline():
    nodes = CONTAINER.replace("0-7,16-23", "8,9").replace("8-15,24-31", "24,25")
    host = read(nodes)

    assert (str(host.online), len(host.present)) == ("8-9,24-25", 32)


def as_json(text, nested):
    items = [
        {"field": f"{name}:", "data": value.strip() or None}
        for name, _, value in (line.partition(":") for line in text.splitlines())
    ]
    if nested:
        items = [{**items[0], "children": items[1:3]}, {**items[3], "children": items[4:]}]
    return json.dumps({"lscpu": items})


@pytest.mark.parametrize("nested", [False, True])
def test_json_gives_the_same_machine_as_text(nested):
    text = summary("0-1,4-5", "2-3,6-7", "")
    assert read(as_json(text, nested)) == read(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Architektur: x86_64\nProzessorzahl: 8\n", "no lscpu field in English"),
        ('{"lscpu": []}', "no lscpu field in English"),
        ('{"lscpu": 3}', "$.lscpu: a number; a list is expected"),
        ('{"cpus": 3}', "$: no list lscpu in it"),
        (as_json(TEXT, nested=False)[:100], "line 1 column"),
        ('{"lscpu": [{"field": 3}]}', "$.lscpu[0].field: a number; a string"),
        ('{"lscpu": [{"field": "CPU(s):", "data": []}]}', "$.lscpu[0].data: a list; a string"),
        ('{"lscpu": [{"field": "x", "children": [{"field": "CPU(s):", "data": "x"}]}]}',
         '$.lscpu[0].children[0].data: "x"; a number from 1'),
        ("CPU(s): 0\n", "no lscpu field in English"),
        ("CPU(s): -4\n", 'line 1: "-4"; a number from 1'),
        ("CPU(s): 99999999\n", 'line 1: "99999999"; a number from 1'),
        ("CPU(s): 4\nCPU(s): 4\n", "line 2: CPU(s) appears twice"),
        ("On-line CPU(s) list: 3-1\n", "line 1: '3-1' runs backwards"),
        ("On-line CPU(s) mask: xyz\n", "line 1: 'xyz' is not a CPU mask"),
        (2 * summary("0-7"), "line 11: CPU(s) appears twice"),
    ],
)  # fmt: skip
def test_a_broken_summary_is_refused_with_the_place(text, fault):
    assert faults(text)[0].startswith(fault)


@given(st.data())
def test_damaged_output_gives_a_machine_or_an_input_error(data):
    text = summary("0-3", "4-7")
    with contextlib.suppress(InputError):
        assert lscpu_summary.read(damaged(data, [text, as_json(text, nested=True)])).possible


# -- NUMA nodes that are counted but not listed, or not all of them


CUT = """CPU(s):              8
On-line CPU(s) list: 0-7
Thread(s) per core:  1
Core(s) per socket:  4
Socket(s):           2
NUMA node(s):        4
"""


def lists_of(host):
    return [(node.id, str(node.cpus)) for node in host.nodes]


@pytest.mark.parametrize(
    ("lists", "known", "homeless"),
    [
        ("", [], "0-7"),
        ("NUMA node0 CPU(s): 0-1\n", [(0, "0-1")], "2-7"),
        ("NUMA node0 CPU(s): 0-1\nNUMA node1 CPU(s):", [(0, "0-1")], "2-7"),
        ("NUMA node0 CPU(s): 0-1\nNUMA node1 CP", [(0, "0-1")], "2-7"),
        ("  NUMA node0 CPU(s): 0-1\n  NUMA node1 CP", [(0, "0-1")], "2-7"),
        ("NUMA node0 CPU(s): 0-1\nNUMA node1 CPU(s): 2", [(0, "0-1"), (1, "2")], "3-7"),
        ("NUMA node3 CPU(s): 6-7\n", [(3, "6-7")], "0-5"),
    ],
)
def test_a_number_of_nodes_without_their_lists_stays_a_number(lists, known, homeless):
    host = read(CUT + lists)

    assert (host.numa_nodes, host.node_count, lists_of(host)) == (4, 4, known)
    (warning,) = [line for line in host.warnings if "no list" in line]
    assert warning.startswith(f"4 NUMA nodes, but no list has CPUs {homeless}: ")


@pytest.mark.parametrize(
    ("lists", "memory"),
    [
        ("NUMA node0 CPU(s): 0-3\nNUMA node1 CPU(s): 4-7\nNUMA node2 CPU(s):\n", (2,)),
        ("NUMA node0 CPU(s): 0-7\nNUMA node1 CPU(s):\nNUMA node2 CPU(s): \n", (1, 2)),
    ],
)
def test_a_node_with_an_empty_list_has_memory_only_where_others_have_all_cpus(lists, memory):
    host = read(CUT + lists)

    assert tuple(node.id for node in host.nodes if not node.cpus) == memory
    assert (host.node_count, host.numa_nodes) == (None, 3 - len(memory))
    assert not [line for line in host.warnings if "no list" in line]


def test_a_number_of_nodes_that_is_cut_off_too_is_taken_from_the_lists():
    host = read(CUT.replace("NUMA node(s):        4\n", "") + "NUMA node0 CPU(s): 0-3\n")

    assert host.numa_nodes == 1
    assert any("no list has CPUs 4-7" in line for line in host.warnings)


def test_one_node_needs_no_list():
    host = read(CUT.replace("4\n", "1\n"))

    assert host.numa_nodes == 1
    assert not [line for line in host.warnings if "no list" in line]


def test_without_nodes_in_the_text_none_is_assumed():
    host = read(CUT.replace("NUMA node(s):        4\n", ""))

    assert (host.numa_nodes, host.node_count) == (0, None)


def test_offline_cpus_are_on_no_list_of_a_node_and_need_not_be():
    text = CUT.replace("list: 0-7", "list: 0-5\nOff-line CPU(s) list: 6-7").replace("4\n", "2\n")
    host = read(text + "NUMA node0 CPU(s): 0-2\nNUMA node1 CPU(s): 3-5\n")

    assert (host.node_count, host.numa_nodes) == (None, 2)


def test_two_machines_are_refused_in_one_line():
    assert len(faults(CUT + CUT)) == 1
    assert "give one machine" in faults(CUT + CUT)[0]


def test_missing_lists_are_a_warning_if_nothing_else_gives_the_cpus():
    text = "Architecture: x86_64\nNUMA node(s): 4\nNUMA node0 CPU(s): 0-7\n"
    host = lscpu_summary.read(lscpu_text.source(text))

    assert (host.numa_nodes, lists_of(host)) == (4, [(0, "0-7")])
    assert any("the lists of 3 are missing" in line for line in host.warnings)


def test_a_list_may_be_folded_by_a_terminal_or_a_mail():
    for fold in ("\n                     4-7", "\n4-7"):
        host = read(CUT + f"NUMA node0 CPU(s): 0-1,{fold}\nNUMA node1 CPU(s): 2-3\n")

        assert lists_of(host)[0] == (0, "0-1,4-7")
