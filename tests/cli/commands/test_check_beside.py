"""Limits on counters other than RSS."""

import json

import pytest
import schemas

HOST = ("package:2 core:8 pu:1", "--kernel", "6.12.117")


def verdicts(call, *arguments):
    code, out, _ = call("check", *HOST, *arguments, "--format", "json")
    return code, json.loads(out)["verdicts"]


@pytest.mark.parametrize(
    ("limit", "code", "pages"),
    [
        ("memory.stat.under <= 64MiB", 0, 16 * 127),
        ("memory.stat.over <= 2031", 1, 16 * 127),
        ("memory.current.over <= 4MiB", 0, 16 * 64),
        ("memory.current.under <= 0", 0, 0),
        ("vmstat.zone.under <= 1", 1, 16 * 4 * 125),
        ("sockets.over <= 4080", 0, 16 * 255),
    ],
)
def test_limits(call, limit, code, pages):
    found, (verdict,) = verdicts(call, "--limit", limit)

    assert (found, verdict["now"]) == (code, pages)
    assert verdict["bound"] == limit.partition(" ")[0]


def test_limits_of_both_kinds(call):
    code, found = verdicts(
        call, "--limit", "percpu.rss.under <= 1GiB", "--limit", "memory.current.over <= 1"
    )

    assert code == 1
    assert {one["bound"]: one["fails"] for one in found} == {
        "percpu.rss.under": False,
        "memory.current.over": True,
    }


def test_no_bound_is_above_every_limit(call):
    code, out, _ = call(
        *("check", HOST[0], "--kernel", "6.18.0", "--cgroups", "2"),
        *("--limit", "memory.stat.under <= 1EiB", "--format", "json"),
    )

    assert code == 1
    assert json.loads(out)["verdicts"][0]["now"] is None


LIMIT = ("--limit", "memory.stat.under <= 64MiB")


@pytest.fixture
def baseline(call, tmp_path):
    """A baseline with memory.stat in it."""
    file = tmp_path / "baseline.json"
    assert call("check", *HOST, "--write-baseline", str(file), *LIMIT)[0] == 0
    return file


def rows(file):
    return [row for row in json.loads(file.read_text())["rows"] if row["design"] == "memory.stat"]


def test_a_baseline_has_the_counters_that_limits_name(baseline):
    (row,) = rows(baseline)
    document = json.loads(baseline.read_text())

    assert (row["counter"], row["under"], row["over"]) == ("memory.stat", 16 * 127, 16 * 127)
    assert document["hosts"][0]["scenario"]["memory.stat"] == "rstat"
    assert document["hosts"][0]["levels"]["memory.stat"] == [
        "counted but not flushed: 1 x -1024..1024",
        "not yet counted on a CPU: 16 x -63..63",
    ]
    schemas.validate(document, "baseline-1")


def test_bounds_in_the_baseline_are_compared_without_a_limit(call, baseline):
    code, found = verdicts(call, "--baseline", str(baseline))

    assert code == 0
    assert {one["bound"] for one in found if one["bound"].startswith("memory")} == {
        "memory.stat.under",
        "memory.stat.over",
    }


def test_another_release_is_a_worse_bound_and_the_design_is_its_cause(call, baseline):
    code, out, _ = call(
        *("check", HOST[0], "--kernel", "6.1.176", "--baseline", str(baseline)),
        *("--format", "json"),
    )
    (worse,) = [
        one
        for one in json.loads(out)["verdicts"]
        if one["fails"] and one["bound"] == "memory.stat.under"
    ]

    assert code == 1
    assert (worse["before"], worse["now"]) == (16 * 127, 16 * 127 + 16 * 64)
    assert "memory.stat rstat -> rstat-global" in worse["why"]


def test_the_inputs_of_a_bound_are_its_cause(call, tmp_path):
    file = str(tmp_path / "baseline.json")
    host = ("check", HOST[0], "--kernel", "6.18.0", "--limit", "memory.current.over <= 1GiB")
    assert call(*host, "--write-baseline", file)[0] == 0
    code, out, _ = call(*host, "--baseline", file, "--cgroups", "3")

    assert code == 1
    assert "cgroups 1 -> 3, levels" in out


@pytest.mark.parametrize(("allowed", "code"), [("60%", 0), ("4MiB", 0), ("1 page", 1)])
def test_an_allowance_holds_for_them_too(allowed, code, call, baseline):
    found = call(
        *("check", HOST[0], "--kernel", "6.1.176", "--baseline", str(baseline)),
        *("--allow", f"memory.stat.under:{allowed}", "--allow", f"memory.stat.over:{allowed}"),
    )

    assert found[0] == code


def test_a_baseline_without_them_is_reported_once(call, tmp_path):
    file = tmp_path / "baseline.json"
    assert call("check", *HOST, "--write-baseline", str(file))[0] == 0
    document = {**json.loads(file.read_text()), "format_version": "1.2"}
    file.write_text(json.dumps(document))
    code, out, err = call(
        *("check", *HOST, "--baseline", str(file), *LIMIT, "--format", "github"),
        *("--allow", "memory.current.over:5%"),
    )

    assert code == 0, out
    text = err.removeprefix("rssbound: ")
    assert out.startswith(f"::warning file={file},title=rssbound%3A not checked::{text}")
    assert err == (
        f"rssbound: {file} has no bounds of memory.current, memory.stat, so their changes were "
        "not checked; write it again with --write-baseline\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--limit", "memory.stat <= 64MiB"), "'memory.stat'"),
        (("--limit", "memory.stat.both <= 64MiB"), "memory.stat.both"),
        (("--limit", "sockets.under <= 1", "--kernel", "4.14.1"), "no bound is known for Linux"),
        (("--allow", "memory.stat.under:5%", "--baseline", "/none"), "No such file"),
        (("--limit", "tree.rss.under <= 1GiB", "--cgroups", "2"), "add a limit on one"),
    ],
)
def test_impossible_options_are_one_line(call, arguments, words):
    code, out, err = call("check", *HOST, *arguments)

    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1
