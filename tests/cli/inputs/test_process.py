"""--pid: values of a live process from /proc, and reports of values that cannot be read."""

import json
import os
import pathlib
import subprocess
import sys
import threading

import pytest

from rssbound.cli.inputs import process as process_module
from rssbound.cli.inputs.process import process_of
from rssbound.errors import InputError
from rssbound.topology import CpuSet

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")

THREE_THREADS = """
import os, threading
for _ in range(2):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(flush=True)
input()
"""

STATUS = """Name:\tsome program
State:\tS (sleeping)
Tgid:\t{pid}
VmRSS:\t    4321 kB
RssAnon:\t    4000 kB
RssFile:\t     320 kB
RssShmem:\t       1 kB
VmSwap:\t      64 kB
Threads:\t5
Cpus_allowed_list:\t0-7
"""


@pytest.fixture
def child():
    """A process with three threads, the main thread on one CPU."""
    with subprocess.Popen(
        [sys.executable, "-c", THREE_THREADS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as started:
        started.stdout.readline()
        yield started
        started.kill()


@pytest.fixture
def proc(tmp_path, monkeypatch):
    """A fake /proc with process 42; gives the function that writes its files."""
    monkeypatch.setattr(process_module, "PROC", str(tmp_path / "proc"))
    monkeypatch.setattr(process_module, "CGROUPS", str(tmp_path / "cgroup"))

    def write(name, text):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    write("proc/self/status", "")
    write("proc/42/status", STATUS.format(pid=42))
    write("proc/42/task/42/status", STATUS.format(pid=42))
    write("proc/42/cgroup", "0::/\n")
    return write


def test_a_live_process(child):
    found = process_of(child.pid)

    assert (found.pid, found.threads) == (child.pid, 3)
    assert found.cpus == CpuSet.of(os.sched_getaffinity(0))  # the other threads may run on any CPU
    assert found.page_size == os.sysconf("SC_PAGE_SIZE")
    assert found.rss["anon"] > 0
    assert found.unread == ()


def test_counters_are_bytes(proc):
    found = process_of(42)

    assert found.rss == {"anon": 4096000, "file": 327680, "shmem": 1024, "swap": 65536}
    assert (found.name, found.threads, str(found.cpus)) == ("some program", 5, "0-7")
    assert found.cpuset is None


def test_cpus_are_those_of_all_threads(proc):
    proc("proc/42/task/43/status", "Cpus_allowed_list:\t12-13\n")

    assert str(process_of(42).cpus) == "0-7,12-13"


def test_a_cpuset_is_that_of_the_nearest_cgroup_that_has_one(proc):
    proc("proc/42/cgroup", "3:cpuset:/\n0::/a.slice/b.service\n")
    proc("cgroup/a.slice/cpuset.cpus.effective", "4-9\n")
    found = process_of(42)

    assert (str(found.cpuset), str(found.cpus)) == ("4-9", "4-7")


def test_unreadable_files_are_reported(proc, monkeypatch):
    read = process_module._text

    def denied(path):
        if path.endswith("cgroup"):
            raise PermissionError(13, "Permission denied", path)
        return read(path)

    monkeypatch.setattr(process_module, "_text", denied)
    old = STATUS.format(pid=42).replace("RssAnon", "Other")
    proc("proc/42/status", old)

    cgroup, counters = process_of(42).unread
    assert "42/cgroup: Permission denied; its cpuset is not known" in cgroup
    assert "does not show RSS by counter, which needs Linux 4.5" in counters


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (STATUS.format(pid=41), "--pid 42: this is a thread; its process is 41"),
        (
            STATUS.replace("S (sleeping)", "Z (zombie)").format(pid=42),
            "--pid 42: this process has ended (a zombie)",
        ),
        (
            STATUS.replace("VmRSS", "Other").format(pid=42),
            "--pid 42: this is a kernel thread, which has no memory of its own",
        ),
    ],
)
def test_processes_without_memory(proc, status, fault):
    proc("proc/42/status", status)

    with pytest.raises(InputError) as found:
        process_of(42)
    assert fault in str(found.value)


def test_a_missing_process(proc):
    with pytest.raises(InputError, match="--pid 4194305: no such process"):
        process_of(4194305)


def test_a_process_that_hidepid_hides(proc, monkeypatch):
    def not_permitted(pid, number):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(process_module.os, "kill", not_permitted)
    with pytest.raises(InputError, match="--pid 43: hidden; /proc is mounted with hidepid"):
        process_of(43)


