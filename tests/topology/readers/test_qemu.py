"""Virtual machines as QEMU's command line plans them."""

from __future__ import annotations

import contextlib
import os
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import cpu_seconds

from rssbound.errors import InputError
from rssbound.topology.readers import qemu
from rssbound.topology.sources import Source

CORPUS = os.environ.get("RSSBOUND_CORPUS")


def source(text):
    return Source("test.txt", "test", data=text.encode())


def read(text):
    return qemu.read(source(text))


def counts(text):
    """Give the numbers of packages, cores and CPUs."""
    guest = read(text)
    return guest.count("package"), guest.count("core"), len(guest.possible)


def nodes(text):
    return {node.id: str(node.cpus) for node in read(text).nodes}


def faults(text):
    with pytest.raises(InputError) as error:
        read(text)
    return error.value.faults


def test_cpus_are_numbered_with_threads_innermost():
    guest = read("-smp 16,sockets=2,cores=4,threads=2")
    assert guest.columns.core == (0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7)
    assert guest.columns.package == (0,) * 8 + (1,) * 8
    assert guest.threads_per_core == 2


def test_maxcpus_are_possible_and_cpus_online():
    guest = read("-smp 64,maxcpus=128,sockets=2,dies=2,cores=16,threads=2")
    assert str(guest.possible) == "0-127"
    assert str(guest.present) == str(guest.online) == "0-63"
    assert guest.columns.die == (0,) * 32 + (1,) * 32 + (2,) * 32 + (3,) * 32


def test_clusters_and_modules_are_clusters():
    assert read("-smp 8,sockets=1,clusters=4,cores=2").count("cluster") == 4
    assert read("-smp 8,sockets=1,modules=4,cores=2").count("cluster") == 4
    assert read("-smp 8,sockets=1,clusters=2,modules=2,cores=2").count("cluster") == 2


def test_drawers_and_books_are_read():
    guest = read("-smp 64,drawers=2,books=2,sockets=4,cores=4")
    assert [guest.count(level) for level in ("drawer", "book", "package", "core")] == [2, 4, 16, 64]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # worked out by hand from "-smp" in qemu(1); packages, cores, CPUs
        ("-smp 8", (1, 8, 8)),
        ("-smp 8,threads=2", (1, 4, 8)),
        ("-smp 8,sockets=2", (2, 8, 8)),
        ("-smp 8,cores=2", (4, 8, 8)),
        ("-smp 8,sockets=2,cores=2", (2, 4, 8)),
        ("-smp sockets=2,cores=2,threads=2", (2, 4, 8)),
        ("-smp cores=3", (1, 3, 3)),
        ("-smp maxcpus=8", (1, 8, 8)),
        ("-smp 2,maxcpus=8,dies=2", (1, 8, 8)),
        ("-machine pc-q35-6.1 -smp 8", (8, 8, 8)),
        ("-machine type=pc-i440fx-4.2,accel=kvm -smp 8,threads=2", (4, 4, 8)),
        ("-M pc-q35-6.1 -smp 8,sockets=2", (2, 8, 8)),
        ("-M pc-q35-8.2 -smp 8", (1, 8, 8)),
        ("-M pc-q35-10.0 -smp 8", (1, 8, 8)),
        ("-M q35,smp.cpus=8,smp.threads=2", (1, 4, 8)),
    ],
)
def test_missing_numbers_are_computed_as_qemu_does(text, expected):
    assert counts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "-smp 8,cores=4,threads=2",
        "--smp cpus=8,cores=4,threads=2\n",
        "8,cores=4,threads=2",
        "cpus=8,cores=4,threads=2",
        "cores=4,threads=2,cpus=8",
        "# mine\n-smp \\\n  8,cores=4,threads=2",
        "LC_ALL=C \\\n/usr/bin/qemu-kvm -m 4G \\\n-smp '8,cores=4,threads=2' \\\n-device \"a b\"",
        "-smp 8,cores=4,threads=2 \\",
        "qemu\0-smp\0008,cores=4,threads=2\0-m\0001 G\0",
    ],
)
def test_all_ways_to_write_it_mean_the_same(text):
    assert qemu.accepts(source(text))
    assert counts(text) == (1, 4, 8)


def test_a_guest_is_called_by_its_name():
    assert read("-smp 2 -name web").name == "web"
    assert read("-name guest=db,debug-threads=on -smp 2").name == "db"
    assert read("-name debug-threads=on -smp 2").name == "test"


