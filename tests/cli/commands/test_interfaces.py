"""`rssbound interfaces`, and its probe of this machine."""

import csv
import io
import json
import os
import platform
import sys
import time

import pytest
import schemas

import rssbound
from rssbound.bounds.reading.signature import Measured, Signature
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import resolve
from rssbound.cli.inputs import probe as probe_module
from rssbound.cli.render.results import interfaces as interfaces_table

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
    rows = [" ".join(line.split()) for line in out.splitlines()]

    assert any(row.startswith("stat approximate 95.3 MiB 95.3 MiB") for row in rows)
    assert any(row.startswith("maxrss peak no bound 95.3 MiB") for row in rows)
    assert any(row.startswith("memory.current approximate 0 16 MiB") for row in rows)
    assert "so a peak can be too low by any amount." in out
    assert "guess: the release" not in out
    _, out, _ = call(*HOST[:-1], "6.12.5-custom")
    assert "guess: the release does not show which fixes were backported." in out


def test_csv(call):
    _, out, _ = call(*HOST, "--format", "csv")
    rows = {row["interface"]: row for row in csv.DictReader(io.StringIO(out))}

    assert (rows["maxrss"]["under_pages"], rows["maxrss"]["over_pages"]) == ("inf", str(3 * 8128))
    assert rows["memory.current"]["over_pages"] == str(64 * 64)


@pytest.mark.skipif(sys.platform != "linux", reason="probes a Linux machine")
def test_the_probe_measures_this_machine_and_leaves_it_as_it_was(call):
    if not os.path.exists("/proc/self/smaps_rollup"):
        pytest.skip("no /proc/self/smaps_rollup here")
    before = os.sched_getaffinity(0)
    code, out, err = call("interfaces", "--probe", "--format", "json")

    assert (code, err) == (0, "")
    found = validated(out)["probe"]
    assert [probe["interface"] for probe in found] == ["stat", "statm", "status"]
    assert all(probe["reads"] >= 1 for probe in found)
    assert os.sched_getaffinity(0) == before


def running_kernel():
    """Skip if the running kernel cannot be measured, or the machine is busy."""
    if sys.platform != "linux":
        pytest.skip("measures a Linux machine")
    if not os.path.exists("/proc/self/smaps_rollup"):
        pytest.skip("no /proc/self/smaps_rollup here")
    if not platform.release().startswith(("6.", "7.")) or platform.release().startswith("6.1."):
        pytest.skip(f"Linux {platform.release()} is not known to have percpu counters")


def test_after_the_probe_no_row_of_rss_is_a_guess(call):
    running_kernel()
    code, out, _ = call("interfaces", "--probe", "--format", "json")
    found = validated(out)

    assert code == 0
    of_rss = [interface for interface in found["interfaces"] if interface["counters"]]
    assert of_rss
    assert not any(interface["guess"] for interface in of_rss)
    off = {probe["interface"] for probe in found["probe"] if not probe["agrees"]}
    kinds = {interface["id"]: interface["accuracy"] for interface in found["interfaces"]}
    for name in ("status", "statm"):
        assert kinds[name] == ("approximate" if name in off else "precise")


def test_the_probe_does_not_change_counters_that_it_does_not_measure(call):
    running_kernel()
    plain, probed = (
        {
            interface["id"]: interface
            for interface in validated(call("interfaces", *option, "--format", "json")[1])[
                "interfaces"
            ]
            if not interface["counters"]
        }
        for option in ((), ("--probe",))
    )
    assert "memory.stat" in plain
    assert probed == plain


def test_the_probe_finds_the_batch_of_the_running_kernel(call):
    """The value changes by b = max(32, 2 * online) pages at a time, in both directions."""
    running_kernel()
    _, out, _ = call("interfaces", "--probe", "--format", "json")
    measured = validated(out)["measured"]
    if measured["threaded"] is None:
        pytest.skip("something else ran in the process while it was measured")
    batch = max(32, 2 * os.sysconf("SC_NPROCESSORS_ONLN"))

    assert measured["threaded"] == {"step": batch, "back": batch, "fall": batch}
    assert "percpu" in measured["designs"] or measured["alone"]["step"] == 1


def test_the_measurement_is_over_within_a_second():
    running_kernel()
    host = rssbound.read()
    parameters = parameters_of(host, resolve(rssbound.Scenario(), host))
    began = time.process_time() + os.times().children_user
    found = probe_module.measured(parameters, ["percpu"])

    assert time.process_time() + os.times().children_user - began < 1
    assert found.cpu in os.sched_getaffinity(0)


def test_a_failed_child_gives_no_design(monkeypatch, tmp_path):
    running_kernel()
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit(1)")
    monkeypatch.setattr(probe_module, "CHILD", str(broken))
    host = rssbound.read("core:4")
    parameters = parameters_of(host, resolve(rssbound.Scenario(), host))
    found = probe_module.measured(parameters, ["percpu"])

    assert (found.alone, found.threaded, found.designs) == (None, None, ())


