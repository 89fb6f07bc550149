"""The example of a watchdog: within the bound of its threshold it reads the exact file."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from limits import PATIENCE_SECONDS

import rssbound

FILE = Path(__file__).parent.parent / "examples" / "watchdog.py"
MIB = 1 << 20
GROWN = "x = bytearray(32 << 20); print(flush=True); input()"


@pytest.fixture
def watchdog():
    spec = importlib.util.spec_from_file_location("watchdog", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def child():
    """A process that holds 32 MiB and more until it receives a line."""
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("no /proc/self/smaps_rollup here")
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", GROWN], stdin=pipe, stdout=pipe) as started:
        started.stdout.readline()  # it has its memory
        yield started
        started.kill()


@pytest.mark.parametrize(
    ("cheap", "exact", "decision", "looked"),
    [
        (50, None, False, False),  # 50 + 40 is within 100 for any residual
        (61, 100, False, True),
        (61, 101, True, True),
        (120, 99, False, True),
        (121, None, True, False),  # 121 - 20 is over 100 for any residual
    ],
)
def test_the_exact_file_is_read_only_if_the_cheap_one_cannot_decide(
    watchdog, monkeypatch, cheap, exact, decision, looked
):
    looks = []
    monkeypatch.setattr(watchdog, "cheap", lambda _: cheap * MIB)
    monkeypatch.setattr(watchdog, "exact", lambda pid: looks.append(pid) or exact * MIB)
    band = rssbound.Tolerance(40 * MIB, 20 * MIB)

    assert watchdog.holds_too_much(1, 100 * MIB, band) is decision
    assert bool(looks) is looked


@pytest.mark.parametrize(("limit", "code"), [(1, 1), (100_000, 0)])
def test_it_watches_a_real_process(child, limit, code):
    watched = run(child.pid, limit, "--once")

    assert watched.returncode == code, watched.stderr
    assert "bytes too low" in watched.stdout


def run(pid, limit, *more):
    command = [sys.executable, FILE, str(pid), str(limit), *more]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )


def test_a_missing_process_is_an_error_not_an_end():
    watched = run(4_194_305, 100)

    assert (watched.returncode, watched.stdout) == (4, "")
    assert watched.stderr == "4194305: no such process\n"


def test_a_zombie_has_ended():
    with subprocess.Popen(["true"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert run(ended.pid, 100).returncode == 4


def test_a_usage_error_has_its_own_exit_code():
    assert run("none", 100).returncode == 2


def test_the_end_of_the_process_is_the_end(child):
    with subprocess.Popen(
        [sys.executable, FILE, str(child.pid), "100000", "--every", "0.05"],
        stdout=subprocess.PIPE,
        text=True,
    ) as watching:
        assert "bytes too low" in watching.stdout.readline()
        child.communicate(b"\n")

        assert watching.wait(timeout=PATIENCE_SECONDS) == 0
        assert watching.stdout.read() == f"{child.pid} has ended\n"


def test_without_permission_the_answer_is_unknown(watchdog, monkeypatch, capsys):
    """The cheap value is 50 MiB and at most 40 too low: a limit of 100 needs no exact read."""

    def denied(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(watchdog, "cheap", lambda _: 50 * MIB)
    monkeypatch.setattr(watchdog, "band_of", lambda *_: rssbound.Tolerance(40 * MIB, 20 * MIB))
    monkeypatch.setattr(Path, "read_text", denied)
    codes = {}
    for limit in (20, 60, 100):
        monkeypatch.setattr(sys, "argv", ["watchdog.py", "42", str(limit), "--once"])
        codes[limit] = watchdog.main()

    assert codes == {20: 1, 60: 3, 100: 0}
    assert "42: cannot tell: /proc/42/smaps_rollup: permission denied" in capsys.readouterr().err


def test_on_an_old_kernel_the_answer_is_unknown(watchdog, monkeypatch):
    def read(self):
        if self.name == "stat":
            return "42 (a) S " + "0 " * 30
        raise FileNotFoundError(2, "No such file or directory", str(self))

    monkeypatch.setattr(Path, "read_text", read)
    with pytest.raises(watchdog.CannotTellError, match=r"missing; needs Linux 4\.14"):
        watchdog.exact(42)


def test_threads_are_counted_at_each_sample(watchdog, monkeypatch):
    """A process that grows threads: the band follows."""
    threads = iter([1, 1, 2, 30])
    asked = []

    def read(self):
        assert self.name == "stat"
        return f"42 (a) S {'0 ' * 16}{next(threads)} {'0 ' * 20}"

    def tolerance(host, file, *, threads):
        asked.append(threads)
        return rssbound.Tolerance(0, 0)

    monkeypatch.setattr(Path, "read_text", read)
    monkeypatch.setattr(watchdog.rssbound, "tolerance", tolerance)
    monkeypatch.setattr(watchdog.rssbound, "read", lambda: None)
    sizes = iter([10, 10, 200])
    monkeypatch.setattr(watchdog, "cheap", lambda _: next(sizes) * MIB)

    assert watchdog.watch(42, 100 * MIB, 0, once=False) == 1
    assert asked == [1, 1, 2, 30]
