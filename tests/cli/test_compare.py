"""`rssbound compare`."""

import csv
import io
import json

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


def test_what_analyze_and_check_saved(call, tmp_path):
    analysis, baseline = tmp_path / "a.json", tmp_path / "b.json"
    call("analyze", *HOST, "--format", "json", "-o", str(analysis))
    call("check", *HOST, "--batch", "64", "--write-baseline", str(baseline))
    _, out, _ = call("compare", str(analysis), str(baseline), "--format", "json")

    assert rows(out)["tree", "anon", "under"] == (504 * 4096, 1016 * 4096)
    assert len(rows(out)) == 108


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
        (("design=three", "batch=32"), "design=three: no design 'three'; there are shared"),
        (("batch=32", "batsch=64"), "no setting 'batsch'; there are cpus, threads"),
        (("batch=32", "batch=many"), "batch: 'many' is not a valid integer"),
        (("batch=32", "batch=33"), "batch: 33; the tree needs a power of two"),
        (("core:4", "no such file"), "no such file"),
    ],
)
def test_what_cannot_be_compared(operands, fault, call):
    code, out, err = call("compare", *HOST, *operands)

    assert (code, out) == (2, "")
    assert fault in err


def test_nothing_in_common(call, tmp_path):
    one = tmp_path / "a.json"
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
        str(one),
    )
    code, _, err = call("compare", str(one), "core:4", "--design", "shared")

    assert code == 2
    assert "nothing to compare" in err
