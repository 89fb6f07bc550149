"""Irregularities of real sysfs trees, one hand-made tree for each."""

from __future__ import annotations

import gzip
import os

import pytest

from rssbound.errors import InputError
from rssbound.topology import read
from rssbound.topology.capture import raw_capture
from rssbound.topology.filetree import Folder
from rssbound.topology.readers import sysfs
from rssbound.topology.sources import Source, open_source

OLD = {"core": "thread_siblings", "package": "core_siblings"}
NEW = {"core": "core_cpus", "die": "die_cpus", "package": "package_cpus"}


def without(files, *parts):
    """Give the files whose paths contain none of these parts."""
    return {path: text for path, text in files.items() if not any(part in path for part in parts)}


def groups(host, level):
    return [str(cpus) for cpus in host.groups(level).values()]


def nodes(host):
    return {node.id: str(node.cpus) for node in host.nodes}


# -- which CPUs there are


def test_a_whole_tree_reads_without_warnings(machine, capture):
    host = read(capture(machine()))

    assert (str(host.possible), str(host.present), str(host.online)) == ("0-7", "0-7", "0-7")
    assert groups(host, "core") == ["0-1", "2-3", "4-5", "6-7"]
    assert groups(host, "die") == groups(host, "package") == ["0-3", "4-7"]
    assert nodes(host) == {0: "0-3", 1: "4-7"}
    assert host.warnings == ()
    assert host.name == "host"
    assert (host.kernel, host.page_size) == (None, None)  # those of this machine are not its own


def test_missing_lists_are_the_cpu_folders_with_a_warning(machine, capture):
    host = read(capture(without(machine(), "cpu/possible", "cpu/present", "cpu/online")))

    assert str(host.possible) == str(host.present) == str(host.online) == "0-7"
    assert host.warnings == (
        "cpu: no list of possible, present, online CPUs; taken from the cpuN folders",
    )


def test_cpus_can_be_possible_without_being_present(machine, capture):
    host = read(capture(machine() | {"cpu/possible": "0-191\n"}))

    assert (str(host.possible), str(host.present)) == ("0-191", "0-7")
    assert host.nr_cpu_ids == 192
    assert host.count("core") == 4


def test_the_offline_list_may_go_beyond_the_possible_cpus(machine, capture):
    host = read(capture(machine() | {"cpu/online": "0-6\n", "cpu/offline": "7-8191\n"}))

    assert (str(host.possible), str(host.online)) == ("0-7", "0-6")


def test_without_an_online_list_the_online_files_of_cpus_count(machine, capture):
    files = without(machine(), "cpu/online")
    files |= {f"cpu/cpu{cpu}/online": "1\n" for cpu in range(2, 8)}
    files |= {"cpu/cpu1/online": "", "cpu/cpu3/online": "0\n"}

    assert str(read(capture(files)).online) == "0-2,4-7"


def test_cpus_that_contradict_the_lists_are_counted_and_named(machine, capture):
    host = read(capture(machine() | {"cpu/possible": "0-6", "cpu/present": "0-6"}))

    assert str(host.possible) == str(host.present) == "0-7"
    assert any("CPUs 7 are online but not present" in warning for warning in host.warnings)


@pytest.mark.parametrize("end", ["\n", "\n\0", "\0", "", " \n"])
def test_files_may_end_in_nul_bytes(machine, capture, end):
    files = {path: text.strip() + end for path, text in machine().items()}

    assert groups(read(capture(files)), "core") == ["0-1", "2-3", "4-5", "6-7"]


def test_null_in_brackets_is_not_a_list(machine, capture):
    files = machine(forms=("list",)) | {"cpu/possible": "(null)\n"}
    files |= {f"cpu/cpu{cpu}/topology/die_cpus_list": "(null)\n" for cpu in range(8)}
    host = read(capture(files))

    assert str(host.possible) == "0-7"
    assert host.count("die") == 0


# -- which CPUs belong together


@pytest.mark.parametrize("forms", [("list",), ("mask",), ("list", "mask")])
@pytest.mark.parametrize("names", [OLD, NEW, {**OLD, **NEW}])
def test_every_name_and_form_of_a_group_file_is_read(machine, capture, names, forms):
    host = read(capture(machine(names=names, forms=forms)))

    assert groups(host, "core") == ["0-1", "2-3", "4-5", "6-7"]
    assert groups(host, "package") == ["0-3", "4-7"]


