"""Bounds and rates over the batch."""

import re

import pytest
from charts import chart, texts
from hosts import EPYC

from rssbound.cli.render.pictures.draw import draw


def test_rates_are_labelled_with_their_design():
    found = texts(draw(chart("batch", threads=5), "svg"))

    assert {"trees, first level", "shared, per-node", "per-node, root"} <= set(found)
    assert found.count("percpu, dual-mode, lazy") == 2  # bound and rate
    assert {"tree, tree-centred, tree-", "symmetric, lazy-tree, root"} <= set(found)
    assert "batch 32" in found


@pytest.mark.parametrize("format_", ["plain", "markdown"])
def test_tables_for_people(call, format_):
    code, out, err = call(
        *("plot", "batch", "--topology", EPYC, "--metric", "counter", "--format", format_)
    )
    row = next(line for line in out.splitlines() if re.match(r"[>| *]*32\b", line))

    assert (code, err) == (0, "")
    assert "159 MiB" in row  # 40,576 pages of 4 KiB


def test_the_table_over_batches_has_rates(call):
    """A tree of 8 x 8 x 8 passes one in 64 slow paths on to the root, a binary tree one in 256."""
    arguments = ("plot", "batch", "--topology", EPYC, "--design", "tree", "--design", "tree-binary")
    _, out, _ = call(*arguments, "--format", "plain")
    lines = [line.removeprefix(">").split() for line in out.splitlines()]
    (row,) = (line for line in lines if line[:1] == ["32"])

    assert row[-2:] == ["2,048", "8,192"]
    assert "pages between updates of the root" in out
