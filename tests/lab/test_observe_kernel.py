"""`rssbound observe` on Debian's kernels: 6.1, whose statm is approximate, and 6.12, whose is not.

The guest has the Python that runs the tests. A process holds pages, prints its smaps_rollup and
field 24 of stat, and does not change while it is watched.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from machine import boot_files, compiled
from obtain import Missing
from python_guest import python_files, script

HERE = Path(__file__).parent

SECONDS = 900


@pytest.fixture(scope="module", params=["6.1", "6.12"])
def watched(request):
    """Boot a kernel that watches the process: its series, what it holds, and each watch's lines."""
    files = {
        "run/observe": script((HERE / "observe_guest.py").read_text()),
        "run/held": compiled((HERE / "held.c").read_text()),
        **python_files(),
    }
    try:
        machine = boot_files(request.param, "2", ["run observe"], files, seconds=SECONDS)
    except Missing as reason:
        pytest.skip(str(reason))
    run = machine.runs["observe"]
    assert run.status == 0
    text = re.search(r"^begin observe$(.*)^end observe", machine.console, re.MULTILINE | re.DOTALL)[
        1
    ]
    *watches, _ = re.split(r"^watched 0\n", text.partition("stat=")[2], flags=re.MULTILINE)
    return request.param, run, watches


def samples_in(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.lab_long
def test_every_row_is_right_and_within_its_bound(watched):
    series, held, watches = watched
    samples = samples_in(watches[0])

    assert len(samples) == 3
    assert held["after"] - held["before"] == held["kept"] == 250
    for sample in samples:
        assert sample["kernel"].startswith(f"{series}.")
        assert sample["design"] == {"6.1": "per-thread", "6.12": "percpu"}[series]
        assert (sample["comm"], sample["threads"]) == ("held", held["threads"])
        assert (sample["precise_pages"], sample["approximate_pages"]) == (
            held["after"],
            held["stat"],
        )
        assert sample["difference_pages"] == held["after"] - held["stat"]
        assert -sample["bound_over_pages"] <= sample["difference_pages"]
        assert sample["difference_pages"] <= sample["bound_under_pages"]
    if series == "6.1":  # every thread holds back the pages that it touched
        assert samples[0]["difference_pages"] >= held["kept"]


@pytest.mark.lab_long
def test_walks_are_counted_and_stay_within_the_budget(watched):
    series, _, watches = watched
    walks = re.search(r"smaps_rollup: (\d+) reads? of ([\d.]+) ms, ([\d.]+)% of a CPU", watches[0])
    if series == "6.12":
        assert walks is None
        return

    assert "statm is approximate on Linux 6.1" in watches[0].replace("Statm", "statm")
    assert 1 <= int(walks[1]) <= 3
    assert float(walks[2]) > 0
    assert float(walks[3]) > 0


@pytest.mark.lab_long
def test_page_tables_are_walked_only_where_the_cheap_value_cannot_decide(watched):
    series, held, watches = watched
    (far,), (near,) = samples_in(watches[1]), samples_in(watches[2])

    assert far["verdict"] == "below"
    assert far["precise_pages"] == (None if series == "6.1" else held["after"])
    assert near["verdict"] == ("cannot tell" if series == "6.1" else near["verdict"])
    assert near["precise_pages"] == held["after"]
