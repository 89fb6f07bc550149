"""Machines as hwloc 1, 2 and 3 write them, and documents that only look like one."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import cpu_seconds

from rssbound.errors import InputError
from rssbound.topology import CpuSet
from rssbound.topology.readers import hwloc
from rssbound.topology.sources import Source

LEVELS = ("package", "die", "cluster", "core", "llc", "node", "book", "drawer")

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE topology SYSTEM "hwloc{}.dtd">\n'

V1 = (
    HEAD.format("")
    + """<topology>
 <object type="Machine" os_index="0" cpuset="0x0000002f" complete_cpuset="0x000000ff"
         online_cpuset="0x0000006f" allowed_cpuset="0x0000002f">
  <page_type size="4096" count="0"/><page_type size="2097152" count="0"/>
  <info name="OSName" value="Linux"/><info name="OSRelease" value="3.10.0-1160"/>
  <info name="HostName" value="node7"/>
  <object type="NUMANode" os_index="0" cpuset="0x0000000f">
   <object type="Socket" os_index="4" cpuset="0x0000000f">
    <object type="Cache" depth="3" cache_type="0"><object type="Cache" depth="2" cache_type="0">
     <object type="Cache" depth="1" cache_type="2">
      <object type="Core" os_index="0">
       <object type="PU" os_index="0"/><object type="PU" os_index="2"/></object></object></object>
     <object type="Core" os_index="1">
      <object type="PU" os_index="1"/><object type="PU" os_index="3"/></object></object>
   </object></object>
  <object type="NUMANode" os_index="1" cpuset="0x00000020">
   <object type="Package" os_index="9">
    <object type="Cache" depth="2" cache_type="1"><object type="Core" os_index="0">
     <object type="PU" os_index="5"/></object></object></object></object>
  <object type="NUMANode" os_index="8" cpuset="0x0"/>
 </object>
</topology>
"""
)

V2 = (
    HEAD.format("2")
    + """<topology version="2.0">
 <object type="Machine" os_index="0" cpuset="0x000000ff" complete_cpuset="0x000003ff"
         allowed_cpuset="0x0000000f">
  <object type="Package" os_index="0" cpuset="0x0000000f">
   <object type="NUMANode" os_index="0" cpuset="0x0000000f" local_memory="9">
    <page_type size="65536" count="1"/><page_type size="16777216" count="0"/></object>
   <object type="NUMANode" os_index="2" cpuset="0x0000000f" subtype="HBM"/>
   <object type="Die" os_index="0"><object type="L2Cache">
    <object type="Core" os_index="0">
     <object type="PU" os_index="0"/><object type="PU" os_index="1"/></object></object></object>
   <object type="Die" os_index="1"><object type="L2Cache">
    <object type="Core" os_index="0">
     <object type="PU" os_index="2"/><object type="PU" os_index="3"/></object></object></object>
  </object>
  <object type="Package" os_index="1" cpuset="0x000000f0">
   <object type="MemCache"><object type="NUMANode" os_index="1" cpuset="0x000000f0"/></object>
   <object type="L3Cache"><object type="L2Cache"><object type="L1Cache"><object type="L1iCache">
    <object type="Core" os_index="4294967295">
     <object type="PU" os_index="4"/><object type="PU" os_index="5"/></object>
    <object type="Core" os_index="4294967295">
     <object type="PU" os_index="6"/><object type="PU" os_index="7"/></object>
    </object></object></object></object>
  </object>
  <object type="Bridge"><object type="PCIDev"><object type="OSDev" name="sda">
   <info name="Type" value="Disk"/></object></object></object>
  <object type="Misc" name="tag"/>
 </object>
 <support name="discovery.pu"/>
