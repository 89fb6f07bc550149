"""`rssbound tolerance`: a reading, a change, a file against another."""

import json

import pytest
import schemas

from rssbound.cli.inputs import process as process_module
from rssbound.cli.inputs.process import Process
from rssbound.topology import CpuSet

HOST = ("--topology", "package:2 core:32 pu:1", "--kernel", "6.12.117")
PAGES = 3 * 8128


def document(call, *arguments):
    code, out, err = call("tolerance", *arguments, "--format", "json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    schemas.validate(found, "tolerance-1")
    return found


def side(pages, page_size=4096):
    return {"bytes": pages * page_size, "kib": pages * page_size // 1024, "pages": pages}


@pytest.mark.parametrize(
    ("question", "under", "over"),
    [
        (("stat",), side(PAGES), side(PAGES)),
        (("statm",), side(0), side(0)),
        (("stat", "--change"), side(2 * PAGES), side(2 * PAGES)),
        (("stat", "--against", "statm"), side(PAGES), side(PAGES)),
        (("maxrss", "--against", "statm"), side(PAGES), None),
        (("statm", "--against", "hwm"), None, side(0)),
        (("hwm", "--assume", "single-threaded, no huge pages"), side(PAGES), side(PAGES)),
        (("stat", "--page-size", "64K"), side(PAGES, 65536), side(PAGES, 65536)),
    ],
)
def test_json_follows_its_schema(call, question, under, over):
    found = document(call, *question, *HOST)

    assert (found["under"], found["over"]) == (under, over)
    assert (found["file"], found["guess"], found["process"]) == (question[0], False, None)


def test_in_words(call):
    code, out, err = call("tolerance", "maxrss", "--against", "statm", *HOST)

    assert (code, err) == (0, "")
    head, *lines = out.splitlines()
    assert head.startswith(
        "package:2 core:32 pu:1, Linux 6.12.117: one process with 1 thread on CPUs"
    )
    assert lines == [
        "maxrss against statm, both read at the same moment",
        "",
        "       too low by  too high by",
        "size     95.3 MiB     no bound",
        "bytes  99,876,864     no bound",
        "KiB        97,536     no bound",
        "pages      24,384     no bound",
    ]


@pytest.mark.parametrize("format_", ["table", "plain", "markdown"])
def test_every_format_has_the_question(call, format_):
    _, out, _ = call("tolerance", "stat", "--change", *HOST, "--format", format_)

    assert "the difference of two readings of stat" in out.replace("\n", " ")
    assert "48,768" in out


def test_a_restricted_process_has_both(call):
    """127 pages on each of 64 CPUs, or of 2, in three counters."""
    restricted = ("stat", "--against", "statm", *HOST, "--cpus", "0-1")
    found = document(call, *restricted)
    _, out, _ = call("tolerance", *restricted)

    assert (found["under"], found["own_updates"]["under"]) == (side(PAGES), side(3 * 127 * 2))
    assert found["scenario"] == {"cpus": "0-1", "updaters": "all", "threads": 1}
    assert "While nothing else updates the process" in out
    assert "up to 2.98 MiB (762 pages) too low or too high." in out
    promised = document(call, *restricted, "--updaters", "own")
    assert (promised["under"], promised["own_updates"]) == (side(3 * 127 * 2), None)
    assert document(call, "stat", *HOST)["own_updates"] is None
    split = ("stat", "--topology", "core:64", "--kernel", "6.1.176", "--cpus", "0-1")
    assert (
        document(call, *split)["own_updates"] is None
    )  # updates by others are counted immediately


def test_guesses_and_caveats_are_printed(call):
    _, out, _ = call("tolerance", "statm", "--topology", "core:4", "--kernel", "6.1.9-el9")

    assert "guess: the release does not show which fixes were backported." in out
    assert "per-thread: no bound where a driver maps pages without a fault" in out


def test_a_process_is_described(call, monkeypatch):
    process = Process(
        42, "a\x1bname", 1, CpuSet.parse("0"), CpuSet.parse("0-1"), 4096, {"anon": 8192}
    )
    monkeypatch.setattr(process_module, "process_of", lambda pid: process)
    _, out, _ = call("tolerance", "stat", "--pid", "42", "--kernel", "6.12.117")

    assert "process 42 (a\\x1bname), as /proc shows now: anon 8 KiB" in out
    found = document(call, "stat", "--pid", "42", "--kernel", "6.12.117")
    assert found["process"]["cpuset"] == "0-1"
    assert found["process"]["rss_bytes"] == {"anon": 8192}


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("maxrss",), "read memory.peak of a cgroup of its own, or keep the largest of your own"),
        (("stat", "--change", "--against", "statm"), "give only one of them"),
        (("stat", "--against", "memory.current"), "memory.current: is not a sum of RSS counters"),
        (("vmstat",), "'vmstat' is not one of"),
        (("memory.stat", "--threads", "2"), "--threads applies to a process"),
        (("stat", "--cgroups", "2"), "--cgroups applies to counters other than RSS"),
        (("hwm", "--threads", "2", "--assume", "single-threaded, no huge pages"), "has 2 threads"),
    ],
)
def test_questions_without_an_answer(call, arguments, fault):
    code, out, err = call("tolerance", *arguments, *HOST)

    assert (code, out) == (2, "")
    assert fault in err
    assert len(err.splitlines()) == 1


def test_other_counters(call):
    found = document(call, "memory.current", "--cgroups", "3", *HOST)
    assert found["over"]["bytes"] == 64 * 64 * 4096  # 64 CPUs with one slot, 64 pages each
    assert found["under"]["bytes"] == 0

    found = document(call, "sockets", "--change", "--mem-pcpu-rsv", "300", *HOST)
    assert found["under"]["pages"] == 2 * 64 * 299

    code, _, err = call("tolerance", "memory.stat", *HOST[:2], "--kernel", "5.16.1")
    assert code == 2
    assert "memory.stat: no bound is known for Linux 5.16.1" in err

    code, out, err = call("tolerance", "memory.numa_stat", *HOST[:2], "--kernel", "5.14.21")
    assert (code, out) == (2, "")
    assert "memory.numa_stat: no bound is known for Linux 5.14.21" in err
    assert len(err.splitlines()) == 1
