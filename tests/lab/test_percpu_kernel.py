"""Linux 6.12 counts RSS with percpu_counter: field 24 of stat is off by the bound, to the page.

The residuals of the other counters are the same before and after, and are subtracted:
`error_stat_by_updates`. It is below one batch, because one CPU ran all that came before.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from machine import compiled, console_of, values_of
from obtain import Missing

import rssbound
from rssbound.bounds.counter.counters import METRICS
from rssbound.bounds.proof.witness import witness_of
from rssbound.bounds.proof.witness_run import run_from
from rssbound.bounds.vendors import design_on
from rssbound.topology import CpuSet

ARGUMENTS = Path(__file__).parents[1] / "support" / "exec_arguments.c"

SIDES = {"under": 1, "over": -1}


def bound_of(boot, folder, **scenario):
    """Give the bound of one counter on the machine that the guest's sysfs describes."""
    archive = folder / "guest.tar.gz"
    archive.write_bytes(boot.topology_archive(folder / "guest"))
    (result,) = rssbound.analyze(
        rssbound.read(str(archive)), rssbound.Scenario(**scenario), designs=["percpu"]
    )
    return result.counters["anon"]


def measured(run):
    """Give the pages by which the updates made field 24 too low; checks all other values."""
    assert run.status == 0
    assert run["emptied"] == run["settled"] == 1
    for file in ("statm", "status", "status_anon", "status_file_and_shmem"):
        assert (run[f"start_error_{file}"], run[f"error_{file}"]) == (0, 0), file
    for counter in ("rssfile", "rssshmem", "vmswap"):
        assert run[f"start_status_{counter}"] == run[f"status_{counter}"]
    assert 0 <= run["start_error_stat"] < 3 * run["batch"]
    return run["error_stat_by_updates"]


@pytest.fixture(scope="module")
def four(booted, source):
    """4 CPUs: both sides on all, on two, on two with others on the rest, on three without one."""
    own = {"cpus": CpuSet.of([1, 3]), "updaters": "own"}
    others = {"cpus": CpuSet.of([1, 3]), "updaters": "all"}
    programs = {
        "under": source("core:4 pu:1", "percpu", "under"),
        "over": source("core:4 pu:1", "percpu", "over"),
        "under-own": source("core:4 pu:1", "percpu", "under", **own),
        "over-own": source("core:4 pu:1", "percpu", "over", **own),
        "under-others": source("core:4 pu:1", "percpu", "under", metric="rss", **others),
        "over-others": source("core:4 pu:1", "percpu", "over", metric="rss", **others),
        "under-rss": source("core:4 pu:1", "percpu", "under", metric="rss"),
        "over-rss": source("core:4 pu:1", "percpu", "over", metric="rss"),
        "under-file": source("core:4 pu:1", "percpu", "under", counters=("file",)),
        "over-shmem": source("core:4 pu:1", "percpu", "over", counters=("shmem",)),
        "arguments": ARGUMENTS.read_text(),
        "under-three": source("core:3 pu:1", "percpu", "under"),
    }
    whole = [f"run {name}" for name in programs if name != "under-three"]
    steps = ("topology", *whole, "offline 3", "run under-three")
    return booted("6.12", "4", steps, tuple(programs.items()))


@pytest.mark.lab
@pytest.mark.parametrize("side", SIDES)
def test_stat_of_four_cpus_is_off_by_the_bound(four, side, tmp_path):
    run = four.runs[side]

    assert run["kernel"].startswith("6.12.")
    assert measured(run) == SIDES[side] * 124
    assert getattr(bound_of(four, tmp_path), side) == run["bound"] == 124


@pytest.mark.lab
@pytest.mark.parametrize("side", SIDES)
def test_without_updates_by_others_only_own_cpus_hold_pages(four, side, tmp_path):
    run = four.runs[f"{side}-own"]
    own = bound_of(four, tmp_path, cpus=CpuSet.of([1, 3]), updaters="own")

    assert run["foreign_updates"] == 0
    assert measured(run) == SIDES[side] * 62
    assert getattr(own, side) == 62


@pytest.mark.lab
@pytest.mark.parametrize("side", SIDES)
def test_updates_by_others_reach_the_bound_of_all_cpus(four, side, tmp_path):
    """The process never leaves CPUs 1 and 3; another one faults in and truncates on 0 and 2."""
    run = four.runs[f"{side}-others"]
    two = CpuSet.of([1, 3])
    alone, guaranteed = (
        3 * getattr(bound_of(four, tmp_path, cpus=two, updaters=who), side)
        for who in ("own", "all")
    )

    assert (run.status, run["emptied"], run["settled"], run["counters"]) == (0, 1, 1, 3)
    assert (run["foreign_updates"], run["start_error_stat"]) == (1, 0)
    assert SIDES[side] * run["error_stat"] == run["bound"] == guaranteed == 372
    assert guaranteed > alone == 186
    for file in ("statm", "status", "status_anon", "status_file_and_shmem"):
        assert run[f"error_{file}"] == 0, file


