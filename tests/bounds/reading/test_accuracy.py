"""The release since which each file is precise, and its error on a machine."""

import pytest

import rssbound
from rssbound.bounds.reading.accuracy import accuracy_of, accuracy_on, readings_of
from rssbound.bounds.reading.catalogue import INTERFACES
from rssbound.bounds.scenario.kernel_constants import KernelConstants, ReaderFound
from rssbound.errors import Location, ScenarioError

HOST = "package:2 core:32 pu:1"


def kinds(release):
    return {id_: accuracy_of(INTERFACES[id_], release).kind for id_ in INTERFACES}


@pytest.mark.parametrize(
    ("release", "status", "stat", "oom"),
    [
        ("2.6.20", "approximate", "approximate", "approximate"),
        ("6.1.176", "approximate", "approximate", "approximate"),
        ("6.2.0", "approximate", "approximate", "approximate"),
        ("6.12.38", "approximate", "approximate", "approximate"),
        ("6.12.39", "precise", "approximate", "approximate"),
        ("6.12.117", "precise", "approximate", "approximate"),
        ("6.15.0", "approximate", "approximate", "approximate"),
        ("6.16.0", "precise", "approximate", "approximate"),
        ("6.19.3", "precise", "approximate", "approximate"),
        ("7.0.0", "precise", "approximate", "precise"),
    ],
)
def test_eras(release, status, stat, oom):
    """The table of docs/interfaces.md."""
    found = kinds(release)

    assert (found["status"], found["statm"]) == (status, status)
    assert found["stat"] == stat
    assert (found["oom_badness"], found["oom_report"]) == (oom, oom)
    assert (found["hwm"], found["maxrss"]) == ("peak", "peak")
    assert found["smaps_rollup"] == "exact"


@pytest.mark.parametrize(
    ("release", "guess"),
    [
        ("6.12.117", False),  # measured in the lab
        ("6.12.117-cloud-amd64", False),
        ("6.12.48+deb13-amd64", True),  # by the date of the stable review
        ("6.12.20", False),  # older than the fix
        ("6.6.90", True),  # a long-term series that was not examined
        ("6.16.0", False),
        ("6.8.0-45-generic", True),
        ("5.14.0-427.el9.x86_64", True),
        ("6.1.176-1-amd64", False),
        ("6.11.0-1015-azure", True),
    ],
)
def test_releases_that_are_guesses(release, guess):
    assert accuracy_of(INTERFACES["statm"], release).guess is guess


@pytest.mark.parametrize(
    ("release", "precise", "guess"),
    [
        ("6.8.0-150-generic", {"trace"}, True),  # an earlier build, whose source was not read
        ("6.8.0-151-generic", {"status", "statm", "trace"}, False),
        ("6.8.0-151-lowlatency", {"status", "statm", "trace"}, False),
        ("6.8.0-151-aws", {"trace"}, True),  # it numbers its builds differently
        ("6.5.0-45-generic", {"trace"}, False),  # the series ended before the fix
    ],
)
def test_a_build_whose_source_was_read_is_no_guess(release, precise, guess):
    assert {id_ for id_, kind in kinds(release).items() if kind == "precise"} == precise
    assert accuracy_of(INTERFACES["statm"], release).guess is guess


def test_interfaces_that_old_kernels_lack():
    """4.4 has neither the tracepoint nor smaps_rollup; smaps takes its place."""
    import dataclasses

    host = dataclasses.replace(rssbound.read(HOST), kernel="4.4.0")
    found = {reading.interface.id: reading for reading in readings_of(host)}

    assert (found["trace"].accuracy.kind, found["trace"].error) == ("absent", None)
    assert found["trace"].accuracy.since == "5.5"
    assert (found["smaps_rollup"].accuracy.kind, found["stat"].instead) == (
        "exact",
        "smaps",
    )
    assert "memory.max_usage_in_bytes" in found["maxrss"].instead
    with pytest.raises(
        ScenarioError, match=r"trace: Linux 4\.4\.0 does not have it; it came with 5\.5"
    ):
        rssbound.tolerance(host, "trace")
    newer = {
        reading.interface.id: reading
        for reading in readings_of(dataclasses.replace(host, kernel="6.1"))
    }
    assert newer["stat"].instead == "smaps_rollup"
    newest = readings_of(dataclasses.replace(host, kernel="6.16"), None, ("stat",))
    assert newest[0].instead == "statm"
    assert newer["trace"].error == rssbound.Interval(66 * 16, 66)  # file, the worst counter


def test_the_error_is_that_of_the_kernels_design():
    """64 CPUs: percpu is off by (128 - 1) * 64 = 8,128 pages a counter; 6.1 by 66 * 16 a thread."""
    import dataclasses

    host = dataclasses.replace(rssbound.read(HOST), kernel="6.12.117")
    found = {reading.interface.id: reading.error for reading in readings_of(host)}

    assert found["stat"] == rssbound.Interval(3 * 8128, 3 * 8128)
    assert found["oom_badness"] == rssbound.Interval(4 * 8128, 4 * 8128)
    assert found["status"] == rssbound.Interval(0, 0)
    assert found["maxrss"] == found["hwm"] == rssbound.Interval(None, 3 * 8128)
    assert found["memory.current"] == rssbound.Interval(0, 64 * 64)
    assert found["memory.stat"] == rssbound.Interval(64 * 127, 64 * 127)
    old = dataclasses.replace(host, kernel="6.1.176")
    (statm,) = readings_of(old, rssbound.Scenario(threads=5), ("statm",))
    assert statm.error == rssbound.Interval(5 * 66 * 16, 5 * 66)


def test_a_tolerance_is_in_bytes():
    host = rssbound.read(HOST)

    assert rssbound.tolerance(host, "stat", "6.12.117") == rssbound.Tolerance(
        3 * 8128 * 4096, 3 * 8128 * 4096
    )
    assert rssbound.tolerance(host, "statm", "6.1.176", threads=2) == rssbound.Tolerance(
        2 * 66 * 16 * 4096, 2 * 66 * 4096
    )
    large = rssbound.Scenario(page_size=65536)
    assert rssbound.tolerance(host, "stat", "6.16.0", large).over == 3 * 8128 * 65536


@pytest.mark.parametrize(
    ("interface", "kernel", "fault"),
    [
        ("vmstat", "6.12.117", "interface: unknown 'vmstat'; known: status, statm"),
        ("stat", None, "kernel: the release of this machine is not known; give one"),
        ("stat", "linus", "give one, such as"),
        ("memory.stat", "5.16.1", "memory.stat: no bound is known for Linux 5.16.1: an update"),
    ],
)
def test_interfaces_without_a_tolerance(interface, kernel, fault):
    with pytest.raises(ScenarioError, match=fault):
        rssbound.tolerance(rssbound.read(HOST), interface, kernel)


def test_a_release_that_is_none_is_refused():
    with pytest.raises(ScenarioError, match="'newest' is not a kernel release such as"):
        accuracy_of(INTERFACES["stat"], "newest")


def test_a_reader_of_a_source_tree_counts_more_than_the_release():
    """6.1 reads statm cheaply; a tree with that release may have the fix."""
    location = Location("fs/proc/array.c", 3)
    source = KernelConstants(readers={"statm": ReaderFound("precise", location)})
    found = accuracy_on(INTERFACES["statm"], "6.1.100", source)

    assert (found.kind, found.guess, found.why) == ("precise", False, "fs/proc/array.c:3")
    assert accuracy_on(INTERFACES["stat"], "6.1.100", source).kind == "approximate"