@pytest.mark.parametrize("empty", ["", "\n", "\0"])
def test_an_empty_list_next_to_a_mask_is_ignored(machine, capture, empty):
    files = {
        path: empty if path.endswith("siblings_list") else text
        for path, text in machine(names=OLD).items()
    }

    assert groups(read(capture(files)), "core") == ["0-1", "2-3", "4-5", "6-7"]


def test_a_mask_file_is_a_mask_even_where_it_looks_like_a_list(machine, capture):
    files = machine(packages=1, cores=8, threads=1, names={})
    files |= {f"cpu/cpu{cpu}/topology/thread_siblings": f"{1 << cpu:x}\n" for cpu in range(8)}
    files["cpu/cpu4/topology/thread_siblings"] = "10\n"
    files["cpu/cpu6/topology/thread_siblings"] = "00000000,00000040\n"

    assert groups(read(capture(files)), "core") == list("01234567")


def test_a_mask_may_have_more_words_than_cpus_and_name_cpus_without_folder(machine, capture):
    files = machine(names=OLD, forms=())
    for cpu in range(8):
        files[f"cpu/cpu{cpu}/topology/core_siblings"] = "ffffffff," * 8 + "ffffffff\n"

    assert groups(read(capture(files)), "package") == ["0-7"]


def test_lists_may_have_strides(machine, capture):
    files = machine(names={}, packages=1) | {"cpu/possible": "0-3", "cpu/present": "0-3"}
    files |= {f"cpu/cpu{cpu}/topology/core_cpus_list": f"{cpu % 2}-3:1/2" for cpu in range(4)}

    assert groups(read(capture(files)), "core") == ["0,2", "1,3"]


def test_ids_alone_suffice_although_core_ids_repeat_between_packages(machine, capture):
    host = read(capture(machine(names={})))

    assert groups(host, "core") == ["0-1", "2-3", "4-5", "6-7"]
    assert host.groups("package").keys() == {0, 1}


def test_only_thread_siblings_give_cores_and_nothing_else(machine, capture):
    files = without(machine(names={"core": "thread_siblings"}), "_id")
    host = read(capture(files))

    assert (host.count("core"), host.count("package"), host.count("die")) == (4, 0, 0)


def test_no_topology_folders_at_all(machine, capture):
    host = read(capture(without(machine(), "/topology/")))

    assert (str(host.online), host.count("core"), host.threads_per_core) == ("0-7", 0, 0)
    assert nodes(host) == {0: "0-3", 1: "4-7"}


def test_packages_without_usable_ids_are_numbered(machine, capture):
    files = machine()
    files |= {f"cpu/cpu{cpu}/topology/physical_package_id": "-1\n" for cpu in range(8)}

    assert list(read(capture(files)).groups("package")) == [0, 1]


def test_packages_that_share_an_id_stay_two(machine, capture):
    files = machine()
    files |= {f"cpu/cpu{cpu}/topology/physical_package_id": "36\n" for cpu in range(8)}
    host = read(capture(files))

    assert groups(host, "package") == ["0-3", "4-7"]
    assert host.count("core") == 4
    (warning,) = host.warnings
    assert warning == (
        "cpu: CPUs 0-3 and 4-7 have physical_package_id 36, but are 2 groups in package_cpus; "
        "the lists are used"
    )


def test_large_package_ids_are_kept(machine, capture):
    files = machine()
    for cpu in range(8):
        files[f"cpu/cpu{cpu}/topology/physical_package_id"] = ["8442\n", "983297\n"][cpu // 4]

    assert list(read(capture(files)).groups("package")) == [8442, 983297]


def test_a_die_may_be_the_cpu_itself(machine, capture):
    files = machine()
    files |= {f"cpu/cpu{cpu}/topology/die_cpus_list": f"{cpu}\n" for cpu in range(8)}
    host = read(capture(files))

    assert (host.count("die"), host.count("core")) == (8, 4)
    assert host.tree().graph["warnings"] == ()


def test_an_offline_cpu_without_topology_folder_has_no_core(machine, capture):
    files = without(machine(threads=1), "cpu3/topology") | {"cpu/cpu3/online": "0"}
    host = read(capture(files | {"cpu/online": "0-2"}))

    assert host.columns.core[:3] == (0, 1, 2)
    assert host.columns.core[3] is None
    assert str(host.possible) == "0-3"


def test_a_stale_topology_folder_of_an_offline_cpu_takes_no_cpu_from_its_peers(machine, capture):
    files = machine(packages=1, names=OLD, forms=("list",)) | {"cpu/online": "0-2"}
    files["cpu/cpu2/topology/thread_siblings_list"] = "2\n"  # its sibling 3 has gone
    host = read(capture(files))

    assert groups(host, "core") == ["0-1", "2", "3"]
    assert "groups of CPUs 3 do not name the CPU itself or overlap" in host.warnings[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cpu/possible", "0-3;5"),
        ("cpu/possible", "0-99999999"),
        ("cpu/online", "7-0"),
        ("cpu/cpu0/topology/core_cpus_list", "0x3"),
        ("cpu/cpu4/topology/package_cpus_list", "4-"),
        ("node/node1/cpulist", "four"),
    ],
)
def test_a_broken_file_is_named(machine, capture, path, text):
    with pytest.raises(InputError) as caught:
        read(capture(machine() | {path: text}))

    assert f"host: {path}: " in str(caught.value)
    assert "\n" not in str(caught.value)


