"""Spark gives the same rows as DuckDB: make spark."""

import glob
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hosts import EXAMPLES, ROOT

from rssbound.errors import InputError
from rssbound.fleet.columns import Asked
from rssbound.fleet.engines import embedded, spark
from rssbound.fleet.sources import parts_of

duckdb = pytest.importorskip("duckdb")
pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(
        importlib.util.find_spec("pyspark") is None,
        reason="pyspark is not installed: pip install 'rssbound[spark]'",
    ),
    pytest.mark.skipif(
        shutil.which("java") is None and "JAVA_HOME" not in os.environ,
        reason="no Java: apt-get install openjdk-17-jre-headless",
    ),
    pytest.mark.filterwarnings("ignore"),  # Spark's own warnings
]

MASTER = os.environ.get("RSSBOUND_SPARK_MASTER", "local-cluster[2,1,1024]")
ASKED = Asked(designs=("kernel", "percpu", "tree", "per-thread"), metrics=("rss", "oom"))

LINES = """{"name": "a", "possible": 64, "kernel": "6.12.117", "rss": 1073741824, "threshold": 1}
{"name": "b", "possible": "0-127", "online": "0-7", "nodes": 2, "kernel": "5.14.0-1.el9.x86_64"}
{"name": "c", "online": [0, 1, 5], "nested": {"x": [1, 2.50]}, "t": "2024-01-01"}
{bad
[1, 2]
"text"
{"name": "d", "possible": 4, "possible": 8}
{"name": "e", "possible": 8} {"name": "f"}
{"name": "e", "possible": 8}, {"name": "f"}
{"name": "g", "possible": 8}, "x": 1
{"name": "\\ud800", "possible": 8}
{}
{"name": "h", "possible": 1099511627776}
{"name": "i", "possible": 8, "rss": "300MiB"}
{"name": "j", "possible": 8, "rss": -1, "threshold": 1.5}
{"name": "k", "topology": {"kind": "rssbound.topology", "synthetic": "package:2 core:4"}}
{"name": "l", "kind": "rssbound.topology", "synthetic": "core:8 pu:2", "kernel": "6.1.3"}
{"name": "\u00fcn\u00ef", "possible": null, "online": null}
{"name": "m", "possible": 8, "threads": "many"}
"""

CSV = """name,possible,online,kernel,rss
a,64,32,6.12.1,1000000
short,8
"quoted, and
two lines",8,4,,
long,8,4,,x,more
longer,8,4,,x,"more, and
more",,"still ""more"
,,,,
"u""v",0-7,,vmlinux,
"""


@pytest.fixture(scope="module")
def session():
    """A cluster of two workers that all tests share."""
    from pyspark.sql import SparkSession

    started = (
        SparkSession.builder.master(MASTER)
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .getOrCreate()
    )
    yield started
    started.stop()


@pytest.fixture
def both(session, tmp_path):
    """Run both engines on a file; gives the rows of each, sorted, and what each counted."""

    def run_both(source, format_):
        ours, theirs = tmp_path / f"duckdb.{format_}", tmp_path / "spark"
        (tmp_path / "scratch").mkdir()
        scratch = str(tmp_path / "scratch")
        parts = parts_of([str(source)], scratch)
        counted = [
            embedded.run(parts, ASKED, str(ours), format_, scratch),
            spark.run(parts, ASKED, str(theirs), format_, None),
        ]
        found = [_read(ours, format_), _read(f"{theirs}/part-*", format_)]
        rows, names = zip(*found, strict=True)
        return rows, names, counted

    return run_both


def _read(path, format_):
    """Read the output of an engine: sorted rows, and the names of the columns."""
    if format_ == "ndjson":
        files = sorted(glob.glob(str(path)))
        lines = [line for file in files for line in Path(file).read_text("utf-8").splitlines()]
        return sorted(lines), None
    text = "all_varchar = true, header = true, delim = ',', quote = '\"'"
    reader = f"read_csv('{path}', {text})" if format_ == "csv" else f"read_parquet('{path}')"
    return sorted(map(repr, duckdb.sql(f"FROM {reader}").fetchall())), duckdb.sql(
        f"FROM {reader}"
    ).columns


def assert_same(found):
    (ours, theirs), (our_names, their_names), (counted, also_counted) = found

    assert our_names == their_names
    for one, other in zip(ours, theirs, strict=True):
        assert one == other
    assert counted == also_counted
    assert counted.rows == len(ours)


