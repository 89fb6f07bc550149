"""Exit codes, streams and errors of the command line."""

import os
import pty
import signal
import subprocess
import sys

import pytest
from limits import PATIENCE_SECONDS

from rssbound import __version__

HOST = ("--topology", "core:8 pu:1")


def test_help_ends_in_examples(run):
    for arguments in ([], ["analyze"]):
        done = run(*arguments, "--help")
        text = done.stdout.decode()

        assert (done.returncode, done.stderr) == (0, b"")
        assert text.index("Examples:") > text.index("Options:")
        assert "rssbound analyze host.json" in text


@pytest.mark.parametrize(
    ("arguments", "path"), [(("analyze", "--threads"), "rssbound analyze"), (("--x",), "rssbound")]
)
def test_a_usage_error_names_the_help_of_its_command(call, arguments, path):
    code, _, err = call(*arguments)

    assert (code, err.endswith(f" See '{path} --help'.\n")) == (2, True)


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(run, option):
    done = run(option)

    assert (done.returncode, done.stdout.decode()) == (0, f"rssbound {__version__}\n")


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["analyze", "--help"], ["analyze", *HOST]]
)
def test_slow_modules_stay_unloaded(arguments):
    """sympy takes half a second to load and networkx an eighth."""
    code = (
        "import sys; from rssbound.cli.main import main; code = main(); "
        "print(sorted({'sympy', 'networkx', 'numpy', 'mpmath'} & set(sys.modules)), "
        "file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )

    assert done.stderr == b"[]\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["analyze", "--nonsense"], "No such option"),
        (["analyse"], "No such command"),
        (["analyze", "--threads", "many"], "'many' is not a valid integer"),
        (["analyze", "--page-size", "4 furlongs"], "'4 furlongs' is not a size such as 4096"),
        (["analyze", "--cpus", "3-1"], "'3-1' runs backwards; write 1-3"),
        (["analyze", *HOST, "--batch", "33"], "batch: 33; must be a power of two above 1"),
        (["analyze", *HOST, "--cpus", "0-8"], "cpus: 8 not possible on this machine"),
        (["analyze", *HOST, "--kernel", "new"], "--kernel: 'new' is not a kernel release"),
        (["analyze", "--topology", "/no/such/file"], "/no/such/file: no such file"),
        (["analyze", "--topology", "core:x"], "core:x"),
        (["analyze", *HOST, "-o", "/no/such/folder/out"], "/no/such/folder/out: No such file"),
        (["analyze", *HOST, "--from", "sysfs"], "core:8 pu:1"),
    ],
)
def test_faults_are_one_line_with_exit_code_2(call, arguments, text):
    code, out, err = call(*arguments)

    assert (code, out) == (2, "")
    assert text in err
    assert err.startswith("rssbound: ")
    assert err.count("\n") == 1


def test_every_fault_has_its_line(call):
    code, _, err = call("analyze", *HOST, "--batch", "3", "--threads", "0")

    assert code == 2
    assert [line.split(";")[0] for line in err.splitlines()] == [
        "rssbound: threads: 0",
        "rssbound: batch: 3",
    ]


def test_a_bug_is_exit_2_without_a_traceback(call, monkeypatch):
    monkeypatch.setattr("rssbound.cli.inputs.machine.read", lambda *_, **__: 1 // 0)

    code, out, err = call("analyze")
    assert (code, out) == (2, "")
    assert "internal error: ZeroDivisionError" in err
    assert "Traceback" not in err

    code, _, err = call("--debug", "analyze")
    assert code == 2
    assert "Traceback" in err


def test_interruption_is_exit_130(call, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("rssbound.cli.inputs.machine.read", interrupted)

    assert call("analyze")[0] == 130


def test_control_c_is_exit_130():
    """A real signal while a slow pipe is read; a background job would ignore the signal."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rssbound", "analyze", "--topology", "-"],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (no threads)
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdin.write(
        b" " * (1 << 17)
    )  # more than a pipe holds: it is read after everything is written
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 130
    assert b"Traceback" not in err


def test_out_of_memory_is_one_line_with_the_need():
    host = "--topology 'core:262144 pu:2'"
    limited = f"ulimit -v 250000; exec {sys.executable} -m rssbound topology show {host}"
    done = subprocess.run(["sh", "-c", limited], capture_output=True, check=False, text=True)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "rssbound: out of memory: rssbound topology show with 524,288 CPUs needs about 380 MiB; "
        "allow more, or describe fewer CPUs\n"
    )


def test_warnings_go_to_standard_error(run, tmp_path):
    folder = tmp_path / "sys/devices/system/cpu/cpu0"
    folder.mkdir(parents=True)
    done = run("analyze", "--topology", str(tmp_path))

    assert done.returncode == 0
    assert b"warning:" in done.stderr
    assert b"warning:" not in done.stdout


def test_standard_input_that_is_a_terminal_is_a_usage_error():
    leader, follower = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "rssbound", "analyze", "--topology", "-"],
        stdin=follower,
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    os.close(leader)
    os.close(follower)

    assert done.returncode == 2
    assert b"standard input" in done.stderr
