"""An analysis in every format."""

import csv
import io
import json
from pathlib import Path

import pytest
import schemas
from analyses import epyc
from hosts import EPYC

import rssbound
from rssbound.bounds.analysis import analysis_of
from rssbound.cli.render import FORMATS, Style
from rssbound.cli.render.results.analysis import render

GOLDEN = Path(__file__).parent / "golden"
ENDINGS = {"table": "txt", "plain": "txt", "json": "json", "csv": "csv", "markdown": "md"}


@pytest.mark.parametrize("explain", [False, True], ids=["short", "explain"])
@pytest.mark.parametrize("format_", FORMATS)
def test_golden_text(format_, explain, pytestconfig):
    """To accept new text: pytest --update-golden, then read the difference."""
    text = render(epyc(), format_, Style(explain=explain))
    golden = GOLDEN / f"{format_}{'-explain' if explain else ''}.{ENDINGS[format_]}"
    if pytestconfig.getoption("--update-golden"):
        golden.write_text(text, encoding="utf-8")

    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", ["host[rack3]", "cpu[/]", "[bold]x[/bold]", "a|b `c` *d* <e>"])
def test_the_name_of_a_host_is_data_not_markup(format_, name):
    cpus = rssbound.CpuSet.first(2)
    text = render(
        analysis_of(rssbound.Topology(cpus, cpus, cpus, name=name)), format_, Style(width=120)
    )

    assert name in text.replace("\\", "")


@pytest.mark.parametrize(
    "scenario", [{}, {"in_flight": 2}, {"threads": 64, "cpus": "possible"}, {"batch": 4096}]
)
@pytest.mark.parametrize("host", [EPYC, "core:1 pu:1", "pu:3", "4"])
def test_json_follows_its_schema(host, scenario):
    analysis = analysis_of(rssbound.read(host), rssbound.Scenario(**scenario))
    document = json.loads(render(analysis, "json", Style()))

    schemas.validate(document, "analysis-1")
    assert list(document) == [
        "kind",
        "format_version",
        "generator",
        "host",
        "scenario",
        "designs",
    ]


def test_json_says_null_where_there_is_no_bound():
    document = json.loads(render(epyc(in_flight=1), "json", Style()))
    per_node = next(design for design in document["designs"] if design["id"] == "per-node")

    assert per_node["rss"] == {"under": None, "over": None}


def test_json_levels_add_up_to_the_bound():
    document = json.loads(render(epyc(), "json", Style()))
    for design in document["designs"]:
        if design["id"] == "per-thread":  # its levels are named for each counter
            continue
        under = sum(level["items"] * level["high"] for level in design["levels"])
        over = -sum(level["items"] * level["low"] for level in design["levels"])
        assert design["counters"]["anon"] == {"under": under, "over": over}


def test_csv_has_a_row_for_every_design_and_counter():
    rows = list(csv.DictReader(io.StringIO(render(epyc(), "csv", Style()))))

    assert len(rows) == 12 * 6
    tree = [row for row in rows if row["design"] == "tree" and row["counter"] == "rss"]
    assert [(row["under_pages"], row["over_pages"]) for row in tree] == [("121728", "0")]


def test_the_running_kernels_design_is_marked():
    text = render(epyc(), "plain", Style())

    assert [line.split()[1] for line in text.splitlines() if line.startswith(">")] == ["percpu"]
    assert "With Linux 6.12.117, which uses percpu, this process's RSS can read up to" in text
