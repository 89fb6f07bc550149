"""Bounds over CPUs: exact and published lines, rows, bars."""

import csv
import io
import json
import re

from charts import chart, texts
from hosts import EPYC

from rssbound.cli.render.pictures.draw import draw


def test_a_missing_bound_is_named():
    svg = draw(chart("cpus", in_flight=1), "svg")

    assert "No bound: per-node." in texts(svg)
    assert "per-node" not in texts(svg)


def test_lines_that_are_the_same_share_a_label():
    assert "percpu, dual-mode, lazy" in texts(draw(chart("cpus", threads=2), "svg"))
    assert "percpu" in texts(draw(chart("cpus", threads=1), "svg"))


def test_published_bounds_are_shown_for_one_counter():
    dashes = re.compile(rb"stroke-dasharray: 4")
    counter, rss = (draw(chart("cpus", metric=metric), "svg") for metric in ("counter", "rss"))

    assert not dashes.search(rss)
    assert len(dashes.findall(counter)) == 7  # of 10 designs, three are exact with one thread
    assert "Dashed lines: the figures published by the authors of a design." in texts(counter)


def test_no_bound_is_a_bar_without_an_end():
    bars = chart("cpus", in_flight=1).groups[0].bars
    (per_node,) = (bar for bar in bars if bar.label == "per-node")

    assert (per_node.length, per_node.text) == (1.0, "no bound")
    assert all(bar.length <= 1.0 for bar in bars)


def test_rows_for_programs(call):
    arguments = ("plot", "cpus", "--topology", EPYC, "--metric", "counter")
    document = json.loads(call(*arguments, "--format", "json")[1])
    rows = list(csv.DictReader(io.StringIO(call(*arguments, "--format", "csv")[1])))

    assert (document["kind"], document["figure"]) == ("rssbound.plot", "cpus")
    assert [{key: str(value) for key, value in row.items()} for row in document["rows"]] == rows
    trees = [row for row in document["rows"] if (row["design"], row["cpus"]) == ("tree", 384)]
    assert {row["what"]: row["pages"] for row in trees} == {
        "exact": 40_576,
        "published": 49_152,  # 32 * 3 * 512
        "this machine": 40_576,
    }
    assert {row["bytes"] == row["pages"] * 4096 for row in trees} == {True}


def test_no_bound_is_a_row_too(call):
    arguments = ("plot", "cpus", "--topology", "core:4", "--in-flight", "1", "--design", "per-node")
    document = json.loads(call(*arguments, "--format", "json")[1])

    assert [(row["what"], row["pages"], row["bytes"]) for row in document["rows"]] == [
        ("this machine", None, None)
    ]


def test_a_published_line_without_an_exact_one_is_labelled():
    found = texts(draw(chart("cpus", metric="counter", side="over"), "svg"))

    assert {"tree, published", "tree-binary, published"} <= set(found)
    assert "percpu, published" not in found