</topology>
"""
)

# hwloc 3 adds ids of its own and moves the facts about the system below the root.
V3 = V2.replace('version="2.0"', 'version="3.0"').replace(
    "<object type", '<object id="obj1" gp_index="1" type'
)
V3 = V3.replace(
    '<topology version="3.0">', '<topology version="3.0"><info name="OSRelease" value="6.12.1"/>'
)


def source(text):
    return Source("test.xml", "test", data=text if isinstance(text, bytes) else text.encode())


def read(text):
    return hwloc.read(source(text))


def faults(text):
    with pytest.raises(InputError) as error:
        read(text)
    return error.value.faults


def machine(body, cpuset="0x0000000f", more="", version="2.0"):
    """Give a machine of hwloc 2 with these objects in it."""
    sets = f'cpuset="{cpuset}" complete_cpuset="{cpuset}"'
    inside = f'<object type="Machine" {more or sets}>{body}</object>'
    return f'<topology version="{version}">{inside}</topology>'


def pus(*cpus):
    return "".join(f'<object type="PU" os_index="{cpu}"/>' for cpu in cpus)


def held(type_, body, more=""):
    return f'<object type="{type_}" {more}>{body}</object>'


def groups(host, level):
    return [str(cpus) for cpus in host.groups(level).values()]


# -- hwloc 1


def test_two_machines_under_a_system_are_refused():
    machine = (
        '<object type="Machine" os_index="{n}" cpuset="0x1">'
        '<object type="PU" os_index="0"/></object>'
    )
    system = '<topology><object type="System" os_index="0">{}</object></topology>'
    two = system.format(machine.format(n=0) + machine.format(n=1))

    assert faults(two) == ("several machines in it (a System of hwloc 1); give the XML of one",)
    assert str(read(system.format(machine.format(n=0))).possible) == "0"


def test_version_1_has_the_online_cpus():
    host = read(V1)
    assert (str(host.possible), str(host.present), str(host.online)) == ("0-7", "0-7", "0-3,5-6")
    assert host.warnings[:-1] == ("CPUs 6 are online but have no PU; their groups are unknown",)
    assert host.warnings[-1].startswith("hwloc does not list CPUs that are only possible")


def test_version_1_has_sockets_numbered_caches_and_nodes_around_them():
    host = read(V1)
    assert host.columns.package == (4, 4, 4, 4, None, 9, None, None)
    assert host.columns.core == (0, 1, 0, 1, None, 2, None, None)
    assert host.columns.llc == (0, 0, 0, 0, None, 1, None, None)
    assert host.columns.node == (0, 0, 0, 0, None, 1, None, None)
    assert [(node.id, str(node.cpus)) for node in host.nodes] == [(0, "0-3"), (1, "5"), (8, "")]


def test_name_kernel_and_page_size_are_read():
    host = read(V1)
    assert (host.name, host.kernel, host.page_size) == ("node7", "3.10.0-1160", 4096)


def test_a_node_without_a_cpuset_has_the_cpus_inside_it():
    host = read(machine(held("NUMANode", pus(0, 1), 'os_index="3"') + pus(2)))
    assert [(node.id, str(node.cpus)) for node in host.nodes] == [(3, "0-1")]


# -- hwloc 2 and 3


@pytest.mark.parametrize("text", [V2, V3], ids=["v2", "v3"])
def test_groups_are_distinguished_by_object(text):
    host = read(text)
    assert groups(host, "core") == ["0-1", "2-3", "4-5", "6-7"]
    assert groups(host, "die") == ["0-1", "2-3"]
    assert groups(host, "package") == ["0-3", "4-7"]
    assert groups(host, "llc") == ["0-1", "2-3", "4-7"]
    assert host.columns.core == (0, 0, 1, 1, 2, 2, 3, 3, None, None)


@pytest.mark.parametrize("text", [V2, V3], ids=["v2", "v3"])
def test_a_node_of_other_memory_beside_the_plain_one_has_memory_only(text):
    host = read(text)
    nodes = [(node.id, str(node.cpus)) for node in host.nodes]
    assert nodes == [(0, "0-3"), (1, "4-7"), (2, "")]
    assert host.numa_nodes == 2


@pytest.mark.parametrize("text", [V2, V3], ids=["v2", "v3"])
def test_cpus_without_a_place_are_possible_and_offline(text):
    host = read(text)
    assert (str(host.possible), str(host.present), str(host.online)) == ("0-9", "0-9", "0-7")
    assert host.warnings[0].startswith(
        "CPUs 8-9 are not in the machine's cpuset: they are offline or"
    )
    assert host.columns.package == (0,) * 4 + (1,) * 4 + (None, None)


def test_cpus_outside_the_writers_cpuset_are_online():
    host = read(machine(pus(0, 1), more='cpuset="0x3" complete_cpuset="0x3" allowed_cpuset="0x1"'))
    assert str(host.online) == "0-1"
    assert host.warnings == (
        "hwloc does not list CPUs that are only possible; more CPUs may be possible",
    )


def test_version_3_says_its_kernel_below_the_root():
    assert read(V3).kernel == "6.12.1"
    assert read(V2).kernel is None


def test_the_release_of_another_system_is_not_a_kernel():
    info = '<info name="OSName" value="FreeBSD"/><info name="OSRelease" value="13.2"/>'
    assert read(machine(info + pus(0))).kernel is None


def test_the_smallest_page_is_the_base_page_unless_all_are_huge():
    assert read(V2).page_size == 65536
    assert read(machine('<page_type size="2097152" count="3"/>' + pus(0))).page_size is None
    assert read(machine('<page_type size="x"/><page_type/>' + pus(0))).page_size is None


@pytest.mark.parametrize(
    ("infos", "name"),
    [
        ({}, "test"),
        ({"DMISysVendor": "HPE", "DMIProductName": "DL380", "DMIProductSerial": "1"}, "HPE DL380"),
        ({"DMIProductName": "To Be Filled By O.E.M."}, "test"),
        ({"DMISysVendor": "HPE"}, "test"),
        ({"DMIProductName": "DL380", "HostName": " n&#10;1 "}, "n 1"),
    ],
)
def test_a_machine_is_called_by_its_host_name_or_model_or_file(infos, name):
    lines = "".join(f'<info name="{key}" value="{value}"/>' for key, value in infos.items())
    assert read(machine(lines + pus(0))).name == name


@pytest.mark.parametrize(
    ("attributes", "level"),
    [
        ('kind="222" subtype="Cluster"', "cluster"),
        ('kind="222"', "cluster"),
        ('kind="0" subtype="Cluster"', "cluster"),
        ('kind="104"', "die"),
        ('subtype="Die"', "die"),
        ('kind="110" subkind="0" subtype="Book"', "book"),
        ('kind="110" subkind="1" subtype="Drawer"', "drawer"),
        ('kind="110" subkind="1"', "drawer"),
        ('kind="100" subtype="Cluster"', None),  # of a Xeon Phi's memory
        ('kind="1001"', None),
        ('kind="0" subtype="MyGroup"', None),
        ("", None),
    ],
)
def test_a_group_is_a_level_if_the_kernel_has_it(attributes, level):
    body = held("Group", pus(0, 1), attributes) + held("Group", pus(2, 3), attributes)
    host = read(machine(body))
    found = {name: groups(host, name) for name in LEVELS if groups(host, name)}
    assert found == ({level: ["0-1", "2-3"]} if level else {})


@pytest.mark.parametrize(("type_", "level"), [("Book", "book"), ("Die", "die"), ("Cluster", None)])
def test_version_1_says_what_a_group_is_in_an_info(type_, level):
    info = f'<info name="Type" value="{type_}"/>'
    text = machine(held("Group", info + pus(0, 1)) + pus(2))
    found = {name: groups(read(text), name) for name in LEVELS if groups(read(text), name)}
    assert found == ({level: ["0-1"]} if level else {})


def test_other_infos_of_an_object_do_not_change_what_it_is():
    info = '<info name="Backend" value="die"/>'
    host = read(machine(held("Group", info + pus(0, 1)) + pus(2)))
    assert groups(host, "die") == []


def test_a_memory_side_cache_is_not_a_last_level_cache():
    inner = held("L2Cache", pus(0, 1)) + held("L2Cache", pus(2, 3))
    v2 = machine(held("L3Cache", inner, 'subtype="MemorySideCache"'))
    assert groups(read(v2), "llc") == ["0-1", "2-3"]
    inner = inner.replace('type="L2Cache"', 'type="Cache" depth="2" cache_type="0"')
    info = '<info name="Type" value="MemorySideCache"/>'
    v1 = machine(held("Cache", info + inner, 'depth="3" cache_type="0"'))
    assert groups(read(v1), "llc") == ["0-1", "2-3"]


def test_instruction_caches_are_not_last_level_caches():
    body = held("L3iCache", held("L1Cache", pus(0)) + held("L2iCache", held("L1Cache", pus(1))))
    assert groups(read(machine(body, "0x3")), "llc") == ["0", "1"]


def test_inner_groups_are_numbered_by_lowest_cpu():
    body = held("Core", pus(3, 2)) + held("Core", pus(1, 0))
    assert read(machine(body)).columns.core == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("ids", "column"),
    [
        (("7", "3"), (7, 7, 3, 3)),
        (("5", "5"), (0, 0, 1, 1)),
        (("4294967295", "4294967295"), (0, 0, 1, 1)),
        (("4294967295", "3"), (0, 0, 1, 1)),
    ],
)
def test_packages_keep_their_ids_where_these_tell_them_apart(ids, column):
    first, second = (f'os_index="{name}"' for name in ids)
    body = held("Package", pus(0, 1), first) + held("Package", pus(2, 3), second)
    assert read(machine(body)).columns.package == column


def test_the_machine_wide_node_of_other_memory_has_no_cpus():
    body = "".join(
        f'<object type="NUMANode" os_index="{node}" cpuset="{cpus}"/>'
        for node, cpus in ((0, "0xf"), (4, "0x3"), (5, "0xc"), (6, "0x0"))
    )
    host = read(machine(body + pus(0, 1, 2, 3)))
    assert [(node.id, str(node.cpus)) for node in host.nodes] == [
        (0, ""),
        (4, "0-1"),
        (5, "2-3"),
        (6, ""),
    ]


def test_a_machine_without_sets_has_the_cpus_that_are_listed():
    host = read('<topology><object type="System">' + pus(4, 7) + "</object></topology>")
    assert (str(host.possible), str(host.online), host.nodes) == ("4,7", "4,7", ())


# -- the text of sets


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("0x0", ""),
        ("", ""),
        ("0x000000ff,,0xffffffff", "0-31,64-71"),
        ("0x00006000,,0x00040000,0x00006007", "0-2,13-14,50,109-110"),
        ("0x00010000,,0x0", "80"),
        ("0x3,0x1", "0,32-33"),
        ("0XFF", "0-7"),
        ("ff", "0-7"),
    ],
)
def test_words_of_32_bits_come_highest_first(text, cpus):
    host = read(machine(pus(0), more=f'complete_cpuset="{text}" cpuset="0x1"'))
    assert host.possible == CpuSet.parse(cpus) | CpuSet.of([0])


@pytest.mark.parametrize(
    ("text", "online"),
    [("0xf...f", "1,40,70"), ("0xf...f,0x00000002", "1,40,70"), ("0xf...f,,0x0", "70")],
)
def test_an_infinite_set_is_cut_to_the_known_cpus(text, online):
    host = read(machine(pus(1, 40, 70), more=f'complete_cpuset="0xf...f" cpuset="{text}"'))
    assert (str(host.possible), str(host.online)) == ("1,40,70", online)


@pytest.mark.parametrize(
    "text", ["0-3", "0xg", "0x1ffffffff", "0x1,0xf...f", "f...f", "-1", "0x0000000f 0x1"]
)
def test_an_invalid_set_is_refused(text):
    assert faults(machine(pus(0), cpuset=text))[0].startswith("Machine[0].complete_cpuset: '")


@pytest.mark.parametrize("text", ["0x1" + "," * 131_072, "0xf...f" + ",0x1" * 131_073])
def test_a_set_of_too_many_cpus_is_refused(text):
    with cpu_seconds(2):
        assert "beyond 4194303" in faults(machine(pus(0), cpuset=text))[0]


# -- documents that are no machine


def test_faults_are_reported_together_with_their_objects():
    body = pus(0, 0, "x", -1, 9999999) + '<object type="PU"/>'
    body += '<object type="NUMANode" os_index="1" cpuset="z"/><object type="NUMANode"/>'
    body += '<object type="NUMANode" os_index="1"/><object type="Package" os_index="p"/>'
    found = faults(machine(body))
    assert [line.split(":")[0] for line in found] == [
        "PU[1].os_index",
        "PU[2].os_index",
        "PU[3].os_index",
        "PU[4].os_index",
        "PU[5]",
        "NUMANode[0].cpuset",
        "NUMANode[1].os_index",
        "NUMANode[2].os_index",
        "Package[0].os_index",
    ]
    assert "CPU 0 appears twice" in found[0]
    assert "node 1 appears twice" in found[7]


def test_very_many_faults_end_the_reading():
    assert faults(machine('<object type="PU"/>' * 100_000))[-1].endswith("more faults")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "not XML"),
        (V2[:900], "not XML: unclosed token: line 15"),
        (V2.replace("</topology>", ""), "not XML"),
        (V2.replace("PU", "XPU"), "no object of type PU"),
        ("<topology/>", "no object of type PU"),
        ("<capabilities><host><topology/></host></capabilities>", "<capabilities>: not hwloc's"),
        (b"<?xml version='1.0' encoding='nonsense'?><topology/>", "not XML"),
        (b"<?xml version='1.0' encoding='rot13'?><topology/>", "not XML"),
        (V2.replace('encoding="UTF-8"', "").encode("utf-16"), "not UTF-8"),
        (b"<topology>\xff</topology>", "not XML"),
    ],
)
def test_documents_without_a_machine_are_refused(text, fault):
    assert fault in faults(text)[0]


LAUGHS = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 30))
BOMBS = {
    "billion laughs": f"[<!ENTITY e0 'x'>{LAUGHS}]><topology>&e29;</topology>",
    "quadratic": f"[<!ENTITY e '{'x' * 100_000}'>]><topology>{'&e;' * 100_000}</topology>",
    "attributes": f"[<!ATTLIST object a CDATA '{'x' * 100_000}'>]><topology>"
    f"{'<object/>' * 100_000}</topology>",
    "file": "[<!ENTITY e SYSTEM 'file:///etc/passwd'>]><topology>&e;</topology>",
    "parameter": "[<!ENTITY % e SYSTEM 'http://localhost/e'> %e;]><topology/>",
    "grammar": f"[<!ELEMENT a {'(' * 100_000}]><topology/>",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_document_type_of_its_own_is_refused_at_once(bomb):
    text = f"<!DOCTYPE topology {bomb}"
    with cpu_seconds(1):
        assert hwloc.accepts(source(text))
        assert "declares XML entities" in faults(text)[0]


def test_an_entity_that_nothing_declares_is_refused():
    assert "not XML" in faults("<topology>&nosuch;</topology>")[0]


def test_deep_nesting_costs_no_stack():
    deep = '<object type="Core">' * 100_000 + pus(0) + "</object>" * 100_000
    with cpu_seconds(5):
        assert read(machine(deep, "0x1")).columns.core == (0,)
        with pytest.raises(InputError, match="not XML"):
            read("<topology>" + '<object type="Group">' * 100_000)
        with pytest.raises(InputError, match="no object of type PU"):
            read("<topology>" + "<x>" * 100_000 + "</x>" * 100_000 + "</topology>")


def test_many_cpus_are_read_in_time():
    cores = "".join(held("Core", pus(2 * n, 2 * n + 1)) for n in range(20_000))
    with cpu_seconds(5):
        host = read(machine(cores, "0x1"))
        assert host.count("core") == 20_000


def test_a_folder_is_not_xml():
    assert not hwloc.accepts(Source("x", "x", trees={}))
    with pytest.raises(InputError, match="folder"):
        hwloc.read(Source("x", "x", trees={}))


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        (V1, True),
        (V2, True),
        ("\ufeff<?xml version='1.0'?>\n<!-- a --><!-- b --><topology version='3.0'>", True),
        ("<topology", False),
        ("<topology/>", True),
        ("<topologies/>", False),
        ("<capabilities><topology/></capabilities>", False),
        ("<!DOCTYPE html><topology/>", False),
        ("{}", False),
        ("package:2 core:4", False),
        ("<!-- --> " * 5000, False),
    ],
)
def test_accepts_by_the_outermost_element(text, accepted):
    assert hwloc.accepts(source(text)) is accepted


def test_accepting_does_not_read_the_whole_file():
    assert hwloc.accepts(source("<topology>" + "<" * 1_000_000))


@given(st.data())
def test_a_damaged_document_gives_a_machine_or_an_input_error(data):
    text = data.draw(st.sampled_from([V1, V2, V3]))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 30, len(text))))
    middle = data.draw(
        st.sampled_from(["", "-1", "x", '"', "<", "99999999999", "0xf...f", "&#10;", ",,", "<a/>"])
    )
    with contextlib.suppress(InputError):
        assert read(text[:start] + middle + text[end:]).possible
