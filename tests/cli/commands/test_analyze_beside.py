"""`rssbound analyze --counters`: counters other than RSS, from the command line."""

import csv
import io
import json

import pytest
import schemas

from rssbound.bounds.designs import BESIDE_COUNTERS

HOST = ("--topology", "package:2 core:8 pu:1", "--kernel", "6.12.117")

ZONEINFO = """Node 0, zone      DMA
  pages free     2816
        managed  3840
    cpu: 0
  vm stats threshold: 2
Node 0, zone   Normal
        managed  2883584
    cpu: 0
  vm stats threshold: 80
Node 0, zone  Movable
        managed  0
"""


def document(call, *arguments):
    code, out, _ = call("analyze", *arguments, "--format", "json")
    assert code == 0
    found = json.loads(out)
    schemas.validate(found, "counters-1")
    return found


def test_all_counters_in_every_design(call):
    found = document(call, *HOST, "--counters", "beside")

    assert {one["id"] for one in found["counters"]} == set(BESIDE_COUNTERS)
    used = {
        one["id"]: (one["design"], one["under"], one["over"])
        for one in found["counters"]
        if one["used"]
    }
    assert used == {
        "memory.current": ("stock", 0, 16 * 64),
        "memory.stat": ("rstat", 16 * 127, 16 * 127),
        "vmstat.zone": ("stat-threshold", 16 * 4 * 125, 16 * 4 * 125),
        "vmstat.node": ("stat-threshold", 16 * 125, 16 * 125),
        "zoneinfo.zone": ("stat-threshold", 16 * 125, 16 * 125),
        "zoneinfo.node": ("stat-threshold", 16 * 125, 16 * 125),
        "sockets": ("socket-reserve", 16 * 255, 16 * 255),
    }
    stat = next(one for one in found["counters"] if one["design"] == "rstat")
    assert stat["concurrent"] == {"under": None, "over": None}


def test_one_of_them(call):
    found = document(call, *HOST, "--counters", "memory.current", "--cgroups", "3")

    assert [one["design"] for one in found["counters"]] == ["stock-32", "stock", "stock-slots"]
    assert [one["over"] for one in found["counters"]] == [16 * 32, 16 * 64, 16 * 64 * 3]


def test_thresholds_of_a_copy_of_zoneinfo(call, tmp_path):
    """16 CPUs: fls is 5. 15 MiB: 10, above the printed value. 11 GiB, 88 units: 2 * 5 * 8 = 80."""
    (tmp_path / "zoneinfo").write_text(ZONEINFO)
    found = document(
        call, *HOST, "--counters", "vmstat.zone", "--zoneinfo", str(tmp_path / "zoneinfo")
    )

    assert found["scenario"]["zones_known"]
    assert found["counters"][0]["under"] == 16 * (10 + 80)


def test_csv_and_levels(call):
    _, out, _ = call("analyze", *HOST, "--counters", "beside", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {row["counter"] for row in rows} == set(BESIDE_COUNTERS)

    _, out, _ = call("analyze", *HOST, "--counters", "beside", "--explain", "--format", "csv")
    assert "counted but not flushed,1,-1024,1024" in out


def test_for_people(call):
    _, out, _ = call("analyze", *HOST, "--counters", "beside", "--memory", "64GiB", "--explain")

    assert (
        "zones of an x86-64 machine with 64 GiB and no movable zone, thresholds of up to 100" in out
    )
    assert "here" in out
    assert "rstat: an error lasts until the next flush" in out
    assert "published" in out


def test_without_memory_the_output_says_that_it_is_unknown(call):
    _, out, _ = call("analyze", *HOST, "--counters", "vmstat.node", "--brief")

    assert "memory not known: the largest thresholds, 125 in each of 4 zones" in out


def test_several_machines(call):
    _, out, _ = call(
        "analyze", "core:2", "core:4", "--kernel", "6.12.1", "--counters", "sockets", "--json"
    )
    found = json.loads(out)

    assert [one["counters"][-1]["under"] for one in found["machines"]] == [510, 1020]


def test_this_machine(call):
    found = document(call, "--counters", "beside")

    assert found["host"]["source"]


def test_overlaps_and_updates_in_flight(call):
    found = document(
        call,
        *(*HOST, "--counters", "beside", "--in-flight", "1", "--max-increment", "1"),
    )
    bounds = {one["design"]: (one["under"], one["over"]) for one in found["counters"]}

    assert bounds["stock"] == (1, 16 * 64 + 64)
    assert bounds["rstat"] == (None, None)
    assert bounds["socket-reserve"] == (None, None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--counters", "memory.swap"], "memory.current"),
        (["--counters", "beside", "--rss", "1GiB"], "--rss applies only to RSS"),
        (["--counters", "beside", "--design", "tree"], "--design applies only to RSS"),
        (["--cgroups", "2"], "add --counters beside"),
        (["--counters", "beside", "--cgroups", "0"], "'0' is not a whole number"),
        (["--counters", "beside", "--zoneinfo", "/nowhere"], "rssbound: /nowhere: No such file"),
        (["--counters", "beside", "--zoneinfo", "/etc/hostname"], "no populated zone"),
        (["--counters", "beside", "--zoneinfo", "/"], "Is a directory"),
        (["--counters", "beside", "--cgroup", "/nowhere"], "no such folder"),
        (["--counters", "beside", "--cgroup", "/tmp"], "it is not cgroup v2"),
        (["--counters", "beside", "--cgroup", "/tmp", "--cgroups", "2"], "use only one"),
        (["--counters", "beside", "--memory", "1G", "--zoneinfo", "x"], "leave out --memory"),
    ],
)
def test_impossible_options_are_one_line(call, arguments, words):
    code, out, err = call("analyze", *HOST, *arguments)

    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_cgroups_are_counted(call, tmp_path):
    (tmp_path / "cgroup.stat").write_text("nr_descendants 3\nnr_dying_descendants 2\n")
    found = document(call, *HOST, "--counters", "memory.current", "--cgroup", str(tmp_path))
    assert found["scenario"]["cgroups"] == 6

    (tmp_path / "cgroup.stat").write_text("nonsense\n")
    code, _, err = call("analyze", *HOST, "--counters", "beside", "--cgroup", str(tmp_path))
    assert code == 2
    assert "no nr_descendants" in err


