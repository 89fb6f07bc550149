"""Huge pages that are freed lazily: Linux 7.2 discards them whole and does not update the peak.

The running kernel runs the program with the other peaks: tests/bounds/reading/test_peaks.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "support" / "peaks" / "lazily_freed.c"

MIB_GIVEN_UP = 100
SLACK = 1024
"""KiB: more than the cheap sum lacks with two CPUs, 186 pages of 4 KiB."""


def runs_on(booted, series, count=1):
    """Run the program on a machine with two CPUs; gives what each run printed."""
    names = [f"lazily-freed-{number}" for number in range(count)]
    steps = tuple(f"run {name}" for name in names)
    machine = booted(series, "2", steps, tuple((name, PROGRAM.read_text()) for name in names))
    runs = [machine.runs[name] for name in names]
    assert all(run.status == 0 for run in runs)
    assert all(run["free_seen"] >= 2 * MIB_GIVEN_UP * 1024 for run in runs)
    return runs


def is_without_splits(run):
    return (run["droppable_splits"], run["free_splits"]) == (0, 0)


@pytest.mark.lab
def test_a_huge_page_that_is_discarded_whole_is_missed(booted):
    """A droppable mapping is discarded completely; MADV_FREE itself updates the peak once.

    A page that is in use elsewhere at that moment is split, and a split updates the peak too, so
    one run of three must be without.
    """
    run = next(filter(is_without_splits, runs_on(booted, "7.2", 3)), None)

    assert run is not None, "a huge page was split in each run"
    assert run["droppable_hwm"] < SLACK * 2
    assert run["free_hwm"] < (MIB_GIVEN_UP + 4) * 1024
    assert run["maxrss"] < (MIB_GIVEN_UP + 4) * 1024


@pytest.mark.lab
@pytest.mark.parametrize("series", ["6.1", "6.12"])
def test_a_huge_page_that_is_split_first_is_seen(booted, series):
    (run,) = runs_on(booted, series)

    assert run["free_splits"] == run["huge_pages"]
    assert run["free_hwm"] >= run["free_seen"] - SLACK
    assert ("droppable_seen" in run.values) == (series == "6.12")
    if series == "6.12":
        assert run["droppable_splits"] == run["huge_pages"]
        assert run["droppable_hwm"] >= run["droppable_seen"] - SLACK
