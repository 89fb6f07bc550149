"""The short form of the soak; `make soak` runs the long one, with figures in docs/live.md."""

import shutil
import sys

import pytest
import soak

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc"),
    pytest.mark.skipif(shutil.which("cc") is None, reason="cc builds what is watched"),
]


@pytest.mark.parametrize("walk", [False, True], ids=["statm", "smaps_rollup"])
def test_processes_that_come_and_go_stay_within_their_bounds(walk):
    found = soak.soak(40, 4, 0.1, walk=walk)
    measured = soak.figures(found)

    assert soak.faults(found, measured, walk=walk) == []
    assert measured["samples"] > 200
    assert measured["processes"] >= 40
    assert measured["compared"] > 20


def made(**changes):
    nothing = {"outside": 0, "other_processes": 0, "quantiles": {}, "notes": [], "processes": [{}]}
    summary = nothing | {"samples": 100_000, "compared": 100_000, "first": 0.0, "last": 1000.0}
    series = [(float(second), 0.05 * second, 30 << 20) for second in range(0, 1000, 10)]
    return {
        "code": 0,
        "said": "",
        "seconds": 1000.0,
        "series": series,
        "summary": summary,
    } | changes


def faults_of(found):
    return soak.faults(found, soak.figures(found))


def test_a_watch_that_behaves_has_no_faults():
    assert faults_of(made()) == []


def test_faults_are_reported():
    grows = [(at, cpu, rss + int(at) * 10_000) for at, cpu, rss in made()["series"]]
    busy = [(at, 0.5 * at, rss) for at, _, rss in made()["series"]]
    outside = made()["summary"] | {"outside": 3}

    assert "its own RSS grew by" in faults_of(made(series=grows))[0]
    assert "50.0% of a CPU" in faults_of(made(series=busy))[0]
    assert faults_of(made(summary=outside)) == ["3 samples outside the bound"]
    assert faults_of(made(code=2, said="rssbound: oh")) == ["exit code 2: rssbound: oh"]
