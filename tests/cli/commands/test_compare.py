"""`rssbound compare`."""

import csv
import io
import json
import sys

import pytest

HOST = ("--topology", "package:2 core:4 pu:1")


def rows(out):
    return {
        (row["a"]["design"], row["counter"], row["side"]): (row["a"]["bytes"], row["b"]["bytes"])
        for row in json.loads(out)["rows"]
    }


def test_two_batches(call):
    """8 CPUs: 504 pages with batch 32, 1,016 with 64."""
    arguments = ("compare", *HOST, "batch=32", "batch=64", "--format", "json")
    code, out, _ = call(*arguments)
    found = rows(out)

    assert code == 0
    assert found["tree", "anon", "under"] == (504 * 4096, 1016 * 4096)
    assert found["percpu", "rss", "over"] == (744 * 4096, 744 * 4096)


def test_two_designs(call):
    _, out, _ = call("compare", *HOST, "design=percpu", "design=tree", "--format", "json")

    assert len(rows(out)) == 12
    assert rows(out)["percpu", "anon", "under"] == (248 * 4096, 504 * 4096)


def test_two_machines_each_with_its_own_page_size(call):
    _, out, _ = call("compare", "core:4", "examples/altra-q80-2p-64k.json", "--format", "json")

    assert rows(out)["percpu", "anon", "under"] == (124 * 4096, (2 * 160 - 1) * 160 * 65536)


def test_saved_results_of_analyze_and_check(call, tmp_path):
    analysis, baseline = tmp_path / "a.json", tmp_path / "b.json"
    call("analyze", *HOST, "--format", "json", "-o", str(analysis))
    call("check", *HOST, "--batch", "64", "--write-baseline", str(baseline))
    _, out, _ = call("compare", str(analysis), str(baseline), "--format", "json")

    assert rows(out)["tree", "anon", "under"] == (504 * 4096, 1016 * 4096)
    assert len(rows(out)) == 144


def test_two_baselines_with_another_counter(call, tmp_path):
    """16 CPUs: 127 pages on each since 6.12, and 64 more on each in 6.1."""
    files = [str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    for file, kernel in zip(files, ("6.12.1", "6.1.176"), strict=True):
        host = ("--topology", "core:16", "--kernel", kernel)
        limit = ("--limit", "memory.stat.under <= 1GiB")
        assert call("check", *host, *limit, "--write-baseline", file)[0] == 0
    found = rows(call("compare", *files, "--json")[1])
    _, out, _ = call("compare", *files)

    sizes = (16 * 127 * 4096, 16 * (127 + 64) * 4096)
    assert found["memory.stat", "memory.stat", "under"] == sizes
    assert found["memory.stat", "memory.stat", "over"] == sizes
    assert [line for line in out.splitlines() if line.startswith("memory.stat")] == [
        "memory.stat  memory.stat  too low   7.94 MiB  12 MiB  1.50 x worse",
        "memory.stat  memory.stat  too high  7.94 MiB  12 MiB  1.50 x worse",
    ]


def test_csv(call):
    _, out, _ = call(
        *("compare", *HOST, "design=per-node", "in-flight=1", "--design", "per-node"),
        *("--format", "csv"),
    )
    table = list(csv.DictReader(io.StringIO(out)))

    assert table[0]["a_bytes"] == str(31 * 4096)
    assert table[0]["b_bytes"] == "inf"


def test_in_words(call):
    _, out, _ = call("compare", *HOST, "design=percpu", "design=tree")

    assert "percpu, tree  anon   too low    992 KiB  1.97 MiB  2.03 x worse" in out
    assert "percpu, tree  anon   too high   992 KiB         0  better" in out


@pytest.mark.parametrize(
    ("operands", "fault"),
    [
        (("design=three", "batch=32"), "design=three: unknown design 'three'; known: shared"),
        (("batch=32", "batsch=64"), "unknown setting 'batsch'; known: cpus, updaters"),
        (("batch=32", "batch=many"), "batch: 'many' is not a valid integer"),
        (("batch=32", "batch=33"), "batch: 33; must be a power of two"),
        (("core:4", "no such file"), "no such file"),
    ],
)
def test_what_cannot_be_compared(operands, fault, call):
    code, out, err = call("compare", *HOST, *operands)

    assert (code, out) == (2, "")
    assert fault in err


def test_nothing_in_common(call, tmp_path):
    saved = tmp_path / "a.json"
    call(
        "analyze",
        *HOST,
        "--design",
        "tree",
        "--design",
        "percpu",
        "--format",
        "json",
        "-o",
        str(saved),
    )
    code, _, err = call("compare", str(saved), "core:4", "--design", "shared")

    assert code == 2
    assert "nothing to compare" in err


def test_a_baseline_of_several_machines_and_an_analysis_of_one(call, tmp_path):
    """An analysis has no digest; its machine is matched by name."""
    baseline, analysis = str(tmp_path / "b.json"), str(tmp_path / "a.json")
    call("check", *HOST, "core:4", "--batch", "64", "--write-baseline", baseline)
    call("analyze", *HOST, "--format", "json", "-o", analysis)
    for operands, sides in (
        ((baseline, analysis), (1016 * 4096, 504 * 4096)),
        ((analysis, baseline), (504 * 4096, 1016 * 4096)),
    ):
        code, out, _ = call("compare", *operands, "--format", "json")
        assert code == 0
        assert rows(out)["tree", "anon", "under"] == sides


def stdin_of(monkeypatch, path):
    data = io.BytesIO(path.read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(data)))


