"""Hosts and guests as libvirt describes them."""

from __future__ import annotations

import contextlib
import os
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import cpu_seconds

from rssbound.errors import InputError
from rssbound.topology.readers import virsh
from rssbound.topology.sources import Source

CORPUS = os.environ.get("RSSBOUND_CORPUS")

HOST = """<capabilities><host><topology><cells num='3'>
  <cell id='0'><memory unit='KiB'>1</memory><cpus num='3'>
    <cpu id='0' socket_id='36' die_id='0' cluster_id='0' core_id='5' siblings='0,2'/>
    <cpu id='2' socket_id='36' die_id='0' cluster_id='0' core_id='5' siblings='0,2'/>
    <cpu id='5'/></cpus></cell>
  <cell id='1'><cpus num='2'>
    <cpu id='1' socket_id='40' die_id='0' cluster_id='0' core_id='5' siblings='1,3' new='?'/>
    <cpu id='3' socket_id='40' die_id='0' cluster_id='0' core_id='5' siblings='1,3'/></cpus></cell>
  <cell id='8'><memory unit='KiB'>4096</memory></cell>
</cells></topology><cache>
  <bank id='0' level='2' type='both' size='1' unit='MiB' cpus='0,2'/>
  <bank id='0' level='3' type='both' size='8' unit='MiB' cpus='0-3'/>
  <bank id='1' level='2' type='both' size='1' unit='MiB' cpus='5'/>
  <bank id='9' level='4' type='code' size='1' unit='MiB' cpus='0'/>
</cache></host></capabilities>"""

GUEST = """<domain type='kvm' id='3'><name>web</name><vcpu placement='static' current='6'>16</vcpu>
<cpu mode='custom'><topology sockets='2' dies='1' clusters='2' cores='2' threads='2'/>
<numa><cell id='0' cpus='0-7' memory='1'/><cell id='1' cpus='8-15' memory='1'/>
<cell id='2' memory='5'/></numa></cpu></domain>"""


def source(text):
    return Source("test.xml", "test", data=text if isinstance(text, bytes) else text.encode())


def read(text):
    return virsh.read(source(text))


def faults(text):
    with pytest.raises(InputError) as error:
        read(text)
    return error.value.faults


def test_a_host_has_the_ids_it_lists():
    host = read(HOST)
    assert host.columns.package == (36, 40, 36, 40, None, None)
    assert host.columns.core == (0, 1, 0, 1, None, None)
    assert host.columns.node == (0, 1, 0, 1, None, 0)
    assert [(node.id, str(node.cpus)) for node in host.nodes] == [(0, "0,2,5"), (1, "1,3"), (8, "")]


def test_a_cpu_with_an_id_alone_is_offline():
    host = read(HOST)
    assert (str(host.possible), str(host.online)) == ("0-3,5", "0-3")


def test_a_warning_says_that_offline_cpus_can_be_missing():
    assert read(HOST).warnings[0] == (
        "virsh capabilities lists only online CPUs; more CPUs may be possible"
    )


@pytest.mark.parametrize(
    ("pages", "size"),
    [
        ("<pages unit='KiB' size='64'/><pages unit='KiB' size='524288'/>", 65536),
        ("<pages unit='KiB' size='2048'/><pages unit='KiB' size='4'/>", 4096),
        ("<pages size='16'/>", 16384),
        ("<pages unit='b' size='8192'/>", 8192),
        ("<pages unit='KiB' size='2048'/><pages unit='MiB' size='1024'/>", None),
        ("<pages unit='KiB' size='-4'/><pages unit='pages' size='4'/><pages size='5'/>", None),
        ("", None),
    ],
)
def test_the_smallest_pages_are_those_of_the_host(pages, size):
    of_cpu = HOST.replace("<host>", f"<host><cpu><arch>aarch64</arch>{pages}</cpu>")
    of_cell = HOST.replace("<cell id='1'>", f"<cell id='1'>{pages}")

    assert (read(of_cpu).page_size, read(of_cell).page_size) == (size, size)


def test_huge_pages_of_a_guest_are_not_its_page_size():
    backing = "<memoryBacking><hugepages><page size='64' unit='KiB'/></hugepages></memoryBacking>"

    assert read(GUEST.replace("<cpu mode", f"{backing}<cpu mode")).page_size is None


def test_a_cell_that_lost_cpus_is_refused():
    assert faults(HOST.replace("<cpu id='5'/>", "")) == (
        "cells.cell[0].cpus.num: 3, but 2 CPUs follow; give all of them",
    )
    emptied = HOST.replace("<cell id='8'>", "<cell id='8'><cpus num='4'/>")
    assert faults(emptied)[0].startswith("cells.cell[2].cpus.num: 4, but 0 CPUs follow")


