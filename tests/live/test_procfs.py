"""Files of /proc/PID: their values, and that files kept open stay with their process."""

import os
import subprocess
import sys
import time

import pytest
from made_proc import MadeProc

from rssbound.live import procfs
from rssbound.live.procfs import (
    GoneError,
    ProcessFiles,
    cgroup_pids,
    cpus_allowed,
    hides_others,
    is_in_container,
    online_cpus,
    parse_stat,
    pids_in,
)
from rssbound.topology import CpuSet

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")


@pytest.fixture
def proc(tmp_path):
    return MadeProc(tmp_path)


def test_a_command_may_have_blanks_and_parentheses(proc, tmp_path):
    proc.add(7, comm="a) S (b 1", rss=321, threads=5, parent=3, started=99)
    found = parse_stat((tmp_path / "7/stat").read_bytes())

    assert found == ("a) S (b 1", "S", 3, False, 5, 99, 321)


def test_kernel_threads_zombies_and_nothing():
    made = b"2 (kthreadd) S 0 0 0 0 -1 2129984 " + b"0 " * 10 + b"1 0 5 0 0 " + b"0 " * 20
    assert parse_stat(made).is_kernel_thread
    assert parse_stat(made.replace(b") S", b") Z")).has_ended
    with pytest.raises(GoneError):
        parse_stat(b"")


@linux
def test_stat_of_a_live_process_agrees_with_known_facts():
    found = ProcessFiles("/proc", os.getpid()).stat()

    assert (found.parent, found.is_kernel_thread) == (os.getppid(), False)
    assert found.rss > 100
    assert found.state == "R"


@linux
def test_three_files_agree_on_a_process_that_sleeps():
    waits = [sys.executable, "-S", "-c", "print('ready', flush=True); input()"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            child.stdout.readline()
            while ProcessFiles("/proc", child.pid).stat().state != "S":
                time.sleep(0.01)
            files = ProcessFiles("/proc", child.pid)
            statm = files.resident()
            walked = files.walked("smaps_rollup", os.sysconf("SC_PAGE_SIZE"))
            assert files.walked("smaps", os.sysconf("SC_PAGE_SIZE")) == walked
            assert abs(statm - walked) < 200
        finally:
            child.kill()


@linux
def test_a_kept_file_ends_with_its_process():
    with subprocess.Popen(["sleep", "60"]) as child:
        files = ProcessFiles("/proc", child.pid)
        assert not files.stat().has_ended
        child.kill()
        child.wait()
        with pytest.raises(GoneError):
            files.stat()
        with pytest.raises(GoneError):
            files.walked("smaps_rollup", 4096)
        files.close()


@linux
def test_files_are_not_kept_open_near_the_limit(proc, tmp_path, monkeypatch):
    monkeypatch.setattr(procfs, "_limit", [0])
    proc.add(7, rss=5)
    before = len(os.listdir("/proc/self/fd"))
    files = ProcessFiles(str(tmp_path), 7)

    assert (files.stat().rss, files.resident()) == (5, 1010)
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_same_text_gives_the_same_object(proc, tmp_path):
    proc.add(7)
    files = ProcessFiles(str(tmp_path), 7)
    first = files.stat()

    assert files.stat() is first
    proc.stat(7, rss=1001)
    assert files.stat().rss == 1001
    files.close()


def test_a_process_without_memory_has_ended(proc, tmp_path):
    proc.add(7)
    proc.write("7/statm", "")
    proc.write("7/smaps_rollup", "")
    files = ProcessFiles(str(tmp_path), 7)

    for read in (files.resident, lambda: files.walked("smaps_rollup", 4096)):
        with pytest.raises(GoneError):
            read()


def test_pages_of_64_kib(proc, tmp_path):
    proc.write("7/smaps", "Rss: 64 kB\nPss: 1 kB\nRss:   192 kB\n")

    assert ProcessFiles(str(tmp_path), 7).walked("smaps", 65536) == 4


def test_cpus_are_those_of_any_thread(proc, tmp_path):
    proc.add(7, tasks={7: "0", 8: "2-3", 9: "0"})

    assert cpus_allowed(str(tmp_path), 7) == CpuSet.parse("0,2-3")
    assert cpus_allowed(str(tmp_path), 8) == CpuSet()


def test_processes_are_folders_with_numbers(proc, tmp_path):
    proc.add(7).add(12)
    proc.write("self/status", "")

    assert sorted(pids_in(str(tmp_path))) == [7, 12]


def test_a_cgroup_includes_its_descendants(tmp_path):
    for name, text in {"": "1\n2\n", "a": "3\n", "a/b": "0\n4\n"}.items():
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.procs").write_text(text)
    (tmp_path / "empty").mkdir()

    assert sorted(cgroup_pids(str(tmp_path))) == [0, 1, 2, 3, 4]
    with pytest.raises(FileNotFoundError):
        cgroup_pids(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("options", "hidden"),
    [
        ("rw,relatime", False),
        ("rw,hidepid=2", True),
        ("rw,hidepid=invisible,gid=4", True),
        ("rw,hidepid=noaccess", True),
        ("rw,hidepid=off", False),
        ("rw,hidepid=0", False),
    ],
)
def test_hidepid_is_an_option_of_the_mount(proc, tmp_path, monkeypatch, options, hidden):
    proc.write("self/mounts", f"sysfs /sys sysfs rw 0 0\nproc {tmp_path} proc {options} 0 0\n")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert hides_others(str(tmp_path)) is hidden
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert not hides_others(str(tmp_path))


def test_a_pid_namespace_of_its_own_has_another_number(tmp_path):
    (tmp_path / "self/ns").mkdir(parents=True)
    (tmp_path / "self/ns/pid").write_text("")

    assert is_in_container(str(tmp_path))
    assert not is_in_container(str(tmp_path / "nowhere"))


def test_cpus_online_are_as_the_kernel_prints_them(tmp_path):
    (tmp_path / "online").write_text("0-3,8\n")

    assert online_cpus(str(tmp_path)) == "0-3,8"
    assert online_cpus(str(tmp_path / "nowhere")) is None
