"""Limits on counters beside RSS."""

import json

import pytest

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
        ("vmstat.zone.under <= 1", 1, 16 * 3 * 125),
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


def test_a_baseline_has_none_of_them(call, tmp_path):
    file = str(tmp_path / "baseline.json")
    code, _, _ = call(
        "check", *HOST, "--write-baseline", file, "--limit", "memory.stat.under <= 64MiB"
    )
    assert code == 0
    assert "memory.stat" not in (tmp_path / "baseline.json").read_text()

    code, _ = verdicts(call, "--baseline", file, "--limit", "memory.stat.under <= 64MiB")
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--limit", "memory.stat <= 64MiB"), "'memory.stat'"),
        (("--limit", "memory.stat.both <= 64MiB"), "memory.stat.both"),
        (("--limit", "sockets.under <= 1", "--kernel", "5.10.1"), "no bound is known for Linux"),
        (("--allow", "memory.stat.under:5%", "--baseline", "x"), "in no baseline"),
        (("--limit", "tree.rss.under <= 1GiB", "--cgroups", "2"), "add a limit on one"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(call, arguments, words):
    code, out, err = call("check", *HOST, *arguments)

    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1
