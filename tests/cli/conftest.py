"""Running the program as a user does, in a process of its own or in this one."""

import os
import subprocess
import sys

import pytest

EPYC = "package:2 numa:4 l3:3 core:8 pu:2"


@pytest.fixture
def run():
    """Run `rssbound ARGUMENTS` in a process of its own."""

    def run_program(*arguments, stdin=None, env=None, timeout=60):
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
