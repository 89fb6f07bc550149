"""After a measurement no reading is a guess: it is as measured, or the worse of both cases."""

import pytest

import rssbound
from rssbound import Interval, Topology
from rssbound.bounds.reading.accuracy import readings_of
from rssbound.bounds.reading.decided import decided
from rssbound.bounds.scenario.parameters import parameters_of
from rssbound.bounds.scenario.scenario import Scenario, resolve

OFF, AGREES = {"stat": False, "statm": False, "status": False}, {"statm": True, "status": True}


def after(release, designs, agrees, cpus=64):
    host = Topology(*[rssbound.CpuSet.first(cpus)] * 3, kernel=release)
    parameters = parameters_of(host, resolve(Scenario(), host))
    found = decided(readings_of(host), agrees, designs.split(), parameters)
    return {reading.interface.id: reading for reading in found}


RELEASES = [
    "5.14.0-427.el9.x86_64",
    "6.8.0-45-generic",
    "6.6.90",
    "6.18.1-custom",
    "7.1.0-1-default",
]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("agrees", [OFF, OFF | AGREES])
@pytest.mark.parametrize("design", ["percpu", "per-thread", "dual-mode", "percpu per-thread"])
def test_no_reading_of_rss_is_a_guess(release, agrees, design):
    of_rss = [each for each in after(release, design, agrees).values() if each.interface.counters]
    assert of_rss
    assert not any(reading.accuracy.guess for reading in of_rss)


@pytest.mark.parametrize("release", RELEASES)
def test_other_counters_are_as_before_the_measurement(release):
    host = Topology(*[rssbound.CpuSet.first(64)] * 3, kernel=release)
    before = {each.interface.id: each for each in readings_of(host)}
    found = after(release, "percpu", OFF)

    for counter in ("memory.stat", "memory.current", "vmstat.zone", "sockets"):
        assert found[counter] == before[counter]


def test_of_several_designs_each_side_is_the_largest_of_any():
    """8 CPUs, batch 32: percpu 3 x 31 x 8 on each side; per-thread 16 x 66 low, 66 high."""
    found = after("5.14.0-427.el9.x86_64", "percpu per-thread", OFF, cpus=8)

    assert found["stat"].error == Interval(16 * 66, 3 * 31 * 8)
    assert found["hwm"].error == Interval(None, 3 * 31 * 8)
    assert found["trace"].accuracy.kind == "approximate"


def test_files_that_agree_are_precise_and_others_are_not():
    """64 CPUs: 3 x 127 x 64 pages."""
    found = after("5.14.0-427.el9.x86_64", "percpu", OFF | AGREES)

    assert (found["statm"].accuracy.kind, found["statm"].error) == ("precise", Interval(0, 0))
    assert (found["stat"].accuracy.kind, found["stat"].error.under) == ("approximate", 24_384)
    assert found["hwm"].error == Interval(None, 24_384)  # a peak has no bound below
    assert (found["statm"].accuracy.since, found["stat"].instead) == ("here", "statm")


def test_a_measurement_corrects_the_release():
    found = after("6.18.1", "percpu", OFF)

    assert (found["statm"].accuracy.kind, found["statm"].error.under) == ("approximate", 24_384)
    assert found["stat"].instead == "smaps_rollup"


def test_stat_that_agrees_has_the_error_of_its_counters():
    """It has no precise form: it agreed because its slots were empty."""
    found = after("6.6.0-28.oe2403.x86_64", "percpu", {"stat": True, **AGREES})

    assert (found["stat"].accuracy.kind, found["stat"].error.under) == ("approximate", 24_384)


def test_unmeasured_files_are_assumed_to_be_approximate():
    found = after("7.1.0-1-default", "percpu", OFF | AGREES)

    assert found["oom_badness"].accuracy.kind == "approximate"
    assert found["oom_badness"].error.under == 4 * 127 * 64
    assert "cannot be measured" in found["oom_badness"].accuracy.why


def test_certain_facts_of_a_release_are_kept():
    found = after("6.16.0", "percpu", OFF | AGREES)

    assert found["oom_badness"].accuracy.why.startswith("before 5898aa8f9a0b")
    assert found["smaps_rollup"].accuracy.kind == "exact"
    assert found["memory.current"].accuracy.why.startswith(
        "stocks"
    )  # gives no information about it


@pytest.mark.parametrize(("design", "kind"), [("percpu", "precise"), ("per-thread", "approximate")])
def test_the_tracepoint_is_precise_with_per_cpu_counters(design, kind):
    assert after("5.14.0-427.el9.x86_64", design, OFF)["trace"].accuracy.kind == kind


def test_a_file_that_was_not_compared_and_has_no_fix_follows_the_release():
    stat = after("6.8.0-45-generic", "percpu", {})["stat"]

    assert (stat.accuracy.kind, stat.error) == ("approximate", Interval(24_384, 24_384))
    assert stat.accuracy.why.endswith(", by the release")


def test_what_a_kernel_does_not_have_has_no_error():
    trace = after("4.19.100", "per-thread", OFF)["trace"]

    assert (trace.accuracy.kind, trace.error) == ("absent", None)