# -- NUMA


def test_nodes_have_the_cpus_assigned_to_them():
    text = "-smp 16 -numa node,nodeid=0,cpus=0-3,cpus=8-11 -numa node,nodeid=4,cpus=4-7,cpus=12-15"
    assert nodes(text) == {0: "0-3,8-11", 4: "4-7,12-15"}
    assert read(text).columns.node == (0,) * 4 + (4,) * 4 + (0,) * 4 + (4,) * 4


def test_nodes_without_ids_are_numbered_and_distances_ignored():
    text = "-smp 4 -numa node,cpus=0-1 -numa node,cpus=2-3 -numa node -numa dist,src=0,dst=1,val=21"
    assert nodes(text) == {0: "0-1", 1: "2-3", 2: ""}


def test_cpus_are_assigned_by_topology():
    text = (
        "-smp 16,sockets=2,cores=4,threads=2 -numa node,nodeid=0 -numa node,nodeid=1 "
        "-numa cpu,node-id=0,socket-id=0 -numa cpu,node-id=1,socket-id=1,core-id=3,thread-id=0 "
    )
    assert nodes(text) == {0: "0-13,15", 1: "14"}
    assert "CPUs 8-13,15 are on no NUMA node" in read(text).warnings[0]


def test_sockets_are_dealt_out_where_no_cpu_is_assigned():
    text = "-smp 12,sockets=3,cores=2,threads=2 -numa node,nodeid=0 -numa node,nodeid=1"
    assert nodes(text) == {0: "0-3,8-11", 1: "4-7"}
    assert nodes("-smp 4,cores=4 -numa node -numa node") == {0: "0-3", 1: ""}


@pytest.mark.parametrize(
    ("numa", "fault"),
    [
        ("node,cpus=0-8", "line 1: -numa: CPUs 8 do not exist; -smp makes 8"),
        ("node,cpus=0-3 -numa node,cpus=3-7", "line 1: -numa: CPUs 3 are already on a node"),
        ("node,nodeid=1 -numa node,nodeid=1", "line 1: -numa: node 1 is defined twice"),
        ("node,nodeid=x", "line 1: -numa nodeid: 'x'; a whole number is expected"),
        ("node,nodeid=-1", "line 1: -numa nodeid: '-1'; a whole number is expected"),
        ("node,cpus=0-3,6-7", "line 1: -numa: '6-7' has no key; write cpus=6-7"),
        ("node,cpus=a", "line 1: -numa cpus: 'a' is not a CPU list"),
        ("cpu,node-id=0,socket-id=0", "line 1: -numa: no node-id that a -numa node option defines"),
        (
            "node -numa cpu,socket-id=0",
            "line 1: -numa: no node-id that a -numa node option defines",
        ),
        ("node -numa cpu,node-id=0,socket-id=1", "line 1: -numa: socket-id: no such CPU"),
        ("node -numa cpu,node-id=0,shelf-id=0", "line 1: -numa: shelf-id: no such CPU"),
    ],
)
def test_broken_numa_options_are_refused(numa, fault):
    assert faults(f"-smp 8,cores=8 -numa {numa}")[0].startswith(fault)


# -- what is wrong


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("-smp 999999999", "line 1: -smp: cpus=999999999; a number from 1 to 4194304"),
        ("-smp sockets=999999999,cores=2", "line 1: -smp: sockets=999999999; a number from 1"),
        ("-smp sockets=4194304,cores=4194304", "line 1: -smp: 17592186044416 CPUs; at most"),
        ("-smp 0", "line 1: -smp: cpus=0; a number from 1"),
        ("-smp -4", "line 1: -smp: cpus=-4; a number from 1"),
        ("-smp", "line 1: -smp: cpus=; a number from 1"),
        ("-smp $(nproc)", "line 1: -smp: cpus=$(nproc); a number from 1"),
        ("-smp 8,core=4", "line 1: -smp: 'core' is not one of cpus, maxcpus"),
        ("-smp 8,4", "line 1: -smp: '4' is not one of cpus, maxcpus"),
        ("-smp 8,cores=2,cores=4", "line 1: -smp: cores appears twice"),
        ("-smp 8,sockets=3", "line 1: -smp: sockets 3 * cores 2 does not make 8 CPUs"),
        ("-smp 8,sockets=16", "line 1: -smp: sockets 16 * cores 0 does not make 8 CPUs"),
        ("-smp 8,sockets=1,cores=1,threads=1", "line 1: -smp: one CPU does not make 8 CPUs"),
        ("-smp 16,maxcpus=8", "line 1: -smp: cpus=16 is more than maxcpus=8"),
        ("-smp 8 'x", "line 1: No closing quotation"),
        ("-m 4G", "no -smp option"),
        ("", "no -smp option"),
    ],
)
def test_a_broken_option_is_refused_at_once(text, fault):
    with cpu_seconds(1):
        assert faults(text)[0].startswith(fault)


