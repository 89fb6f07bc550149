"""Linux 6.1 counts RSS in each thread: 66 faults of every thread are missing, to the page.

`stat`, `statm` and `status` all read the process's own counters. smaps separates anonymous pages
from pages of files, so both sides of one counter can be measured.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import rssbound
from rssbound.bounds.proof.witness import witness_of
from rssbound.bounds.proof.witness_run import run_from
from rssbound.bounds.vendors import design_on
from rssbound.cli.render.code.witness import program

ARGUMENTS = Path(__file__).parents[1] / "support" / "exec_arguments.c"

ONE, FIVE = 1, 5
NO_FAULT_AROUND = {"fault_around_bytes": 0}
FILES = ("stat", "statm", "status")
OF_OTHERS, OF_ITSELF = 31, 20  # fewer than 66 faults: the thread does not sync
STARTS = (*FILES, "status_anon", "status_file_and_shmem")


@pytest.fixture(scope="module")
def split(booted, source):
    """A machine of 4 CPUs, with one thread and with five."""
    programs = {}
    for threads in (ONE, FIVE):
        given = ("core:4 pu:1", "per-thread")
        programs[f"anon-{threads}"] = source(*given, "under", threads=threads, **NO_FAULT_AROUND)
        programs[f"file-{threads}"] = source(*given, "under", threads=threads)
        programs[f"copies-{threads}"] = source(*given, "over", threads=threads)
    of_others = [(cpu, OF_OTHERS) for cpu in (1, 2, 3)]
    own = (0, OF_ITSELF)
    given = ("per-thread", "under", [own, *of_others], OF_ITSELF, 64)
    programs["others-alone"] = program(*given[:2], of_others, *given[3:], own_cpus=[0])
    programs["others-after"] = program(*given, own_cpus=[0])
    programs["others-take"] = program(
        *("per-thread", "over", [*of_others, own, *((cpu, -pages) for cpu, pages in of_others)]),
        *given[3:],
        own_cpus=[0],
    )
    programs["arguments"] = ARGUMENTS.read_text()
    steps = ("topology", *(f"run {name}" for name in programs))
    return booted("6.1", "4,maxcpus=12", steps, tuple(programs.items()))


def run_of(split, name):
    """Give a run that began with empty slots."""
    run = split.runs[name]
    assert run.status == 0
    assert run["settled"] == 1
    assert run["kernel"].startswith("6.1.")
    assert {run[f"start_error_{file}"] for file in STARTS} == {0}
    return run


def bound_of(split, folder, threads, counter, side, **scenario):
    archive = folder / "guest.tar.gz"
    archive.write_bytes(split.topology_archive(folder / "guest"))
    (result,) = rssbound.analyze(
        rssbound.read(str(archive)),
        rssbound.Scenario(threads=threads, **scenario),
        designs=["per-thread"],
    )
    return getattr(result.counters[counter], side)


@pytest.mark.lab
@pytest.mark.parametrize("threads", [ONE, FIVE])
def test_66_anonymous_pages_of_each_thread_are_missing(split, threads, tmp_path):
    run = run_of(split, f"anon-{threads}")

    assert {run[f"error_{file}"] for file in FILES} == {66 * threads}
    assert run["error_status_anon"] == 66 * threads
    assert run["error_status_file_and_shmem"] == 0
    assert bound_of(split, tmp_path, threads, "anon", "under") == run["bound"] == 66 * threads


@pytest.mark.lab
@pytest.mark.parametrize("threads", [ONE, FIVE])
def test_66_file_faults_of_each_thread_miss_16_times_as_many_pages(split, threads, tmp_path):
    run = run_of(split, f"file-{threads}")

    assert {run[f"error_{file}"] for file in FILES} == {66 * 16 * threads}
    assert run["error_status_anon"] == 0
    assert run["status_rssfile"] - run["start_status_rssfile"] == 65 * 16 * threads  # synced
    assert bound_of(split, tmp_path, threads, "file", "under") == run["bound"] == 1056 * threads


@pytest.mark.lab
@pytest.mark.parametrize("threads", [ONE, FIVE])
def test_66_copies_on_write_of_each_thread_are_still_counted_as_file(split, threads, tmp_path):
    run = run_of(split, f"copies-{threads}")

    assert run["error_status_file_and_shmem"] == -66 * threads
    assert run["error_status_anon"] == 66 * threads  # the same faults: they cancel in the sum
    assert {run[f"error_{file}"] for file in FILES} == {0}
    assert bound_of(split, tmp_path, threads, "file", "over") == run["bound"] == 66 * threads


@pytest.mark.lab
@pytest.mark.parametrize("threads", [ONE, FIVE])
@pytest.mark.parametrize(
    ("name", "side", "options"),
    [("anon", "under", NO_FAULT_AROUND), ("file", "under", {}), ("copies", "over", {})],
)
def test_witness_run_reports_the_expected_result(split, name, side, options, threads):
    values = run_of(split, f"{name}-{threads}").values
    scenario = rssbound.Scenario(threads=threads, **options)
    witness = witness_of(rssbound.read("core:4 pu:1"), "per-thread", side, scenario)
    kernel = values["kernel"]
    run = run_from(values, witness, witness.counters, kernel, design_on(kernel))

    assert run.clean
    assert run.measured == run.bound == values["bound"]
    for file, found in run.files.items():
        assert found.measured == found.expected, file


@pytest.mark.lab
@pytest.mark.parametrize(
    ("name", "itself", "others"),
    [
        ("others-alone", 0, 3 * OF_OTHERS),
        ("others-after", OF_ITSELF, 3 * OF_OTHERS),
        ("others-take", OF_ITSELF, 0),
    ],
)
def test_updates_of_others_are_counted_at_once(split, name, itself, others):
    """Another process faults in and truncates pages of this one; they are in no thread's slot."""
    run = split.runs[name]

    assert (run.status, run["settled"], run["foreign_updates"]) == (0, 1, 1)
    assert run["error_stat_by_updates"] == itself
    assert run["status_rssanon"] - run["start_status_rssanon"] == others
    assert run["precise_anon"] - run["start_precise_anon"] == itself + others


@pytest.mark.lab
def test_the_arguments_of_an_exec_are_counted_for_the_process_that_spawns(split):
    """At once, in all files; the slot of the spawning thread does not change meanwhile."""
    run = split.runs["arguments"]
    cached = run["held_precise_anon"] - (run["held_status_rssanon"] - 1536)

    assert run.status == 0
    assert 0 <= cached <= 66
    for file in ("stat", "statm", "status_vmrss"):
        assert run[f"held_{file}"] - run[f"after_{file}"] == 1536, file


@pytest.mark.lab
def test_cpus_that_may_be_added_are_possible_but_not_online(split):
    lists = {name: split.sysfs[f"sys/devices/system/cpu/{name}"] for name in ("possible", "online")}

    assert lists == {"possible": "0-11", "online": "0-3"}