@pytest.mark.lab
@pytest.mark.parametrize("side", SIDES)
def test_all_counters_of_rss_at_their_bounds_add_up_in_stat(four, side):
    run = four.runs[f"{side}-rss"]

    assert (run.status, run["emptied"], run["settled"], run["counters"]) == (0, 1, 1, 3)
    assert (run["start_error_stat"], run["error_stat"]) == (0, SIDES[side] * 372)
    assert run["bound"] == 372
    for file in ("statm", "status", "status_anon", "status_file_and_shmem"):
        assert run[f"error_{file}"] == 0, file
    for counter in ("anon", "file", "shmem"):
        key = f"status_rss{counter}"
        assert run[key] > run[f"start_{key}"], counter


@pytest.mark.lab
@pytest.mark.parametrize(
    ("name", "metric", "counters", "cpus"),
    [
        ("under", "counter", ("anon",), "0-3"),
        ("under-file", "counter", ("file",), "0-3"),
        ("over-shmem", "counter", ("shmem",), "0-3"),
        ("over-rss", "rss", METRICS["rss"], "0-3"),
        ("under-others", "rss", METRICS["rss"], "1,3"),
    ],
)
def test_witness_run_reports_the_expected_result(four, name, metric, counters, cpus):
    """The guest has neither an interpreter nor a compiler, so the program is built outside."""
    values = four.runs[name].values
    scenario = rssbound.Scenario(cpus=CpuSet.parse(cpus))
    side = name.partition("-")[0]
    witness = witness_of(rssbound.read("core:4 pu:1"), "percpu", side, scenario, metric=metric)
    kernel = values["kernel"]
    run = run_from(values, witness, counters, kernel, design_on(kernel))

    assert run.clean
    assert run.measured == run.bound == 124 * len(counters)
    for file, found in run.files.items():
        assert found.measured == found.expected, file


@pytest.mark.lab
def test_precise_files_have_the_arguments_of_an_exec_and_the_page_tables_do_not(four):
    run = four.runs["arguments"]

    assert run.status == 0
    assert run["held_status_rssanon"] - run["held_precise_anon"] == 1536
    assert run["held_status_vmrss"] - run["held_precise_rss"] == 1536
    assert run["held_statm"] - run["held_precise_rss"] == 1536
    assert abs(run["held_stat"] - run["held_precise_rss"] - 1536) <= 372
    assert run["after_status_vmrss"] == run["after_precise_rss"]


@pytest.mark.lab
def test_a_cpu_that_is_offline_holds_nothing(four):
    run = four.runs["under-three"]

    assert run["cpus_online"] == 3
    assert measured(run) == run["bound"] == 93


@pytest.mark.lab
def test_a_witness_runs_as_process_1_and_powers_off(source):
    try:
        init = compiled(source("core:2 pu:1", "percpu", "under"))
        values = values_of(console_of("6.12", "2", {"init": init}))
    except Missing as reason:
        pytest.skip(str(reason))

    assert values["error_stat_by_updates"] == values["bound"] == 62


LARGE = {
    "16": ("core:16 pu:1", 496, ()),
    "24,sockets=2,cores=6,threads=2": ("package:2 core:6 pu:2", 47 * 24, ()),
    "16,sockets=4,cores=2,threads=2": (
        "package:4 core:2 pu:2",
        496,
        tuple(
            word
            for node in range(4)
            for word in (
                *("-object", f"memory-backend-ram,id=m{node},size=256M"),
                *("-numa", f"node,memdev=m{node},cpus={4 * node}-{4 * node + 3}"),
            )
        ),
    ),
    "64": ("core:64 pu:1", 8128, ()),
}


WITH_OTHERS = [cpus for cpus in LARGE if cpus != "64"]
"""Each page that is truncated interrupts all CPUs, which takes emulation very long where they are
many."""


def large_machine(booted, source, cpus):
    """Boot a machine: both sides on all CPUs, and of a process that stays on the last one."""
    topology, _, options = LARGE[cpus]
    last = CpuSet.of([rssbound.read(topology).nr_cpu_ids - 1])
    programs = {
        name: source(topology, "percpu", side, metric, **scenario)
        for side in SIDES
        for name, metric, scenario in (
            (side, "counter", {}),
            (f"{side}-others", "rss", {"cpus": last, "updaters": "all"}),
        )
        if name == side or cpus in WITH_OTHERS
    }
    steps = ("topology", *(f"run {name}" for name in programs))
    return booted("6.12", cpus, steps, tuple(programs.items()), options, seconds=1800)


@pytest.mark.lab_long
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("cpus", WITH_OTHERS)
def test_updates_by_others_on_all_other_cpus_reach_the_bound(booted, source, cpus, side):
    run = large_machine(booted, source, cpus).runs[f"{side}-others"]
    _, bound, _ = LARGE[cpus]

    assert (run.status, run["emptied"], run["settled"], run["foreign_updates"]) == (0, 1, 1, 1)
    assert SIDES[side] * run["error_stat"] == run["bound"] == 3 * bound


@pytest.mark.lab_long
@pytest.mark.parametrize("cpus", LARGE)
def test_stat_of_a_larger_machine_is_off_by_the_bound(booted, source, cpus, tmp_path):
    _, bound, _ = LARGE[cpus]
    machine = large_machine(booted, source, cpus)
    interval = bound_of(machine, tmp_path)

    assert (interval.under, interval.over) == (bound, bound)
    assert {side: measured(machine.runs[side]) for side in SIDES} == {
        "under": bound,
        "over": -bound,
    }
