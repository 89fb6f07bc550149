"""The C programs of tests/support: compiled once and run; their output as numbers."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from limits import PATIENCE_SECONDS

FOLDER = Path(__file__).parent
CANNOT = 77


@functools.cache
def program(name, folder="peaks"):
    """Compile a program of a folder; gives its path. Skips where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")
    binary = Path(_folder().name) / name
    flags = ("-O1", "-Wall", "-Wextra", "-Werror", "-pthread")
    subprocess.run([compiler, *flags, "-o", binary, FOLDER / folder / f"{name}.c"], check=True)
    return binary


@functools.cache
def _folder():
    return tempfile.TemporaryDirectory(prefix="rssbound-peaks-", ignore_cleanup_errors=True)


def measured(*command, timeout=PATIENCE_SECONDS):
    """Run a program; gives its key=value lines. Skips if the program says that it cannot run."""
    ran = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    lines = dict(line.split("=", 1) for line in ran.stdout.splitlines())
    if ran.returncode == CANNOT:
        pytest.skip(lines.get("cannot", "cannot be shown here"))
    assert ran.returncode == 0, ran.stderr
    return {key: int(value) for key, value in lines.items()}