def test_a_series_that_fits_no_design_is_measured_again(monkeypatch):
    """A page of something else while the process shrinks is not seen; the batch is 32."""
    running_kernel()
    even, odd = Signature(32, 32, 32), Signature(32, 34, 32)
    found = iter([even, odd, even, even])
    monkeypatch.setattr(probe_module, "_series_of_child", lambda *_: (([], []), ([], [])))
    monkeypatch.setattr(probe_module, "signature_in", lambda *_: next(found))
    host = rssbound.read("core:4")
    parameters = parameters_of(host, resolve(rssbound.Scenario(), host))
    measured = probe_module.measured(parameters, ["percpu"])

    assert (measured.alone, measured.threaded, measured.designs) == (even, even, ("percpu",))


def test_series_that_never_fit_a_design_are_reported_as_measured(monkeypatch):
    running_kernel()
    odd = Signature(32, 34, 32)
    monkeypatch.setattr(probe_module, "_series_of_child", lambda *_: (([], []), ([], [])))
    monkeypatch.setattr(probe_module, "signature_in", lambda *_: odd)
    host = rssbound.read("core:4")
    parameters = parameters_of(host, resolve(rssbound.Scenario(), host))
    measured = probe_module.measured(parameters, ["percpu"])

    assert (measured.alone, measured.threaded, measured.designs) == (odd, odd, ())


@pytest.mark.parametrize(
    ("counters", "said"),
    [
        (
            Measured(1, Signature(32, 32, 32), Signature(32, 32, 32), ("percpu",)),
            "the design is percpu: the value changes by 32 pages at once, back after 32.",
        ),
        (
            Measured(1, Signature(1, 1, 1), Signature(64, 64, 64), ("dual-mode", "lazy")),
            (
                "the design is dual-mode or lazy: "
                "the value changes by 64 pages at once, back after 64 (with one thread 1 at once)."
            ),
        ),
        (
            Measured(1, Signature(1, 1, 1), Signature(1, 1, 1), ("shared",)),
            "the design is shared: the value changes by 1 page at once, back after 1.",
        ),
        (
            Measured(1, Signature(7, 7, 7), Signature(7, 7, 7)),
            "no known design: the value changes by 7 pages at once, back after 7.",
        ),
        (
            Measured(1, None, None),
            "no design could be determined; something else ran in the process.",
        ),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else "",
)
def test_the_measured_counters_in_words(counters, said):
    assert interfaces_table._counters_line(counters) == f"Measured on CPU 1: {said}"


def test_a_series_of_a_process_that_grew_otherwise_is_dropped():
    series = {"rising": [0, 0, 4], "falling": [4, 0], "grown": 3}

    assert probe_module._undisturbed(series) is None
    assert probe_module._undisturbed(series | {"grown": 2}) == ([0, 0, 4], [4, 0])


def test_the_verdict_of_a_probe_on_its_reads():
    """Differences of -8 KiB and +4 KiB while smaps_rollup moved by 4 KiB: the file is off."""
    off = probe_module._probe("stat", [(-8192, 0), (4096, 4096)])
    near = probe_module._probe("statm", [(-4096, 4096), (0, 0)])

    assert (off.too_low, off.too_high, off.agrees) == (8192, 4096, False)
    assert (near.too_low, near.too_high, near.agrees) == (4096, 0, True)


def test_a_missing_file_is_reported(call, monkeypatch, tmp_path):
    monkeypatch.setattr(probe_module, "PROC", str(tmp_path))
    code, out, err = call("interfaces", "--probe")

    assert (code, out) == (2, "")
    assert "smaps_rollup: No such file or directory; --probe needs it" in err


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--topology", "core:4"), "kernel: the release of this machine is not known; give one"),
        (("--topology", "core:4", "--probe"), "leave out --topology"),
        (("--kernel", "5.10", "--probe"), "leave out --kernel."),
        (("--kernel-source", ".", "--probe"), "leave out --kernel-source"),
        (("--topology", "core:4", "--kernel", "x"), "'x' is not a kernel release"),
    ],
)
def test_impossible_options_of_interfaces(arguments, fault, call):
    code, out, err = call("interfaces", *arguments)

    assert (code, out) == (2, "")
    assert fault in err


def test_caveats_are_printed_with_their_bounds(call):
    old = ("interfaces", "--topology", "core:4", "--kernel", "6.1.176")
    _, out, _ = call(*old, "--format", "json")
    found = {interface["id"]: interface["caveats"] for interface in validated(out)["interfaces"]}
    text = "per-thread: no bound where a driver maps pages without a fault (vm_insert_page)"

    assert (found["stat"], found["smaps_rollup"]) == ([text], [])
    assert f"{text}.\n" in call(*old)[1]


def test_the_bounds_while_nothing_else_updates_the_process(call):
    """127 pages on one CPU of 64 in each of three counters, if --cpus restricts the process."""
    restricted = (*HOST, "--cpus", "0")
    found = {each["id"]: each for each in validated(call(*restricted, "--json")[1])["interfaces"]}

    assert found["stat"]["under"] == 3 * 8128
    assert found["stat"]["own_updates"] == {"under": 3 * 127, "over": 3 * 127}
    assert found["maxrss"]["own_updates"] == {"under": None, "over": 3 * 127}
    assert found["statm"]["own_updates"] is None
    assert found["memory.current"]["own_updates"] is None
    promise = "While nothing else updates the process"
    assert promise in call(*restricted)[1]
    assert promise not in call(*HOST)[1]
    assert promise not in call(*restricted, "--updaters", "own")[1]
