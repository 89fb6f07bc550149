"""Captures of real machines, one test for each.

`make test` takes one in eight; `make check` takes all.
"""

import os
from pathlib import Path

import pytest

CORPUS = Path(os.environ.get("RSSBOUND_CORPUS", ""))
NAMES = (
    sorted(path.name.removesuffix(".tar.xz") for path in (CORPUS / "sysfs").glob("*.tar.xz"))
    if "RSSBOUND_CORPUS" in os.environ
    else []
)
"""All captures; none where RSSBOUND_CORPUS is not set."""

SHOWN = 8

each_capture = pytest.mark.parametrize("name", NAMES or ["none"])
each_capture_by_sample = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if number % SHOWN else [])
        for number, name in enumerate(NAMES or ["none"])
    ],
)
needs_captures = pytest.mark.skipif(not NAMES, reason="RSSBOUND_CORPUS names no captured machines")