@pytest.mark.parametrize("command", ["analyze --format json -o", "check --write-baseline"])
def test_a_saved_result_from_standard_input(command, call, tmp_path, monkeypatch):
    call(*command.split(), str(tmp_path / "b.json"), *HOST, "--batch", "64")
    stdin_of(monkeypatch, tmp_path / "b.json")
    code, out, _ = call("compare", HOST[1], "-", "--format", "json")

    assert code == 0
    assert rows(out)["tree", "anon", "under"] == (504 * 4096, 1016 * 4096)


def test_a_machine_from_standard_input(call, tmp_path, monkeypatch):
    (tmp_path / "h").write_text("core:4\n")
    stdin_of(monkeypatch, tmp_path / "h")
    code, out, _ = call("compare", HOST[1], "-", "--format", "json")

    assert code == 0
    assert rows(out)["percpu", "anon", "under"] == (248 * 4096, 124 * 4096)


@pytest.mark.parametrize("operands", [(HOST[1], "batch=64"), ("batch=64", HOST[1])])
def test_a_setting_is_for_the_machine_of_the_other_operand(operands, call):
    _, out, _ = call("compare", *operands, "--format", "json")
    found = {row["a"]["host"] for row in json.loads(out)["rows"]}

    assert found == {HOST[1]}
    assert {rows(out)["tree", "anon", "under"]} == {
        tuple(1016 * 4096 if "batch" in operand else 504 * 4096 for operand in operands)
    }


def test_a_setting_and_an_operand_without_a_machine(call, tmp_path):
    call("analyze", *HOST, "--format", "json", "-o", str(tmp_path / "a.json"))
    code, out, err = call("compare", str(tmp_path / "a.json"), "batch=64")

    assert (code, out) == (2, "")
    assert "batch=64 needs a machine: give --topology" in err


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('["rssbound.analysis"]', 'not a baseline: "kind" must be'),
        (
            '{"kind": "rssbound.analysis", "format_version": "2.0"}',
            'format_version "2.0" is not supported; this program reads 1.0',
        ),
        (
            '{"kind": "rssbound.analysis", "format_version": "1.0"}',
            "$.designs: expected a list of objects",
        ),
        (
            '{"kind": "rssbound.analysis", "format_version": "1.0", "designs": [{"counters": 3}]}',
            "$.designs[0].rss.under: expected a number of pages",
        ),
    ],
)
def test_each_fault_of_a_broken_result_is_one_line(text, fault, call, tmp_path):
    (tmp_path / "a.json").write_text(text)
    code, out, err = call("compare", HOST[1], str(tmp_path / "a.json"))

    assert (code, out) == (2, "")
    assert fault in err
    assert "a bug" not in err


def test_names_cannot_break_the_lines(call, tmp_path):
    (tmp_path / "h.json").write_text(
        '{"kind": "rssbound.topology", "format_version": "1.0", "name": "a\\u001b[31m\\nb", '
        '"synthetic": "core:4"}'
    )
    _, out, _ = call("compare", str(tmp_path / "h.json"), "core:4")

    assert "\x1b" not in out
    _, out, _ = call("compare", str(tmp_path / "h.json"), "core:8")
    assert "A: a\\x1b[31m\\nb, B: core:8" in out


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((10_000, 10_000_001), "1,000 x worse"),
        ((4096, 73_114_337), "17,850 x worse"),
        ((73_114_337, 4096), "17,850 x better"),
        ((1000, 12_340), "12.3 x worse"),
        ((1000, 9_996), "10.0 x worse"),
        ((1000, 2_031), "2.03 x worse"),
        ((1000, 123_400), "123 x worse"),
    ],
)
def test_a_factor_has_three_digits(bounds, words):
    from rssbound.bounds.gate.comparison import Bound, Pair
    from rssbound.cli.render import Style
    from rssbound.cli.render.results.comparison import render

    pair = Pair("rss", "under", *(Bound("host", "percpu", size) for size in bounds))
    assert words in render(("a", "b"), [pair], (None, None), "plain", Style())
