"""The example of a watchdog: it widens its threshold by the bound and looks closer inside it."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import rssbound

FILE = Path(__file__).parent.parent / "examples" / "watchdog.py"
MIB = 1 << 20


@pytest.fixture
def watchdog():
    spec = importlib.util.spec_from_file_location("watchdog", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("cheap", "exact", "decision", "looked"),
    [
        (50, None, False, False),  # 50 + 40 is within 100 whatever is hidden
        (61, 100, False, True),
        (61, 101, True, True),
        (120, 99, False, True),
        (121, None, True, False),  # 121 - 20 is over 100 whatever is hidden
    ],
)
def test_the_exact_file_is_read_only_where_the_cheap_one_cannot_tell(
    watchdog, monkeypatch, cheap, exact, decision, looked
):
    looks = []
    monkeypatch.setattr(watchdog, "cheap", lambda _: cheap * MIB)
    monkeypatch.setattr(watchdog, "exact", lambda pid: looks.append(pid) or exact * MIB)
    band = rssbound.Tolerance(40 * MIB, 20 * MIB)

    assert watchdog.holds_too_much(1, 100 * MIB, band) is decision
    assert bool(looks) is looked


@pytest.mark.parametrize(("limit", "code"), [(1, 1), (100_000, 0)])
def test_it_watches_a_real_process(limit, code):
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("no /proc/self/smaps_rollup here")
    with subprocess.Popen(
        [sys.executable, "-c", "x = bytearray(32 << 20); print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        child.stdout.readline()  # it has its memory
        watched = subprocess.run(
            [sys.executable, FILE, str(child.pid), str(limit), "--once"],
            capture_output=True,
            text=True,
            check=False,
        )
        child.communicate(b"\n")

    assert watched.returncode == code, watched.stderr
    assert "bytes too low" in watched.stdout
