"""`rssbound fleet`: one row in, one row out, in order, for any content."""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import re
import shutil
import subprocess
import sys

import pytest
import schemas
from hosts import EXAMPLES, ROOT

from rssbound.fleet import sources

pytest.importorskip("duckdb")
import duckdb

ROWS = [
    {"name": "a", "possible": "0-63", "kernel": "6.12.117", "rss": 1 << 30, "threshold": 1 << 31},
    {"name": "b", "possible": "0-127", "online": "0-7", "kernel": "5.10.1", "threads": 40},
    {"name": "ünï", "possible": 4, "page_size": 65536},
]
BOUNDS = [f"percpu_rss_{side}_{unit}" for unit in ("pages", "bytes") for side in ("under", "over")]


def lines(rows):
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def parsed(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def fleet(call, tmp_path):
    """Write rows and run the command on them; give exit code, rows and standard error."""

    def run_fleet(text, *arguments, name="fleet.ndjson"):
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        code, out, err = call("fleet", str(file), "--format", "ndjson", *arguments)
        return code, parsed(out), err

    return run_fleet


def test_columns_are_kept_and_added(fleet):
    code, found, err = fleet(lines(ROWS))

    assert code == 0
    assert err == "rssbound: 3 rows, 3 distinct machines\n"
    for row, wanted in zip(found, ROWS, strict=True):
        assert {name: row[name] for name in wanted} == wanted
    assert list(found[0])[:6] == [*ROWS[0], "design"]
    assert [row["design"] for row in found] == ["percpu", "per-thread", None]
    assert list(found[0])[-3:] == ["worst_file", "decidable", "error"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_lists_among_texts_are_unchanged(call, tmp_path, ending):
    cpus = ["0-3", [0, 1, 5], 4, None, 'a "b", c']
    nodes = [{"0": "0-3"}, 2, None, "2", [0]]
    rows = [{"possible": one, "nodes": other} for one, other in zip(cpus, nodes, strict=True)]
    file, out = tmp_path / "fleet.ndjson", tmp_path / f"out.{ending}"
    file.write_text(lines(rows))
    assert call("fleet", str(file), "-o", str(out))[0] == 0
    reader = f"read_csv('{out}', all_varchar = true)" if ending == "csv" else f"'{out}'"
    found = duckdb.sql(f"SELECT possible, nodes FROM {reader}").fetchall()

    if ending == "csv":
        assert [row[0] for row in found] == ["0-3", "[0,1,5]", "4", None, 'a "b", c']
        assert [row[1] for row in found] == ['{"0":"0-3"}', "2", None, "2", "[0]"]
    else:
        assert [json.loads(row[0] or "null") for row in found] == cpus
        assert [json.loads(row[1] or "null") for row in found] == nodes


def test_out_of_memory_is_one_line(fleet, monkeypatch):
    from rssbound.fleet.engines import embedded

    monkeypatch.setattr(embedded, "MEMORY", "16MiB")
    code, found, err = fleet(lines(ROWS))

    assert (code, found, err.count("\n")) == (2, [], 1)
    assert err.startswith("rssbound: out of memory: a fleet needs up to 16MiB and some hundred MiB")


def test_bounds_are_those_of_analyze(fleet, call):
    """64 CPUs online: (128 - 1) * 64 pages of a counter, three counters."""
    _, (row, *_), _ = fleet(lines(ROWS))
    _, out, _ = call("analyze", "core:64", "--design", "percpu", "--format", "json")
    rss = json.loads(out)["designs"][0]["rss"]

    assert [row[name] for name in BOUNDS[:2]] == [rss["under"], rss["over"]] == [24384, 24384]
    assert [row[name] for name in BOUNDS[2:]] == [24384 * 4096] * 2


@pytest.mark.parametrize("metric", ["rss", "oom", "counter"])
def test_a_known_size_limits_the_missing_pages(fleet, call, metric):
    sizes = [0, 1, 4096, 5000, 1 << 20, 100_000_000, 1 << 40]
    text = lines({"possible": 64, "threads": 30, "rss": size} for size in sizes)
    designs = ("per-thread", "percpu", "tree", "per-node")
    chosen = [word for design in designs for word in ("--design", design)]
    _, found, _ = fleet(text, *chosen, "--metric", metric)
    for size, row in zip(sizes, found, strict=True):
        options = ("--threads", "30", "--rss", str(size), "--format", "json")
        _, out, _ = call("analyze", "core:64", *chosen, *options)
        for design in json.loads(out)["designs"]:
            prefix = f"{design['id']}_{metric}".replace("-", "_")
            unders = [counter["under"] for counter in design["counters"].values()]
            under = max(unders) if metric == "counter" else design[metric]["under"]
            assert row[f"{prefix}_under_pages"] == under, (size, prefix)
            assert row[f"{prefix}_under_bytes"] == (None if under is None else under * 4096)


@pytest.mark.parametrize(
    ("rss", "threshold", "decidable"),
    [
        (None, None, None),
        (1 << 30, None, None),
        (None, 24384 * 4096, True),  # a reading of 0 shows that it is not above
        (None, 24384 * 4096 - 1, False),
        (1 << 30, (1 << 30) - 24384 * 4096 - 1, True),  # the lowest reading is above
        (1 << 30, (1 << 30) - 24384 * 4096, False),
        (1 << 30, (1 << 30) + 24384 * 4096, True),  # the highest reading is at the threshold
        (1 << 30, (1 << 30) + 24384 * 4096 - 1, False),
        ((1 << 30) + 1, (1 << 30) + 24385 * 4096, True),  # its size is in whole pages
        ((1 << 30) + 1, (1 << 30) + 24385 * 4096 - 1, False),
        ((1 << 30) + 1, (1 << 30) - 24383 * 4096 - 1, True),
        ((1 << 30) + 1, (1 << 30) - 24383 * 4096, False),
        (1 << 62, 1 << 62, False),
    ],
)
def test_a_threshold_is_decidable_outside_the_bound(fleet, rss, threshold, decidable):
    row = {"possible": 64, "kernel": "6.12.117", "rss": rss, "threshold": threshold}
    _, (found,), _ = fleet(lines([row]))

    assert found["decidable"] is decidable


@pytest.mark.parametrize(
    ("kernel", "file"),
    [("6.12.1", "status"), ("6.12.117", "stat"), ("2.6.32", None), (None, None)],
)
def test_the_worst_file_is_the_one_that_is_off(fleet, kernel, file):
    _, (found,), _ = fleet(lines([{"possible": 8, "kernel": kernel}]))

    assert found["worst_file"] == file


BAD = [
    ("{bad", "column 2: not JSON"),
    ("[1, 2]", "not a JSON object"),
    ('"text"', "not a JSON object"),
    ('{"possible": 4, "possible": 8}', '"possible" appears twice'),
    ('{"possible": 1099511627776}', "at most 4194304"),
    ('{"possible": 1e400}', "possible"),
    ('{"possible": null, "online": null, "kernel": null}', "none of possible"),
    ('{"possible": [], "name": {}}', "no possible CPU"),
    ('{"possible": "0-3", "online": {"a": 1}}', "online"),
    ('{"possible": true}', "possible: 'true'"),
    ('{"possible": 8, "rss": "300MiB"}', "rss: 300MiB is not a whole number of bytes up to 2^62"),
    ('{"possible": 8, "rss": -1}', "rss: -1 is not a whole number"),
    ('{"possible": 8, "rss": 99999999999999999999}', "rss: 99999999999999999999 is not a whole"),
    ('{"possible": 8, "threshold": 1.5}', "threshold: 1.5 is not a whole number"),
    ('{"name": "\\ud800"}', "surrogate"),
    ("{}", "none of possible"),
]


def test_no_row_is_lost_and_each_says_what_is_wrong(fleet):
    good = '{"name": "good", "possible": 8}'
    text = "\n".join(f"{line}\n{good}" for line, _ in BAD)
    code, found, err = fleet(text)

    assert code == 0
    assert len(found) == 2 * len(BAD)
    for row, (line, fault) in zip(found[::2], BAD, strict=True):
        assert fault in row["error"], line
        assert all(row[name] is None for name in BOUNDS)
        if fault.startswith(("column", "not a JSON")):
            assert row["line"] == line
    assert all(row["error"] is None and row["percpu_rss_under_pages"] for row in found[1::2])
    assert f"{len(BAD)} rows with an error; the most frequent:" in err


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_no_row_is_lost_in_columns(tmp_path, call, form):
    file, out = tmp_path / "bad.ndjson", tmp_path / f"out.{form}"
    file.write_text("\n".join(line for line, _ in BAD))
    code, _, _ = call("fleet", str(file), "-o", str(out))
    rows = duckdb.sql(f"SELECT error, line FROM '{out}'").fetchall()

    assert code == 2  # no row has a bound
    assert len(rows) == len(BAD)
    for (error, line), (text, fault) in zip(rows, BAD, strict=True):
        assert fault in error
        assert line in {None, "", text}


CSV = """name,possible,online,kernel,name
a,64,32,6.12.1,again
short,8
"quoted, and
two lines",8,4,,
long,8,4,,x,more,still more
,,,,
"""


@pytest.mark.parametrize(
    "encode",
    [
        str.encode,
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace(",", ";").encode(),
        lambda text: text.replace(",", "\t").encode(),
    ],
    ids=["plain", "BOM", "CRLF", "UTF-16", "semicolons", "tabs"],
)
def test_a_csv_with_odd_rows(fleet, encode):
    code, found, _ = fleet(encode(CSV), name="fleet.csv")

    assert code == 0
    assert list(found[0])[:5] == ["name", "possible", "online", "kernel", "name_2"]
    assert [row["possible"] for row in found] == ["64", "8", "8", "8", None]
    errors = [row["error"] for row in found]
    assert errors[0] is errors[2] is None
    assert errors[1] == "fewer fields than the 5 of the header"
    assert errors[3] == "more fields than the 5 of the header"
    line = re.sub("[;\t]", ",", found[3]["line"])
    assert line == "long,8,4,,x,more,still more"
    assert errors[4].startswith("none of possible")
    assert found[2]["percpu_rss_under_pages"] == 3 * 31 * 4


LONG = 8 << 20


def filled(start, end, size):
    """Give a record of a given size in bytes."""
    return f"{start}{'x' * (size - len(f'{start}{end}'.encode()))}{end}"


@pytest.mark.parametrize(
    "packed", ["", *(pytest.param(packer, marks=pytest.mark.long) for packer in ("gz", "zst"))]
)
@pytest.mark.parametrize(
    ("form", "start", "end"),
    [
        ("csv", "", ",8"),
        ("csv", "ü", ",8"),
        ("csv", '"\n""\r\n', '",8'),
        ("csv", '"', '\n"'),
        ("ndjson", '{"possible":8,"name":"', '"}'),
    ],
    ids=["CSV", "UTF-8", "lines in quotes", "and no more", "NDJSON"],
)
def test_what_is_too_long_is_one_row_with_an_error(call, tmp_path, packed, form, start, end):
    """The longest accepted line, and one that is a byte longer, between others."""
    head, good = ["name,possible"], "b,4"
    if form == "ndjson":
        head, good = [], '{"name":"b","possible":4}'
    rows = [*head, good, filled(start, end, LONG), filled(start, end, LONG + 1), good]
    file = tmp_path / f"long.{form}{packed and '.'}{packed}"
    _pack(file, packed, "\n".join(rows).encode())
    code, out, err = call("fleet", str(file), "--format", "ndjson")
    first, longest, longer, last = parsed(out)

    assert code == 0, err
    assert (first["name"], last["name"]) == ("b", "b")
    assert len(longest["name"]) > LONG - 50
    assert longer["error"].endswith("has 8,388,609 bytes; at most 8,388,608 are read")
    assert longer["line"] == rows[-2][:200]


def test_a_row_of_too_many_fields_and_too_many_bytes(fleet):
    text = f"name,possible\n{filled('a,8,', '', LONG)}\n{filled('a,8,', ',9', 1 << 21)}\nb,4\n"
    code, (long, kept, last), _ = fleet(text, name="fleet.csv")

    assert (code, last["error"]) == (0, None)
    assert long["error"] == "row 1 has 8,388,608 bytes; at most 2,097,152 are read"
    assert len(kept["line"]) == 1 << 21


def test_a_quote_that_is_never_closed_takes_the_rest(fleet):
    rest = "".join(f"host-{number},8\n" for number in range(800_000))
    code, (first, last), _ = fleet(f'name,possible\na,8\n"{rest}', name="fleet.csv")

    assert (code, first["error"]) == (0, None)
    assert last["error"].startswith(f"row 2 has {len(rest):,} bytes")


def _pack(file, packed, data):
    pack = {"": bytes, "gz": gzip.compress, "zst": zstd_compressed}
    file.write_bytes(pack[packed](data))


def zstd_compressed(data):
    return pytest.importorskip(sources.ZSTD).compress(data)


COMPRESSIONS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
PACKERS = {**COMPRESSIONS, "zst": zstd_compressed}


@pytest.mark.parametrize("form", ["ndjson", "csv"])
@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
def test_compression_is_recognised_by_content(run, tmp_path, packer, form):
    """From standard input and from a file whose name says nothing."""
    file = tmp_path / "hosts"
    text = lines(ROWS) if form == "ndjson" else "name,possible,note\na,64,ü\nb,8,\nc,4,\n"
    file.write_bytes(packer(text.encode()))
    done = [
        run("fleet", str(file), "--format", "ndjson"),
        run("fleet", "-", "--format", "ndjson", stdin=file.read_bytes()),
    ]
    found = [[row["percpu_rss_under_pages"] for row in parsed(each.stdout)] for each in done]

    assert [each.returncode for each in done] == [0, 0]
    assert found[0] == found[1]
    assert len(found[0]) == 3
    assert all(found[0])


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
@pytest.mark.parametrize("command", [("fleet",), ("fleet", "--summary"), ("analyze", "--summary")])
def test_a_truncated_file_is_an_error(call, tmp_path, packer, command):
    """Wherever it is cut: no row is lost without a word."""
    rows = [f'{{"name": "{os.urandom(20).hex()}", "possible": 8}}\n' for _ in range(20_000)]
    whole = packer("".join(rows).encode())
    file = tmp_path / f"hosts.ndjson.{next(key for key in PACKERS if PACKERS[key] is packer)}"
    for size in (len(whole) // 10, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:size])
        code, out, err = call(*command, str(file))

        assert (code, out, err.count("\n")) == (2, "", 1)
        assert f"{file}: damaged: " in err


def test_zstd_without_its_package_is_one_line(call, tmp_path, monkeypatch):
    (tmp_path / "hosts.csv.zst").write_bytes(zstd_compressed(b"possible\n8\n"))
    monkeypatch.setattr(sources, "ZSTD", "no.such.module")
    code, out, err = call("fleet", str(tmp_path / "hosts.csv.zst"))

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "hosts.csv.zst: compressed with zstd; unpack it: zstd -d" in err


def test_bytes_that_are_no_text_are_shown(fleet):
    code, found, err = fleet(b"name,possible\n\xff,8\n", name="fleet.csv")

    assert (code, found[0]["name"], found[0]["error"]) == (0, "\\xff", None)
    assert "warning" in err


def test_an_empty_file_has_no_rows(fleet, tmp_path, call):
    assert fleet("")[:2] == (2, [])
    assert fleet("\r\n \n", name="fleet.csv")[:2] == (2, [])
    assert fleet("name,possible\n", name="header.csv")[:2] == (2, [])
    duckdb.sql(f"COPY (SELECT 8 AS possible WHERE FALSE) TO '{tmp_path}/no.parquet'")
    for command, ending in (
        ("fleet", "csv"),
        ("fleet --summary", "json"),
        ("plot fleet", "svg"),
        ("report", "html"),
    ):
        out = tmp_path / f"out.{ending}"
        code, _, err = call(*command.split(), str(tmp_path / "no.parquet"), "-o", str(out))
        assert (code, "no.parquet: no rows in it" in err) == (2, True), command
        assert not out.exists()
    (tmp_path / "full.ndjson").write_text(lines(ROWS))
    names = [str(tmp_path / name) for name in ("fleet.ndjson", "full.ndjson", "fleet.csv")]
    code, out, _ = call("fleet", *names)

    assert code == 0
    assert len(parsed(out)) == 3


def test_a_column_that_is_added_keeps_its_old_values_under_another_name(fleet):
    code, (found,), _ = fleet('{"error": "mine", "possible": 8, "Design": 1}\n')

    assert (code, found["error"], found["input_error"], found["input_Design"]) == (
        0,
        None,
        "mine",
        1,
    )


def test_the_output_is_an_input(call, tmp_path):
    first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
    (tmp_path / "fleet.ndjson").write_text(lines(ROWS))
    assert call("fleet", str(tmp_path / "fleet.ndjson"), "-o", str(first))[0] == 0
    assert call("fleet", str(first), "-o", str(second))[0] == 0
    again = duckdb.sql(f"SELECT tree_rss_under_pages, input_tree_rss_under_pages FROM '{second}'")

    assert all(one == other for one, other in again.fetchall())


def test_the_content_of_a_line_of_json_is_unchanged(call, tmp_path):
    file = tmp_path / "fleet.ndjson"
    line = (
        '{ "x":1.50, "big":123456789012345678901234567890,"t":"2024-01-01", "possible" : "0-3" } '
    )
    file.write_text(line)
    _, out, _ = call("fleet", str(file))

    assert out.startswith(line.rstrip(" }"))


@pytest.mark.parametrize(
    "name", ["fleet.ndjson.gz", "fleet.csv.gz", "fleet.jsonl", "fleet.parquet"]
)
def test_formats_give_the_same_bounds(call, tmp_path, name):
    plain = tmp_path / "rows.ndjson"
    plain.write_text(lines(ROWS[:2]))
    other = tmp_path / name
    if name.endswith("parquet"):
        duckdb.sql(f"COPY (FROM read_json('{plain}')) TO '{other}'")
    elif "csv" in name:
        with gzip.open(other, "wt") as file:
            writer = csv.DictWriter(file, {**ROWS[0], **ROWS[1]})
            writer.writeheader()
            writer.writerows(ROWS[:2])
    else:
        data = plain.read_bytes()
        other.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    _, expected, _ = call("fleet", str(plain), "--format", "ndjson")
    code, out, _ = call("fleet", str(other), "--format", "ndjson")
    added = [*BOUNDS, "kernel_rss_under_pages", "design", "worst_file", "decidable", "error"]

    assert code == 0
    for one, two in zip(parsed(expected), parsed(out), strict=True):
        assert {key: one[key] for key in added} == {key: two[key] for key in added}


def test_columns_of_other_types(call, tmp_path):
    """Like pandas: whole numbers as floating-point numbers, and NaN for a missing value."""
    file = tmp_path / "fleet.parquet"
    duckdb.sql(
        "COPY (SELECT 'a' AS name, 8.0::DOUBLE AS possible, 4::UTINYINT AS online, [0, 1] AS cpus, "
        "1048576.0::DOUBLE AS rss, 'nan'::DOUBLE AS threshold, DATE '2024-01-01' AS day UNION ALL "
        "SELECT 'b', NULL, NULL, NULL, NULL, NULL, NULL) TO "
        f"'{file}'"
    )
    (tmp_path / "fleet.csv").write_text("name,possible,rss\nc,8,1048576.0\n")
    code, out, _ = call("fleet", str(file), str(tmp_path / "fleet.csv"), "--format", "ndjson")
    one, two, three = parsed(out)

    assert code == 0
    assert (one["error"], one["tree_rss_under_pages"]) == (None, 256)
    assert two["error"].startswith("none of possible")
    assert (three["error"], three["tree_rss_under_pages"]) == (None, 256)


def test_standard_input_and_output(run):
    ran = run("fleet", "-", "--format", "csv", stdin=lines(ROWS).encode())
    rows = list(csv.DictReader(io.StringIO(ran.stdout.decode())))

    assert ran.returncode == 0
    assert [row["name"] for row in rows] == ["a", "b", "ünï"]
    assert rows[0]["percpu_rss_under_pages"] == "24384"


def test_a_machine_on_standard_input_is_named_after_it(run):
    readable = run("fleet", "-", stdin=b"CPU SOCKET\n  0      0\n  1      0\n")
    (machine,) = parsed(readable.stdout.decode())
    unknown = run("fleet", "-", stdin=b"\x00\x01\xff no machine")
    (row,) = parsed(unknown.stdout.decode())

    assert machine["source"] == "standard input"
    assert row["source"] == row["name"] == "standard input"
    assert row["error"].startswith("standard input: not recognised")


def test_a_glob_takes_files_in_order(call, tmp_path):
    for number in (3, 1, 2):
        (tmp_path / f"{number}.ndjson").write_text(lines([{"name": number, "possible": number}]))
    _, out, _ = call("fleet", str(tmp_path / "*.ndjson"))

    assert [row["name"] for row in parsed(out)] == [1, 2, 3]


def test_machines_described_in_files_are_rows(call, tmp_path):
    for path in EXAMPLES.glob("*.json"):
        shutil.copy(path, tmp_path)
    (tmp_path / "broken.json").write_text("{")
    code, out, _ = call("fleet", str(tmp_path))
    found = {os.path.basename(row["source"]): row for row in parsed(out)}

    assert code == 0
    assert len(found) == len(list(EXAMPLES.glob("*.json"))) + 1
    assert "not JSON" in found["broken.json"]["error"]
    epyc = found["epyc-9654-2p.json"]
    assert (epyc["name"], epyc["percpu_rss_under_pages"]) == ("2 x AMD EPYC 9654", 883584)


def test_captures_of_the_corpus_are_rows(call, corpus):
    captures = sorted((corpus / "sysfs").glob("*.tar.xz"))[:4]
    code, out, _ = call("fleet", *map(str, captures))

    assert code == 0
    assert [row["source"] for row in parsed(out)] == list(map(str, captures))
    assert all(row["error"] is None for row in parsed(out))


def test_a_machine_too_large_for_a_tree_has_its_other_bounds(fleet):
    """The kernel code of the tree supports at most 2^20 CPU ids; percpu has no such limit."""
    text = lines([{"possible": 1 << 21, "kernel": "6.1.1", "threads": 2}, {"possible": 8}])
    _, (large, small), err = fleet(text)

    assert large["percpu_rss_under_pages"] == 3 * (1 << 21) * (2 * (1 << 21) - 1)
    assert (large["design"], large["worst_file"]) == ("per-thread", "status")
    assert all(value is None for name, value in large.items() if name.startswith("tree_"))
    assert large["error"].startswith("tree: the tree designs count at most 1048576 CPU ids")
    assert small["error"] is None
    assert "1 row with an error" in err


def test_a_machine_too_large_for_a_tree_is_not_in_the_figures_of_trees(call, tmp_path):
    text = lines([{"possible": 1 << 21}, {"possible": 8}])
    (tmp_path / "fleet.ndjson").write_text(text)
    _, out, _ = call("fleet", str(tmp_path / "fleet.ndjson"), "--summary", "--format", "json")
    found = json.loads(out)
    hosts = {each["design"]: each["hosts"] for each in found["bounds"]}

    assert hosts == {"percpu": 2, "tree": 1}


def test_strict_fails_after_all_rows_are_written(fleet):
    text = lines([{"possible": 8}]) + "{bad\n" + lines([{"possible": 8}])

    assert fleet(text)[0] == 0
    code, found, _ = fleet(text, "--strict")
    assert (code, len(found)) == (1, 3)
    assert fleet(lines(ROWS), "--strict")[0] == 0


def test_errors_are_listed_in_one_order(fleet):
    text = lines({"possible": f"x{number % 7}"} for number in range(70)) + lines(ROWS)
    errs = {fleet(text)[2] for _ in range(5)}

    assert len(errs) == 1
    assert [f"'x{number}'" in line for number, line in enumerate(errs.pop().splitlines()[2:])] == [
        True
    ] * 5


def test_rows_keep_their_order(call, tmp_path):
    file, out = tmp_path / "fleet.parquet", tmp_path / "out.parquet"
    duckdb.sql(
        "COPY (SELECT i AS name, 1 + i * 7919 % 97 AS possible, i * 4096 AS rss, "
        f"repeat('x', (i % 50)::INT) AS other FROM range(400000) t(i)) TO '{file}'"
    )
    code, _, err = call("fleet", str(file), "-o", str(out))
    out_of_order = duckdb.sql(
        "SELECT count(*) FROM (SELECT name, file_row_number AS n FROM "
        f"read_parquet('{out}', file_row_number = true)) WHERE name <> n"
    ).fetchall()

    assert (code, err) == (0, "rssbound: 400,000 rows, 97 distinct machines\n")
    assert out_of_order == [(0,)]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["no-such-file"], "no-such-file: no such file or folder"),
        (["-", "-"], "can be read only once"),
        (["pyproject.toml", "--design", "perpcu"], "perpcu"),
        (["pyproject.toml", "-o", "out.xls"], "use the extension .ndjson, .csv or .parquet"),
        (["pyproject.toml", "--format", "table"], "table is for --summary"),
        (["pyproject.toml", "--summary", "--format", "parquet"], "parquet is for rows; a summary"),
        (["pyproject.toml", "--summary", "--format", "ndjson"], "ndjson is for rows; a summary"),
    ],
)
def test_misuse_is_one_line(call, monkeypatch, arguments, fault):
    monkeypatch.chdir(ROOT)
    code, out, err = call("fleet", *arguments)

    assert (code, out) == (2, "")
    assert fault in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("a.parquet", b"no parquet", "not Parquet"),
        ("a.parquet", b"PAR1 and no more", "a.parquet"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00damaged", "damaged"),
        ("a.txt", b'[{"possible": 8}]', "give one object per line"),
    ],
)
def test_a_file_whose_content_does_not_fit_its_name(call, tmp_path, name, data, fault):
    (tmp_path / name).write_bytes(data)
    code, _, err = call("fleet", str(tmp_path / name))

    assert code == 2
    assert fault in err
    assert err.count("\n") == 1


