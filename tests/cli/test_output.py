"""The targets of a result, and its format and style in each."""

import os
import pty
import select
import shlex
import signal
import subprocess
import sys

import pytest
from limits import PATIENCE_SECONDS

from rssbound.cli import output as output_module

HOST = ("--topology", "core:8 pu:1")


def test_a_closed_pipe_is_exit_code_141():
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "rssbound", "analyze", *HOST],
        stdout=write_end,
        stderr=subprocess.PIPE,
        check=False,
        timeout=PATIENCE_SECONDS,
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
    process.wait(timeout=PATIENCE_SECONDS)
    os.close(leader)

    assert process.returncode == 0
    assert "─".encode() in text


def test_a_format_can_be_set_in_the_environment(call, monkeypatch, tmp_path):
    monkeypatch.setenv("RSSBOUND_FORMAT", "csv")

    assert call("analyze", *HOST)[1].startswith("host,")
    assert call("analyze", *HOST, "--json")[1].startswith("{")
    file = tmp_path / "a.json"
    assert call("analyze", *HOST, "-o", str(file)) == (0, "", "")
    assert file.read_text().startswith("{")
    without_csv = call("witness", *HOST, "--design", "tree", "--side", "under")
    assert without_csv[0] == 0
    assert without_csv[1].startswith("tree on")


def test_a_format_of_the_environment_that_does_not_exist_is_a_usage_error(call, monkeypatch):
    monkeypatch.setenv("RSSBOUND_FORMAT", "jsno")
    code, out, err = call("analyze", *HOST)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "RSSBOUND_FORMAT: 'jsno' is not a known format. Did you mean json?" in err


def test_a_result_is_written_to_several_files_in_their_formats(call, tmp_path):
    json_file, csv_file, text_file = (str(tmp_path / name) for name in ("a.json", "b.csv", "c"))
    code, out, err = call(
        *("analyze", *HOST, "-o", json_file, "-o", csv_file, "-o", text_file, "-o", "-"),
        *("--format", "markdown"),
    )

    assert (code, err) == (0, "")
    assert (tmp_path / "a.json").read_text() == call("analyze", *HOST, "--json")[1]
    assert (tmp_path / "b.csv").read_text() == call("analyze", *HOST, "--format", "csv")[1]
    assert (tmp_path / "c").read_text() == out == call("analyze", *HOST, "--format", "markdown")[1]


def test_a_file_that_is_named_twice_is_a_usage_error(call, tmp_path):
    file = str(tmp_path / "a.json")
    code, _, err = call("analyze", *HOST, "-o", file, "-o", file)

    assert (code, err.count("\n")) == (2, 1)
    assert "is given twice" in err


FULL = "/dev/full"
BUFFERED = {key: text for key, text in os.environ.items() if key != "PYTHONUNBUFFERED"}
"""Where Python's streams have buffers, which the end of the program writes."""


@pytest.mark.skipif(not os.path.exists(FULL), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "arguments",
    [["analyze", *HOST], ["--help"], ["--version"], ["analyze", "--help"], ["completion", "bash"]],
)
def test_a_full_disk_is_exit_2_in_one_line(arguments):
    with open(FULL, "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "rssbound", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            env=BUFFERED,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"standard output: No space left on device" in done.stderr


@pytest.mark.skipif(not os.path.exists(FULL), reason="there is no /dev/full here")
def test_a_full_disk_is_named_with_its_file(call):
    assert call("analyze", *HOST, "-o", FULL) == (
        2,
        "",
        "rssbound: /dev/full: No space left on device\n",
    )


@pytest.mark.skipif(not os.path.exists(FULL), reason="there is no /dev/full here")
def test_an_error_that_cannot_be_printed_is_exit_2_too():
    for arguments, code in ((["analyze", "no-such-file"], 2), (["analyze", *HOST], 0)):
        with open(FULL, "w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "rssbound", *arguments],
                stdout=subprocess.PIPE,
                stderr=full,
                env=BUFFERED,
                check=False,
                timeout=PATIENCE_SECONDS,
            )

        assert done.returncode == code


@pytest.mark.parametrize(
    ("arguments", "closed", "code", "fault"),
    [
        (f"analyze {HOST[1]!r}", ">&-", 2, b"rssbound: standard output: Bad file descriptor\n"),
        ("--help", ">&-", 2, b"rssbound: standard output: Bad file descriptor\n"),
        ("plot cpus --format svg", ">&-", 2, b"rssbound: standard output: Bad file descriptor\n"),
        (f"analyze {HOST[1]!r} -o result", ">&-", 0, b""),
        ("verify", "2>&-", 0, b""),
        ("analyze no-such-file", "2>&-", 2, b""),
        ("analyze -", "<&-", 2, b"rssbound: standard input: empty; it should describe a machine\n"),
        ("fleet", "<&-", 2, b"rssbound: standard input: empty; no rows to read\n"),
    ],
)
def test_a_closed_stream_is_not_a_bug(tmp_path, arguments, closed, code, fault):
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -m rssbound {arguments} {closed}",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )

    assert (done.returncode, done.stderr) == (code, fault)


@pytest.mark.parametrize("name", ["out", "out.txt", "out.log"])
def test_a_file_of_text_needs_no_ending_of_a_format(call, tmp_path, name):
    file = tmp_path / name

    assert call("analyze", *HOST, "-o", str(file)) == (0, "", "")
    assert file.read_text() == call("analyze", *HOST)[1]


@pytest.mark.parametrize(
    ("arguments", "extensions"),
    [
        (("analyze", *HOST), ".json, .csv, .md or .txt"),
        (("check", *HOST), ".json, .xml, .md or .txt"),
        (("plot", "cpus", *HOST), ".svg, .png, .json, .csv, .md or .txt"),
        (("observe", "--pid", str(os.getpid()), "--count", "2"), ".json, .csv, .md or .txt"),
    ],
)
def test_an_unknown_ending_is_a_usage_error_that_names_the_known_ones(
    call, monkeypatch, tmp_path, arguments, extensions
):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(*arguments, "-o", "a.xyz")

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"no format for 'a.xyz'; use the extension {extensions}, or give --format." in err
    assert not list(tmp_path.iterdir())


def test_an_unknown_ending_is_taken_with_a_format(call, monkeypatch, tmp_path):
    file = tmp_path / "a.xyz"

    assert call("analyze", *HOST, "--json", "-o", str(file)) == (0, "", "")
    monkeypatch.setenv("RSSBOUND_FORMAT", "json")
    assert call("analyze", *HOST, "-o", str(file)) == (0, "", "")
    assert file.read_text().startswith("{")


@pytest.mark.parametrize("command", [("report",), ("topology", "show"), ("topology", "capture")])
def test_a_command_that_writes_one_file_refuses_two(call, tmp_path, command):
    files = [str(tmp_path / name) for name in ("a.html", "b.html")]
    code, out, err = call(*command, "-o", files[0], "-o", files[1])

    assert (code, out) == (2, "")
    assert "-o is given twice; this command writes one file." in err
    assert not list(tmp_path.iterdir())