def test_the_largest_machine_is_read_in_time():
    with cpu_seconds(20):
        assert len(read("-smp 4194304,sockets=2,threads=2").possible) == 1 << 22


def test_a_fault_stays_on_one_line():
    found = faults("qemu\0-smp\0008\n9\0")
    assert found == (r"line 1: -smp: cpus='8\n9'; a number from 1 to 4194304",)


def test_faults_are_reported_together():
    assert len(faults("-smp 0,cores=x,shelves=2")) == 3


def test_several_virtual_machines_are_too_many():
    text = "# two\n-smp 4\n-smp 8"
    assert faults(text) == ("2 virtual machines (line 2: -smp, line 3: -smp); give one",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "16",
        "2 4 2",
        "package:2 core:4 pu:2",
        "-smpfoo 4",
        "cpus",
        "NodeName=a CPUs=16",
        '{"a": "-smp 4"}',
        "<a>-smp 4</a>",
        "# -smp\n# x\n",
    ],
)
def test_other_content_is_not_accepted(text):
    assert not qemu.accepts(source(text))


def test_text_longer_than_a_command_line_is_not_read():
    long = Source("x", "x", data=b"-smp 4 " * (1 << 18))
    assert not qemu.accepts(long)
    with pytest.raises(InputError, match="longer than"):
        qemu.read(long)


def test_a_folder_is_not_a_command_line():
    assert not qemu.accepts(Source("x", "x", trees={}))
    with pytest.raises(InputError, match="folder"):
        qemu.read(Source("x", "x", trees={}))


@given(st.text(alphabet="0123456789,=-smpcorethadunb \\'\n\0#", max_size=60))
def test_any_text_gives_a_machine_or_an_input_error(text):
    full = f"-smp 8,{text} -numa node,{text}"
    qemu.accepts(source(full))
    with contextlib.suppress(InputError):
        assert read(full).possible


@pytest.mark.skipif(not CORPUS, reason="RSSBOUND_CORPUS is not set")
def test_each_line_of_the_sample_has_the_counts_found_by_hand():
    path = pathlib.Path(CORPUS) / "samples" / "qemu-smp.txt"
    lines = [line for line in path.read_text().splitlines() if line.startswith("-smp")]
    assert [counts(line) for line in lines] == [
        (2, 8, 16),
        (2, 64, 128),
        (2, 128, 128),
        (16, 64, 64),
    ]
    assert "4 virtual machines" in faults(path.read_text())[0]


# -- CPUs that -device adds


ADDED = "-device host-x86_64-cpu,socket-id=0,core-id=1,thread-id={}"
LIBVIRT = (
    '-device \'{"driver":"host-x86_64-cpu","id":"vcpu2","socket-id":1,"core-id":0,"thread-id":0}\''
)
X86 = "-smp 2,maxcpus=16,sockets=2,cores=4,threads=2 "


@pytest.mark.parametrize(
    ("devices", "online"),
    [
        ("-device host-x86_64-cpu,socket-id=0,core-id=1,thread-id=0", "0-2"),
        ("-device host-x86_64-cpu,id=c,core-id=1,socket-id=0,thread-id=1,die-id=0", "0-1,3"),
        ("-device qemu64-x86_64-cpu,socket-id=1,core-id=3,thread-id=1", "0-1,15"),
        (f"{ADDED.format(0)} {ADDED.format(1)}", "0-3"),
        (LIBVIRT, "0-1,8"),
        ("-device virtio-net-pci,netdev=n0 -device intel-iommu", "0-1"),
        ("-device cpu-thermal,core-id=1", "0-1"),
    ],
)
def test_a_cpu_device_is_one_more_cpu_online(devices, online):
    guest = read(X86 + devices)

    assert (str(guest.possible), str(guest.online)) == ("0-15", online)
    assert bool(guest.warnings) == (online not in {"0-1", "0-2", "0-3"})


