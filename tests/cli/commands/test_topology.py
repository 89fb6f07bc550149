"""`rssbound topology show`, `convert` and `capture`."""

import json
import tarfile
from pathlib import Path

import pytest

import rssbound
from rssbound.topology.filetree import CAPTURED


def lines_of(call, *arguments):
    code, out, _ = call("topology", *arguments)
    assert code == 0
    return out.splitlines()


def test_branches_that_are_alike_are_folded(call):
    shown = lines_of(call, "show", "--topology", "package:2 numa:4 core:12 pu:2")

    assert [line.strip("└├─│ ") for line in shown[1:]] == [
        "2 x package: 96 CPUs each, first 0-95",
        "4 x node: 24 CPUs each, first 0-23",
        "12 x core: 2 CPUs each, first 0-1",
        "2 x cpu",
    ]


def test_full_shows_every_domain(call):
    shown = lines_of(call, "show", "--topology", "package:2 core:2 pu:2", "--full")

    assert len(shown) == 1 + 2 + 4 + 8
    assert shown[1].endswith("package 0: CPUs 0-3")
    assert shown[-1].endswith("cpu 7")


def test_domains_with_the_same_cpus_share_a_line(call):
    shown = lines_of(call, "show", "--topology", "package:1 numa:1 core:2 pu:1")

    assert [line.strip("└├─│ ") for line in shown[1:]] == [
        "package 0 + node 0: CPUs 0-1",
        "2 x core + cpu: 1 CPU each, first 0",
    ]


def test_offline_cpus_are_marked(call, tmp_path):
    host = tmp_path / "host.json"
    host.write_text(
        json.dumps(
            {
                "kind": "rssbound.topology",
                "tree": [{"type": "core", "cpus": f"{cpu}"} for cpu in range(4)],
                "possible": "0-5",
                "present": "0-3",
                "online": "0-2",
            }
        )
    )
    shown = lines_of(call, "show", "--topology", str(host))

    assert [line.strip("└├─│ ") for line in shown[1:]] == [
        "3 x core + cpu: 1 CPU each, first 0",
        "core 3 + cpu 3 (offline)",
        "2 x cpu (not present)",
    ]


def test_overlapping_domains_give_a_warning(call, tmp_path):
    host = tmp_path / "host.json"
    rows = [{"cpu": cpu, "core": cpu // 2, "llc": (cpu + 1) // 2} for cpu in range(4)]
    host.write_text(json.dumps({"kind": "rssbound.topology", "rows": rows}))
    code, _, err = call("topology", "show", "--topology", str(host))

    assert code == 0
    assert f"warning: {host}: llc:1 (CPUs 1-2) overlaps core:0 (CPUs 0-1)" in err


def test_show_in_ascii_where_the_terminal_has_no_lines(run):
    done = run("topology", "show", "--topology", "core:2", env={"PYTHONIOENCODING": "ascii"})

    assert done.returncode == 0
    assert done.stdout.isascii()
    assert b"\\u" not in done.stdout


@pytest.mark.parametrize("target", ["json", "synthetic", "hwloc-xml", "dot"])
def test_convert(call, tmp_path, target):
    out = tmp_path / "out"

    assert call(
        *("topology", "convert", "--topology", "package:2 core:2 pu:2", "--to", target),
        *("-o", str(out)),
    ) == (0, "", "")
    assert out.read_text().endswith("\n")


def test_a_machine_is_converted_to_several_files_by_their_endings(call, tmp_path):
    names = {"a.json": "json", "a.xml": "hwloc-xml", "a.gv": "dot", "a": "synthetic"}
    files = [str(tmp_path / name) for name in names]
    convert = ("topology", "convert", "--topology", "package:2 core:2 pu:2")

    options = [word for file in files for word in ("-o", file)]
    assert call(*convert, "--to", "synthetic", *options) == (0, "", "")
    for file, target in zip(files, names.values(), strict=True):
        assert call(*convert, "--to", target)[1] == Path(file).read_text()
    one = str(tmp_path / "b.dot")
    assert call(*convert, "-o", one) == (0, "", "")
    assert Path(one).read_text().startswith("digraph")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ((), "give --to: json, synthetic, hwloc-xml, dot."),
        (
            ("-o", "a.xyz"),
            "the format of 'a.xyz' is not known; use the extension .json, .xml, .dot, .gv",
        ),
        (("-o", "a.json", "-o", "a.json"), "-o a.json is given twice."),
    ],
)
def test_an_unknown_output_format_is_a_usage_error(call, options, fault):
    code, out, err = call("topology", "convert", "--topology", "core:2", *options)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert fault in err


def test_impossible_conversions_are_exit_code_2(call, tmp_path):
    host = tmp_path / "host.json"
    host.write_text('{"kind": "rssbound.topology", "synthetic": "core:4", "online": "0-2"}')
    code, out, err = call("topology", "convert", "--topology", str(host), "--to", "synthetic")

    assert (code, out) == (2, "")
    assert err == (
        f"rssbound: {host}: --to synthetic: some possible CPUs are not online, "
        "which one line cannot say; use json\n"
    )


def test_capture_of_this_machine_reads_back_equal(call, tmp_path):
    path = tmp_path / "host.json"
    assert call("topology", "capture", "-o", str(path))[0] == 0
    captured, machine = rssbound.read(path), rssbound.read()

    for field in ("possible", "present", "online", "columns", "nodes", "page_size", "kernel"):
        assert getattr(captured, field) == getattr(machine, field)


def test_capture_of_another_root(call, tmp_path):
    folder = tmp_path / "root/sys/devices/system/cpu/cpu0/topology"
    folder.mkdir(parents=True)
    (folder / "thread_siblings_list").write_text("0\n")
    _, out, _ = call("topology", "capture", "--sysroot", str(tmp_path / "root"))

    assert json.loads(out)["possible"] == "0"


def test_raw_capture_is_an_archive_of_sysfs_files(run, tmp_path):
    path = tmp_path / "raw.tar.gz"
    path.write_bytes(run("topology", "capture", "--raw").stdout)
    with tarfile.open(path) as archive:
        names = archive.getnames()

    assert "sys/devices/system/cpu/online" in names
    beside = [name for name in names if not name.startswith("sys/devices/system/")]
    assert beside == [CAPTURED]


def test_sysroot_is_this_machine_seen_from_a_container(call, tmp_path):
    (tmp_path / "sys").symlink_to("/sys")
    mounted = call("topology", "convert", "--to", "json", "--sysroot", str(tmp_path))

    assert mounted == call("topology", "convert", "--to", "json")


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", "--brief"),
        ("choose", "--budget", "1GiB"),
        ("check", "--limit", "percpu.rss.under <= 1TiB"),
        ("compare", "batch=32", "batch=64"),
        ("interfaces",),
        ("plot", "cpus", "--format", "csv"),
        ("tolerance", "stat"),
        ("topology", "show"),
        ("witness", "--design", "percpu", "--side", "under"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_command_reads_the_sysroot(call, tmp_path, arguments):
    (tmp_path / "sys").symlink_to("/sys")

    assert call(*arguments, "--sysroot", str(tmp_path)) == call(*arguments)


def test_sysroot_is_refused_where_it_cannot_be_right(call, tmp_path):
    code, _, err = call("analyze", "--sysroot", str(tmp_path))
    assert (code, err) == (
        2,
        f"rssbound: {tmp_path}/sys: no such folder; sysroot is the folder that contains sys\n",
    )
    code, _, err = call("analyze", "--sysroot", "/", "--topology", "core:8")
    assert code == 2
    assert "leave out --topology" in err
