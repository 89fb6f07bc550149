"""An analysis in every format."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import schemas
from analyses import epyc
from hosts import EPYC

import rssbound
from rssbound.bounds.analysis import analysis_of
from rssbound.bounds.reading.overview import overview_of
from rssbound.cli.render import FORMATS, Style
from rssbound.cli.render.results.analysis import render

GOLDEN = Path(__file__).parent / "golden"
ENDINGS = {"table": "txt", "plain": "txt", "json": "json", "csv": "csv", "markdown": "md"}


@pytest.mark.parametrize("explain", [False, True], ids=["short", "explain"])
@pytest.mark.parametrize("format_", FORMATS)
def test_golden_text(format_, explain, pytestconfig):
    """To accept new text: pytest --update-golden, then read the difference."""
    text = render([overview_of(epyc(), with_spans=explain)], format_, Style(explain=explain))
    golden = GOLDEN / f"{format_}{'-explain' if explain else ''}.{ENDINGS[format_]}"
    if pytestconfig.getoption("--update-golden"):
        golden.write_text(text, encoding="utf-8")

    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", ["host[rack3]", "cpu[/]", "[bold]x[/bold]", "a|b `c` *d* <e>"])
def test_the_name_of_a_host_is_data_not_markup(format_, name):
    cpus = rssbound.CpuSet.first(2)
    text = render(
        [overview_of(analysis_of(rssbound.Topology(cpus, cpus, cpus, name=name)))],
        format_,
        Style(width=120),
    )

    assert name in text.replace("\\", "")


@pytest.mark.parametrize(
    "scenario", [{}, {"in_flight": 2}, {"threads": 64, "cpus": "possible"}, {"batch": 4096}]
)
@pytest.mark.parametrize("host", [EPYC, "core:1 pu:1", "pu:3", "4"])
def test_json_follows_its_schema(host, scenario):
    analysis = analysis_of(rssbound.read(host), rssbound.Scenario(**scenario))
    document = json.loads(render([overview_of(analysis)], "json", Style()))

    schemas.validate(document, "analysis-1")
    assert list(document) == [
        "kind",
        "format_version",
        "generator",
        "host",
        "scenario",
        "design",
        "design_guess",
        "files",
        "designs",
    ]


def test_json_has_null_for_no_bound():
    document = json.loads(render([overview_of(epyc(in_flight=1))], "json", Style()))
    per_node = next(design for design in document["designs"] if design["id"] == "per-node")

    assert per_node["rss"] == {"under": None, "over": None}


def test_json_levels_add_up_to_the_bound():
    document = json.loads(render([overview_of(epyc())], "json", Style()))
    for design in document["designs"]:
        if design["id"] == "per-thread":  # its levels are named by counter
            continue
        under = sum(level["items"] * level["high"] for level in design["levels"])
        over = -sum(level["items"] * level["low"] for level in design["levels"])
        assert design["counters"]["anon"] == {"under": under, "over": over}


def test_csv_has_a_row_for_every_design_and_counter():
    rows = list(csv.DictReader(io.StringIO(render([overview_of(epyc())], "csv", Style()))))

    assert len(rows) == 12 * 6 + 4
    tree = [row for row in rows if row["design"] == "tree" and row["counter"] == "rss"]
    assert [(row["under_pages"], row["over_pages"]) for row in tree] == [("121728", "0")]


def test_the_running_kernels_design_is_marked():
    text = render([overview_of(epyc())], "plain", Style())

    assert [line.split()[1] for line in text.splitlines() if line.startswith(">")] == ["percpu"]
    assert "Linux 6.12.117 uses percpu: stat: up to 3.38 GiB" in text


def test_files_have_rows_and_a_verdict_of_their_own():
    """Three counters with 767 pages on each of 384 CPUs, in files that do not add up the slots."""
    rows = list(csv.DictReader(io.StringIO(render([overview_of(epyc())], "csv", Style()))))
    files = {row["counter"]: row for row in rows if row["reads"]}
    document = json.loads(render([overview_of(epyc())], "json", Style()))

    assert list(files) == list(document["files"]) == ["status", "statm", "stat", "maxrss"]
    assert (files["stat"]["under_pages"], files["statm"]["under_pages"]) == ("883584", "0")
    assert document["files"]["stat"]["under"] == 883_584
    assert document["files"]["maxrss"]["under"] is None  # a peak has no bound below
    assert (files["maxrss"]["under_pages"], files["maxrss"]["over_pages"]) == ("inf", "883584")
    assert {row["kernel_design"] for row in rows} == {document["design"]} == {"percpu"}
    assert document["design_guess"] is False


def test_a_restricted_process_has_the_bound_of_all_updaters_and_of_its_own():
    """31 pages on each of 16 CPUs, or of 2, in three counters; only threads use their slots."""
    host = replace(rssbound.read("core:16"), kernel="6.12.117")
    analysis = analysis_of(host, rssbound.Scenario(cpus=rssbound.CpuSet.first(2)))
    document = json.loads(render([overview_of(analysis)], "json", Style()))
    found = {design["id"]: design for design in document["designs"]}
    text = render([overview_of(analysis)], "plain", Style())

    assert document["scenario"]["updaters"] == "all"
    assert found["percpu"]["rss"]["under"] == 3 * 31 * 16
    assert found["percpu"]["own_updates"]["rss"]["under"] == 3 * 31 * 2
    assert found["per-thread"]["own_updates"]["rss"] == found["per-thread"]["rss"]
    assert "stat: up to 5.82 MiB (1,488 pages) too low or too high; ru_maxrss: any amount" in text
    assert "While nothing else updates the process" in text
    assert "up to 744 KiB (186 pages) too low or too high" in text


def test_the_verdict_alone():
    text = render([overview_of(epyc())], "plain", Style(brief=True))

    assert text == (
        "Linux 6.12.117 uses percpu: stat: up to 3.38 GiB (883,584 pages) too low or too "
        "high; ru_maxrss: any amount too low, up to 3.38 GiB (883,584 pages) too high; status "
        "(ps), statm (top): exact.\n"
    )


def test_verdicts_of_several_machines_name_them():
    text = render([overview_of(epyc()), overview_of(epyc())], "plain", Style(brief=True))
    alone = render([overview_of(epyc())], "plain", Style(brief=True))
    machine, verdict = text.split("\n\n")[0].splitlines()

    assert "384 CPUs" in machine
    assert f"{verdict}\n" == alone


def test_a_short_terminal_shows_the_kernels_design_and_its_neighbours():
    text = render([overview_of(epyc())], "table", Style(height=24))
    rows = [line.split()[0] for line in text.splitlines() if " MiB  " in line or "> percpu" in line]

    assert "> percpu" in text
    assert rows == ["per-thread", ">", "per-node"]
    assert (
        "Left out to fit the height: design shared, tree-binary, tree, tree-centred,"
        in " ".join(text.split())
    )
