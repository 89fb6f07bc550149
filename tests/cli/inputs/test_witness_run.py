"""A witness on the running kernel: its result, refused runs, and cleaning up."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import schemas
from limits import PATIENCE_SECONDS

from rssbound.bounds.counter.design import version_of
from rssbound.cli.inputs import witness_run as module

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or version_of(os.uname().release) < (6, 2, 0),
    reason="measures a Linux kernel that counts with percpu",
)

RUN = ("witness", "--design", "percpu", "--run")
FIRST = str(min(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else "0"
HOWS = [
    (),
    pytest.param(
        ("--compiled",), marks=pytest.mark.skipif(not shutil.which("cc"), reason="no cc here")
    ),
]


def document(call, *arguments):
    code, out, err = call(*RUN, *arguments, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    schemas.validate(found, "witness-run-1")
    return found


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("side", ["under", "over"])
def test_each_counter_reaches_its_bound_on_this_kernel(call, side, how):
    found = document(call, "--side", side, *how)

    assert [run["counters"] for run in found["runs"]] == [["anon"], ["file"], ["shmem"]]
    for run in found["runs"]:
        assert run["clean"]
        assert run["files"]["stat"] == {"expected": run["bound"], "measured": run["bound"]}
        for file in run["files"].values():
            assert file["measured"] == file["expected"]
    assert found["measured"] == found["bound"]
    assert found["compiled"] == bool(how)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="takes a second CPU")
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("side", ["under", "over"])
def test_updates_of_another_process_reach_the_bound_of_all_cpus(call, side, how):
    """The process stays on its first CPU, where its own updates reach at most half of the bound."""
    rss = ("--side", side, "--metric", "rss", "--cpus", FIRST)
    found = document(call, *rss, *how)
    alone = document(call, *rss, "--updaters", "own", *how)

    assert found["measured"] == found["bound"] > alone["bound"] == alone["measured"]
    assert (found["foreign_cpus"] != "", alone["foreign_cpus"]) == (True, "")


def test_in_words(call):
    code, out, err = call(*RUN, "--side", "under", "--metric", "rss")
    lines = out.splitlines()

    assert (code, err) == (0, "")
    assert "Linux " + os.uname().release in lines[0]
    assert "run by a separate process on CPU" in lines[1]
    assert lines[4].split()[-2:] == ["100", "%"]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--topology", "core:2"), "leave out --topology"),
        (("--kernel", "6.1.176"), "leave out --topology and --kernel"),
        (("--format", "c"), "--format"),
        (("--metric", "oom"), "no file shows the sum"),
        (("--percpu-batch", "400000000"), "of memory, and "),
    ],
)
def test_a_witness_that_cannot_run_is_one_line(call, arguments, fault):
    code, out, err = call(*RUN, "--side", "under", *arguments)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert fault in err


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("percpu", "--compiled"), "--compiled needs --run"),
        (("tree", "--side", "over", "--run"), "nothing to run"),
        (("per-thread", "--run"), "add --compiled"),
    ],
)
def test_invalid_options_are_one_line(call, arguments, fault):
    code, out, err = call("witness", "--side", "under", "--design", *arguments)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert fault in err


def test_a_missing_compiler_is_reported(call, monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    code, _, err = call(*RUN, "--side", "under", "--compiled")

    assert code == 2
    assert "--compiled: no C compiler" in err


def test_a_compiler_that_fails_is_named(call, tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no such header >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    code, _, err = call(*RUN, "--side", "under", "--compiled")

    assert code == 2
    assert "broken failed: no such header" in err


def test_cpus_that_are_not_allowed_are_named(call, monkeypatch):
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _: set())
    code, _, err = call(*RUN, "--side", "under")

    assert code == 2
    assert "which this process may not use" in err


def test_a_limit_on_address_space_is_respected(run):
    command = f"ulimit -v 250000; exec {sys.executable} -m rssbound {' '.join(RUN)} --side under"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "RLIMIT_AS (ulimit -v) is 244 MiB" in done.stderr


@pytest.mark.parametrize("more", ["", "--compiled"])
def test_a_limit_on_files_is_heeded(more):
    words = f"{' '.join(RUN)} --side under {more}"
    command = f"ulimit -f 8; exec {sys.executable} -m rssbound {words}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "RLIMIT_FSIZE (ulimit -f) is 4 KiB; raise it" in done.stderr


def test_a_folder_in_memory_is_passed_over(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(module, "_file_systems", lambda: {"/": "ext4", str(tmp_path): "tmpfs"})
    assert module._folder_on_disk() != str(tmp_path)
    monkeypatch.setattr(module, "_file_systems", lambda: {"/": "tmpfs", str(tmp_path): "ext4"})
    assert module._folder_on_disk() == str(tmp_path)


def children_of(pid):
    """List a process and its descendants."""
    found = [pid]
    for process in found:
        try:
            with open(f"/proc/{process}/task/{process}/children") as file:
                found += map(int, file.read().split())
        except OSError:
            continue
    return found


def runs(pid):
    """Return whether a process exists and is not a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_nothing_is_left_when_it_is_ended(tmp_path, number, status, how):
    """No process and no file is left."""
    program = subprocess.Popen(
        [sys.executable, "-m", "rssbound", *RUN, "--side", "over", "--percpu-batch", "40000", *how],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    started = time.monotonic()
    while len(running := children_of(program.pid)) < 3 and program.poll() is None:
        assert time.monotonic() - started < PATIENCE_SECONDS
        time.sleep(0.01)
    program.send_signal(number)

    assert len(running) > 1
    assert program.wait(PATIENCE_SECONDS) == status
    assert not list(tmp_path.iterdir())
    killed = time.monotonic()  # a killed process exists until it has run once more
    while any(map(runs, running[1:])) and time.monotonic() - killed < PATIENCE_SECONDS:
        time.sleep(0.01)
    assert not any(map(runs, running[1:]))