def test_a_status_that_may_not_be_read(proc, monkeypatch):
    def denied(path):
        raise PermissionError(1, "Operation not permitted", path)

    monkeypatch.setattr(process_module, "_text", denied)
    with pytest.raises(InputError, match="--pid 42: permission denied; /proc is mounted with hid"):
        process_of(42)


def test_proc_is_not_mounted(tmp_path, monkeypatch):
    monkeypatch.setattr(process_module, "PROC", str(tmp_path))
    with pytest.raises(InputError, match=r"--pid 42: .* is not mounted; mount it"):
        process_of(42)


def test_real_ones_without_memory(child):
    """Real examples: a thread of this process, and a zombie."""
    thread = threading.Thread(target=child.wait)
    thread.start()
    with pytest.raises(InputError, match=f"a thread; its process is {os.getpid()}"):
        process_of(thread.native_id)
    child.stdin.close()
    thread.join()
    with subprocess.Popen(["true"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(InputError, match="has ended"):
            process_of(ended.pid)


def test_a_kernel_thread():
    comm = pathlib.Path("/proc/2/comm")
    if not comm.exists() or comm.read_text() != "kthreadd\n":
        pytest.skip("no kernel thread to be seen here")
    with pytest.raises(InputError, match="--pid 2: this is a kernel thread"):
        process_of(2)


@pytest.mark.parametrize("command", [("analyze",), ("interfaces",), ("tolerance", "stat")])
def test_the_process_fills_in_unset_options(child, call, command):
    """On 6.1 the number of threads matters: 66 faults of 16 pages each."""
    old = ("--kernel", "6.1.176", "--format", "json")

    def threads_bound(*more):
        code, out, err = call(*command, "--pid", str(child.pid), *old, *more)
        assert (code, err) == (0, "")
        document = json.loads(out)
        if command == ("analyze",):
            return document["scenario"]["threads"]
        rows = document.get("interfaces", [document])
        under = next(row["under"] for row in rows if row.get("id", "stat") == "stat")
        return (under if isinstance(under, int) else under["pages"]) // (66 * 16)

    assert threads_bound() == 3
    assert threads_bound("--threads", "7") == 7


def test_cpus_are_taken_only_where_they_are_not_all(call):
    """A process that may run on all CPUs does not set --cpus."""
    online = sorted(os.sched_getaffinity(0))
    if len(online) < 2:
        pytest.skip("one CPU")
    with subprocess.Popen(["sleep", "60"]) as process:
        os.sched_setaffinity(process.pid, online[:1])
        code, out, _ = call("tolerance", "stat", "--pid", str(process.pid), "--format", "json")
        process.kill()
    document = json.loads(out)

    assert code == 0
    assert document["process"]["cpus"] == document["scenario"]["cpus"] == str(online[0])


@pytest.mark.parametrize(
    ("kernel", "under"),
    [
        ("6.12.117", (4 + 2 + 1) * 4096),  # by counter, each less than its bound
        ("6.12.20", None),  # status is approximate
        ("6.12.48-vendor", None),  # and here it is not known
    ],
)
def test_a_size_is_used_where_status_is_precise(call, monkeypatch, kernel, under):
    """31 pages or more on each CPU; the process has 4 pages of anon, 2 of file, 1 of shmem."""
    rss = {"anon": 4 * 4096, "file": 2 * 4096, "shmem": 4096, "swap": 0}
    small = process_module.Process(42, "small", 1, CpuSet(), None, 4096, rss)
    monkeypatch.setattr(process_module, "process_of", lambda pid: small)

    def under_bytes(*question):
        asked = ("tolerance", "stat", "--pid", "42", "--kernel", kernel, *question)
        code, out, _ = call(*asked, "--format", "json")
        assert code == 0
        return json.loads(out)["under"]["bytes"]

    any_size = 3 * 31 * len(os.sched_getaffinity(0)) * 4096
    assert (under_bytes() == under) if under else (under_bytes() >= any_size)
    assert under_bytes("--change") >= any_size  # it can have grown before the second reading
    assert under_bytes("--rss", "1GiB") >= any_size


def test_a_process_is_of_this_machine(call):
    code, out, err = call("tolerance", "stat", "--pid", "1", "--topology", "core:4")

    assert (code, out) == (2, "")
    assert "--pid names a process of this machine; leave out --topology." in err
