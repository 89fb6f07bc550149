"""Where a result goes, how it is drawn there."""

import os
import pty
import select
import signal
import subprocess
import sys

import pytest

from rssbound.cli import output as output_module

HOST = ("--topology", "core:8 pu:1")


def test_a_reader_that_goes_away_is_exit_141():
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "rssbound", "analyze", *HOST],
        stdout=write_end,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(write_end)

    assert done.returncode in {141, -signal.SIGPIPE}
    assert done.stderr == b""


def test_control_characters_of_a_name_are_made_visible(call):
    code, _, err = call("analyze", "--topology", "/no\x1b[31mred\nline")

    assert code == 2
    assert "\x1b" not in err
    assert err.count("\n") == 1


def test_output_is_opened_only_when_all_is_done(call, tmp_path):
    target = tmp_path / "out.json"

    assert call("analyze", *HOST, "--batch", "3", "-o", str(target))[0] == 2
    assert not target.exists()
    assert call("analyze", *HOST, "--format", "json", "-o", str(target)) == (0, "", "")
    assert target.read_text().startswith("{")


@pytest.mark.parametrize(
    ("choice", "environment", "terminal", "colored"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour(monkeypatch, choice, environment, terminal, colored):
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    class Stream:
        def isatty(self):
            return terminal

    assert output_module.wants_color(choice, Stream()) is colored


def test_a_terminal_gets_a_table_within_its_width():
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "rssbound", "analyze", *HOST], stdout=follower, env=environment
    )
    os.close(follower)
    text = b""
    while select.select([leader], [], [], 30)[0]:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        text += piece
    process.wait(timeout=30)
    os.close(leader)

    assert process.returncode == 0
    assert "─".encode() in text