def test_a_generated_fleet_is_reproducible(tmp_path):
    for name in ("one.ndjson", "two.ndjson", "other.ndjson"):
        seed = "3" if name == "other.ndjson" else "2"
        made = [sys.executable, ROOT / "examples/make_fleet.py", "--rows", "50", "--seed", seed]
        subprocess.run([*made, "-o", tmp_path / name], check=True)
    one, two, other = (
        (tmp_path / f"{name}.ndjson").read_text() for name in ("one", "two", "other")
    )

    assert one == two != other


def test_a_generated_fleet_needs_duckdb_only_for_parquet(tmp_path):
    without = [sys.executable, "-I", "-S", ROOT / "examples/make_fleet.py", "--rows", "5", "-o"]
    csv = subprocess.run([*without, tmp_path / "a.csv"], capture_output=True, check=False)
    parquet = subprocess.run([*without, tmp_path / "a.parquet"], capture_output=True, check=False)

    assert (csv.returncode, csv.stderr) == (0, b"")
    assert (parquet.returncode, parquet.stderr.count(b"\n")) == (1, 1)
    assert b"a.parquet: Parquet needs the package duckdb" in parquet.stderr


def test_a_generated_fleet_has_no_errors(call, tmp_path):
    made = [sys.executable, str(ROOT / "examples/make_fleet.py"), "--rows", "3000"]
    for name in ("fleet.ndjson", "fleet.csv", "fleet.parquet"):
        subprocess.run([*made, "-o", str(tmp_path / name)], check=True)
        code, _, err = call(
            "fleet", str(tmp_path / name), "--strict", "-o", str(tmp_path / "out.csv")
        )
        assert (code, err) == (0, "rssbound: 3,000 rows, 100 distinct machines\n")


