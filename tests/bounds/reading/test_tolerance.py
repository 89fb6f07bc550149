"""Tolerances of a reading, of a change, and of one file against another."""

import dataclasses
from itertools import product

import pytest

import rssbound
from rssbound.bounds.reading.accuracy import readings_of
from rssbound.bounds.reading.tolerance import ASSUMPTIONS
from rssbound.bounds.scenario.beside import Beside
from rssbound.bounds.scenario.process_size import ProcessSize, SizeRange
from rssbound.errors import ScenarioError
from rssbound.topology.cpuset import CpuSet

HOST = rssbound.read("package:2 core:32 pu:1")
FILES = ("status", "statm", "stat", "hwm", "maxrss", "smaps_rollup")
UNDER = OVER = 3 * 8128
"""64 CPUs, three counters, (2 * 64 - 1) pages on each: percpu."""


def pages(file, kernel, **question):
    found = rssbound.tolerance(HOST, file, kernel, **question).pages
    return found.under, found.over


def read_by_the_kernel(precise_files, truth, residual, hiwater, before_exec):
    """Give the value of every file, as task_mem, do_task_stat, getrusage and walks compute it."""
    cheap, walked = truth - residual, truth
    shown = walked if precise_files else cheap
    return {
        "status": shown,
        "statm": shown,
        "stat": cheap,
        "hwm": max(shown, hiwater),
        "maxrss": max(before_exec, hiwater, cheap),
        "smaps_rollup": walked,
    }


def largest_differences(precise_files, under, over, most):
    """Visit all states; a side that grows with the remembered peaks has no bound."""
    states = [
        read_by_the_kernel(precise_files, 100, residual, hiwater, before_exec)
        for residual in (under, 0, -over)
        for hiwater, before_exec in product((0, 100, most, 2 * most), repeat=2)
    ]
    found = {}
    for file, other in product(FILES, repeat=2):
        offs = [read[file] - read[other] for read in states]
        sides = (max(0, -min(offs)), max(0, *offs))
        found[file, other] = tuple(None if side >= most - 200 else side for side in sides)
    return found


@pytest.mark.parametrize(
    ("kernel", "precise_files", "under", "over"),
    [
        ("6.12.117", True, UNDER, OVER),
        ("6.16.0", True, UNDER, OVER),
        ("6.12.20", False, UNDER, OVER),
        ("6.1.176", False, 66 * 16, 66),
    ],
)
def test_bounds_of_pairs_equal_those_of_the_kernels_readers(kernel, precise_files, under, over):
    """Residuals at their extremes and peaks of any size, with small values for under and over."""
    small = {under: 7, over: 7 if over == under else 3, 0: 0, None: None}
    expected = largest_differences(precise_files, small[under], small[over], most=10_000)

    for file, other in product(FILES, repeat=2):
        found = pages(file, kernel, against=other)
        assert tuple(small[side] for side in found) == expected[file, other], (file, other)


@pytest.mark.parametrize(
    ("file", "other", "expected"),
    [
        ("stat", "statm", (UNDER, OVER)),
        ("maxrss", "statm", (UNDER, None)),
        ("hwm", "status", (0, None)),
        ("status", "hwm", (None, 0)),
        ("hwm", "maxrss", (None, UNDER)),
        ("status", "statm", (0, 0)),
    ],
)
def test_pairs_in_figures(file, other, expected):
    assert pages(file, "6.12.117", against=other) == expected


def test_the_error_of_a_small_process_is_at_most_its_size():
    """Ten pages: a reading of stat lacks at most these, and the earlier peak can be anything."""
    ten = SizeRange(0, 10 * 4096)
    small = rssbound.Scenario(rss=ProcessSize(total=ten))

    assert pages("stat", "6.12.117", scenario=small) == (10, OVER)
    assert pages("stat", "6.12.117", scenario=small, change=True) == (10 + OVER, 10 + OVER)
    assert pages("maxrss", "6.12.117", scenario=small, against="statm") == (10, None)
    assert pages("statm", "6.12.117", scenario=small, against="stat") == (OVER, 10)
    alone = pages("maxrss", "6.12.117", scenario=small, assume=ASSUMPTIONS[0])
    assert alone == (UNDER, OVER)


def test_a_guessed_kernel_covers_both_cases():
    """6.6.90 may have the fix of status and statm; if so, both have it."""
    assert pages("stat", "6.6.90", against="statm") == (UNDER, OVER)
    assert pages("statm", "6.6.90", against="smaps_rollup") == (UNDER, OVER)
    assert pages("statm", "6.6.90", against="status") == (0, 0)
    assert pages("maxrss", "6.6.90", against="stat") == (0, None)
    assert rssbound.tolerance(HOST, "stat", "6.6.90", against="statm").guess
    assert not rssbound.tolerance(HOST, "stat", "6.12.117", against="statm").guess


