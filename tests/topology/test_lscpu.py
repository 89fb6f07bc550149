"""Tables and summaries of lscpu: hand-written ones, samples, and its output on captures."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rssbound import topology
from rssbound.errors import InputError
from rssbound.topology.cpuset import CpuSet
from rssbound.topology.readers import lscpu, lscpu_summary
from rssbound.topology.sources import Source

CORPUS = os.environ.get("RSSBOUND_CORPUS")
LSCPU = shutil.which("lscpu")


def source(text):
    return Source("test.txt", "test", data=text if isinstance(text, bytes) else text.encode())


def read(text, reader=lscpu):
    assert reader.accepts(source(text))
    return reader.read(source(text))


def faults(text, reader=lscpu):
    with pytest.raises(InputError) as error:
        reader.read(source(text))
    return error.value.faults


def groups(host, level):
    """Give the groups of a level as CPU lists."""
    return {str(cpus) for cpus in host.groups(level).values()}


# -- tables: two sockets of two cores of two threads, siblings 4 apart, CPU 7 offline

JSON = """{
   "cpus": [
      {"cpu": 0, "node": 0, "socket": 0, "core": 0, "l1d:l1i:l2:l3": "0:0:0:0", "online": true},
      {"cpu": 1, "node": 0, "socket": 0, "core": 1, "l1d:l1i:l2:l3": "1:1:1:0", "online": true},
      {"cpu": 2, "node": 8, "socket": 1, "core": 2, "l1d:l1i:l2:l3": "2:2:2:1", "online": true},
      {"cpu": 3, "node": 8, "socket": 1, "core": 3, "l1d:l1i:l2:l3": "3:3:3:1", "online": true},
      {"cpu": 4, "node": 0, "socket": 0, "core": 0, "l1d:l1i:l2:l3": "0:0:0:0", "online": true},
      {"cpu": 5, "node": 0, "socket": 0, "core": 1, "l1d:l1i:l2:l3": "1:1:1:0", "online": true},
      {"cpu": 6, "node": 8, "socket": 1, "core": 2, "l1d:l1i:l2:l3": "2:2:2:1", "online": true},
      {"cpu": 7, "node": -, "socket": -, "core": -, "l1d:l1i:l2:l3": "-", "online": false}
   ]
}
"""
STRINGS = (
    JSON.replace(": true", ': "yes"')
    .replace(": false", ': "no"')
    .replace(": -", ': "-"')
    .replace('"cpu": 0', '"cpu": "0"')
)
PHYSICAL = (
    JSON.replace('"socket": 1, "core": 2', '"socket": 1, "core": 0')
    .replace('"socket": 1, "core": 3', '"socket": 1, "core": 1')
    .replace(": -", ": null")
)
UPPER = re.sub('"([a-z0-9:]+)": (?!\\[)', lambda match: match[0].upper(), JSON)
TABLE = """$ lscpu -e -a
CPU NODE SOCKET CORE L1d:L1i:L2:L3 ONLINE    MAXMHZ
  0    0      0    0 0:0:0:0          yes 1996.0000
  1    0      0    1 1:1:1:0          yes 1996.0000
  2    8      1    2 2:2:2:1          yes 1996.0000
  3    8      1    3 3:3:3:1          yes 1996.0000
  4    0      0    0 0:0:0:0          yes 1996.0000
  5    0      0    1 1:1:1:0          yes 1996.0000
  6    8      1    2 2:2:2:1          yes 1996.0000
  7    -      -    - -                 no         -