MADE = [
    {"name": f"h{i}", "possible": 1 + i % 7, "kernel": ["6.12.1", "3.10.1", None][i % 3], "n": i}
    for i in range(101)
]


def at_most(values, per_cent):
    """Give the smallest value that a percentage of values do not exceed; None without values."""
    known = sorted(value for value in values if value is not None)
    return known[max(0, -(-per_cent * len(known) // 100) - 1)] if known else None


def test_a_summary_counts_the_rows(fleet, call, tmp_path):
    designs = ("kernel", "percpu", "per-thread")
    chosen = [word for design in designs for word in ("--design", design)]
    bad = '{"name": "bad"}\n'
    rows = [{**row, "threshold": 1 << 20 if row["n"] % 2 else 1} for row in MADE]
    _, found, _ = fleet(lines(rows) + bad, *chosen)
    code, out, _ = call(
        *("fleet", str(tmp_path / "fleet.ndjson"), *chosen, "--summary", "--format", "json")
    )
    summary = json.loads(out)
    schemas.validate(summary, "fleet-1")
    good = [row for row in found if row["error"] is None]

    assert (code, summary["rows"], summary["distinct_machines"]) == (0, 102, 21)
    assert [each["rows"] for each in summary["errors"]] == [1]
    assert len(summary["bounds"]) == 3 * 3
    for each in summary["bounds"]:
        prefix = f"{each['design']}_rss".replace("-", "_")
        of = [
            row
            for row in good
            if (row["kernel"] or "").startswith(f"{each['series']}.")
            or (each["series"] is None and (row["kernel"] or each["design"] != "kernel"))
        ]
        assert each["hosts"] == len(of)
        for side in ("under", "over"):
            values = [row[f"{prefix}_{side}_bytes"] for row in of]
            for name, value in each[f"{side}_bytes"].items():
                assert value == at_most(values, int(name.removeprefix("p")))
    decided = [row["decidable"] for row in found]
    assert summary["decidable"] == {"yes": decided.count(True), "no": decided.count(False)}
    assert decided.count(True) > 0 < decided.count(False)
    known = [row for row in good if row["design"]]
    widest = max(max(row["kernel_rss_under_bytes"], row["kernel_rss_over_bytes"]) for row in known)
    assert summary["widest"][0]["under_bytes"] == widest


@pytest.mark.parametrize("format_", ["table", "plain", "csv", "markdown"])
def test_a_summary_in_every_format(call, tmp_path, format_):
    (tmp_path / "fleet.ndjson").write_text(lines(MADE))
    code, out, _ = call("fleet", str(tmp_path / "fleet.ndjson"), "--summary", "--format", format_)

    assert code == 0
    assert "3.10" in out


def test_a_bound_that_is_none_is_the_widest(call, tmp_path):
    """per-node has no bound once an update is stopped half-way."""
    (tmp_path / "fleet.ndjson").write_text(lines(MADE[:5]))
    file = str(tmp_path / "fleet.ndjson")
    code, out, _ = call(
        *(
            "fleet",
            file,
            "--design",
            "per-node",
            "--in-flight",
            "2",
            "--summary",
            "--format",
            "json",
        )
    )
    summary = json.loads(out)
    schemas.validate(summary, "fleet-1")

    assert code == 0
    assert summary["bounds"][0]["without_bound"] == {"under": 5, "over": 5}
    assert summary["widest"][0]["under_bytes"] is None


def test_a_summary_of_nothing(call, tmp_path):
    (tmp_path / "fleet.ndjson").write_text("")
    file = tmp_path / "fleet.ndjson"
    for text, fault in (("", "empty; no rows to read"), ('{"name": "a"}\n', "no row has a bound")):
        file.write_text(text)
        code, out, err = call("fleet", str(file), "--summary")

        assert (code, out) == (2, "")
        assert fault in err


@pytest.mark.parametrize("encode", [str.encode, lambda text: gzip.compress(text.encode())])
def test_a_file_without_a_column_of_the_machine_is_an_error(call, tmp_path, encode):
    known, unknown = tmp_path / "known.csv", tmp_path / "unknown.csv"
    known.write_text("possible\n0-3\n")
    unknown.write_bytes(encode("a,threads\n1,2\n"))
    code, out, err = call("fleet", str(known), str(unknown))

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{unknown}: no column describes the machine; name one possible, present" in err


def test_a_parquet_without_a_column_of_the_machine_is_an_error(call, tmp_path):
    file = tmp_path / "unknown.parquet"
    duckdb.sql("SELECT 1 AS a").write_parquet(str(file))
    code, out, err = call("fleet", str(file), "--format", "ndjson")

    assert (code, out) == (2, "")
    assert f"{file}: no column describes the machine" in err


def test_a_table_of_one_column_is_a_table(call, run, tmp_path):
    file = tmp_path / "hosts.csv"
    file.write_text("possible\n0-3\n0-7\n")
    code, out, _ = call("analyze", str(file), "--format", "json")
    ran = run("fleet", "-", "--format", "ndjson", stdin=file.read_bytes())

    assert code == 0
    assert [each["host"]["nr_cpu_ids"] for each in json.loads(out)["analyses"]] == [4, 8]
    assert [row["possible"] for row in parsed(ran.stdout.decode())] == ["0-3", "0-7"]


def test_a_table_is_not_one_machine(call, run, table):
    code, _, err = call("interfaces", "--topology", table)
    ran = run("analyze", "-", stdin=b"name,possible\na,0-3\n")

    message = f"rssbound: {table}: a table of machines; interfaces takes one machine\n"
    assert (code, err) == (2, message)
    assert (ran.returncode, b"a table of machines, not one machine" in ran.stderr) == (2, True)


@pytest.mark.parametrize("command", ["fleet", "analyze"])
def test_the_output_does_not_replace_an_input(call, table, command):
    with open(table, encoding="utf-8") as file:
        before = file.read()
    code, _, err = call(command, table, "-o", table)

    assert (code, err.count("\n")) == (2, 1)
    assert f"-o {table} is an input; write to another file" in err
    with open(table, encoding="utf-8") as file:
        assert file.read() == before


def test_a_file_of_a_folder_or_pattern_is_an_input_too(call, tmp_path, table):
    for source in (str(tmp_path), str(tmp_path / "*.csv")):
        code, _, err = call("fleet", source, "-o", table)
        assert (code, "is an input" in err) == (2, True)


@pytest.mark.parametrize("form", ["csv", "parquet", "ndjson"])
def test_an_output_that_cannot_be_written_is_named(call, tmp_path, table, form):
    outputs = {
        "/dev/full": "No space left on device",
        str(tmp_path / "none/a.csv"): "No such file or directory",
    }
    for output, fault in outputs.items():
        code, _, err = call("fleet", table, "--format", form, "-o", output)
        assert (code, err) == (2, f"rssbound: {output}: {fault}\n")


@pytest.fixture
def table(tmp_path):
    """A table of two distinct machines in three rows."""
    file = tmp_path / "hosts.csv"
    file.write_text("name,possible,threads\na,64,1\nb,128,2\nc,64,3\n")
    return str(file)


def test_analyze_takes_the_distinct_machines_of_a_table(call, table):
    _, out, _ = call("analyze", table, "--format", "json")
    _, alone, _ = call("analyze", "core:128 pu:1", "--format", "json")
    first, second = json.loads(out)["analyses"]

    assert [each["host"]["name"] for each in (first, second)] == ["a and 1 more", "b"]
    bounds = {each["id"]: each["rss"] for each in second["designs"] if each["id"] != "tree-aligned"}
    expected = {each["id"]: each["rss"] for each in json.loads(alone)["designs"]}
    assert bounds == {id_: expected[id_] for id_ in bounds}


def test_choose_takes_all_machines_of_a_table(call, table):
    _, out, _ = call("choose", table, "--budget", "16MiB", "--format", "json")
    _, alone, _ = call("choose", "core:128 pu:1", "--budget", "16MiB", "--format", "json")

    assert json.loads(out)["batch"] == json.loads(alone)["batch"]
    assert json.loads(out)["hosts"] == ["a and 1 more", "b"]


def test_check_takes_all_machines_of_a_table(call, table, tmp_path):
    limit = ("--limit", "percpu.rss.under <= 200MiB", "--format", "json")
    code, out, _ = call("check", table, *limit)

    assert code == 1  # 128 CPUs: 383 MiB; 64: 95 MiB
    assert "b" in out


def test_a_table_with_an_error_is_an_error_for_other_commands(call, tmp_path):
    file = tmp_path / "hosts.ndjson"
    file.write_text('{"name": "a", "possible": 8}\n{bad\n{"name": "c", "possible": "x"}\n')
    code, out, err = call("analyze", str(file))

    assert (code, out) == (2, "")
    assert f"{file}: row 2: column 2: not JSON" in err
    assert f"{file}: c: possible: 'x' is not a CPU list" in err


def test_a_csv_of_lscpu_is_one_machine(call, tmp_path):
    file = tmp_path / "lscpu.csv"
    file.write_text("# CPU,Core,Socket,Node\n0,0,0,0\n1,1,0,0\n")
    code, out, _ = call("analyze", str(file), "--format", "json")

    assert (code, json.loads(out)["host"]["nr_cpu_ids"]) == (0, 2)


@pytest.mark.parametrize(
    ("option", "value", "fault"),
    [
        ("--batch", "3", "batch: 3; must be a power of two above 1, such as 32"),
        ("--threads", "0", "threads: 0; must be 1 to 4,194,304 (PID_MAX_LIMIT)"),
        ("--page-size", "5000", "page_size: 5000; must be a power of two in bytes"),
    ],
)
@pytest.mark.parametrize("summary", [(), ("--summary",)])
def test_a_number_that_no_machine_accepts_is_an_error_before_any_row(
    call, tmp_path, option, value, fault, summary
):
    (tmp_path / "fleet.csv").write_text("name,online\na,0-3\nb,0-7\n")
    code, out, err = call("fleet", str(tmp_path / "fleet.csv"), option, value, *summary)

    assert (code, out) == (2, "")
    assert err.startswith(f"rssbound: {fault}")
    assert err.count("\n") == 1


def test_a_window_that_only_large_pages_allow_is_judged_row_by_row(fleet):
    rows = [{"possible": 4, "page_size": size} for size in (4096, 65536)]
    code, found, _ = fleet(lines(rows), "--fault-around-bytes", "64MiB")

    assert code == 0
    assert found[0]["error"].startswith("fault_around_bytes: 67108864; the kernel accepts at most")
    assert found[1]["percpu_rss_under_pages"] is not None
