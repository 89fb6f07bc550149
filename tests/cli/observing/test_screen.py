"""The live screen in a terminal: its contents, its keys, and the restored terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest
from limits import PATIENCE_SECONDS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def _in_the_terminal():
    """Make the pseudo-terminal the controlling one; nohup around the tests does not count."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Terminal:
    """A program on a pseudo-terminal of 120 by 20."""

    def __init__(self, *arguments):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 120, 0, 0))
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "20"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rssbound", "observe", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            preexec_fn=_in_the_terminal,  # noqa: PLW1509 (no threads)
        )
        self.text = ""

    def wait_for(self, pattern):
        """Read until a text appears in the new output."""
        seen, end = "", time.monotonic() + PATIENCE_SECONDS
        while not re.search(pattern, ESCAPES.sub("", seen)):
            assert time.monotonic() < end, seen
            if select.select([self.master], [], [], 0.2)[0]:
                seen += os.read(self.master, 65536).decode(errors="replace")
        self.text += seen
        return ESCAPES.sub("", seen)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def end(self):
        """Read to the end; give the exit code."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self.master], [], [], 0.1)[0]:
                self.text += os.read(self.master, 65536).decode(errors="replace")
        assert self.process.poll() is not None, "still running"
        while select.select([self.master], [], [], 0.1)[0]:
            self.text += os.read(self.master, 65536).decode(errors="replace")
        return self.process.returncode

    @property
    def is_as_before(self):
        """Whether the modes are restored, the primary screen is back, and the cursor is visible."""
        alternate = self.text.rfind("\x1b[?1049l") > self.text.rfind("\x1b[?1049h") > -1
        cursor = self.text.rfind("\x1b[?25h") > self.text.rfind("\x1b[?25l")
        return termios.tcgetattr(self.slave) == self.before and alternate and cursor


@pytest.fixture
def terminal():
    made = []

    def start(*arguments):
        made.append(Terminal(*arguments))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
        os.close(one.master)
        os.close(one.slave)


def test_keys_sort_and_quit_and_the_summary_is_left(terminal):
    shown = terminal("--all", "--interval", "0.2", "--threshold", "20MiB")
    first = shown.wait_for(r"q quit")
    assert "rssbound observe" in first
    assert re.search(r"threshold 20 MiB: .*below", first)
    shown.press("p")
    for _ in range(20):  # output from before the key press comes first
        pids = pids_in(shown.wait_for(r"q quit"))
        if pids == sorted(pids):
            break
    assert pids == sorted(pids)
    assert len(pids) > 3
    shown.press("q")

    assert shown.end() == 0
    assert "Sizes of the differences" in shown.text
    assert shown.is_as_before


def pids_in(text):
    """Give the PIDs of the last whole screen."""
    frame = text.rpartition("q quit")[0].rpartition("rssbound observe")[2]
    return [int(pid) for pid in re.findall(r"^ *(\d+) ", frame, re.MULTILINE)]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_the_terminal_is_restored_after_any_end_of_the_watch(terminal, number, code):
    shown = terminal("--all", "--interval", "0.2")
    shown.wait_for(r"q quit")
    shown.process.send_signal(number)

    assert shown.end() == code
    assert shown.is_as_before


def test_control_c_quits_and_control_z_does_nothing(terminal):
    shown = terminal("--interval", "0.2", "--", "sleep", "60")
    shown.wait_for(r"sleep 60")
    shown.press("\x1a")
    shown.wait_for(r"q quit")
    shown.press("\x03")

    assert shown.end() == 130
    assert shown.is_as_before


def test_the_screen_ends_with_its_command(terminal):
    shown = terminal("--interval", "0.2", "--", "sh", "-c", "echo hidden; sleep 1; exit 5")

    assert shown.end() == 5
    assert "hidden\n" not in shown.text
    assert "sh: exited with 5" in shown.text
    assert shown.is_as_before
