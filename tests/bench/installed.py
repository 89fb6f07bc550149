"""What is timed: an ordinary installation of this checkout, as users have.

A wheel is built from a copy of the checkout and installed in an environment of its own, in which
pip compiles it. An editable installation starts more slowly: its finder is code of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "build/bench"
PYTHON = str(PLACE / "bin/python")
COMMAND = str(PLACE / "bin/rssbound")
EXTRAS = ("fleet", "kernel", "plot")

LEFT_OUT = (".*", "build", "dist", "__pycache__", "*.egg-info")
"""Contents of the checkout that its wheel does not need; an old build/lib would get into it."""


def install(extras=()):
    """Install the checkout, with packages of its extras; those that are there already stay."""
    venv.create(PLACE, symlinks=True)
    with tempfile.TemporaryDirectory() as name:
        source, made = Path(name, "source"), Path(name, "made")
        shutil.copytree(ROOT, source, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
        pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", made, source)
        (wheel,) = made.iterdir()
        pip(PYTHON, "install", f"{wheel}[{','.join((*EXTRAS, *extras))}]")
        pip(PYTHON, "install", "--no-deps", "--force-reinstall", wheel)


def pip(python, *words):
    """Run pip for an environment, which need not have it."""
    options = ("--quiet", "--disable-pip-version-check", "--python", python)
    command = (sys.executable, "-m", "pip", *options, *map(str, words))
    subprocess.run(command, check=True, env=environment())


def environment():
    """Give the environment variables of what is timed, without those of this interpreter."""
    left_out = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "VIRTUAL_ENV"}
    return {name: value for name, value in os.environ.items() if name not in left_out}
