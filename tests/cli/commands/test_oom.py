"""`rssbound oom`: whether the OOM killer can choose the wrong process."""

import json
import os
import subprocess
import sys

import pytest
import schemas

from rssbound.live.procfs import is_in_container

HOST = ("--topology", "package:2 core:96 pu:2", "--kernel", "6.12.117")
TWO = ("--a", "12GiB", "--b", "11.8GiB")
NEEDED = 2 * 4 * 384 * 767 + 1


def document(call, *arguments):
    code, out, err = call("oom", *arguments, "--format", "json")
    found = json.loads(out)
    schemas.validate(found, "oom-1")
    assert code == (0 if found["ranked_right"] else 1)
    return found, err


def test_two_processes_that_can_be_ranked_wrongly(call):
    found, err = document(call, *TWO, *HOST)
    (pair,) = found["pairs"]

    assert err == ""
    assert pair == {
        "larger": "A",
        "smaller": "B",
        "difference": (12 << 18) - -(-int(11.8 * 2**30) // 4096),
        "needed": NEEDED,
        "ranked_right": False,
    }
    assert [each["can_be_chosen"] for each in found["processes"]] == [True, True]
    assert (found["accuracy"], found["accuracy_guess"], found["design"]) == (
        *("approximate", False, "percpu"),
    )


def test_two_processes_that_are_ranked_correctly(call):
    code, out, err = call("oom", "--a", "12GiB", "--b", "3GiB", *HOST)

    assert (code, err) == (0, "")
    assert (
        "always ranked correctly: they differ by 9 GiB (2,359,296 pages); a correct order needs"
        in out
    )


def test_in_words(call):
    code, out, _ = call("oom", *TWO, *HOST)

    assert code == 1
    head, verdict, *_ = out.splitlines()
    assert head.endswith(
        "Linux 6.12.117 reads its four counters approximately; the design is percpu"
    )
    assert verdict == (
        "can be ranked wrongly: they differ by 205 MiB (52,428 pages); "
        "a correct order needs 8.99 GiB (2,356,225 pages)"
    )
    assert "Reads are precise since Linux 7.0" in out


def test_a_list_names_who_may_be_chosen(call):
    sizes = [word for size in ("2GiB", "12GiB", "11.8GiB") for word in ("--size", size)]
    found, _ = document(call, *sizes, *HOST)
    _, out, _ = call("oom", *sizes, *HOST)

    assert [each["name"] for each in found["processes"]] == ["#2", "#3", "#1"]
    assert len(found["pairs"]) == 3
    assert "can be ranked wrongly: 1 of 3 pairs; #3 may be chosen in place of #2" in out


def test_a_precise_kernel_ranks_correctly(call):
    found, _ = document(call, *TWO, *HOST[:2], "--kernel", "7.2.13")

    assert (found["accuracy"], found["pairs"][0]["needed"]) == ("precise", 1)
    assert found["designs"]["percpu"] == NEEDED


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--a", "1GiB"), "Give two processes"),
        (("--pid", "1"), "Give two processes"),
        (("--a", "1GiB", "--b", "1GiB", "--pid", "1"), "Give two processes"),
        (("--pid", "1", "--pid", "1"), "given twice"),
        (("--pid", "1", "--pid", "2", *HOST), "leave out --topology"),
        (
            ("--a", "1GiB", "--b", "2GiB", "--topology", "core:4"),
            "the release of this machine is not known",
        ),
        (("--a", "1GiB", "--b", "-2", *HOST), "is not a size"),
        (
            ("--size", "1GiB", "--size", "99999999999TiB", *HOST),
            "'--size': 99999999999TiB: no process is larger than 16 EiB",
        ),
    ],
)
def test_faults_of_oom_are_one_line(call, arguments, fault):
    code, out, err = call("oom", *arguments)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert fault in err


@pytest.mark.skipif(is_in_container(), reason="process 1 of a container is one like others")
def test_the_first_process_of_the_machine_is_never_chosen(call):
    found, _ = document(call, "--pid", "1", "--pid", str(os.getpid()))

    assert [each.split()[0] for each in found["never_chosen"]] == ["1"]
    assert [each["can_be_chosen"] for each in found["processes"]] == [True]


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="no smaps_rollup here")
def test_live_processes_are_read(call):
    """Two processes hold 64 and 8 MiB; oom_score_adj makes the smaller one preferred."""
    program = "import sys; held = b'x' * (int(sys.argv[1]) << 20); print(flush=True); input()"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", program, size],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for size in ("64", "8")
    ]
    try:
        for child in children:
            child.stdout.readline()
        large, small = (child.pid for child in children)
        with open(f"/proc/{small}/oom_score_adj", "w") as file:
            file.write("500")
        found, _ = document(call, "--pid", str(large), "--pid", str(small))
    finally:
        for child in children:
            child.kill()
            child.communicate()
    sizes = {each["name"].split()[0]: each for each in found["processes"]}
    held = sizes[str(large)]["size"] - sizes[str(small)]["size"]
    page = found["page_size"]
    assert abs(held - (56 << 20) // page) < (1 << 20) // page
    assert sizes[str(small)]["oom_score_adj"] == 500
    assert sizes[str(small)]["adjustment"] > 0
    assert found["processes"][0]["name"].startswith(str(small))