# -- caches


def cached(cpus, level, shared, kind="Unified", index=None):
    """Give the cache files of CPUs that share one cache."""
    files = {}
    for cpu in cpus:
        folder = f"cpu/cpu{cpu}/cache/index{level if index is None else index}"
        files |= {f"{folder}/level": f"{level}\n", f"{folder}/type": f"{kind}\n"}
        files[f"{folder}/shared_cpu_list"] = shared + "\n"
    return files


def test_the_last_level_cache_is_the_highest_that_holds_data(machine, capture):
    files = machine() | cached(range(8), 1, "0-7", "Instruction", index=9)
    files |= cached(range(4), 3, "0-3") | cached(range(4, 8), 3, "4-7")
    files |= cached([0, 1], 2, "0-1") | cached([2, 3], 2, "2-3")
    files |= cached([4, 5], 2, "4-5") | cached([6, 7], 2, "6-7")

    assert groups(read(capture(files)), "llc") == ["0-3", "4-7"]


def test_the_highest_level_counts_in_any_order_of_indexes(machine, capture):
    files = machine() | cached(range(8), 3, "0-7", index=0)
    files |= cached(range(4), 2, "0-3", index=1) | cached(range(4, 8), 2, "4-7", index=1)

    assert groups(read(capture(files)), "llc") == ["0-7"]


def test_cores_outside_the_last_level_cache_have_their_own(machine, capture):
    files = machine(packages=1, cores=6, threads=1) | cached(range(4), 3, "0-3")
    files |= cached(range(4), 2, "0-3") | cached([4, 5], 2, "4-5")

    assert groups(read(capture(files)), "llc") == ["0-3", "4-5"]


def test_caches_that_do_not_nest_are_left_out_of_the_tree_and_named(machine, capture):
    files = machine() | cached(range(3), 3, "0-2") | cached(range(3, 8), 3, "3-7")
    host = read(capture(files))

    assert groups(host, "llc") == ["0-2", "3-7"]
    assert host.tree().graph["warnings"] == (
        "llc:0 (CPUs 0-2) overlaps core:1 (CPUs 2-3); llc:0 is left out of the tree",
        "llc:1 (CPUs 3-7) overlaps package:0 (CPUs 0-3); llc:1 is left out of the tree",
    )


# -- how much is read


class Counting(Folder):
    """A folder that counts the files opened in it."""

    opened = 0

    def read(self, path):
        self.opened += 1
        return super().read(path)


def test_one_cpu_of_each_group_is_read(machine, capture):
    files = machine(packages=2, cores=16, threads=2)
    for first in (0, 32):
        files |= cached(range(first, first + 32), 3, f"{first}-{first + 31}")
    tree = Counting(str(capture(files) / "sys/devices/system"))
    host = sysfs.read(Source("host", "host", trees={"": tree}))

    assert (len(host.possible), host.count("core"), host.count("llc")) == (64, 32, 2)
    # lists, cores, dies, packages, caches, nodes; arity of the tree, CPUs that are offline
    assert tree.opened <= 3 + 32 + 2 * 2 + 2 * 2 + 2 * 2 + 2 + 2


# -- captures that contradict themselves, or lack a part


