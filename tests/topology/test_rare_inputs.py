"""Inputs that few people have: each is read, or refused in one line."""

import copy
import errno
import json
import os
import pickle
import tarfile

import pytest

import rssbound
from rssbound.errors import InputError
from rssbound.topology import filetree, pastes
from rssbound.topology.archive import is_tar
from rssbound.topology.cpuset import CpuSet
from rssbound.topology.readers import nodeinfo, numactl, synthetic
from rssbound.topology.sources import Source, open_source
from rssbound.topology.writers import WRITERS


def machine_of(document, tmp_path):
    """Read a document in the form of JSON."""
    file = tmp_path / "host.json"
    file.write_text(json.dumps({"kind": "rssbound.topology", **document}))
    return rssbound.read(file)


def test_a_set_of_cpus_is_immutable():
    cpus = CpuSet.parse("0-3")
    for change in (lambda: setattr(cpus, "mask", 1), lambda: delattr(cpus, "mask")):
        with pytest.raises(AttributeError, match="immutable: mask"):
            change()

    assert pickle.loads(pickle.dumps(cpus)) == copy.deepcopy(cpus) == cpus


def test_text_with_the_mark_of_tar_is_no_archive():
    text = bytearray(b"x" * 512)
    text[257:262] = b"ustar"

    assert not is_tar(bytes(text))
    assert is_tar(tarfile.TarInfo("a").tobuf())


def test_a_file_that_cannot_be_opened_is_reported_with_its_path(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    folder = filetree.Folder(str(tmp_path))
    monkeypatch.setattr(filetree.os, "open", refused)

    with pytest.raises(InputError, match="cpu/online: Permission denied"):
        folder.read("cpu/online")


@pytest.mark.parametrize("size", [65536, 65537])
def test_a_file_longer_than_one_read_is_whole(tmp_path, size):
    (tmp_path / "long").write_bytes(b"0" * size)

    assert filetree.Folder(str(tmp_path)).read("long") == b"0" * size


def test_a_root_without_sys_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"sys: no such folder; sysroot is the folder that"):
        open_source(None, sysroot=str(tmp_path))


def test_a_root_that_is_a_capture_is_read_with_its_kernel(tmp_path):
    folder = tmp_path / "sys/devices/system/cpu/cpu0/topology"
    folder.mkdir(parents=True)
    (folder / "core_cpus_list").write_text("0\n")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/hwloc-nofile-info").write_text("OSRelease: 5.10.1\n")

    assert rssbound.read(tmp_path).kernel == "5.10.1"
    assert not open_source(None, sysroot=str(tmp_path)).live


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"synthetic": "core:4", "name": "\ud800"}, "half of a surrogate pair"),
        ({"tree": [{"type": "drawer9"}]}, "machine, cpu"),
        ({"tree": [{"type": 5}]}, "type"),
        ({"tree": [{"type": "core"}]}, "no CPUs in it; give cpus or children"),
    ],
)
def test_what_a_document_cannot_say(document, fault, tmp_path):
    with pytest.raises(InputError, match=fault):
        machine_of(document, tmp_path)


