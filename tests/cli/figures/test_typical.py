"""Typical errors as histograms."""

import re

from charts import chart, texts

from rssbound.cli.render import Style
from rssbound.cli.render.pictures.chart import render_chart
from rssbound.cli.render.pictures.draw import draw


def test_bars_of_probability_add_up_to_one():
    text = render_chart(chart("typical"), "table", Style())
    for group in text.partition("\n\n")[2].split("\n\n"):
        shares = [float(share) for share in re.findall(r" ([\d.]+)%$", group, re.MULTILINE)]
        if shares:
            assert 5 <= len(shares) <= 12
            assert 99.9 < sum(shares) < 100.1


def test_histograms_are_labelled_with_their_workload():
    found = texts(draw(chart("typical", threads=5), "svg"))

    assert found.count("growth, churn, hop") == 4  # the trees
    assert {"growth", "churn", "hop", "growth, churn"} <= set(found)
    assert "half 79.3 MiB" in found  # of the tree, docs/theory.md
    assert "99% 95.2 MiB" in found