@pytest.mark.parametrize("names", [OLD, NEW])
def test_packages_follow_the_lists_with_a_warning_if_ids_differ(names, machine, capture):
    files = machine(packages=3, names=names)
    files |= {f"cpu/cpu{cpu}/topology/physical_package_id": f"{cpu}\n" for cpu in range(12)}
    host = read(capture(files))

    assert groups(host, "package") == ["0-3", "4-7", "8-11"]
    (warning,) = host.warnings
    assert warning == (
        f"cpu: CPUs 0-3 are one group in {names['package']}, but physical_package_id is 0 and 3, "
        "and the same for 2 more; the lists are used"
    )


def test_ids_of_minus_1_cause_no_warning(machine, capture):
    files = machine()
    files |= {f"cpu/cpu{cpu}/topology/physical_package_id": "-1\n" for cpu in range(8)}

    assert read(capture(files)).warnings == ()


def test_a_core_in_two_packages_is_a_warning(machine, capture):
    files = machine()
    for cpu in (2, 3, 4, 5):
        files[f"cpu/cpu{cpu}/topology/core_cpus_list"] = "2-5\n"
    host = read(capture(files))

    assert groups(host, "core") == ["0-1", "2-5", "6-7"]
    assert any("CPUs 4-5 share a core with CPUs of another package" in w for w in host.warnings)


def test_cpus_without_folders_are_placed_by_the_lists_of_others(machine, capture):
    whole = machine(packages=2, cores=2, threads=2)
    part = without(whole, "cpu/cpu1/", "cpu/cpu6/", "cpu/cpu7/")
    host = read(capture(part))

    assert groups(host, "package") == ["0-3", "4-7"]
    assert groups(host, "core") == ["0-1", "2-3", "4-5"]
    assert [host.columns.core[cpu] for cpu in (6, 7)] == [None, None]
    assert host.warnings[0].startswith("cpu: no folders for CPUs 1,6-7, which are online; ")


def test_cpus_without_folders_are_placed_by_masks_too(machine, capture):
    part = without(machine(names=OLD, forms=("mask",)), "cpu/cpu3/", "cpu/cpu5/")
    host = read(capture(part))

    assert groups(host, "core") == ["0-1", "2-3", "4-5", "6-7"]
    assert groups(host, "package") == ["0-3", "4-7"]


@pytest.mark.parametrize("lost", [0, 1, 3, 4, 7])
def test_a_cpu_without_a_topology_folder_is_placed_by_the_lists_too(lost, machine, capture):
    part = without(machine(), f"cpu{lost}/topology") | {f"cpu/cpu{lost}/online": "1\n"}
    host = read(capture(part))

    assert groups(host, "core") == ["0-1", "2-3", "4-5", "6-7"]
    assert groups(host, "package") == ["0-3", "4-7"]
    assert host.warnings == ()


def test_a_mask_of_all_bits_does_not_place_offline_cpus(machine, capture):
    files = without(machine(names=OLD, forms=("mask",)), "cpu/cpu7/") | {"cpu/online": "0-6\n"}
    files |= {f"cpu/cpu{cpu}/topology/core_siblings": "ffffffff\n" for cpu in range(7)}
    host = read(capture(files))

    assert host.columns.package == (0,) * 7 + (None,)
    assert not any("no folders" in warning for warning in host.warnings)


@pytest.mark.parametrize(
    ("changes", "count", "said"),
    [
        ({"node/node1/cpulist": None}, 2, "no node lists CPUs 4-7; 2 nodes have CPUs"),
        ({"node/node1": None}, None, "no node lists CPUs 4-7"),
        (
            {"node/node1": None, "node/has_cpu": "0-3\n"},
            4,
            "no node lists CPUs 4-7; 4 nodes have CPUs",
        ),
        ({"node/node0": None, "node/node1": None}, None, ""),
        ({"node/node1/cpulist": "4-6\n"}, None, "no node lists CPUs 7"),
    ],
)
def test_a_node_whose_list_is_missing_is_not_one_of_memory_only(
    changes, count, said, machine, capture
):
    files = machine()
    for path, content in changes.items():
        files = without(files, path)
        if content is not None:
            files[path] = content
        elif path.endswith("cpulist"):
            files[path.removesuffix("/cpulist")] = None
    host = read(capture(files))

    assert host.node_count == count
    assert "4-7" not in [str(node.cpus) for node in host.nodes]
    assert all(node.cpus for node in host.nodes)
    assert bool(host.warnings) == bool(said)
    assert any(said in warning for warning in host.warnings) or not said


