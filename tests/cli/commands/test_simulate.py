"""`rssbound simulate`."""

import csv
import io
import json

import pytest
import schemas

from rssbound.bounds.typical import simulation as simulate_module

HOST = ("simulate", "--topology", "package:2 core:4 pu:1", "--updates", "2e4")


def test_json_follows_its_schema(call):
    arguments = ("--design", "tree", "--design", "percpu", "--format", "json")
    code, out, _ = call(*HOST, *arguments)
    document = json.loads(out)

    assert code == 0
    schemas.validate(document, "simulation-1")
    tree, percpu = document["simulations"]
    # half of 504 pages; 8 slots, each 0 or, half of the time, uniform on 0 .. 31
    assert tree["predicted"]["mean"] == 252
    assert percpu["predicted"]["mean"] == 62
    assert tree["within"]
    assert sum(bar["predicted"] for bar in tree["histogram"]) == pytest.approx(1, abs=1e-5)


def test_the_same_seed_gives_the_same_output(call):
    assert call(*HOST, "--design", "tree") == call(*HOST, "--design", "tree")
    assert call(*HOST, "--design", "tree") != call(*HOST, "--design", "tree", "--seed", "2")


def test_words_with_a_histogram(call):
    _, out, _ = call(*HOST, "--design", "tree", "--workload", "growth")
    lines = out.splitlines()

    assert lines[0] == (
        "package:2 core:4 pu:1: one counter of one large process; growth, 20,000 updates, seed 1"
    )
    assert "tree: # seen, | predicted" in lines
    assert any(line.rstrip().endswith("|") and "#####" in line for line in lines)


def test_the_kernels_own_design_is_the_default(call):
    _, out, _ = call(*HOST, "--kernel", "6.1.176", "--format", "json")
    assert json.loads(out)["simulations"][0]["design"] == "per-thread"

    _, out, _ = call(*HOST, "--format", "json")
    assert json.loads(out)["simulations"][0]["design"] == "percpu"


def test_csv(call):
    _, out, _ = call(*HOST, "--design", "tree", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(out))

    assert row["design"] == "tree"
    assert row["predicted_mean_pages"] == "252.0"
    assert row["updates"] == "20000"


def test_a_short_warm_up_is_reported(call):
    _, out, _ = call(
        *("simulate", "--topology", "core:384", "--updates", "1000"),
        *("--design", "tree", "--workload", "growth"),
    )

    assert "only 20,000 updates came before the first sample" in out


def test_a_single_cpu_has_a_histogram_too(call):
    code, out, _ = call("simulate", "--topology", "core:1", "--updates", "1e3", "--design", "tree")

    assert code == 0
    assert "100.0%" in out


def test_an_error_outside_the_bound_is_a_violation(call, monkeypatch):
    """The bound is made too small, because no run exceeds a correct one."""
    monkeypatch.setattr(simulate_module.Run, "within", lambda *_: False)
    code, out, _ = call(*HOST, "--design", "tree")

    assert code == 1
    assert "AN ERROR EXCEEDED THE BOUND" in out


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("--updates", "0"), "'0' is not a number of updates"),
        (("--updates", "1.5"), "'1.5' is not a number of updates"),
        (("--updates", "nan"), "'nan' is not a number of updates"),
        (("--updates", "many"), "'many' is not a number of updates"),
        (("--in-flight", "1"), "in_flight: a simulation samples settled counters"),
    ],
)
def test_impossible_simulations_are_refused(options, fault, call):
    code, out, err = call("simulate", "--topology", "core:4", *options)

    assert (code, out) == (2, "")
    assert fault in err
