"""Bars in the terminal: proportional, within its width and character set."""

import pytest
from charts import HOSTS, KINDS, chart

from rssbound.cli.render import Style
from rssbound.cli.render.pictures.chart import render_chart


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("kind", KINDS)
def test_bars_fit_the_terminal_and_its_letters(kind, host):
    shown = chart(kind, host)
    for encoding in ("utf-8", "ascii", "latin-1"):
        text = render_chart(shown, "table", Style(width=80, encoding=encoding))

        assert max(map(len, text.splitlines())) <= 80, encoding
        text.encode(encoding)
        exact = host == "core:1" and kind == "pareto"
        assert (("█" if encoding == "utf-8" else "#") in text) is not exact, encoding


def test_bars_are_in_proportion():
    """levels: 11,904 and twice 14,336 pages, of 40,576; all bars have the same room."""
    text = render_chart(chart("levels", metric="counter"), "table", Style(encoding="ascii"))
    tree = text.partition("\ntree: ")[2].partition("\n\n")[0]
    lengths = [line.count("#") for line in tree.splitlines()[1:]]
    room = 80 - len("level 1") - len("-79.3 MiB") - 6
    shares = [11_904 / 40_576, 14_336 / 40_576, 14_336 / 40_576]

    assert len(lengths) == 3
    for length, share in zip(lengths, shares, strict=True):
        assert -1 / 16 <= length - share * room < 1 + 1 / 16  # to eighths, then whole ones


def test_a_nonzero_value_has_a_visible_bar():
    text = render_chart(chart("cpus"), "table", Style())
    for line in text.splitlines():
        if line.startswith("  ") and line.endswith("iB"):
            assert "█" in line or any(eighth in line for eighth in "▏▎▍▌▋▊▉"), line