def test_a_node_without_a_list_has_memory_only_where_others_have_all_cpus(machine, capture):
    host = read(capture(machine() | {"node/node2": None}))

    assert nodes(host) == {0: "0-3", 1: "4-7", 2: ""}
    assert host.warnings == ()


def test_a_containers_view_is_taken_for_the_machine(machine, capture):
    """The view through lxcfs: `online` of the container, nodes of the machine."""
    host = read(capture(machine() | {"cpu/online": "0-1\n"}))

    assert (host.online, host.present) == (host.possible, host.possible)
    (warning,) = host.warnings
    assert "nodes list CPUs 2-7, but cpu/online does not" in warning
    assert "batch follows 8 CPUs, not 2" in warning


def test_an_offline_cpu_that_an_older_kernel_lists_in_its_node_is_offline(machine, capture):
    files = machine() | {"cpu/online": "0-6\n", "cpu/cpu7/online": "0\n"}
    host = read(capture(files))

    assert (str(host.online), host.warnings) == ("0-6", ())


# -- files next to sys


@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize(
    ("beside", "kernel", "page_size"),
    [
        ({"hwloc-nofile-info": "OSName: Linux\nOSRelease: 6.12.9-64k\nPageSize: 65536\n"},
         "6.12.9-64k", 65536),
        ({"sys/kernel/osrelease": "6.1.0-9-amd64\n\0\0"}, "6.1.0-9-amd64", None),
        ({"version": "Linux version 5.14.0-70.el9.s390x (x@y) (gcc 11)\n"},
         "5.14.0-70.el9.s390x", None),
        ({"hwloc-nofile-info": "OSRelease: \nPageSize: 5000\n", "version": "BSD"}, None, None),
        ({}, None, None),
    ],
)  # fmt: skip
def test_release_and_page_size_of_a_capture(
    beside, kernel, page_size, archived, machine, capture, packed, on_disk
):
    files = {f"sys/devices/system/{path}": text for path, text in machine().items()}
    files |= {f"proc/{path}": text for path, text in beside.items()}
    if archived:
        host = read(on_disk(packed(files, inside="host/fsroot"), "host.tar"))
    else:
        host = read(capture(files, inside="fsroot"))

    assert (host.kernel, host.page_size) == (kernel, page_size)


def test_a_raw_capture_keeps_release_and_page_size(machine, capture, on_disk):
    about = {"proc/hwloc-nofile-info": "HostName: secret\nOSRelease: 6.12.9\nPageSize: 16384\n"}
    files = {f"sys/devices/system/{path}": text for path, text in machine().items()} | about
    folder = capture(files, inside="")
    raw = raw_capture(open_source(folder))
    host = read(on_disk(raw, "host.tar.gz"))

    assert (host.kernel, host.page_size) == ("6.12.9", 16384)
    assert b"secret" not in gzip.decompress(raw)


def test_a_raw_capture_keeps_the_cpus_of_a_node_without_a_list(machine, capture, on_disk):
    """The folder of a node has those of its CPUs."""
    files = without(machine(), "cpulist", "cpumap")
    files |= {f"node/node{cpu // 4}/cpu{cpu}/online": "1\n" for cpu in range(8)}
    folder = capture(files)
    raw = raw_capture(open_source(folder))

    assert groups(read(folder), "node") == ["0-3", "4-7"]
    assert groups(read(on_disk(raw, "host.tar.gz")), "node") == ["0-3", "4-7"]


# -- a sandbox


def live(tree):
    return Source("this machine", "here", trees={"": tree}, live=True)


def test_without_sys_one_line_says_what_to_do(tmp_path):
    with pytest.raises(InputError) as error:
        sysfs.read(live(Folder(str(tmp_path / "sys/devices/system"))))

    (fault,) = error.value.faults
    assert fault.startswith("cpu: no list of CPUs and no cpuN folder; ")
    assert "give a description of the machine instead" in fault


def test_without_proc_links_are_followed_by_their_names(machine, capture, monkeypatch):
    folder = capture(machine())

    kept = os.readlink

    def without_proc(path):
        if path.startswith("/proc/"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return kept(path)

    monkeypatch.setattr(os, "readlink", without_proc)
    assert groups(read(folder), "package") == ["0-3", "4-7"]
    outside = folder.parent / "outside"
    outside.write_text("0-7\n")
    (folder / "sys/devices/system/cpu/possible").unlink()
    (folder / "sys/devices/system/cpu/possible").symlink_to(outside)
    with pytest.raises(InputError, match="this link leaves the tree"):
        read(folder)
