"""Run the program as a user does, in a separate process or in this one."""

import os
import subprocess
import sys

import pytest
from gate import HOST, TREE
from limits import PATIENCE_SECONDS


@pytest.fixture
def run():
    """Run `rssbound ARGUMENTS` in a separate process."""

    def run_program(*arguments, stdin=None, env=None, timeout=PATIENCE_SECONDS):
        environment = {
            key: os.environ[key] for key in ("PATH", "HOME", "PYTHONPATH") if key in os.environ
        }
        return subprocess.run(
            [sys.executable, "-m", "rssbound", *arguments],
            input=stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
            env=environment | (env or {}),
        )

    return run_program


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory, so that no settings are found above it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def baseline(folder, call):
    """A baseline with the bounds of a small host."""
    code, _, _ = call("check", "--write-baseline", "bounds.json", "--topology", HOST, *TREE)
    assert code == 0
    return folder / "bounds.json"


@pytest.fixture
def report(call, tmp_path):
    """Write a report; give the text of the page."""

    def write(*arguments):
        file = tmp_path / "report.html"
        code, out, err = call("report", *arguments, "-o", str(file))
        assert (code, out, err) == (0, "", "")
        return file.read_text(encoding="utf-8")

    return write
