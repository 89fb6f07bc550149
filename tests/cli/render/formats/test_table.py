"""Tables for the terminal: within its width, with and without colour."""

import pytest
from analyses import epyc
from hosts import EPYC

import rssbound
from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.reading.overview import overview_of
from rssbound.cli.render import Style
from rssbound.cli.render.formats.table import render_sheet
from rssbound.cli.render.results.analysis import render
from rssbound.cli.render.sheet import Column, Sheet, Table


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize(
    "host", [EPYC, "core:2 pu:1", pytest.param("core:1048576 pu:1", marks=pytest.mark.long)]
)
@pytest.mark.parametrize("explain", [False, True])
def test_the_table_fits_the_width(width, host, explain):
    analysis = analysis_of(rssbound.read(host), rssbound.Scenario(threads=100_000))
    text = render(
        [overview_of(analysis, with_spans=explain)], "table", Style(width=width, explain=explain)
    )

    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text  # nothing is cut; whole columns are left out
    for id_ in rssbound.bounds.DESIGNS:
        assert id_ in text


def test_text_that_does_not_fit_folds_and_the_first_column_stays_whole():
    names = ("memory.current", "memory.stat")
    places = ("one cgroup: " + "memory.current of it " * 4, "an item")
    columns = (Column("", "interface", names, 0, numeric=False),)
    columns += (Column("", "where", places, 0, numeric=False),)
    columns += (Column("", "too low", ("1,835,008", "2"), 0),)
    text = render_sheet(Sheet((), Table("", columns), (), ()), Style(width=50))

    assert max(map(len, text.splitlines())) <= 50
    assert "…" not in text
    assert "memory.current  one cgroup:" in text  # a row begins on one line
    for whole in (*names, "1,835,008"):
        assert whole in text
    assert " ".join(text.split()).count("of it") == 4


def test_colour_changes_nothing_but_colour():
    import re

    plain = render([overview_of(epyc())], "table", Style(color=False))
    colored = render([overview_of(epyc())], "table", Style(color=True))

    assert colored != plain
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()


def test_the_mark_of_a_row_is_in_the_first_column_also_before_numbers():
    table = Table("", (Column("", "batch", ("2", "1024")), Column("", "n", ("1", "2"))), marked=0)
    *_, heading, _, first, second = render_sheet(Sheet((), table), Style()).rstrip().splitlines()

    assert heading.startswith("  batch")
    assert first.startswith(">     2")
    assert second.startswith("   1024")


def test_column_names_with_commas_are_distinguished():
    left_out = [Column(name, "x", ("1" * 20,), rank=2) for name in ("one, pages", "worst, first")]
    table = Table("", (Column("", "a", ("1",)), *left_out))
    text = render_sheet(Sheet((), table), Style(width=30))

    assert "Left out to fit the width: one, pages; worst, first." in " ".join(text.split())


def test_the_figures_of_the_authors_are_left_out_before_kernels_and_the_oom_score():
    text = render([overview_of(epyc())], "table", Style(width=80))
    lines = [" ".join(line.split()) for line in text.splitlines()]

    assert any(
        line.startswith("design kernels too low too high too low too high") for line in lines
    )
    assert "published, pages" in " ".join(lines).partition("Left out to fit the width: ")[2]