"""
CSV = """# The following is the parsable format, which can be fed to other
# programs. Each different item in every column has an unique ID
# starting usually from zero.
# CPU,Core,Socket,Node,,L1d,L1i,L2,L3,Online
0,0,0,0,,0,0,0,0,Y
1,1,0,0,,1,1,1,0,Y
2,2,1,8,,2,2,2,1,Y
3,3,1,8,,3,3,3,1,Y
4,0,0,0,,0,0,0,0,Y
5,1,0,0,,1,1,1,0,Y
6,2,1,8,,2,2,2,1,Y
7,,,,,,N
"""
PARSABLE = "".join(f"{line[:-2]}\n" for line in CSV.splitlines()[4:-1])
"""What `lscpu -p` prints of the CPUs that are online, without its comments."""


@pytest.mark.parametrize(
    "text",
    [JSON, STRINGS, PHYSICAL, UPPER, TABLE, CSV],
    ids=["json", "old", "physical", "upper case", "table", "csv"],
)
def test_every_form_of_a_table_gives_the_same_machine(text):
    host = read(text)
    assert (str(host.possible), str(host.present), str(host.online)) == ("0-7", "0-7", "0-6")
    assert host.columns.core == (0, 1, 2, 3, 0, 1, 2, None)
    assert host.columns.package == (0, 0, 1, 1, 0, 0, 1, None)
    assert host.columns.node == (0, 0, 8, 8, 0, 0, 8, None)
    assert host.columns.llc == (0, 0, 1, 1, 0, 0, 1, None)
    assert [(node.id, str(node.cpus)) for node in host.nodes] == [(0, "0-1,4-5"), (8, "2-3,6")]
    assert host.warnings == (
        "lscpu lists no CPUs that are only possible; those listed are taken as possible",
    )


def test_rows_without_comments_are_those_of_lscpu_p():
    host = read(PARSABLE)
    assert groups(host, "core") == {"0,4", "1,5", "2,6", "3"}
    assert groups(host, "llc") == {"0-1,4-5", "2-3,6"}
    assert "no column ONLINE" in host.warnings[1]


def test_only_the_cpu_is_needed():
    host = read("# CPU\n0\n2\n")
    assert (str(host.online), host.columns.core, host.nodes) == ("0,2", (), ())


def test_a_bare_dash_in_a_string_stays():
    text = '{"cpus": [{"cpu": 0, "modelname": "a \\": -, b", "core": -}]}'
    assert lscpu._repaired(text.encode()) == text.replace('"core": -', '"core": null').encode()
    assert read(text).columns.core == ()


def test_an_unknown_online_state_is_online():
    assert str(read('{"cpus": [{"cpu": 0, "online": null}, {"cpu": 1}]}').online) == "0-1"


def test_names_of_models_may_have_blanks():
    host = read("CPU MODELNAME CORE\n0 Some CPU @ 2 GHz 0\n1 Some CPU 0\n")
    assert host.columns.core == (0, 0)


def test_the_columns_may_have_any_order_and_the_last_comment_names_them():
    host = read("# Core,CPU\n# Node,Socket,CPU,Book\n1,0,5,0\n0,0,3,1\n")
    assert host.columns.node == (None, None, None, 0, None, 1)
    assert host.columns.book == (None, None, None, 1, None, 0)


def test_blank_lines_and_a_repeated_header_are_passed_over():
    assert str(read("\n  CPU CORE\n 0 0\n\nCPU CORE\n 1 1\n\n").online) == "0-1"


def test_physical_sockets_repeat_between_books_and_drawers():
    host = read("# CPU,Core,Socket,Book,DRAWER\n0,0,0,0,0\n1,0,0,1,0\n2,0,0,0,1\n3,0,0,1,1\n")
    for level, expected in {"core": 4, "package": 4, "book": 4, "drawer": 2}.items():
        assert host.count(level) == expected


def test_core_ids_that_start_again_for_another_type_of_cpu_are_told_apart():
    rows = ["CPU SOCKET CORE L1d:L1i:L2 ONLINE MAXMHZ"]
    rows += [f"{cpu} 0 {cpu % 2} {cpu}:{cpu}:{cpu // 2} yes {1800 + cpu // 2}" for cpu in range(4)]
    host = read("\n".join(rows))
    assert host.columns.core == (0, 1, 2, 3)
    assert "CPUs 0-3 repeat" in host.warnings[1]


def test_physical_cores_without_sockets_are_unknown_where_they_repeat():
    host = read("CPU BOOK SOCKET CORE\n0 0 - 0\n1 0 - 0\n2 0 - 1\n")
    assert host.columns.core == ()
    assert "run lscpu without -y" in host.warnings[-1]


def test_physical_cores_without_sockets_are_known_where_a_cache_agrees():
    host = read("CPU SOCKET CORE L1d:L1i\n0 - 0 0:0\n1 - 0 0:0\n8 - 8 1:1\n")
    assert groups(host, "core") == {"0-1", "8"}


def test_instruction_caches_are_no_last_level():
    host = read("CPU L1d:L1i:L2d:L2i\n0 0:0:5:1\n1 1:1:5:2\n")
    assert host.columns.llc == (0, 0)


def test_a_cpu_without_the_last_caches_has_a_lower_last_level():
    host = read("# CPU,L1d:L1i:L2:L3\n0,0:0:0:0\n1,1:1:1:0\n2,2:2:0\n3,3:3:0\n")
    assert host.columns.llc == (0, 0, 1, 1)


def test_cache_ids_may_stand_under_the_plain_name():
    assert read("# CPU,CACHE\n0,0:0:0:0\n1,1:1:1:0\n2,\n").columns.llc == (0, 0, None)


def test_an_offline_cpu_lacks_the_fields_of_its_caches():
    host = read("# CPU,,L1d,L1i,L2,L3,Node,Online\n0,,0,0,0,0,4,Y\n3,,,4,N\n")
    assert host.columns.node == (4, None, None, 4)
    assert str(host.online) == "0"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"cpus": []}', "no CPU in it; a machine has at least one"),
        ('{"cpus": {}}', "$.cpus: an object; a list is expected"),
        ('{"cpu": 1}', "$: no list of cpus in it"),
        ("[]", "$: no list of cpus in it"),
        (JSON[:300], "line 5 column"),
        ('{"cpus": [{"cpu": 0}, 7]}', "$.cpus[1]: a number; an object is expected"),
        ('{"cpus": [{"cpu": 0}, {"core": 7}]}', "$.cpus[1].cpu: null; a CPU id from 0"),
        ('{"cpus": [{"cpu": -}]}', "$.cpus[0].cpu: null; a CPU id from 0"),
        ('{"cpus": [{"cpu": -1}]}', "$.cpus[0].cpu: -1; a CPU id from 0"),
        ('{"cpus": [{"cpu": 4194304}]}', "$.cpus[0].cpu: 4194304; a CPU id from 0"),
        ('{"cpus": [{"cpu": 0, "cpu": 1}]}', 'key "cpu" stands twice'),
        ('{"cpus": [{"cpu": 0}, {"cpu": 0}]}', "$.cpus[1].cpu: CPU 0 stands in an earlier row"),
        ('{"cpus": [{"cpu": 0, "core": "x"}]}', '$.cpus[0].core: "x"; a whole number'),
        ('{"cpus": [{"cpu": 0, "core": -7}]}', "$.cpus[0].core: -7 is out of range"),
        ('{"cpus": [{"cpu": 0, "online": "ja"}]}', '$.cpus[0].online: "ja"; yes or no'),
        ('{"cpus": [{"cpu": 0, "l1d": "0:1"}]}', '$.cpus[0].l1d: "0:1"; 1 ids are expected'),
        ('{"cpus": [{"cpu": 0, "l2": "x"}]}', '$.cpus[0].l2: "x"; a whole number'),
        ("# CPU,Core\n0,0\n0,1\n", "line 3.cpu: CPU 0 stands in an earlier row"),
        ("# CPU,Core,Node\n0,0,0\n1,0\n", "line 3: 2 fields for 3 columns"),
        ("# CPU,Core\n0,0,0\n", "line 2: 3 fields for 2 columns"),
        ("# Core,Node\n0,0\n", "no column CPU"),
        ("# CPU,Core\n", "no CPU in it"),
        ("CPU CORE\n0 0\n1\n", "line 3: 1 values for 2 columns"),
        ("CPU CORE\n-1 0\n", 'line 2.cpu: "-1"; a CPU id'),
        ("nothing of it\n", "no columns of lscpu"),
    ],
)
def test_a_broken_table_is_refused_with_the_place(text, fault):
    assert faults(text)[0].startswith(fault)


def test_the_faults_of_a_table_are_reported_together():
    assert len(faults("CPU CORE ONLINE\nx y z\n1 0\n")) == 4


@pytest.mark.parametrize(
    "text",
    ["", "0,1,2,3\n", "0-3,8", "core:8 pu:2", "<a/>", '{"cpus": "0-3"}', "CPU HOST\n0 a\n",
     '{"kind": "rssbound.topology", "rows": [{"cpu": 0}]}', "# a comment\nNodeName=a CPUs=4\n"],
)  # fmt: skip
def test_other_content_is_no_table(text):
    assert not lscpu.accepts(source(text))
    assert not lscpu_summary.accepts(source(text))


@pytest.mark.parametrize("reader", [lscpu, lscpu_summary])
def test_a_folder_is_no_output_of_lscpu(reader):
    folder = Source("x", "x", trees={})
    assert not reader.accepts(folder)
    with pytest.raises(InputError, match="folder"):
        reader.read(folder)


# -- summaries

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
    host = read(text, lscpu_summary)
    assert groups(host, "core") == set(cores.split())
    assert groups(host, "package") == set(packages)
    assert "lscpu gives no ids of cores; assumed: " in host.warnings[-1]


def test_a_summary_names_the_machine_and_keeps_nodes_without_cpus():
    host = read(summary("0-3", "4-7", ""), lscpu_summary)
    assert host.name == "Some CPU"
    assert [(node.id, str(node.cpus)) for node in host.nodes] == [(0, "0-3"), (1, "4-7"), (2, "")]


def test_the_assumption_is_told():
    told = read(summary("0-1,4-5", "2-3,6-7"), lscpu_summary).warnings[-1]
    assert told.endswith(
        "assumed: the threads of a core are 4 places apart in the list of CPUs, "
        "sockets follow the NUMA nodes"
    )


def test_cores_that_fit_no_numbering_are_unknown():
    host = read(summary("0-2,7", "3-6"), lscpu_summary)
    assert host.columns.core == ()
    assert "no usual numbering" in host.warnings[-1]


def test_offline_cpus_are_present_and_have_no_core():
    text = summary("0,2").replace("list:   0-7", "list: 0,2\nOff-line CPU(s) list: 1,3-7")
    host = read(text.replace("core:    2", "core: 1").replace("socket:    2", "socket: 1"),
                lscpu_summary)  # fmt: skip
    assert (str(host.possible), str(host.online)) == ("0-7", "0,2")
    assert groups(host, "core") == {"0", "2"}


def test_counts_that_do_not_multiply_leave_cores_unknown():
    host = read(summary("0-7").replace("socket:    2", "socket: 3"), lscpu_summary)
    assert (host.columns.core, host.columns.package) == ((), ())
    assert "2 threads x 3 cores x 2 sockets are not 8 CPUs" in host.warnings[-1]


def test_the_only_socket_is_known_where_the_cores_are_not():
    text = (
        summary("0-7").replace("socket:    2", "socket: 6").replace("(s):             2", "(s): 1")
    )
    host = read(text, lscpu_summary)
    assert (host.columns.core, groups(host, "package")) == ((), {"0-7"})


def test_books_and_drawers_are_numbered():
    text = (
        "Architecture: s390x\nCPU(s): 16\nOn-line CPU(s) list: 0-15\nThread(s) per core: 1\n"
        "Core(s) per socket: 2\nSocket(s) per book: 2\nBook(s) per drawer: 2\nDrawer(s): 2\n"
    )
    host = read(text, lscpu_summary)
    assert groups(host, "package") == {"0-1", "2-3", "4-5", "6-7", "8-9", "10-11", "12-13", "14-15"}
    assert groups(host, "book") == {"0-3", "4-7", "8-11", "12-15"}
    assert groups(host, "drawer") == {"0-7", "8-15"}


def test_clusters_without_sockets_are_clusters():
    text = (
        "Architecture: aarch64\nCPU(s): 8\nOn-line CPU(s) list: 0-7\nThread(s) per core: 1\n"
        "Core(s) per cluster: 4\nSocket(s): -\nCluster(s): 2\n"
    )
    host = read(text, lscpu_summary)
    assert (groups(host, "cluster"), host.columns.package) == ({"0-3", "4-7"}, ())


def test_several_types_of_cpu_have_cores_but_no_sockets():
    each = "Model name: {}\nThread(s) per core: 1\nCore(s) per socket: {}\nSocket(s): 1\n"
    text = "CPU(s): 6\nOn-line CPU(s) list: 0-5\n" + each.format("A", 4) + each.format("B", 2)
    host = read(text, lscpu_summary)
    assert (host.columns.core, host.columns.package) == ((0, 1, 2, 3, 4, 5), ())
    assert (host.name, "several types" in host.warnings[-1]) == ("A", True)


def test_several_types_of_cpu_with_threads_leave_cores_unknown():
    each = "Thread(s) per core: 2\nCore(s) per socket: 2\nSocket(s): 1\n"
    host = read("CPU(s): 8\nOn-line CPU(s) list: 0-7\n" + 2 * each, lscpu_summary)
    assert host.columns.core == ()


def test_masks_of_lscpu_x_have_no_prefix():
    text = summary("f", "f0").replace("list:   0-7", "mask:   ff")
    assert [str(node.cpus) for node in read(text, lscpu_summary).nodes] == ["0-3", "4-7"]
    wide = "CPU(s): 41\nOn-line CPU(s) mask: 0x1ffffffffff\n"
    assert str(read(wide, lscpu_summary).online) == "0-40"


def test_a_list_that_a_terminal_wrapped_is_whole():
    text = summary("0,1,\n                       4,5", "2-3,6-7")
    assert str(read(text, lscpu_summary).nodes[0].cpus) == "0-1,4-5"


def test_without_lists_the_cpus_are_numbered_from_0():
    host = read("Architecture: x86_64\nCPU(s): 4\n", lscpu_summary)
    assert str(host.online) == "0-3"
    assert "0-3 are assumed to be" in host.warnings[1]


def test_a_count_of_0_is_unknown_and_the_nodes_tell_the_cpus():
    host = read("Architecture: ia64\nCPU(s): 0\nNUMA node0 CPU(s): 0,2\n", lscpu_summary)
    assert (str(host.online), host.columns.node) == ("0,2", (0, None, 0))


def test_lists_win_over_the_count():
    host = read("CPU(s): 4\nOn-line CPU(s) list: 0-5\n", lscpu_summary)
    assert str(host.present) == "0-5"
    assert "CPU(s) is 4, but 6 are listed" in host.warnings[1]


def test_cpus_of_a_node_that_are_not_present_are_left_out():
    host = read(summary("0-3", "4-9"), lscpu_summary)
    assert str(host.nodes[1].cpus) == "4-7"
    assert "CPUs 8-9 are on a NUMA node but not present" in host.warnings[1]


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
    assert read(as_json(text, nested), lscpu_summary) == read(text, lscpu_summary)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Architektur: x86_64\nProzessorzahl: 8\n", "no field of lscpu in English"),
        ('{"lscpu": []}', "no field of lscpu in English"),
        ('{"lscpu": 3}', "$.lscpu: a number; a list is expected"),
        ('{"cpus": 3}', "$: no list lscpu in it"),
        (as_json(TEXT, nested=False)[:100], "line 1 column"),
        ('{"lscpu": [{"field": 3}]}', "$.lscpu[0].field: a number; a string"),
        ('{"lscpu": [{"field": "CPU(s):", "data": []}]}', "$.lscpu[0].data: a list; a string"),
        ('{"lscpu": [{"field": "x", "children": [{"field": "CPU(s):", "data": "x"}]}]}',
         '$.lscpu[0].children[0].data: "x"; a number from 1'),
        ("CPU(s): 0\n", "no field of lscpu in English"),
        ("CPU(s): -4\n", 'line 1: "-4"; a number from 1'),
        ("CPU(s): 99999999\n", 'line 1: "99999999"; a number from 1'),
        ("CPU(s): 4\nCPU(s): 4\n", "line 2: CPU(s) stands twice"),
        ("On-line CPU(s) list: 3-1\n", "line 1: '3-1' runs backwards"),
        ("On-line CPU(s) mask: xyz\n", "line 1: 'xyz' is not a CPU mask"),
        (2 * summary("0-7"), "line 11: CPU(s) stands twice"),
    ],
)  # fmt: skip
def test_a_broken_summary_is_refused_with_the_place(text, fault):
    assert faults(text, lscpu_summary)[0].startswith(fault)


@given(st.data())
def test_damaged_output_gives_a_machine_or_an_input_error(data):
    whole = data.draw(st.sampled_from([JSON, TABLE, CSV, PARSABLE, summary("0-3", "4-7")]))
    reader = lscpu_summary if whole.startswith("Arch") else lscpu
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(start + 30, len(whole))))
    middle = data.draw(st.sampled_from(["", "-", ",", ":", "\n", '"', "{}", "[]", "9" * 11, "\0"]))
    with contextlib.suppress(InputError):
        assert reader.read(source(whole[:start] + middle + whole[end:])).possible


@pytest.mark.skipif(not CORPUS, reason="RSSBOUND_CORPUS is not set")
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        # cpus, core, package, node, llc, book: counted by hand in the files
        ("lscpu-eJ.x86_64-64cpu.json", (64, 32, 4, 3, 4, 0)),
        ("lscpu-eJ-physical.x86_64-64cpu.json", (64, 32, 4, 3, 4, 0)),
        ("lscpu-eJ.hybrid.json", (20, 14, 1, 1, 1, 0)),
        ("lscpu-p.x86_64-64cpu.txt", (64, 32, 4, 3, 4, 0)),
        ("lscpu-p-drawer.s390.txt", (8, 8, 2, 1, 0, 1)),
        ("lscpu-J.x86_64-64cpu.json", (64, 32, 4, 3, 0, 0)),
        ("lscpu-text.x86_64-64cpu.txt", (64, 32, 4, 3, 0, 0)),
    ],
)
def test_samples_have_the_counts_found_by_hand(name, counts):
    sample = source((Path(CORPUS) / "samples" / name).read_bytes())
    readers = [reader for reader in (lscpu, lscpu_summary) if reader.accepts(sample)]
    assert len(readers) == 1
    host = readers[0].read(sample)
    levels = ("core", "package", "node", "llc", "book")
    assert (len(host.online), *(host.count(level) for level in levels)) == counts


# -- lscpu itself, run on captures whose folders our own reader of /sys reads too

NAMES = (
    sorted(path.name.removesuffix(".tar.xz") for path in (Path(CORPUS) / "sysfs").glob("*.tar.xz"))
    if CORPUS
    else []
)
OPTIONS = {
    "json": ("-J", "-e"),
    "physical": ("-J", "-y", "-e"),
    "table": ("-e",),
    "csv": ("-a", "-p=CPU,CORE,SOCKET,NODE,CACHE,BOOK,DRAWER,ONLINE"),
    "parsable": ("-p",),
    "summary": (),
    "summary json": ("-J",),
}
TABLES = ("json", "table", "csv", "parsable")
SUMMARIES = ("summary", "summary json")

NO_PACKAGE_ID = "the package ids are -1, which -y prints and masks do not need"
BULLDOZER = "-y prints ids of half modules, while the masks of the kernel make modules the cores"
SPARC = "its cache sizes lie outside cache/, where lscpu alone looks"
ONLY_LISTS = "lscpu needs the masks of topology/, and the capture has lists only"
UNEVEN = "groups of different sizes have no counts"
IN_TURN = "the sockets take turns, and with one node nothing shows it"

EXCUSED = {
    **dict.fromkeys(
        [(name, "physical", "package")
         for name in ("hwloc--20s390-2g6s4c", "lscpu--s390-lpar", "lscpu--s390-zvm",
                      "lscpu--sparc64", "lscpu--ppc-qemu", "lscpu--ppc64-POWER7",
                      "lscpu--rv64-linux")]
        + [(name, "physical", "core")
           for name in ("hwloc--20s390-2g6s4c", "lscpu--s390-lpar", "lscpu--s390-zvm",
                        "lscpu--rv64-linux")],
        NO_PACKAGE_ID,
    ),
    ("lscpu--s390-zvm", "physical", "book"): "all book ids are 0, while each CPU is a book",
    **{(name, "physical", "core"): BULLDOZER
       for name in ("hwloc--64amd64-4s2n4ca2co", "lscpu--vmware_fpe",
                    "x86linux--64amd64-4p2n4ca2co")},
    **{("lscpu--sparc64", form, "llc"): SPARC for form in (*TABLES, "physical")},
    **{("hwloc--8em64t-2s4c-asymcaches", form, "llc"):
       "lscpu leaves out caches that a CPU lacks, and what is left looks like the first ones"
       for form in (*TABLES, "physical")},
    **{("libvirt--rhel74-moonshot", form, level): ONLY_LISTS
       for form in OPTIONS for level in ("core", "package")},
    **{(name, form, "core"): UNEVEN for form in SUMMARIES
       for name in ("hwloc--20em64t-hybrid-1p6c2t+2ca4co1t", "nri--sysfs-sample1")},
    **{(name, form, level): UNEVEN for form in SUMMARIES
       for name in ("hwloc--20s390-2g6s4c", "lscpu--s390-lpar")
       for level in ("core", "package", "book")},
    **{("hwloc--20s390-2g6s4c", form, "drawer"): UNEVEN for form in SUMMARIES},
    **{(name, form, "package"): IN_TURN for form in SUMMARIES
       for name in ("hwloc--8em64t-2s2ca2c", "hwloc--8em64t-2s2ca2c-buggynuma",
                    "hwloc--8em64t-2s4c-asymcaches")},
}  # fmt: skip
"""Capture, form, level -> why lscpu does not say there what the capture says."""

UNREADABLE = {"hwloc--2ps3-2t": "lscpu 2.38 crashes on it"}


ARCHITECTURE = {"lscpu--ppc64-POWER7": "ppc64"}
"""What the captured machine is, where it is not x86_64 and has threads."""


def partition(host, level, cpus):
    """Give the groups of a level, of the CPUs in a set."""
    return {group & cpus for group in host.groups(level).values()} - {CpuSet()}


def printed(root, options, architecture):
    """Give what lscpu prints about a capture, as it would there; None if it cannot read it."""
    run = subprocess.run(
        [LSCPU, "--sysroot", root, *options],
        capture_output=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
        timeout=60,
    )
    ours = platform.machine()  # which a summary has instead of what the capture is of
    return None if run.returncode else run.stdout.decode().replace(ours, architecture)


def unpacked(name, folder):
    """Unpack a capture and give it the /proc/cpuinfo without which lscpu numbers no CPU."""
    with tarfile.open(Path(CORPUS) / "sysfs" / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    host = topology.read(folder)
    lines = [f"processor\t: {cpu}\nvendor_id\t: x\nmodel name\t: x\n" for cpu in host.online]
    (folder / "proc").mkdir(exist_ok=True)
    (folder / "proc" / "cpuinfo").write_text("\n".join(lines))
    return host


@pytest.mark.skipif(not NAMES, reason="RSSBOUND_CORPUS names no captured machines")
@pytest.mark.skipif(not LSCPU, reason="there is no lscpu to run")
@pytest.mark.parametrize("name", NAMES or ["none"])
def test_what_lscpu_prints_about_a_capture_reads_as_the_capture(name, tmp_path):
    captured = unpacked(name, tmp_path)
    if not (tmp_path / "sys/devices/system/cpu/possible").exists():
        pytest.skip("lscpu reads no capture without a list of possible CPUs")
    differences = {}
    for form, options in OPTIONS.items():
        text = printed(tmp_path, options, ARCHITECTURE.get(name, "x86_64"))
        if text is None:
            pytest.skip(UNREADABLE[name])
        reader = lscpu_summary if form in SUMMARIES else lscpu
        host = read(text, reader)
        assert host.online == captured.online
        levels = ["core", "package", "node"]
        levels += [] if form == "parsable" else ["book", "drawer"]
        levels += [] if form in SUMMARIES else ["llc"]
        for level in levels:
            found, expected = (partition(of, level, captured.online) for of in (host, captured))
            if found != expected:
                differences[name, form, level] = found, expected
    unexplained = {key: value for key, value in differences.items() if key not in EXCUSED}
    assert not unexplained
