"""A witness as a C program: its macros, and its results on the running kernel."""

import os
import re
import shutil
import subprocess
from dataclasses import replace

import pytest

import rssbound
from rssbound.bounds.counter.design import version_of
from rssbound.bounds.proof.witness import witness_of
from rssbound.bounds.vendors import design_of_version
from rssbound.cli.render.code.witness import program, program_of

COMPILER = shutil.which("cc") or shutil.which("gcc")

MOST_PAGES = 1 << 17
"""Half a GiB, which a machine with 250 CPUs needs."""

PROGRAMS = {
    "percpu": program("percpu", "over", [(0, 64), (0, -31), (1, -31)], 62, 32),
    "percpu, one CPU foreign": program(
        "percpu", "over", [(0, 64), (0, -31), (1, -31)], 62, 32, own_cpus=[0]
    ),
    "anonymous faults": program("per-thread", "under", [(0, 1), (3, 1)], 2, 64, threads=True),
    "file faults": program(
        "per-thread", "over", [(0, 16), (0, -1), (1, 16), (1, -1)], 2, 64, threads=True
    ),
}


def defined(source):
    """Give the macros of a program by name, as text."""
    return dict(re.findall(r"^#define ([A-Z_]+) (\w+)$", source, re.MULTILINE))


def updates_of(source):
    """Give the rows of the table of updates: place, pages, times, foreign."""
    rows = re.findall(r"^\t\{ (-?\d+), (-?\d+), (\d+), ([01]) \},$", source, re.MULTILINE)
    return [tuple(map(int, row)) for row in rows]


def compiled(source, folder):
    (folder / "witness.c").write_text(source)
    command = [COMPILER, "-O1", "-pthread", "-Wall", "-Wextra", "-Werror", "-o", "witness"]
    subprocess.run([*command, "witness.c"], check=True, cwd=folder)
    return folder / "witness"


def test_equal_updates_in_a_row_are_one_entry():
    source = program("per-thread", "under", [(0, 1)] * 131 + [(1, 1)] * 131, 132, 64, threads=True)

    assert updates_of(source) == [(0, 1, 131, 0), (1, 1, 131, 0)]


def test_the_program_contains_its_bound():
    source = program("percpu", "over", [(2, 64), (2, -31)], 31, 32)

    assert 'DESIGN[] = "percpu", SIDE[] = "over";' in source
    assert "BOUND = 31, BATCH = 32;" in source
    assert "@" not in source.partition("struct update UPDATES")[0].partition("#define")[2]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("percpu", ("0", "1", "0")),
        ("anonymous faults", ("1", "4", "0")),
        ("file faults", ("1", "2", "1")),
    ],
)
def test_kinds_of_faults_follow_from_the_updates(name, expected):
    macros = defined(PROGRAMS[name])

    assert (macros["PER_THREAD"], macros["THREADS"], macros["MAPS_FILE"]) == expected


def test_an_update_is_foreign_where_the_process_never_runs():
    updates = [(0, 31), (1, 31), (2, 31)]
    source = program("percpu", "under", updates, 93, 32, own_cpus=[1])

    assert [foreign for *_, foreign in updates_of(source)] == [1, 0, 1]
    assert (defined(source)["FOREIGN"], defined(source)["FIRST_CPU"]) == ("1", "1")


def test_the_process_runs_on_a_cpu_of_its_own_where_others_make_all_updates():
    source = program("percpu", "under", [(0, 31)], 31, 32, own_cpus=[3, 2])

    assert defined(source)["FIRST_CPU"] == "2"


@pytest.mark.parametrize(
    ("updates", "fault"),
    [
        ([], "no updates; a bound of 0 cannot be shown"),
        ([(-1, 1)], "update 0: place -1; CPUs and threads are counted from 0"),
        ([(0, 5), (1, -6)], "update 1: leaves the process with -1 pages; the least is 0"),
    ],
)
def test_impossible_updates_are_refused(updates, fault):
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$"):
        program("percpu", "under", updates, 1, 32)


def test_a_fault_removes_one_page_at_most():
    with pytest.raises(
        ValueError, match="update 1: -2 pages; a page fault removes at most one page"
    ):
        program("per-thread", "over", [(0, 16), (0, -2)], 1, 64, threads=True)


@pytest.mark.skipif(COMPILER is None, reason="no C compiler; install gcc")
@pytest.mark.parametrize("name", PROGRAMS)
def test_it_compiles_without_a_warning_and_measures(name, tmp_path):
    if not os.path.exists("/proc/self/smaps_rollup"):
        pytest.skip("not Linux 4.14 or later: no /proc/self/smaps_rollup")
    online = sorted(os.sched_getaffinity(0))
    source = PROGRAMS[name]
    if name.startswith("percpu"):  # on CPUs that this process may use
        updates = [(online[0], 64), (online[-1], -31)]
        own = online[:1] if "foreign" in name else online
        source = program("percpu", "over", updates, 31, 32, own_cpus=own)
    done = subprocess.run([compiled(source, tmp_path)], capture_output=True, check=True, text=True)
    values = dict(line.split("=", 1) for line in done.stdout.splitlines())

    assert values["kernel"] == os.uname().release
    assert int(values["precise_rss"]) > 0
    assert int(values["error_stat"]) == int(values["precise_rss"]) - int(values["approximate_stat"])


