"""`rssbound analyze`: its options arrive, and its sources are read."""

import io
import json
import tarfile

import pytest
from hosts import EPYC, EXAMPLES


def test_kernel_option_overrides(call):
    _, out, _ = call("analyze", "--topology", "core:4 pu:1", "--kernel", "5.15.0-91-generic")

    assert [line.split()[1] for line in out.splitlines() if line.startswith(">")] == ["per-thread"]


def test_an_assumed_page_size_is_marked(call):
    assert "4 KiB pages (assumed)" in call("analyze", "--topology", "core:4 pu:1")[1]
    _, out, _ = call("analyze", "--topology", "core:4 pu:1", "--page-size", "64K")
    assert "64 KiB pages;" in out or "64 KiB pages\n" in out


def test_design_selects_rows(call):
    _, out, _ = call(
        "analyze", "--topology", EPYC, "--design", "tree", "--design", "percpu", "--format", "json"
    )

    assert [design["id"] for design in json.loads(out)["designs"]] == ["tree", "percpu"]


def test_every_scenario_option_arrives(call):
    _, out, _ = call(
        *("analyze", "--topology", "core:16 pu:1", "--format", "json", "--cpus", "0-3,8"),
        *("--updaters", "own"),
        *("--threads", "7", "--batch", "64", "--percpu-batch", "100", "--max-online", "16"),
        *("--page-size", "16K", "--fault-around-bytes", "32KiB", "--nodes-shift", "6"),
        *("--in-flight", "2", "--max-increment", "9", "--rss", "anon=1MiB", "--arity", "4,4"),
    )
    document = json.loads(out)

    assert document["host"]["page_size"] == 16384
    assert document["scenario"] == {
        "batch": 64,
        "percpu_batch": 100,
        "threads": 7,
        "cpus": "0-3,8",
        "updaters": "own",
        "max_online": 16,
        "fault_around_bytes": 32768,
        "nodes_shift": 6,
        "in_flight": 2,
        "max_increment": 9,
        "arity": [4, 4],
        "rss": {"total": None, "counters": {"anon": [64, 64]}},
    }


def test_this_machine_by_default(call):
    code, out, _ = call("analyze", "--format", "json")
    host = json.loads(out)["host"]
    with open("/sys/devices/system/cpu/online", encoding="ascii") as file:
        online = file.read().strip()

    assert code == 0
    assert host["cpus"]["online"] == online
    assert host["source"] == "this machine"


def test_standard_input_takes_json_and_archives(run):
    document = json.dumps({"kind": "rssbound.topology", "synthetic": "core:4 pu:2"}).encode()
    assert run("analyze", "--topology", "-", stdin=document).returncode == 0

    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name in ("possible", "present", "online"):
            member = tarfile.TarInfo(f"host/fsroot/sys/devices/system/cpu/{name}")
            member.size = 4
            archive.addfile(member, io.BytesIO(b"0-6\n"))
    done = run("analyze", "--topology", "-", "--format", "json", stdin=stream.getvalue())
    assert json.loads(done.stdout)["host"]["nr_cpu_ids"] == 7


TREE = ("analyze", "--topology", "core:16", "--design", "tree-symmetric", "--format", "json")


@pytest.mark.parametrize(("arity", "under"), [("16", 496), ("4,4", 880)])
def test_the_shape_of_a_tree(call, arity, under):
    """16 x 31 pages, and 4 items of 128 that keep up to 96."""
    _, out, _ = call(*TREE, "--arity", arity)
    (design,) = json.loads(out)["designs"]

    assert design["counters"]["anon"] == {"under": under, "over": under}


@pytest.mark.parametrize(
    ("arity", "fault"),
    [
        ("3,5", "arity: 3,5; must be powers of two whose product is 16, such as 16 or 8,2"),
        ("4,4,4", "arity: 4,4,4; must be powers of two whose product is 16, such as 16 or 8,2"),
        ("4x4", "'4x4' is not a tree shape; give fan-outs such as 16 or 4,4"),
    ],
)
def test_an_invalid_shape_is_one_line(call, arity, fault):
    code, out, err = call(*TREE, "--arity", arity)

    assert (code, out) == (2, "")
    assert fault in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("columns", ["80", "120"])
def test_a_summary_of_many_machines_fits_the_terminal(call, monkeypatch, columns):
    """The widest bound comes first. Whole columns are left out, and no bound is cut."""
    monkeypatch.setenv("COLUMNS", columns)
    hosts = sorted(str(path) for path in EXAMPLES.glob("*.json"))
    code, out, err = call("analyze", *hosts, "--summary", "--format", "table")
    lines = out.splitlines()

    assert (code, err) == (0, "")
    assert max(map(len, lines)) <= int(columns)
    assert "…" not in out
    (epyc,) = [line for line in lines if "EPYC 9654" in line]
    assert epyc.split()[-5:] == ["percpu", "3.38", "GiB", "3.38", "GiB"]
    names = [name for line in lines for name in ("EPYC 9965", "EPYC 9654", "N3350") if name in line]
    assert names == ["EPYC 9965", "EPYC 9654", "N3350"]


def test_several_machines_are_one_document(call):
    code, out, _ = call("analyze", "core:4", "core:8", "--json")
    document = json.loads(out)

    assert code == 0
    assert document["kind"] == "rssbound.analyses"
    alone = [json.loads(call("analyze", host, "--json")[1]) for host in ("core:4", "core:8")]
    assert document["analyses"] == alone
    rows = call("analyze", "core:4", "core:8", "--format", "csv")[1].splitlines()
    assert sum(row.startswith("host,") for row in rows) == 1
    assert {row.split(",")[0] for row in rows[1:]} == {"core:4", "core:8"}
