"""`rssbound choose`."""

import csv
import io
import json

import pytest
import schemas

EPYC = "package:2 numa:4 l3:3 core:8 pu:2"
CHOOSE = ("choose", "--metric", "counter")
HOST = (*CHOOSE, "--topology", EPYC, "--budget", "64MiB")


def document(call, *arguments):
    code, out, _ = call(*arguments, "--format", "json")
    found = json.loads(out)
    schemas.validate(found, "choice-1")
    return code, found


def test_the_second_line_has_the_value_to_use(call):
    """384 CPUs, batch 8: 384 * 7 + 64 * 56 + 8 * 448 = 9,856 pages, 38.5 MiB; 16: 78.5."""
    code, out, _ = call(*HOST)
    lines = out.splitlines()

    assert code == 0
    assert lines[:2] == [
        f"{EPYC}: with tree, one counter may be at most 64 MiB off",
        "RSS_STAT_BATCH_SIZE = 8: at most 38.5 MiB",
    ]
    assert any(line.startswith(">     8") for line in lines)
    assert any("32  too large, default   159 MiB" in line for line in lines)


def test_the_budget_is_for_rss_like_limits(call):
    """Three counters: 3 * 9,856 pages are 115.5 MiB with batch 8, and less than half with 4."""
    code, out, _ = call("choose", "--topology", EPYC, "--budget", "64MiB")
    _, found = document(call, "choose", "--topology", EPYC, "--budget", "64MiB")

    assert code == 0
    assert out.splitlines()[0] == f"{EPYC}: with tree, RSS may be at most 64 MiB off"
    assert (found["metric"], found["batch"]) == ("rss", 4)
    rejected = next(row for row in found["candidates"] if row["batch"] == 8)
    assert (rejected["under"], rejected["fits"]) == (3 * 9856, False)


@pytest.mark.parametrize(
    ("design", "kernel", "word"),
    [
        ("percpu", ("--kernel", "6.12.117"), "as now"),
        ("percpu", ("--kernel", "6.1.176"), "default"),
        ("percpu", (), "default"),
        ("tree", ("--kernel", "6.12.117"), "default"),
    ],
)
def test_as_now_marks_only_the_batch_of_the_kernel(design, kernel, word, call):
    arguments = ("choose", EPYC, "--budget", "64MiB", "--design", design, *kernel)
    _, out, _ = call(*arguments)
    _, found = document(call, *arguments)

    other = "default" if word == "as now" else "as now"
    assert f"too large, {word} " in out
    assert other not in out
    assert any(row["present"] for row in found["candidates"]) is (word == "as now")
    assert sum(row["default"] for row in found["candidates"]) == 1


def test_the_batch_of_percpu_is_described_as_the_kernels(call):
    words = "percpu_counter_batch is one number for every percpu_counter of the kernel"

    assert words in call("choose", EPYC, "--budget", "64MiB", "--design", "percpu")[1]
    assert words not in call("choose", EPYC, "--budget", "64MiB")[1]


def test_json_follows_its_schema(call):
    code, found = document(call, *HOST, "--processes", "1000")

    assert code == 0
    assert (found["batch"], found["constant"]) == (8, "RSS_STAT_BATCH_SIZE")
    chosen = next(row for row in found["candidates"] if row["batch"] == 8)
    assert chosen["under"] == 9856
    assert chosen["propagation"]["root"] == {"updates": 1, "pages": 512}
    assert chosen["host_memory_bytes"] == 1000 * chosen["memory_bytes"] == 1000 * 31232


def test_percpu_takes_any_number(call):
    """(b - 1) * 384 pages in 64 MiB: b - 1 <= 42.67."""
    _, found = document(call, *HOST, "--design", "percpu")

    assert found["batch"] == 43
    assert found["constant"] == "percpu_counter_batch"
    assert {43: True, 44: False, 768: False}.items() <= {
        row["batch"]: row["fits"] for row in found["candidates"]
    }.items()


def test_several_machines_given_as_a_shell_gives_them(call):
    code, found = document(
        *(call, *CHOOSE, "--budget", "128MiB", "--topology"),
        *("core:8", "examples/altra-q80-2p-64k.json", EPYC),
    )

    assert code == 0
    assert len(found["hosts"]) == 3
    # 160 CPUs with 64 KiB pages have room for 2,048; batch 4 takes 160 * 3 + 32 * 28 + 4 * 224
    # = 2,272, batch 2 takes 160 + 32 * 14 + 4 * 112 = 1,056
    assert found["batch"] == 2
    assert found["candidates"][0]["under"] == 1056
    assert found["candidates"][0]["page_size"] == 65536


def test_no_batch_fits(call):
    """384 + 64 * 14 + 8 * 112 = 2,176 pages with batch 2: 8,912,896 bytes."""
    code, out, _ = call(*CHOOSE, "--topology", EPYC, "--budget", "8MiB")

    assert code == 1
    assert (
        "no RSS_STAT_BATCH_SIZE fits; the smallest, 2, needs a budget of 8.5 MiB (8,912,896" in out
    )
    code, found = document(call, *CHOOSE, "--topology", EPYC, "--budget", "8MiB")
    assert (code, found["batch"], found["least_budget_bytes"]) == (1, None, 8912896)
    assert call(*CHOOSE, "--topology", EPYC, "--budget", "8912896")[0] == 0
    assert call(*CHOOSE, "--topology", EPYC, "--budget", "8912895")[0] == 1
    assert [row["batch"] for row in found["candidates"]] == [2, 4, 8, 32]