@pytest.mark.skipif(COMPILER is None, reason="no C compiler; install gcc")
@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no /dev/shm to write to")
def test_a_file_that_would_count_as_shmem_is_refused(tmp_path):
    source = program("percpu", "over", [(0, 64)], 93, 32, ("file", "anon", "shmem"))
    command = [compiled(source, tmp_path), "/dev/shm"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)

    assert done.returncode == 1
    assert done.stdout.startswith("failed=files of tmpfs count as shmem; give a folder")


@pytest.mark.skipif(COMPILER is None, reason="no C compiler; install gcc")
def test_a_missing_cpu_is_reported(tmp_path):
    source = program("percpu", "under", [(60_000, 31)], 31, 32)
    done = subprocess.run([compiled(source, tmp_path)], capture_output=True, check=False, text=True)

    assert done.returncode == 1
    assert done.stdout.startswith("failed=cannot run on CPU 60000:")


@pytest.mark.skipif(COMPILER is None, reason="no C compiler; install gcc")
def test_a_cpu_forbidden_to_the_other_process_is_reported(tmp_path):
    source = program("percpu", "under", [(0, 31), (60_000, 31)], 62, 32, own_cpus=[0])
    done = subprocess.run([compiled(source, tmp_path)], capture_output=True, check=False, text=True)

    assert done.returncode == 1
    assert done.stdout.startswith("failed=another process cannot update from CPU 60000:")


@pytest.mark.skipif(COMPILER is None, reason="no C compiler; install gcc")
@pytest.mark.parametrize("metric", ["counter", "rss"])
@pytest.mark.parametrize("side", ["under", "over"])
def test_this_kernel_is_off_by_exactly_the_bound(side, metric, tmp_path):
    """Runs if this kernel uses percpu_counter and processes may run on all CPUs."""
    found = witness_of(host_of_percpu(), "percpu", side, metric=metric)
    values = measured(found, tmp_path)
    sign = 1 if side == "under" else -1

    assert int(values["error_stat_by_updates"]) == sign * found.bound
    if metric == "rss":  # every slot was empty before
        assert int(values["error_stat"]) == sign * found.bound


@pytest.mark.skipif(COMPILER is None, reason="no C compiler; install gcc")
@pytest.mark.parametrize("side", ["under", "over"])
def test_updates_of_others_take_it_beyond_the_bound_of_its_own_cpus(side, tmp_path):
    """A process that never leaves one CPU; a second process updates its counters on the others."""
    host = host_of_percpu()
    if len(host.online) == 1:
        pytest.skip("one CPU: nobody can run on another")
    one = host.online.lowest
    guaranteed = rssbound.Scenario(cpus=rssbound.CpuSet.of([one]))
    found = witness_of(host, "percpu", side, guaranteed, metric="rss")
    error = abs(int(measured(found, tmp_path)["error_stat"]))

    assert error == found.bound == getattr(rss_bound(host, guaranteed), side)
    assert error > getattr(rss_bound(host, replace(guaranteed, updaters="own")), side)


def rss_bound(host, scenario):
    """Give the interval of RSS as `percpu` counts it."""
    (result,) = rssbound.analyze(host, scenario, ["percpu"])
    return result.rss


def host_of_percpu():
    """Give this machine, if its kernel counts with percpu_counter and all its CPUs can be used."""
    release = version_of(os.uname().release)
    if release is None or design_of_version(release) != "percpu":
        pytest.skip("this kernel does not count with percpu_counter")
    host = rssbound.read(None)
    if set(host.online) != os.sched_getaffinity(0):
        pytest.skip("this process may not run on all CPUs")
    return host


def measured(found, folder):
    """Run the program of a witness; gives what it printed, if the slots were empty before."""
    if found.bound > MOST_PAGES:
        pytest.skip(
            f"{found.bound} pages to touch; `rssbound witness --format c` makes the program"
        )
    command = [compiled(program_of(found), folder), folder]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if "failed=files of tmpfs" in done.stdout:
        pytest.skip("temporary files are in memory here: they count as shmem")
    if re.search(
        "failed=another process cannot .*: (Operation not permitted|Function not)", done.stdout
    ):
        pytest.skip("no process may write into the memory of its child here (process_vm_writev)")
    assert done.returncode == 0, done.stdout
    values = dict(line.split("=", 1) for line in done.stdout.splitlines())
    if values["emptied"] != "1":
        pytest.skip("field 24 of stat never moved: not a kernel that counts as Linux does")
    return values