def test_an_unknown_kernel(call):
    _, out, _ = call(
        *("analyze", "core:2", "--kernel", "5.16.1", "--counters", "beside", "--brief")
    )

    assert "memory.stat: no bound is known for Linux 5.16.1: an update of any number" in out
    assert "read the same file after the next flush (usually within 2 s)." in " ".join(out.split())
    assert "stock-32" in out
    _, out, _ = call(
        *("analyze", "core:2", "--kernel", "2.6.30", "--counters", "memory.stat", "--brief")
    )
    assert "rstat-global" in out  # all designs, because none is in use


def denied(path, *_):
    raise PermissionError(13, "Permission denied", str(path))


@pytest.mark.parametrize("method", ["is_dir", "read_text"])
def test_an_unreadable_cgroup_is_reported_in_one_line(method, call, tmp_path, monkeypatch):
    """Either the parent folder or the file is unreadable."""
    from pathlib import Path

    (tmp_path / "cgroup.stat").write_text("nr_descendants 3\n")
    monkeypatch.setattr(Path, method, denied)
    code, out, err = call("analyze", *HOST, "--counters", "beside", "--cgroup", str(tmp_path))

    assert (code, out) == (2, "")
    assert err.splitlines()[-1].endswith(f"{tmp_path}/cgroup.stat: Permission denied")
    assert len(err.splitlines()) == 1


def test_a_bound_of_unknown_memory_is_marked_as_an_upper_limit(call):
    """If the memory size is unknown, every threshold is the kernel's largest."""
    asked = (*HOST, "--counters", "vmstat.zone")
    _, out, _ = call("analyze", *asked)
    (found,) = document(call, *asked)["counters"]
    (known,) = document(call, *asked, "--memory", "64GiB")["counters"]

    assert (
        "an upper limit of the bound, if every node with memory is listed: memory is not known"
        in " ".join(out.split())
    )
    assert (found["at_most"], known["at_most"]) == (True, False)
    for command in ("tolerance", "interfaces"):
        argument = ("vmstat.zone",) if command == "tolerance" else ()
        for format_ in ("json", "table"):
            _, out, _ = call(command, *argument, *HOST, "--format", format_)
            assert "an upper limit of the bound" in " ".join(out.split()), (command, format_)
        _, out, _ = call(command, *argument, *HOST, "--memory", "64GiB")
        assert "without a movable zone" in " ".join(out.split())
        assert "an upper limit of the bound" not in " ".join(out.split())


def test_a_narrow_table_keeps_the_designs_that_its_notes_name(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = call("analyze", "--topology", "core:2", "--counters", "beside", "--format", "table")[1]

    table, _, notes = out.partition("\n\n")[2].partition("\n\n")
    assert "rstat-cut: an error lasts" in notes
    assert "rstat-cut" in table
    assert max(map(len, out.splitlines())) <= 80