@pytest.mark.parametrize("format_", ["parquet", "csv", "ndjson"])
def test_a_generated_fleet_is_answered(both, tmp_path, format_):
    made = [
        sys.executable,
        str(ROOT / "examples/make_fleet.py"),
        "--rows",
        "2000",
        "--shapes",
        "60",
    ]
    file = tmp_path / "fleet.parquet"
    subprocess.run([*made, "-o", str(file)], check=True)

    assert_same(both(file, format_))


def test_lines_of_every_kind_are_answered(both, tmp_path):
    file = tmp_path / "fleet.ndjson"
    file.write_text(LINES.replace('many"}', 'many"}  '), encoding="utf-8")
    found = both(file, "ndjson")

    assert_same(found)
    assert found[2][0].failed == 14


@pytest.mark.parametrize("format_", ["csv", "ndjson"])
def test_a_csv_with_odd_rows(both, tmp_path, format_):
    file = tmp_path / "fleet.csv"
    file.write_text(CSV, encoding="utf-8")
    found = both(file, format_)

    assert_same(found)
    assert found[2][0].failed == 5


def test_described_machines(both, tmp_path):
    folder = tmp_path / "hosts"
    folder.mkdir()
    for path in EXAMPLES.glob("*.json"):
        shutil.copy(path, folder)

    assert_same(both(folder, "ndjson"))


@pytest.mark.parametrize(("name", "text"), [("fleet.ndjson", ""), ("fleet.csv", "possible\n")])
def test_a_file_without_rows(session, tmp_path, name, text):
    file, out = tmp_path / name, tmp_path / "out"
    file.write_text(text)
    parts = parts_of([str(file)], str(tmp_path))

    with pytest.raises(InputError, match=f"{name}: no rows in it"):
        embedded.run(parts, ASKED, str(out), "parquet", str(tmp_path))
    with pytest.raises(InputError, match=f"{name}: no rows in it"):
        spark.run(parts, ASKED, str(out), "parquet", None)
    assert not out.exists()


def test_lines_as_columns(session, tmp_path):
    """Column types differ by engine; the bounds and the number of rows are the same."""
    file = tmp_path / "fleet.ndjson"
    file.write_text(LINES, encoding="utf-8")
    parts = parts_of([str(file)], str(tmp_path))
    outputs = [tmp_path / "out.parquet", tmp_path / "out"]
    embedded.run(parts, ASKED, str(outputs[0]), "parquet", str(tmp_path))
    spark.run(parts, ASKED, str(outputs[1]), "parquet", None)
    chosen = (
        "name, possible, rss, t, design, tree_oom_under_pages, percpu_rss_over_bytes, worst_file"
    )
    ours, theirs = (
        sorted(
            map(
                repr,
                duckdb.sql(
                    f"SELECT {chosen} FROM read_parquet('{path}') WHERE name < 'd'"
                ).fetchall(),
            )
        )
        for path in (outputs[0], f"{outputs[1]}/part-*")
    )

    assert ours == theirs
    counts = [
        duckdb.sql(f"SELECT count(*) FROM read_parquet('{path}')").fetchall()
        for path in (outputs[0], f"{outputs[1]}/part-*")
    ]
    assert counts == [[(len(LINES.splitlines()),)]] * 2


def test_the_command_writes_a_folder_once(session, call, tmp_path):
    file, out = tmp_path / "fleet.ndjson", tmp_path / "out"
    file.write_text('{"possible": 8}\n')
    arguments = ("fleet", str(file), "--engine", "spark", "--format", "ndjson", "-o", str(out))

    assert call(*arguments)[0::2] == (0, "rssbound: 1 row, 1 distinct machine\n")
    (written,) = (json.loads(line) for part in out.glob("part-*") for line in part.open())
    assert written["percpu_rss_under_pages"] == 3 * 31 * 8
    code, _, err = call(*arguments)
    assert (code, err) == (2, f"rssbound: {out}: exists already; name a folder for Spark to make\n")


def test_a_summary(session, tmp_path):
    file = tmp_path / "fleet.ndjson"
    made = [sys.executable, str(ROOT / "examples/make_fleet.py"), "--rows", "500", "--shapes", "30"]
    subprocess.run([*made, "-o", str(file)], check=True)
    with file.open("a") as lines:
        lines.write('{bad\n{"possible": 8, "threshold": "x"}\n{"possible": 8}\n')
    parts = parts_of([str(file)], str(tmp_path))
    ours = embedded.summarise(parts, ASKED, str(tmp_path))
    theirs = spark.summarise(parts, ASKED, None)

    assert ours == theirs
    assert ours.outcome.failed == 2
    assert ours.quantiles[0].hosts == 500