def test_on_s390x_a_core_id_is_the_number_of_the_cpu():
    """The example of QEMU's own documentation of the topology of s390x."""
    guest = read(
        "qemu-system-s390x -cpu z14,ctop=on -smp 1,drawers=3,books=3,sockets=2,cores=2,maxcpus=36 "
        "-device z14-s390x-cpu,core-id=19,entitlement=high "
        "-device z14-s390x-cpu,core-id=11,entitlement=low "
        "-device z14-s390x-cpu,core-id=12,entitlement=high"
    )

    assert (len(guest.possible), str(guest.online)) == (36, "0,11-12,19")
    assert [guest.count(level) for level in ("drawer", "book", "package")] == [3, 9, 18]
    assert (guest.columns.drawer[19], guest.columns.book[19], guest.columns.package[19]) == (
        1,
        4,
        9,
    )


def test_on_s390x_a_cpu_moved_to_another_socket_gives_a_warning():
    smp = "qemu-system-s390x -smp 1,sockets=2,cores=2,maxcpus=4 "
    machine = read(smp + "-device host-s390x-cpu,core-id=2,socket-id=1")
    moved = read(smp + "-device host-s390x-cpu,core-id=2,socket-id=0")

    assert not any("moved" in line for line in machine.warnings)
    assert "-device moves CPUs 2 to another socket; this is ignored" in moved.warnings


def test_on_power_a_device_is_a_core():
    guest = read(
        "-M pseries -smp 8,maxcpus=32,sockets=1,cores=4,threads=8 "
        "-device host-spapr-cpu-core,core-id=16"
    )

    assert str(guest.online) == "0-7,16-23"


@pytest.mark.parametrize(
    ("devices", "fault"),
    [
        ("-device host-x86_64-cpu,socket-id=0,core-id=0,thread-id=1", "CPUs 1 already exist"),
        ("-device host-x86_64-cpu,socket-id=2,core-id=0,thread-id=0", "socket-id: no such CPU"),
        (
            "-device host-x86_64-cpu,core-id=0",
            "no socket-id, thread-id; add the ids that identify the CPU",
        ),
        ("-device host-x86_64-cpu,socket-id=a,core-id=0,thread-id=0", "'a'; a whole number"),
        ("-device {bad -smp 4", "2 virtual machines"),
    ],
)
def test_a_cpu_device_that_cannot_be_is_refused(devices, fault):
    assert fault in faults(X86 + devices)[0]


@pytest.mark.parametrize(
    ("line", "node"),
    [
        ("drawer-id=1", "8-15"),
        ("drawer-id=0,book-id=1", "4-7"),
        ("drawer-id=1,book-id=0,socket-id=1", "10-11"),
        ("core-id=13", "13"),
    ],
)
def test_numa_cpus_are_named_by_the_ids_of_s390x(line, node):
    text = (
        "-M s390-ccw-virtio -smp 16,drawers=2,books=2,sockets=2,cores=2 "
        f"-numa node,nodeid=0 -numa node,nodeid=1 -numa cpu,node-id=1,{line}"
    )

    assert nodes(text)[1] == node


def test_modules_count_in_the_product_and_in_ids():
    text = "-smp 16,sockets=1,dies=2,modules=2,cores=2,threads=2 -numa node -numa node "
    found = nodes(text + "-numa cpu,node-id=1,die-id=1,module-id=0")

    assert found == {0: "0-7,12-15", 1: "8-11"}


@pytest.mark.parametrize(
    "before",
    [
        "2026-01-02 03:04:05.678+0000: can't say: ",
        "[root@host ~]# ",
        "INFO[0001] it's starting ",
        "root  4711  3.1  /usr/bin/",
        'time="2026-01-02" msg="run ',
        "+ exec sudo -E ",
    ],
)
def test_text_before_the_program_is_skipped(before):
    text = f"{before}qemu-system-x86_64 -smp 8,cores=4,threads=2"

    assert qemu.accepts(source(text))
    assert counts(text) == (1, 4, 8)


def test_lines_without_options_need_no_quoting():
    text = "Here's how I start it:\n\nqemu-kvm -smp 8,cores=4,threads=2\n\nIt doesn't boot.\n"

    assert counts(text) == (1, 4, 8)
    assert faults("it's -smp 4")[0].startswith("line 1: No closing quotation")
