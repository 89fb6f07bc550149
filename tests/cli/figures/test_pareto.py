"""Shapes of the tree."""

import csv
import io
import json

from charts import chart, texts
from hosts import EPYC

from rssbound.cli.render.pictures.draw import draw


def test_the_kernels_shape_and_a_better_one():
    """docs/choosing.md: 8x8x8 by cpu >> k beats cpu mod 2^k where 128 ids are unused."""
    found = texts(draw(chart("pareto", metric="counter"), "svg"))

    assert "kernel: 8x8x8" in found
    assert "8x8x8 >>, batch 32" in found
    assert any(text.startswith("325 shapes fit, ") for text in found)


def test_shapes_fit_the_budget(call):
    arguments = ("plot", "pareto", "--topology", EPYC, "--metric", "counter", "--format", "json")
    present, given = (
        json.loads(call(*arguments, *more)[1])["rows"] for more in ((), ("--budget", "64MiB"))
    )

    assert max(row["bound_pages"] for row in present) == 40_576  # the kernel's, with batch 32
    assert [row["fan_ins"] for row in present if row["kernel"]] == ["8x8x8"]
    assert max(row["bound_pages"] for row in given) <= 64 << 8
    assert {row["batch"] for row in given if row["kernel"]} == {8}  # docs/choosing.md


def test_no_shape_beats_those_of_the_front(call):
    """Each shape is compared with each, from the printed numbers."""
    _, out, _ = call("plot", "pareto", "--topology", "core:20 pu:2", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    names = ("bound_pages", "sharers", "memory_bytes")
    figures = [(-int(row["pages_per_root"]), *(int(row[name]) for name in names)) for row in rows]

    def beaten(shape):
        return any(
            other != shape and all(a <= b for a, b in zip(other, shape, strict=True))
            for other in figures
        )

    assert len(rows) > 20
    assert [row["on_front"] == "1" for row in rows] == [not beaten(shape) for shape in figures]
