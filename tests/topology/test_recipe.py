"""The commands of docs/topology.md that capture a host without rssbound work."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

import rssbound

DOCS = Path(__file__).parents[2] / "docs" / "topology.md"


@pytest.fixture(scope="module")
def pasted():
    if not os.path.isdir("/sys/devices/system/cpu/cpu0"):
        pytest.skip("no /sys of a Linux machine here")
    lines = re.search(r"<<'END' >host\.tar\.gz\n(.*?)\nEND\n", DOCS.read_text(), re.DOTALL)[1]
    return subprocess.run(["sh", "-s"], input=lines.encode(), capture_output=True, check=True)


def test_it_reads_as_the_live_machine_with_release_and_page_size(pasted, on_disk):
    captured, live = rssbound.read(on_disk(pasted.stdout, "host.tar.gz")), rssbound.read()

    for field in ("possible", "present", "online", "columns", "nodes", "kernel", "page_size"):
        assert getattr(captured, field) == getattr(live, field), field


def test_the_script_prints_no_errors(pasted):
    assert pasted.stderr == b""