def test_all_cpus_are_online_where_none_has_more_than_an_id():
    host = read(
        "<capabilities><host><topology><cells><cell id='0'><cpus><cpu id='0'/><cpu id='1'/>"
        "</cpus></cell></cells></topology></host></capabilities>"
    )
    assert str(host.online) == "0-1"
    assert host.columns.core == ()


def test_the_last_level_cache_is_the_highest_bank_that_holds_data():
    assert read(HOST).columns.llc == (0, 0, 0, 0, None, 1)


def test_clusters_that_are_all_0_are_unknown():
    assert read(HOST).columns.cluster == ()
    assert read(HOST.replace("cluster_id='0'", "cluster_id='7'")).count("cluster") == 2


def test_core_ids_repeat_between_dies():
    cpus = "".join(f"<cpu id='{n}' socket_id='0' die_id='{n}' core_id='0'/>" for n in range(3))
    cell = f"<cell id='0'><cpus>{cpus}</cpus></cell>"
    host = read(
        f"<capabilities><host><topology><cells>{cell}</cells></topology></host></capabilities>"
    )
    assert host.columns.core == (0, 1, 2)
    assert host.columns.die == (0, 1, 2)


def test_a_socket_id_of_minus_1_is_unknown():
    host = read(HOST.replace("socket_id='36'", "socket_id='-1'"))
    assert host.columns.package == (None, 40, None, 40, None, None)


def test_a_cpu_in_several_cells_counts_in_the_smallest():
    host = read(HOST.replace("<cpu id='5'/>", "<cpu id='5'/><cpu id='1'/>"))
    assert host.columns.node[1] == 1
    assert any("claimed by several" in line for line in host.warnings)


def test_faults_are_reported_together_with_their_elements():
    broken = HOST.replace("id='2' socket", "id='-2' socket").replace("core_id='5'", "core_id='x'")
    found = faults(broken.replace("cpus='5'", "cpus='5-'"))
    assert found[0] == 'cells.cell[0].cpus.cpu[0].core_id: "x"; a whole number is expected'
    assert any(line.startswith('cells.cell[0].cpus.cpu[1].id: "-2"; a CPU id') for line in found)
    assert any(line.startswith("cache.bank[2].cpus: ") for line in found)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("<cpu id='5'/>", "<cpu id='2'/>", "CPU 2 appears twice"),
        ("<cpu id='5'/>", "<cpu/>", "null; a CPU id"),
        ("<cpu id='5'/>", "<cpu id='99999999'/>", "a CPU id from 0 to"),
        ("<cell id='8'>", "<cell>", "no id"),
        ("<cell id='8'>", "<cell id='1'>", "cell 1 appears twice"),
        ("level='3'", "level='9999999999999999'", "out of range"),
    ],
)
def test_a_broken_host_is_refused(old, new, fault):
    assert fault in "\n".join(faults(HOST.replace(old, new)))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<capabilities/>", "no host/topology/cells"),
        ("<capabilities><host><topology><cells/></topology></host></capabilities>", "no CPU"),
        (HOST[:400], "not XML"),
        ("", "not XML"),
        (b"<?xml version='1.0' encoding='nonsense'?><capabilities/>", "not XML"),
        (HOST.encode("utf-16"), "not UTF-8"),
    ],
)
def test_documents_without_a_machine_are_refused(text, fault):
    assert fault in faults(text)[0]


def test_many_cpus_in_one_cell_are_read_in_time():
    cpus = "".join(f"<cpu id='{n}' socket_id='0' core_id='{n}'/>" for n in range(40_000))
    cells = f"<cells><cell id='0'><cpus>{cpus}</cpus></cell></cells>"
    with cpu_seconds(5):
        host = read(f"<capabilities><host><topology>{cells}</topology></host></capabilities>")
        assert host.count("core") == 40_000


def test_an_entity_bomb_is_refused_at_once():
    lines = [f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 30)]
    bomb = f"<!DOCTYPE c [<!ENTITY e0 'x'>{''.join(lines)}]><capabilities>&e29;</capabilities>"
    with cpu_seconds(1):
        assert "entities" in faults(bomb)[0]


