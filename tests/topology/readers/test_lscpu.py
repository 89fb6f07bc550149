"""Tables of lscpu: every form gives the same machine; other text is refused."""

from __future__ import annotations

import contextlib
import re

import lscpu_text
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lscpu_text import damaged, groups, source

from rssbound.errors import InputError
from rssbound.topology.readers import lscpu, lscpu_summary
from rssbound.topology.sources import Source


def read(text):
    return lscpu_text.read(text, lscpu)


def faults(text):
    return lscpu_text.faults(text, lscpu)


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
"""The rows that `lscpu -p` prints for online CPUs, without comments."""


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
        "lscpu does not list CPUs that are only possible; more CPUs may be possible",
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


def test_core_ids_that_repeat_for_another_cpu_type_are_separate_cores():
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


def test_instruction_caches_are_not_last_level():
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
        ('{"cpus": [{"cpu": 0, "cpu": 1}]}', 'key "cpu" appears twice'),
        ('{"cpus": [{"cpu": 0}, {"cpu": 0}]}', "$.cpus[1].cpu: CPU 0 is also in an earlier row"),
        ('{"cpus": [{"cpu": 0, "core": "x"}]}', '$.cpus[0].core: "x"; a whole number'),
        ('{"cpus": [{"cpu": 0, "core": -7}]}', "$.cpus[0].core: -7 is out of range"),
        ('{"cpus": [{"cpu": 0, "online": "evet"}]}', '$.cpus[0].online: "evet"; yes or no'),
        ('{"cpus": [{"cpu": 0, "l1d": "0:1"}]}', '$.cpus[0].l1d: "0:1"; 1 ids are expected'),
        ('{"cpus": [{"cpu": 0, "l2": "x"}]}', '$.cpus[0].l2: "x"; a whole number'),
        ("# CPU,Core\n0,0\n0,1\n", "line 3.cpu: CPU 0 is also in an earlier row"),
        ("# CPU,Core,Node\n0,0,0\n1,0\n", "line 3: 2 fields for 3 columns"),
        ("# CPU,Core\n0,0,0\n", "line 2: 3 fields for 2 columns"),
        ("# Core,Node\n0,0\n", "no column CPU"),
        ("# CPU,Core\n", "no CPU in it"),
        ("CPU CORE\n0 0\n1\n", "line 3: 1 values for 2 columns"),
        ("CPU CORE\n-1 0\n", 'line 2.cpu: "-1"; a CPU id'),
        ("nothing of it\n", "no lscpu columns"),
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
def test_other_content_is_not_a_table(text):
    assert not lscpu.accepts(source(text))
    assert not lscpu_summary.accepts(source(text))


@pytest.mark.parametrize("reader", [lscpu, lscpu_summary])
def test_a_folder_is_not_output_of_lscpu(reader):
    folder = Source("x", "x", trees={})
    assert not reader.accepts(folder)
    with pytest.raises(InputError, match="folder"):
        reader.read(folder)


@given(st.data())
def test_damaged_output_gives_a_machine_or_an_input_error(data):
    with contextlib.suppress(InputError):
        assert lscpu.read(damaged(data, [JSON, TABLE, CSV, PARSABLE])).possible
