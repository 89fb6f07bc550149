"""`rssbound interfaces`, and its probe of this machine."""

import csv
import io
import json
import os
import sys

import pytest
import schemas

from rssbound.cli.inputs import probe as probe_module

HOST = ("interfaces", "--topology", "package:2 core:32 pu:1", "--kernel", "6.12.117")


def validated(out):
    document = json.loads(out)
    schemas.validate(document, "interfaces-1")
    return document


def test_json_follows_its_schema(call):
    code, out, _ = call(*HOST, "--format", "json")
    found = {interface["id"]: interface for interface in validated(out)["interfaces"]}

    assert code == 0
    assert (found["stat"]["under"], found["stat"]["accuracy"]) == (3 * 8128, "approximate")
    assert (found["statm"]["under"], found["statm"]["since"]) == (0, "6.12.39")
    for peak in ("hwm", "maxrss"):
        assert (found[peak]["under"], found[peak]["over"]) == (None, 3 * 8128)


def test_in_words(call):
    _, out, _ = call(*HOST)

    assert "stat          approximate          95.3 MiB  95.3 MiB" in out
    assert "guess: the release does not tell what was backported." in out
    assert "maxrss        peak                 no bound  95.3 MiB" in out
    assert "so a peak can be too low by any amount." in out


def test_csv(call):
    _, out, _ = call(*HOST, "--format", "csv")
    rows = {row["interface"]: row for row in csv.DictReader(io.StringIO(out))}

    assert (rows["maxrss"]["under_pages"], rows["maxrss"]["over_pages"]) == ("inf", str(3 * 8128))
    assert rows["cgroup"]["over_pages"] == ""


@pytest.mark.skipif(sys.platform != "linux", reason="probes a Linux machine")
def test_the_probe_measures_this_machine_and_leaves_it_as_it_was(call):
    if not os.path.exists("/proc/self/smaps_rollup"):
        pytest.skip("no /proc/self/smaps_rollup here")
    before = os.sched_getaffinity(0)
    code, out, err = call("interfaces", "--kernel", "6.12.117", "--probe", "--format", "json")

    assert (code, err) == (0, "")
    found = validated(out)["probe"]
    assert [probe["interface"] for probe in found] == ["stat", "statm", "status"]
    assert all(probe["reads"] >= 1 for probe in found)
    assert os.sched_getaffinity(0) == before


def test_what_a_probe_makes_of_its_reads():
    """Off by -8 KiB and +4 KiB while smaps_rollup itself moved by 4 KiB: it is off."""
    off = probe_module._probe("stat", [(-8192, 0), (4096, 4096)])
    near = probe_module._probe("statm", [(-4096, 4096), (0, 0)])

    assert (off.too_low, off.too_high, off.agrees) == (8192, 4096, False)
    assert (near.too_low, near.too_high, near.agrees) == (4096, 0, True)


def test_a_machine_without_the_file_is_said(call, monkeypatch, tmp_path):
    monkeypatch.setattr(probe_module, "PROC", str(tmp_path))
    code, out, err = call("interfaces", "--kernel", "6.12.117", "--probe")

    assert (code, out) == (2, "")
    assert "smaps_rollup: No such file or directory; --probe needs it" in err


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--topology", "core:4"), "give its release, such as --kernel 6.12.41"),
        (("--topology", "core:4", "--probe"), "leave out --topology"),
        (("--topology", "core:4", "--kernel", "x"), "'x' is no release"),
    ],
)
def test_what_cannot_be_said(arguments, fault, call):
    code, out, err = call("interfaces", *arguments)

    assert (code, out) == (2, "")
    assert fault in err


def test_what_voids_a_bound_stands_where_the_bound_stands(call):
    old = ("interfaces", "--topology", "core:4", "--kernel", "6.1.176")
    _, out, _ = call(*old, "--format", "json")
    found = {interface["id"]: interface["caveats"] for interface in validated(out)["interfaces"]}
    text = "per-thread: no bound where a driver maps pages without a fault (vm_insert_page)"

    assert (found["stat"], found["smaps_rollup"]) == ([text], [])
    assert f"{text}.\n" in call(*old)[1]