def test_a_folder_is_not_xml():
    assert not virsh.accepts(Source("x", "x", trees={}))
    with pytest.raises(InputError, match="folder"):
        virsh.read(Source("x", "x", trees={}))


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        (HOST, True),
        (GUEST, True),
        ("\ufeff<?xml version='1.0'?>\n<!-- a -->\n<!-- b -->\n<domain>", True),
        ("<domainCapabilities/>", False),
        ("<topology version='2.0'/>", False),
        ("{}", False),
        ("<!-- --> " * 5000, False),
    ],
)
def test_accepts_by_the_outermost_element(text, accepted):
    assert virsh.accepts(source(text)) is accepted


# -- guests


def test_a_guest_is_numbered_with_threads_innermost():
    guest = read(GUEST)
    assert guest.name == "web"
    assert guest.columns.core == (0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7)
    assert guest.columns.cluster == (0,) * 4 + (1,) * 4 + (2,) * 4 + (3,) * 4
    assert guest.columns.package == (0,) * 8 + (1,) * 8
    assert guest.columns.node == (0,) * 8 + (1,) * 8
    assert guest.columns.die == ()
    assert [node.id for node in guest.nodes] == [0, 1, 2]


def test_a_guest_starts_with_its_current_cpus():
    guest = read(GUEST)
    assert (str(guest.possible), str(guest.present), str(guest.online)) == ("0-15", "0-5", "0-5")


def test_a_guest_may_say_which_cpus_it_starts_with():
    vcpus = "<vcpus><vcpu id='0' enabled='yes'/><vcpu id='3' enabled='yes'/><vcpu id='4'/></vcpus>"
    assert str(read(GUEST.replace("<cpu mode", f"{vcpus}<cpu mode")).online) == "0,3"


def test_a_guest_without_a_topology_has_a_socket_for_each_cpu():
    guest = read("<domain><vcpu>3</vcpu></domain>")
    assert guest.columns.package == (0, 1, 2)
    assert guest.name == "test"
    assert guest.nodes == ()


def test_a_guest_without_vcpu_has_one_cpu():
    assert str(read("<domain/>").possible) == "0"


def test_cpus_in_no_cell_of_a_guest_are_in_the_first():
    guest = read(GUEST.replace("cpus='8-15'", "cpus='8-11'"))
    assert [str(node.cpus) for node in guest.nodes] == ["0-7,12-15", "8-11", ""]
    assert "12-15" in guest.warnings[0]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("sockets='2'", "sockets='3'", "does not make the 16 CPUs of vcpu"),
        ("sockets='2'", "sockets='999999999'", "a number from 1 to"),
        ("sockets='2'", "sockets='-2'", "a number from 1 to"),
        ("sockets='2'", "sockets='0'", "a number from 1 to"),
        (">16<", ">999999999<", "vcpu: '999999999'"),
        (">16<", "><", "vcpu: ''"),
        ("current='6'", "current='17'", "17 of 16 CPUs"),
        ("cpus='8-15'", "cpus='7-15'", "CPUs 7 are of an earlier cell"),
        ("cpus='8-15'", "cpus='8-16'", "CPUs 16 are of an earlier cell or beyond 16"),
        ("cell id='1'", "cell id='0'", "the id of an earlier cell"),
        ("<cpu mode", "<vcpus><vcpu id='16' enabled='yes'/></vcpus><cpu mode", "CPU 16 of 16"),
    ],
)
def test_a_broken_guest_is_refused(old, new, fault):
    with cpu_seconds(1):
        assert fault in "\n".join(faults(GUEST.replace(old, new)))


@given(st.data())
def test_a_damaged_document_gives_a_machine_or_an_input_error(data):
    text = data.draw(st.sampled_from([HOST, GUEST]))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 30, len(text))))
    middle = data.draw(st.sampled_from(["", "-1", "x", "'", "<", "99999999999", "0-3"]))
    with contextlib.suppress(InputError):
        assert read(text[:start] + middle + text[end:]).possible


@pytest.mark.skipif(not CORPUS, reason="RSSBOUND_CORPUS is not set")
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        # cpus, core, llc, die, node, package: counted by hand in the files
        ("virsh-capabilities.caches.xml", (8, 4, 1, 1, 1, 1)),
        ("virsh-capabilities.dies.xml", (12, 12, 0, 6, 1, 2)),
        ("libvirt-guest.cpu-topology1.xml", (6, 6, 0, 0, 0, 3)),
    ],
)
def test_samples_have_the_counts_found_by_hand(name, counts):
    path = pathlib.Path(CORPUS) / "samples" / name
    sample = Source(name, name, data=path.read_bytes())
    assert virsh.accepts(sample)
    host = virsh.read(sample)
    levels = ("core", "llc", "die", "node", "package")
    assert (len(host.online), *(host.count(level) for level in levels)) == counts
