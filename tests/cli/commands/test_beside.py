"""Formulas, witnesses and proofs of counters other than RSS, from the command line."""

import json

import pytest

from rssbound.bounds.designs import BESIDE_IDS


def test_formulas_of_a_counter(call):
    _, out, _ = call("formula", "--metric", "memory.current", "--side", "over", "--format", "json")
    pieces = {one["design"]: one["pieces"][0]["pages"] for one in json.loads(out)["formulas"]}

    assert pieces == {"stock-32": "32*N", "stock": "A*N", "stock-slots": "A*N*Min(7, G)"}


def test_formulas_as_c_can_be_compiled_into_a_test(call):
    _, out, _ = call("formula", "--design", "rstat", "--side", "under", "--lang", "c")

    assert "long long rssbound_rstat_counter_under(long long cpus, long long charge_batch)" in out


@pytest.mark.parametrize(
    ("metric", "formula"),
    [("vmstat.zone", "N*Z"), ("vmstat.node", "D*N"), ("zoneinfo.zone", "N*t"), ("sockets", "R")],
)
def test_symbols_are_explained(call, metric, formula):
    _, out, _ = call("formula", "--metric", metric, "--side", "over")

    assert formula in out
    assert "published" in out
    letter = {"vmstat.zone": "Z", "vmstat.node": "D", "zoneinfo.zone": "t"}.get(metric, "R")
    assert f"{letter}: " in out


def test_formulas_of_a_machine_are_its_numbers(call):
    _, out, _ = call(
        "formula", "--metric", "memory.stat", "--topology", "core:16", "--side", "under"
    )

    assert "16*(2*A - 1)" in out or "32*A - 16" in out


def test_a_metric_of_another_counter_is_refused(call):
    code, _, err = call("formula", "--metric", "memory.stat", "--design", "tree")
    assert code == 2
    assert "memory.stat is none of tree" in err

    code, _, err = call("formula", "--metric", "rss", "--design", "stock")
    assert code == 2
    assert "rss is none of stock" in err


@pytest.mark.parametrize("design", BESIDE_IDS)
@pytest.mark.parametrize("side", ["under", "over"])
def test_witnesses_are_replayed(call, design, side):
    code, out, _ = call(
        *("witness", "--topology", "core:4", "--design", design, "--side", side),
        *("--format", "json"),
    )
    found = json.loads(out)

    assert code == 0
    assert found["error"] == found["bound"]
    assert sum(pages for _, pages in found["updates"]) == found["precise"]


@pytest.mark.parametrize("design", ["rstat", "socket-reserve"])
def test_without_a_bound_a_schedule_is_shown(call, design):
    _, out, _ = call(
        "witness", "--topology", "core:2", "--design", design, "--side", "over", "--in-flight", "1"
    )

    assert "no bound" in out
    assert "there is no limit" in out


def test_single_pages_reach_the_bound_as_well(call):
    code, out, _ = call(
        *("witness", "--topology", "core:3", "--design", "stat-threshold", "--side", "over"),
        *("--style", "pages", "--memory", "1GiB", "--format", "json"),
    )

    assert code == 0
    assert {abs(pages) for _, pages in json.loads(out)["updates"]} == {1}


def test_verify(call):
    code, out, _ = call("verify", "--topology", "core:3", "--counters", "beside")

    assert code == 0
    assert "24 bounds of 24 agree" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("verify", "--cgroups", "2"), "add --counters beside"),
        (("verify", "--counters", "beside", "--cgroups", "2"), "a witness is for one cgroup"),
        (("witness", "--design", "tree", "--side", "under", "--memory", "1G"), "add --design"),
        (
            ("witness", "--design", "stock", "--side", "over", "--cgroups", "2"),
            "a witness is for one cgroup",
        ),
        (("witness", "--design", "stock", "--side", "over", "--metric", "rss"), "of a process"),
        (("witness", "--design", "stock", "--side", "over", "--run"), "use --format c to write"),
    ],
)
def test_impossible_options_are_one_line(call, arguments, words):
    code, out, err = call(*arguments, "--topology", "core:2")

    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_plots_over_cpus_follow_the_thresholds(call):
    """Thresholds grow with the CPUs: at 1,024 they are 22, 125, 125 for 15 MiB, 3 GiB and more."""
    _, out, _ = call(
        *("plot", "cpus", "--metric", "vmstat.zone", "--topology", "core:2"),
        *("--memory", "64GiB", "--format", "csv"),
    )
    points = {
        int(line.split(",")[4]): int(line.split(",")[5])
        for line in out.splitlines()[1:]
        if line.endswith(",exact")
    }

    assert points[1024] == 1024 * (22 + 125 + 125)
    assert points[2] == 2 * (4 + 4 * 6 + 4 * 10)


def test_plots_of_levels(call):
    _, out, _ = call(
        "plot", "levels", "--metric", "memory.stat", "--topology", "core:4", "--format", "csv"
    )

    assert "rstat,memory.stat,under,counted but not flushed,1,256," in out


def test_a_picture(call, tmp_path):
    pytest.importorskip("matplotlib")
    file = tmp_path / "bounds.svg"
    code, _, _ = call(
        *("plot", "cpus", "--metric", "memory.current", "--side", "over"),
        *("--topology", "core:4", "-o", str(file)),
    )

    assert code == 0
    assert "memory.current can read too high" in file.read_text()


def test_a_report_shows_other_counters_on_request(call, tmp_path):
    file = tmp_path / "report.html"
    host = ("--topology", "core:4", "--kernel", "6.12.117")
    call("report", *host, "-o", str(file))
    assert "Counters other than RSS" not in file.read_text()

    code, _, _ = call("report", *host, "--counters", "beside", "--cgroups", "2", "-o", str(file))
    page = file.read_text()
    assert code == 0
    assert "Counters other than RSS" in page
    assert "rssbound analyze --topology core:4 --kernel 6.12.117 --counters beside" in page
    assert "stock-32" not in page  # of another kernel


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("plot", "batch", "--metric", "sockets"),
            "the figures of this counter are cpus and levels",
        ),
        (("plot", "cpus", "--metric", "sockets", "--design", "tree"), "all designs"),
        (("plot", "cpus", "--memory", "1GiB"), "add --metric"),
        (("report", "--memory", "1GiB", "-o", "x.html"), "add --counters beside"),
    ],
)
def test_pictures_that_other_counters_do_not_have(call, arguments, words):
    code, out, err = call(*arguments, "--topology", "core:2")

    assert (code, out) == (2, "")
    assert words in err
