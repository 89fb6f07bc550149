"""Written files read back equal, or the writer says what the format cannot describe."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from captures import CORPUS, each_capture_by_sample, needs_captures
from limits import PATIENCE_SECONDS

import rssbound
from rssbound.errors import InputError
from rssbound.topology.capture import raw_capture
from rssbound.topology.sources import open_source
from rssbound.topology.writers import WRITERS

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.json"))
SAME = (
    *("possible", "present", "online", "columns", "nodes", "node_count"),
    *("page_size", "kernel", "name"),
)
MACHINE = ("possible", "present", "online", "columns", "nodes")


def read_back(topology, form, folder, ending="txt"):
    path = folder / f"written.{ending}"
    path.write_text(WRITERS[form](topology), encoding="utf-8")
    return rssbound.read(path)


def differences(one, other, fields):
    return [field for field in fields if getattr(one, field) != getattr(other, field)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_json_reads_back_equal(example, tmp_path):
    topology = rssbound.read(example)

    assert differences(read_back(topology, "json", tmp_path, "json"), topology, SAME) == []


@needs_captures
@each_capture_by_sample
def test_a_capture_reads_back_equal_from_json_and_from_a_raw_capture(name, tmp_path):
    capture = CORPUS / "sysfs" / f"{name}.tar.xz"
    topology = rssbound.read(capture)
    assert differences(read_back(topology, "json", tmp_path, "json"), topology, MACHINE) == []
    raw = tmp_path / "raw.tar.gz"
    raw.write_bytes(raw_capture(open_source(capture)))
    again = rssbound.read(raw)
    assert differences(again, topology, MACHINE) == []
    assert again.warnings == topology.warnings


@pytest.mark.parametrize(
    "line",
    [
        "package:2 numa:4 l3:3 core:8 pu:2(indexes=2*192:1*2)",
        "package:2 core:4 pu:1",
        "numa:2(indexes=0,8) package:1 core:4 pu:8",
        "drawer:2 book:2 package:3 core:2 pu:2",
        "package:1 cluster:2 core:4 pu:1(indexes=7,6,5,4,3,2,1,0)",
        "pu:3",
    ],
)
def test_one_line_reads_back_equal(line, tmp_path):
    topology = rssbound.read(line)

    assert differences(read_back(topology, "synthetic", tmp_path), topology, MACHINE) == []


def test_a_regular_numbering_is_written_as_loops():
    line = "package:2 numa:4 l3:3 core:8 pu:2(indexes=2*192:1*2)"

    assert WRITERS["synthetic"](rssbound.read(line)) in {
        f"{line}\n",
        "package:2 numa:4 l3:3 core:8 pu:2(indexes=2*192:1*2)\n",
    }


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"synthetic": "core:4", "online": "0-2"}, "some possible CPUs are not online"),
        ({"synthetic": "core:4", "nodes": {"0": "0-3", "1": ""}}, "a NUMA node has memory only"),
        ({"rows": [{"cpu": 0, "core": 0}, {"cpu": 1, "core": 0}, {"cpu": 2, "core": 1}]}, "differ"),
        ({"synthetic": "core:4", "numa_nodes": 2}, "the CPUs of its NUMA nodes are not known"),
    ],
)
def test_machines_that_one_line_cannot_describe_are_refused(document, text, tmp_path):
    path = tmp_path / "host.json"
    path.write_text(json.dumps(document))

    with pytest.raises(InputError, match=text):
        WRITERS["synthetic"](rssbound.read(path, form="json"))


def test_a_number_of_nodes_alone_is_kept_by_json_and_refused_by_hwloc_xml(tmp_path):
    cpus = rssbound.CpuSet.first(4)
    counted = rssbound.Topology(cpus, cpus, cpus, node_count=2)

    assert read_back(counted, "json", tmp_path, "json").numa_nodes == 2
    with pytest.raises(InputError, match="the CPUs of its NUMA nodes are not known"):
        WRITERS["hwloc-xml"](counted)


def test_dot_names_every_domain():
    text = WRITERS["dot"](rssbound.read("package:2 core:2 pu:2"))

    assert text.count("->") == 2 + 4 + 8
    assert '"core:3" -> "cpu:7";' in text
    assert '"package:1" [label="package 1\\nCPUs 4-7"];' in text


def test_dot_keeps_quotes_of_a_name():
    cpus = rssbound.CpuSet.first(1)
    text = WRITERS["dot"](rssbound.Topology(cpus, cpus, cpus, name='the "big" one'))

    assert 'label="the \\"big\\" one\\nCPUs 0"' in text


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_hwloc_loads_what_is_written_for_it(example, tmp_path):
    """hwloc counts the same CPUs, cores, packages and NUMA nodes; it leaves out offline CPUs."""
    hwloc = shutil.which("hwloc-calc")
    if hwloc is None:
        pytest.skip("hwloc-calc is not installed (Debian package hwloc-nox)")
    topology = rssbound.read(example)
    path = tmp_path / "written.xml"
    path.write_text(WRITERS["hwloc-xml"](topology))

    def hwloc_count(kind):
        command = [hwloc, "-i", str(path), "--disallowed", "-q", "-N", kind, "all"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
        )
        return int(done.stdout)

    assert hwloc_count("pu") == len(topology.online)
    if topology.columns.core:
        assert hwloc_count("core") == topology.count("core", topology.online)
    if topology.columns.package:
        assert hwloc_count("package") == topology.count("package", topology.online)
    assert hwloc_count("numanode") == max(len(topology.nodes), 1)


@pytest.mark.parametrize("offline", ["1-255", "1-31,33-255", "0,64-95", "", "0-63"])
def test_sets_are_written_as_hwloc_prints_them(offline):
    calc = shutil.which("hwloc-calc")
    if calc is None:
        pytest.skip("hwloc-calc is not installed (Debian package hwloc-nox)")
    machine = rssbound.read("core:256")
    online = machine.possible - rssbound.CpuSet.parse(offline)
    text = WRITERS["hwloc-xml"](replace(machine, online=online))
    objects = [f"pu:{cpu}" for cpu in online]
    done = subprocess.run(
        [calc, "-i", "pu:256", *objects], capture_output=True, check=True, text=True
    )

    assert f' cpuset="{done.stdout.strip()}"' in text


def test_two_raw_captures_of_a_machine_are_equal():
    assert raw_capture(open_source(None)) == raw_capture(open_source(None))


def test_a_raw_capture_of_this_machine_reads_as_this_machine(tmp_path):
    path = tmp_path / "raw.tar.gz"
    path.write_bytes(raw_capture(open_source(None)))

    assert differences(rssbound.read(path), rssbound.read(), MACHINE) == []


def test_a_raw_capture_holds_no_host_name():
    import gzip
    import os

    content = gzip.decompress(raw_capture(open_source(None)))
    assert (
        os.uname().nodename.encode() not in content.replace(b"\0", b"")
        or len(os.uname().nodename) < 4
    )


def test_only_a_sysfs_tree_can_be_captured_raw(tmp_path):
    with pytest.raises(InputError, match="0 sysfs trees; a raw capture needs exactly one"):
        raw_capture(open_source("core:4"))
