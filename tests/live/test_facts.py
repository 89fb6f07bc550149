"""Which file is precise on a kernel, and the bounds of its processes."""

from dataclasses import replace

import pytest

import rssbound
from rssbound import CpuSet, Scenario
from rssbound.errors import InputError
from rssbound.live.facts import Bounds, facts_of

HOST = rssbound.read("package:2 core:4 pu:1")


def facts_on(release, measured=None):
    def measure():
        if measured is None:
            pytest.fail("there was nothing to measure")
        return measured[0]

    return facts_of(replace(HOST, kernel=release), Scenario(), measure)


@pytest.mark.parametrize(
    ("release", "design", "precise"),
    [
        ("6.18.1", "percpu", "statm"),
        ("6.12.117", "percpu", "statm"),
        ("6.12.9", "percpu", "smaps_rollup"),
        ("6.1.176", "per-thread", "smaps_rollup"),
        ("4.9.337", "per-thread", "smaps"),
    ],
)
def test_the_precise_file_follows_the_release(release, design, precise):
    found = facts_on(release)

    assert (found.design, found.guess, found.precise) == (design, False, precise)
    assert found.walks is (precise != "statm")
    assert found.page_size == 4096


@pytest.mark.parametrize(
    ("measured", "precise"), [(True, "statm"), (False, "smaps_rollup"), (None, "smaps_rollup")]
)
def test_a_vendors_kernel_is_measured(measured, precise):
    found = facts_on("6.18.44-vendor-1", (measured,))

    assert (found.guess, found.precise) == (True, precise)
    assert "does not say" in found.why


def test_a_kernel_of_two_candidates_names_both():
    assert facts_on("5.14.0-503.el9.x86_64", (False,)).design == "percpu or per-thread"


def test_a_machine_without_a_kernel():
    with pytest.raises(InputError, match="is not a release"):
        facts_of(replace(HOST, kernel=None), Scenario(), lambda: True)


def test_bounds_are_those_of_a_reading_of_stat():
    percpu = Bounds(replace(HOST, kernel="6.18.1"), Scenario())
    threads = Bounds(replace(HOST, kernel="6.1.176"), Scenario())
    cpus = CpuSet.parse("0-1")

    # 3 counters of 8 CPUs with 31 pages each; 66 faults of 16 pages for each thread
    assert percpu.of(5, cpus) == rssbound.Interval(3 * 8 * 31, 3 * 8 * 31)
    assert threads.of(5, cpus) == rssbound.Interval(66 * 16 * 5, 66 * 5)


def test_bounds_of_own_updates_are_those_of_the_process_cpus():
    own = Bounds(replace(HOST, kernel="6.18.1"), Scenario(updaters="own"))

    assert own.of(1, CpuSet.parse("0-1")) == rssbound.Interval(3 * 2 * 31, 3 * 2 * 31)
    assert own.of(1, CpuSet()) == own.of(1, HOST.online)  # where no CPUs could be read
    assert own.of(1, CpuSet.parse("0,99")) == rssbound.Interval(93, 93)


def test_bounds_are_cached_up_to_a_limit(monkeypatch):
    bounds = Bounds(replace(HOST, kernel="6.1.176"), Scenario())
    made = []
    make = bounds._made
    monkeypatch.setattr(bounds, "_made", lambda *key: made.append(key) or make(*key))
    monkeypatch.setattr(bounds, "MOST_KEPT", 3)
    for _ in range(2):
        bounds.of(1, HOST.online)
    assert len(made) == 1
    for threads in range(2, 9):
        bounds.of(threads, HOST.online)

    assert len(bounds._kept) <= 3


def test_bounds_follow_cpus_that_go_offline_and_come_back():
    """max(32, 2 * most online) - 1 pages on each CPU that is online, by lib/percpu_counter.c."""
    whole = replace(rssbound.read("core:64 pu:1"), kernel="6.18.1")
    half = replace(whole, online=CpuSet.first(32))
    bounds = Bounds(whole, Scenario())
    assert bounds.of(1, whole.online).under == 3 * 64 * 127
    bounds.renew(half)
    assert (
        bounds.of(1, whole.online).under == 3 * 32 * 127
    )  # residuals of the old batch can still exist
    bounds.renew(whole)
    assert bounds.of(1, whole.online).under == 3 * 64 * 127
