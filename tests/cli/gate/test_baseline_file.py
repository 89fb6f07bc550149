"""The baseline as a file: reproducible, all faults reported, and rows found by line."""

import io
import json
import sys

import pytest
import schemas
from gate import HOST, TREE, check

BASELINE = '{"kind": "rssbound.baseline", "format_version": "1.0",'
ON_RECORD = '{"topology": "d1", "name": "x", "scenario": {"page_size": 4096}, "levels": {}}'
NO_KERNEL = '{}, "kernel": {"design": 3}'


def test_a_baseline_is_sorted_free_of_paths_and_equal_to_the_byte(baseline, call):
    text = baseline.read_text()
    call("check", "--write-baseline", "again.json", "--topology", HOST, *TREE)
    document = json.loads(text)

    assert text == (baseline.parent / "again.json").read_text()
    schemas.validate(document, "baseline-1")
    assert str(baseline.parent) not in text
    keys = [(row["topology"], row["design"], row["counter"]) for row in document["rows"]]
    assert keys == sorted(keys)
    assert document["rows"][0] == {
        "topology": document["hosts"][0]["topology"],
        "design": "tree",
        "counter": "anon",
        "under": 504,
        "over": 0,
    }


def test_the_order_of_topologies_does_not_matter(folder, call):
    for name, order in (("a.json", ["core:2", "core:4"]), ("b.json", ["core:4", "core:2"])):
        assert call("check", "--write-baseline", name, "--topology", *order, *TREE)[0] == 0

    assert (folder / "a.json").read_bytes() == (folder / "b.json").read_bytes()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (" \n", "bounds.json: empty; a baseline is written with --write-baseline"),
        ("{", "not a baseline: line 1 column 2: not JSON"),
        ("[]", 'not a baseline: "kind" must be "rssbound.baseline"'),
        ('{"kind": "rssbound.baseline", "format_version": "2.0"}', 'format_version "2.0"'),
        (
            '{"kind": "rssbound.baseline", "format_version": "1.0", "hosts": [], "rows": [{}]}',
            "$.rows[0].under: expected a number of pages",
        ),
        (
            f'{BASELINE} "hosts": [{ON_RECORD}, {ON_RECORD}], "rows": []}}',
            " is listed twice",
        ),
        (
            f'{BASELINE} "hosts": [{ON_RECORD.replace("4096", "true")}], "rows": []}}',
            "$.hosts[0].scenario.page_size: expected a number of bytes",
        ),
        (
            f'{BASELINE} "hosts": [{ON_RECORD.replace("{}", "5")}], "rows": []}}',
            "$.hosts[0].levels: expected an object with the list",
        ),
        (
            f'{BASELINE} "hosts": [{ON_RECORD.replace("{}", NO_KERNEL)}], "rows": []}}',
            "$.hosts[0].kernel: expected a design and an object of readers",
        ),
    ],
)
def test_each_fault_of_a_broken_baseline_is_one_line(text, fault, folder, call):
    (folder / "bounds.json").write_text(text)
    code, out, err = check(call)

    assert (code, out) == (2, "")
    assert all(line.startswith("rssbound: bounds.json: ") for line in err.splitlines())
    assert fault in err


def test_a_missing_baseline(folder, call):
    code, _, err = check(call)

    assert code == 2
    assert err == (
        "rssbound: bounds.json: No such file or directory; --write-baseline FILE makes a baseline\n"
    )


def test_an_unreadable_baseline_gets_no_advice_to_write_it_again(folder, call):
    (folder / "bounds.json").mkdir()
    code, _, err = check(call)

    assert (code, err) == (2, "rssbound: bounds.json: Is a directory\n")


def test_a_baseline_from_an_empty_standard_input(folder, call, monkeypatch):
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"")))
    monkeypatch.setattr(sys, "stdin", stdin)
    code, _, err = call("check", "--baseline", "-", "--topology", HOST)

    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("rssbound: standard input: empty; ")


def test_a_baseline_from_standard_input(baseline, call, monkeypatch):
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(baseline.read_bytes())))
    monkeypatch.setattr(sys, "stdin", stdin)
    code, out, _ = call("check", "--baseline", "-", "--topology", HOST, *TREE, "--batch", "64")

    assert code == 1
    assert "6 worse" in out


@pytest.mark.parametrize("indent", [None, 1])
def test_a_row_is_found_however_the_baseline_is_laid_out(indent, baseline, call):
    document = json.loads(baseline.read_text())
    text = json.dumps(document, indent=indent)
    baseline.write_text(text)
    _, out, _ = check(call, "--batch", "64", "--format", "json")
    named = {verdict["bound"]: verdict for verdict in json.loads(out)["verdicts"]}
    verdict = named["tree.file.under"]
    start = text.index("{", text.index('"rows"'))
    start = text.index("{", start + 1)

    assert (verdict["bound"], verdict["line"]) == (
        "tree.file.under",
        text.count("\n", 0, start) + 1,
    )


def test_missing_and_new_rows_have_the_line_of_their_machine_or_design(folder, call):
    both = ("--design", "percpu", "--design", "tree")
    call("check", "--write-baseline", "bounds.json", "--topology", HOST, "core:2", *both)
    rows = [
        json.loads(line.rstrip(",")) if '"design"' in line else {}
        for line in (folder / "bounds.json").read_text().splitlines()
    ]

    def found(*arguments):
        _, out, _ = call("check", "--baseline", "bounds.json", *arguments, "--format", "json")
        return [
            (verdict["bound"], verdict["topology"], rows[verdict["line"] - 1])
            for verdict in json.loads(out)["verdicts"]
            if verdict["verdict"] in {"missing", "new"} and verdict["line"]
        ]

    (missing,) = found("--topology", HOST, *both)
    assert (missing[0], missing[2]["design"]) == ("every bound", "percpu")
    assert missing[2]["topology"] == missing[1]
    (missing,) = found("--topology", HOST, "core:2", "--design", "percpu")[:1]
    assert (missing[0], missing[2]["design"]) == ("tree", "tree")
    (new,) = found("--topology", HOST, "core:2", *both, "--design", "shared")[:1]
    assert (new[0], new[2]["topology"]) == ("shared", new[1])