def test_domains_that_cut_through_others_are_not_one_line(tmp_path):
    rows = [{"cpu": cpu, "core": cpu // 2, "llc": (cpu + 1) // 2} for cpu in range(4)]

    with pytest.raises(InputError, match="cut through others"):
        WRITERS["synthetic"](machine_of({"rows": rows}, tmp_path))


@pytest.mark.parametrize(
    ("packages", "indexes"),
    [
        (((0, 2), (1, 3)), "2*2:1*2"),
        (((0, 4), (2, 6)), "0,4,2,6"),
        (((1, 2), (3, 4)), "1,2,3,4"),
        (((0, 2, 3), (1, 4, 5)), "0,2,3,1,4,5"),
    ],
)
def test_numberings_of_cpus_in_one_line(packages, indexes, tmp_path):
    """Only a numbering in steps is written as loops."""
    rows = [{"cpu": cpu, "package": n} for n, cpus in enumerate(packages) for cpu in cpus]
    line = WRITERS["synthetic"](machine_of({"rows": rows}, tmp_path)).strip()

    assert line == f"package:2 pu:{len(packages[0])}(indexes={indexes})"
    assert [machine_of({"synthetic": line}, tmp_path).possible] == [
        machine_of({"rows": rows}, tmp_path).possible
    ]


@pytest.mark.parametrize("reader", [nodeinfo, numactl])
def test_a_folder_is_not_the_output_of_a_command(reader):
    with pytest.raises(InputError, match="a folder or an archive, not"):
        reader.read(Source("x", "x", trees={}))


def test_very_long_input_is_not_one_line():
    assert not synthetic.accepts(Source("x", "x", data=b"core:2 " * 1_000_000))
    assert not synthetic.accepts(Source("x", "x", trees={}))


def test_a_line_of_too_many_levels_is_refused():
    with pytest.raises(InputError, match="no machine has that many levels"):
        rssbound.read("group:1 " * 1000 + "core:2")


def test_a_list_that_is_given_twice_is_refused(tmp_path):
    text = "Architecture: x86_64\nCPU(s): 4\nOn-line CPU(s) list: 0-3\nOn-line CPU(s) list: 0-3\n"

    (tmp_path / "lscpu.txt").write_text(text)

    with pytest.raises(InputError, match="this list appears twice; give one machine"):
        rssbound.read(tmp_path / "lscpu.txt")


def test_cpus_of_a_node_that_are_not_present_are_left_out(tmp_path):
    text = (
        "Architecture: x86_64\nCPU(s): 2\n"
        "NUMA node(s): 1\nNUMA node0 CPU(s): 0-3\nThread(s) per core: 1\n"
    )
    (tmp_path / "lscpu.txt").write_text(text)
    machine = rssbound.read(tmp_path / "lscpu.txt")

    assert any("on a NUMA node but not present" in warning for warning in machine.warnings)


def test_comments_between_the_rows_of_lscpu_are_left_out(tmp_path):
    file = tmp_path / "p.txt"
    file.write_text("# CPU,Core,Socket,Node\n0,0,0,0\n# a remark\n1,1,0,0\n")

    assert rssbound.read(file).possible == CpuSet.parse("0-1")


def test_a_heading_that_is_repeated_in_a_table_is_left_out(tmp_path):
    file = tmp_path / "e.txt"
    head = "CPU NODE SOCKET CORE ONLINE\n"
    file.write_text(f"{head}0 0 0 0 yes\n{head}1 0 0 1 yes\n")

    assert rssbound.read(file).possible == CpuSet.parse("0-1")


def test_folders_of_cpus_that_are_not_possible_are_left_out(tmp_path):
    root = tmp_path / "sys/devices/system/cpu"
    for cpu in range(3):
        (root / f"cpu{cpu}/topology").mkdir(parents=True)
        (root / f"cpu{cpu}/topology/core_cpus_list").write_text(f"{cpu}\n")
    for name in ("possible", "present", "online"):
        (root / name).write_text("0-1\n")
    machine = rssbound.read(tmp_path)

    assert machine.possible == CpuSet.parse("0-1")
    assert any("which are not possible" in warning for warning in machine.warnings)


def test_an_invalid_mask_is_reported_with_its_path(tmp_path):
    folder = tmp_path / "sys/devices/system/cpu/cpu0/topology"
    folder.mkdir(parents=True)
    (folder / "thread_siblings").write_text("no mask\n")

    with pytest.raises(InputError, match="thread_siblings"):
        rssbound.read(tmp_path)


@pytest.mark.parametrize(
    ("lines", "ends"),
    [
        (["1: a", "2: b", "3: c"], [2, 2, 2]),
        (["1: a", "2: b"], []),
        (["1: a", "3: b", "4: c"], []),
        (["a", "b", "c"], []),
    ],
)
def test_only_numbers_that_count_lines_are_line_numbers(lines, ends):
    assert pastes._number_ends(lines) == ends


def test_brackets_that_are_not_closed_end_with_the_text():
    assert pastes._json_end('x {"a": [1]} y', 2) == len('x {"a": [1]}')
    assert pastes._json_end('{"a": [1', 0) == len('{"a": [1')


@pytest.mark.parametrize(("quoted", "left"), [(1, 0), (12, 0), (13, 1), (20, 8)])
def test_a_text_is_unwrapped_twelve_times_at_most(quoted, left):
    assert pastes._peeled(["> " * quoted + "core:4"]) == ["> " * left + "core:4"]


def test_a_declaration_of_xml_without_an_element_ends_with_the_text():
    assert pastes._xml_end('<?xml version="1.0"?> none', 0) == len('<?xml version="1.0"?> none')


def test_text_with_octal_digits_at_the_checksum_of_tar_is_text(tmp_path):
    head = '{"kind": "rssbound.topology", "synthetic": "core:4", "name": "'
    text = f'{head:<148}00017750{"x" * 400}"}}'
    (tmp_path / "host.json").write_text(text)

    assert rssbound.read(tmp_path / "host.json").possible == CpuSet.parse("0-3")


def test_a_count_that_is_no_number_is_refused(tmp_path):
    (tmp_path / "lscpu.txt").write_text("Architecture: x86_64\nCPU(s): 4\nSocket(s): few\n")

    with pytest.raises(InputError, match='"few"; a number from 1 to'):
        rssbound.read(tmp_path / "lscpu.txt")


def test_a_line_that_is_read_has_no_fault():
    assert synthetic.fault_of(b"core:4") is None
    assert "count" in str(synthetic.fault_of(b"core:none"))