@pytest.mark.parametrize(
    ("file", "kernel", "both"),
    [
        ("stat", "6.12.117", UNDER + OVER),
        ("statm", "6.12.117", 0),
        ("statm", "6.1.176", 66 * 16 + 66),
        ("smaps_rollup", "6.1.176", 0),
    ],
)
def test_a_change_is_off_by_the_sum_of_both_sides(file, kernel, both):
    assert pages(file, kernel, change=True) == (both, both)


@pytest.mark.parametrize("file", ["hwm", "maxrss"])
@pytest.mark.parametrize("change", [False, True])
def test_a_peak_has_no_bound_below(file, change):
    with pytest.raises(ScenarioError, match=r"too low by any amount; read memory\.peak of a") as e:
        rssbound.tolerance(HOST, file, "6.12.117", change=change)
    assert "the largest of your own samples of statm" in str(e.value)
    assert ASSUMPTIONS[0] in str(e.value)


def test_a_peak_of_one_thread_without_huge_pages_has_a_bound_below():
    alone = {"assume": "single-threaded, no huge pages"}

    assert pages("maxrss", "6.12.117", **alone) == (UNDER, OVER)
    assert pages("hwm", "6.1.176", **alone) == (66 * 16, 66)
    assert pages("hwm", "6.12.117", change=True, **alone) == (UNDER + OVER, UNDER + OVER)


@pytest.mark.parametrize(
    ("question", "fault"),
    [
        ({"interface": "maxrss", "assume": "luck"}, "'luck' is not one of \"single-threaded"),
        ({"interface": "stat", "assume": ASSUMPTIONS[0]}, "stat is not a peak; leave it out"),
        ({"interface": "hwm", "assume": ASSUMPTIONS[0], "threads": 2}, "has 2 threads"),
        ({"interface": "hwm", "assume": ASSUMPTIONS[0], "against": "stat"}, "two files at one"),
        ({"interface": "stat", "change": True, "against": "statm"}, "leave change and assume out"),
        ({"interface": "stat", "against": "oom_badness"}, "oom_badness: is not a sum of RSS"),
        (
            {"interface": "memory.current", "against": "stat"},
            "memory.current: is not a sum of RSS counters",
        ),
        ({"interface": "stat", "against": "vmstat"}, "interface: unknown 'vmstat'"),
    ],
)
def test_impossible_questions_are_refused(question, fault):
    with pytest.raises(ScenarioError, match=fault):
        rssbound.tolerance(HOST, kernel="6.12.117", **question)


def test_pages_follow_the_page_size():
    large = rssbound.Scenario(page_size=65536)
    found = rssbound.tolerance(HOST, "maxrss", "6.16.0", large, against="statm")

    assert (found.under, found.over) == (UNDER * 65536, None)
    assert found.pages == rssbound.Interval(UNDER, None)


def test_conditions_of_a_tolerance_are_printed_with_it():
    split = rssbound.tolerance(HOST, "statm", "6.1.176")
    assert [text.partition(":")[0] for text in split.caveats] == ["per-thread"]
    assert "vm_insert_page" in split.caveats[0]
    assert rssbound.tolerance(HOST, "smaps_rollup", "6.1.176").caveats == ()
    assert rssbound.tolerance(HOST, "stat", "6.12.117").caveats == ()


def test_a_tolerance_without_a_bound_is_an_error():
    host = dataclasses.replace(HOST, kernel="6.18.1")
    several = rssbound.Scenario(beside=Beside(cgroups=2))
    with pytest.raises(
        ScenarioError, match="or for cgroups with children; read the same file after the next flush"
    ):
        rssbound.tolerance(host, "memory.stat", scenario=several)

    lost = rssbound.Scenario(max_online=len(HOST.possible))
    host = dataclasses.replace(HOST, kernel="5.10.1", online=CpuSet.of(list(HOST.online)[1:]))
    with pytest.raises(
        ScenarioError, match=r"once a CPU has gone offline; read memory\.current for the sum"
    ):
        rssbound.tolerance(host, "memory.stat", scenario=lost)


@pytest.mark.parametrize(
    ("interface", "release"),
    [
        ("memory.stat", "5.15.0-91-generic"),
        ("memory.stat", "5.15"),
        ("memory.stat", "5.15.0-1051-aws"),
        ("memory.stat", "5.15.0-207.156.6.el8uek.x86_64"),
        ("memory.stat", "5.14.21-150500.55.7-default"),
        ("memory.stat", "5.15.0-2-amd64"),
        ("memory.stat", "5.14.0-427.13.1.el9_4.x86_64"),
        ("sockets", "5.14.0-427.13.1.el9_4.x86_64"),
    ],
)
def test_no_distributions_kernel_is_exact_by_its_release_alone(interface, release):
    """Ubuntu's 5.15.0-91 is built from 5.15.131, where reads flush above a threshold."""
    with pytest.raises(ScenarioError, match="this one may have later changes"):
        rssbound.tolerance(HOST, interface, release)