def test_any_batch_fits(call):
    code, found = document(call, *CHOOSE, "--topology", "core:1", "--budget", "0")

    assert (code, found["batch"], found["any_fits"]) == (0, None, True)
    _, out, _ = call(*CHOOSE, "--topology", "core:1", "--budget", "0")
    assert "any RSS_STAT_BATCH_SIZE fits" in out
    _, out, _ = call(*CHOOSE, "--topology", "core:2", "--budget", "8EiB")
    assert "any RSS_STAT_BATCH_SIZE up to 1,073,741,824 fits" in out  # a slot has 32 bits


def test_shapes_say_whether_the_kernels_own_is_beaten(call):
    code, out, _ = call(*HOST, "--shapes")

    assert code == 0
    assert "8x8x8 by cpu >> k with batch 8 is at least as good" in out
    rows = [line.split() for line in out.splitlines() if "cpu mod 2^k" in line and "x" in line]
    assert [">", "8x8x8"] in [row[:2] for row in rows]
    # CPUs r, r + 64, .., r + 320 are in both packages, six nodes of 48 CPUs and six caches of 16
    (kernels,) = (row for row in rows if row[0] == ">")
    assert kernels[-3:] == ["2", "6", "6"]


def test_shapes_in_json_and_csv(call):
    _, found = document(call, *HOST, "--shapes")
    kernels = [shape for shape in found["shapes"] if shape["kernel"]]
    _, out, _ = call(*HOST, "--shapes", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))

    assert [(shape["fan_ins"], shape["on_front"]) for shape in kernels] == [([8, 8, 8], False)]
    assert [level["name"] for level in kernels[0]["levels"]] == ["level 1", "level 2"]
    assert len(rows) == len(found["shapes"])
    assert sum(int(row["on_front"]) for row in rows) == sum(
        shape["on_front"] for shape in found["shapes"]
    )


@pytest.mark.long
def test_a_million_cpus(call):
    code, out, _ = call(*CHOOSE, "--topology", "core:1048576", "--budget", "64GiB", "--shapes")

    assert code == 0
    assert "the kernel's own shape (16x16x16x16x16) is on it" in out


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ((), "Missing option '--budget'"),
        (("--budget", "much"), "'much' is not a size such as 4096, 64K or 2MiB"),
        (("--budget", "1MiB", "--design", "shared"), "shared has no batch to choose; these have:"),
        (("--budget", "1MiB", "--shapes", "core:8"), "--shapes compares trees of one machine"),
        (("--budget", "1MiB", "--cpus", "9"), "core:4: cpus: 9 not possible on this machine"),
        (("--budget", "1MiB", "--processes", "0"), "'0' is not a whole number of at least 1"),
        (("--budget", "1MiB", "--batch", "4"), "No such option"),
    ],
)
def test_impossible_choices_are_refused(arguments, fault, call):
    code, out, err = call(*CHOOSE, "--topology", "core:4", *arguments)

    assert (code, out) == (2, "")
    assert fault in err


def test_all_figures_of_a_row_are_for_one_machine(call):
    """4 CPUs with 64 KiB pages are off by more bytes; 64 CPUs with 4 KiB pages take more memory."""
    hosts = ("--topology", "core:4", "--topology", "core:64")
    _, found = document(call, *CHOOSE, *hosts, "--budget", "1GiB", "--processes", "1")
    alone = {
        host: document(call, *CHOOSE, "--topology", host, "--budget", "1GiB")[1]["candidates"]
        for host in ("core:4", "core:64")
    }
    memory = {host: rows[0]["memory_bytes"] for host, rows in alone.items()}

    assert memory["core:4"] < memory["core:64"]
    for row in found["candidates"]:
        assert row["memory_bytes"] == row["host_memory_bytes"] == memory[row["host"]]


@pytest.mark.long
def test_shapes_that_are_not_shown_are_counted(call):
    """The kernel's own shape is on the front below the rows that fit, and is still shown."""
    arguments = (*CHOOSE, "--topology", "core:4096", "--budget", "256MiB", "--shapes")
    _, out, _ = call(*arguments)
    front = sum(row["on_front"] for row in document(call, *arguments)[1]["shapes"])
    table = out.split("> marks the kernel's shape")[1]
    shown = sum(" cpu " in line[:30] for line in table.splitlines())

    assert f"{front - shown} of them are not shown" in out


def test_shapes_say_what_to_give_a_kernel_at_boot(call):
    _, found = document(call, *HOST, "--shapes")
    _, out, _ = call(*HOST, "--shapes")

    assert found["boot_parameter"] == "percpu_counter_tree.arity=8,8,8"
    assert "at boot (tree-symmetric): percpu_counter_tree.arity=8,8,8, with batch" in out
    assert {shape["boot_parameter"] is None for shape in found["shapes"]} == {True, False}
    for shape in found["shapes"]:
        assert (shape["boot_parameter"] is None) is (shape["grouping"] != "modulo")


def test_without_shapes_there_is_no_boot_parameter(call):
    _, found = document(call, *HOST)

    assert "boot_parameter" not in found
