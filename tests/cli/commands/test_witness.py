"""`rssbound witness`: updates that lead to the bound."""

import json

import pytest

HOST = ("--topology", "package:2 core:4 pu:1")


def test_json_replays_to_the_bound(call):
    code, out, _ = call("witness", *HOST, "--design", "tree", "--side", "under", "--format", "json")
    document = json.loads(out)

    assert code == 0
    assert list(document) == [
        *("kind", "format_version", "design", "metric", "side", "counters", "own_cpus"),
        *("nr_cpu_ids", "batch", "updates", "approximate", "precise", "error", "bound"),
    ]
    assert document["kind"] == "rssbound.witness"
    assert sum(pages for _, pages in document["updates"]) == document["precise"] == 504
    assert document["precise"] - document["approximate"] == document["error"] == document["bound"]


def test_in_words(call):
    _, out, _ = call("witness", *HOST, "--design", "tree", "--side", "under")

    assert out.splitlines()[:2] == [
        "tree on package:2 core:4 pu:1: 8 updates of anon",
        "approximate 0, precise 504: 504 pages (1.97 MiB) too low, which is the bound",
    ]


def test_updates_that_others_make_are_marked(call):
    arguments = ("witness", *HOST, "--design", "percpu", "--side", "under", "--cpus", "2-3")
    _, out, _ = call(*arguments)
    document = json.loads(call(*arguments, "--format", "json")[1])
    made_by = [line.split()[3:] for line in out.splitlines() if line.split()[1:2] == ["31"]]

    assert made_by == [["others"]] * 2 + [["the", "process"]] * 2 + [["others"]] * 4
    assert "The process runs only on CPUs 2-3; other tasks on CPUs 0-1,4-7 " in out
    assert document["own_cpus"] == "2-3"
    assert [cpu for cpu, _ in document["updates"]] == list(range(8))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--design", "percpu", "--side", "over"),
        ("--design", "per-thread", "--side", "under", "--cpus", "3"),  # threads, on any CPU
        ("--design", "percpu", "--side", "over", "--cpus", "0-7"),
    ],
)
def test_nothing_is_marked_where_the_process_makes_all_updates(call, arguments):
    _, out, _ = call("witness", *HOST, *arguments)

    assert "made by" not in out
    assert "others" not in out


def test_a_program_for_some_cpus_has_a_second_process(call):
    arguments = ("witness", *HOST, "--format", "c", "--design", "percpu", "--side", "under")
    for_all, for_two = call(*arguments)[1], call(*arguments, "--cpus", "2-3")[1]

    assert "#define FOREIGN 0\n" in for_all
    assert "#define FIRST_CPU 0\n" in for_all
    assert "#define FOREIGN 1\n" in for_two
    assert "#define FIRST_CPU 2\n" in for_two
    assert "\t{ 1, 31, 1, 1 },\n\t{ 2, 31, 1, 0 },\n" in for_two


def test_a_bound_of_zero_is_named(call):
    code, out, _ = call("witness", *HOST, "--design", "tree", "--side", "over")

    assert code == 0
    assert "no sequence of updates makes the counter read too high: the bound is 0" in out


def test_growth_is_shown_where_there_is_no_bound(call):
    _, out, _ = call(
        *("witness", *HOST, "--design", "per-node", "--side", "over", "--in-flight", "1"),
    )

    assert "no bound if updates of a node overlap" in out
    assert "+287" in out
    _, out, _ = call(
        *("witness", *HOST, "--design", "per-node", "--side", "over", "--in-flight", "1"),
        *("--format", "json"),
    )
    document = json.loads(out)
    assert document["bound"] is None
    assert len(document["schedule"]) == 8


@pytest.mark.parametrize(
    ("design", "side", "metric", "reason"),
    [
        ("tree", "over", "counter", "tree over is 0; nothing to run"),
        ("percpu", "over", "oom", "no file shows the sum that oom_score reads; use --metric rss"),
        ("per-thread", "over", "rss", "the program's own pages prevent; use --metric counter"),
    ],
)
def test_a_witness_that_no_program_can_make_is_refused(call, design, side, metric, reason):
    arguments = ("witness", *HOST, "--format", "c", "--metric", metric)
    code, out, err = call(*arguments, "--design", design, "--side", side)

    assert (code, out) == (2, "")
    assert reason in err


def test_a_program_for_rss_updates_three_counters(call):
    arguments = ("witness", *HOST, "--format", "c", "--design", "percpu", "--side", "over")

    assert "#define COUNTERS 3\n" in call(*arguments, "--metric", "rss")[1]
    assert "#define COUNTERS 1\n" in call(*arguments)[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze",),
        ("tolerance", "stat", "--kernel", "6.12.43"),
        ("analyze", "--counters", "beside"),
        ("witness", "--design", "percpu", "--side", "over"),
    ],
)
def test_one_cpu_is_singular(call, arguments):
    out = call(*arguments, "--topology", "core:2", "--cpus", "0")[1]

    assert "on CPU 0" in out
    assert "CPUs 0 " not in out
    assert "CPUs 0;" not in out