def test_files_that_add_up_all_cpus_have_no_error():
    for interface, kernel in (
        ("memory.stat", "5.15.17"),
        ("memory.stat", "5.15.0"),
        ("sockets", "5.10.1"),
        ("sockets", "5.10.0-23-amd64"),
        ("sockets", "4.19.325"),
        ("sockets", "5.4.286"),
    ):
        found = rssbound.tolerance(HOST, interface, kernel)
        assert (found.under, found.over) == (0, 0)
        (reading,) = readings_of(dataclasses.replace(HOST, kernel=kernel), ids=(interface,))
        assert (reading.accuracy.kind, reading.instead) == ("precise", "-")


@pytest.mark.parametrize("change", [False, True])
def test_a_counter_without_a_bound_has_no_tolerance(change):
    overlapping = rssbound.Scenario(in_flight=1)
    with pytest.raises(ScenarioError, match="no bound in pages while a flush overlaps updates"):
        rssbound.tolerance(HOST, "memory.stat", "6.12.1", overlapping, change=change)


@pytest.mark.parametrize("file", ["memory.current", "memory.stat", "vmstat.zone", "sockets"])
def test_a_counter_beside_rss_has_no_tolerance_on_a_release_that_was_not_read(file):
    for question in ({}, {"change": True}):
        with pytest.raises(ScenarioError) as error:
            rssbound.tolerance(HOST, file, "3.10.0", **question)

        assert str(error.value) == (
            f"{file}: no bound is known for Linux 3.10.0: the source of this release was not read"
        )


@pytest.mark.parametrize("kernel", ["6.0", "6.1", "6.1.50", "6.1.89", "6.5.13", "6.6.29", "6.8.8"])
def test_sockets_have_no_bound_before_updates_were_one_step(kernel):
    with pytest.raises(ScenarioError, match="a softirq between the two steps of an update"):
        rssbound.tolerance(HOST, "sockets", kernel)


@pytest.mark.parametrize("kernel", ["6.1.90", "6.1.176", "6.6.30", "6.8.9", "6.9", "7.2"])
def test_sockets_have_a_bound_since(kernel):
    assert pages("sockets", kernel) == (64 * 255, 64 * 255)


def test_a_softirq_between_two_steps_leaves_more_than_a_reserve():
    """The update of 6.0: the result of the addition is subtracted, whatever a softirq has moved."""

    def update(state, amount, softirq=None):
        reserve, counter = state
        result = reserve + amount
        state = (result, counter)
        if (result >= 256) if amount > 0 else (result <= -256):
            if softirq is not None:
                state = update(state, softirq)
            state = (state[0] - result, state[1] + result)
        return state

    reserve, counter = update((255, 0), 10, softirq=1)

    assert reserve + counter == 255 + 10 + 1  # nothing is lost on one CPU
    assert reserve == -265  # but more than 255 is kept


@pytest.mark.parametrize("kernel", ["5.13", "5.13.19", "5.14.21", "5.14.0-427.13.1.el9_4.x86_64"])
def test_items_of_a_node_are_not_exact_as_those_of_memory_stat_are(kernel):
    with pytest.raises(
        ScenarioError, match=r"^memory\.numa_stat: .* batches of the items of a node"
    ):
        rssbound.tolerance(HOST, "memory.numa_stat", kernel)


def test_items_of_a_node_share_the_bound_of_memory_stat_in_other_releases():
    for kernel in ("5.12.1", "5.15.17", "6.1.176", "6.12.117"):
        assert pages("memory.numa_stat", kernel) == pages("memory.stat", kernel)


@pytest.mark.parametrize(
    ("kernel", "leaves"), [("4.16.1", False), ("4.19.325", False), ("5.2.21", True), ("5.3", False)]
)
def test_only_5_2_leaves_the_batches_of_removed_cgroups_behind(kernel, leaves):
    with pytest.raises(ScenarioError, match="CPUs keep batches of 32 pages") as error:
        rssbound.tolerance(HOST, "memory.stat", kernel)
    assert ("removed leave theirs behind" in str(error.value)) == leaves


@pytest.mark.parametrize(
    ("kernel", "per_cpu"),
    [("6.6.116", 191), ("6.6.117", 127), ("6.6.140", 127), ("6.7.12", 191), ("6.5.13", 191)],
)
def test_memory_stat_of_6_6_changed_in_a_stable_release(kernel, per_cpu):
    found = rssbound.tolerance(HOST, "memory.stat", kernel)

    assert (found.pages.under, found.pages.over) == (64 * per_cpu, 64 * per_cpu)
    together = any("sum over all cgroups" in text for text in found.caveats)
    assert together == (per_cpu == 191)


@pytest.mark.parametrize("kernel", ["5.14.21", "5.15.18", "6.1.176", "6.12.117", "7.2"])
def test_the_object_stock_keeps_an_object_of_any_size(kernel):
    """The cache kvm_vcpu has objects of 51,488 bytes, and they are charged to cgroups."""
    text = " ".join(rssbound.tolerance(HOST, "memory.stat", kernel).caveats)

    assert "one accounted object of any size" in text
    assert "8,200" not in text


def test_some_items_of_nodes_counted_huge_pages():
    found = rssbound.tolerance(HOST, "vmstat.node", "5.10.223")

    assert any("AnonHugePages" in text and "huge pages" in text for text in found.caveats)
